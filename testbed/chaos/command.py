"""`python -m testbed chaos`: each case is a whole migration on a control plane of its own.

Under test is not only that it ends, but how: every pod moved once, no budget broken, one node pool
created and one deleted, all pods Ready on it.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from testbed.aks.process import AksServer
from testbed.audit import WRITES, AuditLog
from testbed.chaos.cases import CASES, Case
from testbed.chaos.operators import SupervisedOperator, leader
from testbed.control_plane import ControlPlane, say
from testbed.demo.command import ROOT, install
from testbed.fill.command import apply, fill
from testbed.fill.nodes import pool_nodes
from testbed.fill.workloads import uniform
from testbed.kubectl import kubectl
from testbed.observer import PodObserver

PAGE = ROOT / "docs" / "chaos.md"
NODES = 3
PODS = 30
MOVING = 4
"""Evictions after which the disturbance begins."""
PATIENCE = 420.0
AFTER_SECONDS = 20.0
"""For which a leader that was woken is watched."""


@dataclass
class Result:
    """How a case ended; `wrong` is empty where it ended right."""

    case: Case
    seconds: float = 0.0
    evictions: int = 0
    refused: int = 0
    restarts: int = 0
    wrong: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = commands.add_parser("chaos", help="migrate while things fail")
    names = [case.name for case in CASES]
    parser.add_argument("case", nargs="*", help=f"of {', '.join(names)}; all by default")
    parser.add_argument("--write", action="store_true", help="write docs/chaos.md")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    chosen = [case for case in CASES if not arguments.case or case.name in arguments.case]
    results = []
    for case in chosen:
        say(f"{case.name}: {case.about} …")
        results.append(run_case(case))
        say(f"  {'; '.join(results[-1].wrong) or 'ended right'}, {results[-1].seconds:.0f} s")
    print(table(results))
    if arguments.write:
        PAGE.write_text(page(results))
    return int(any(result.wrong for result in results))


def run_case(case: Case) -> Result:
    """A migration during which the case happens."""
    with tempfile.TemporaryDirectory(prefix="azlm-chaos-") as directory, ExitStack() as stack:
        plane = ControlPlane.start(Path(directory) / "plane")
        stack.callback(plane.stop)
        stage = _Stage(plane, Path(directory), case, stack)
        stage.go()
        return stage.result


class _Stage:
    """One case: the cluster, its operators, and what is seen of them."""

    def __init__(self, plane: ControlPlane, scratch: Path, case: Case, stack: ExitStack) -> None:
        self._plane, self._case = plane, case
        self.result = Result(case)
        install(plane.kubeconfig)
        apply(plane.kubeconfig, pool_nodes("system", 1, os_sku="AzureLinux", mode="System"))
        fill(plane.kubeconfig, uniform(NODES, PODS // NODES, 1), pool="workers", nodes=NODES)
        self._source = {item["metadata"]["name"] for item in pool_nodes("workers", NODES)}
        fast = ("--boot-seconds=2", "--delete-seconds=1")
        self._aks = stack.enter_context(AksServer(plane.kubeconfig, *fast))
        self._audit = AuditLog(plane.audit_log)
        self._audit.mark()
        accounts = ("azlm", "azlm-second")[: case.operators]
        self.operators = [
            stack.enter_context(SupervisedOperator(plane, self._aks.url, scratch, account))
            for account in accounts
        ]
        self._observer = self._watch()

    def go(self) -> None:
        """The whole case."""
        if self._case.throughout is not None:
            self._case.throughout(self)
        leader(self._plane)
        began = time.monotonic()
        kubectl(self._plane.kubeconfig, "apply", "-f", "-", stdin=json.dumps(_migration()))
        self._until("pods move", lambda: self._granted() >= MOVING)
        self._case.disturb(self)
        self._until("the migration succeeds", self._succeeded)
        self.result.seconds = time.monotonic() - began
        self._see()
        self._judge()

    # What a case does

    def restart(self, name: str, down: float) -> None:
        """Kill a process of the control plane; start it again after `down` seconds."""
        self._see()
        start = self._plane.kill(name)
        time.sleep(down)
        start()
        self._observer = self._watch()

    def leading(self) -> SupervisedOperator:
        """The operator that holds the Lease."""
        holder = leader(self._plane).rpartition("-")[0]
        return next(o for o in self.operators if o.user.rpartition(":")[2] == holder)

    def silent(self, operator: SupervisedOperator, since: float) -> None:
        """Note whether an operator has changed anything after `since`, but for the Lease."""
        time.sleep(AFTER_SECONDS)
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(since))
        writes = [
            f"{request.verb} {request.resource} {request.name}"
            for request in self._audit.requests(operator.user)
            if request.verb in WRITES
            and request.at > stamp
            and request.resource != "leases"
            and "reviews" not in request.resource
        ]
        azure = operator.arm.sent_at > since
        self.result.notes.append(
            f"{len(writes)} writes of the woken one, {'some' if azure else 'no'} requests to Azure"
        )
        if writes or azure:
            self.result.wrong.append(f"the woken leader acted: {', '.join(writes[:5]) or 'Azure'}")

    # What is seen

    def _watch(self) -> PodObserver:
        observer = PodObserver(self._plane.kubeconfig, self._source)
        observer.start()
        return observer

    def _see(self) -> None:
        seen = self._observer.stop()
        self.result.wrong += seen.violations
        if seen.second_moves:
            self.result.wrong.append(f"{seen.second_moves} pods were moved twice")

    def _granted(self) -> int:
        return self._audit.evictions()[201]

    def _succeeded(self) -> bool:
        path = "jsonpath={.status.phase}"
        phase = kubectl(self._plane.kubeconfig, "get", "azlm", "chaos", "-o", path, check=False)
        return phase.strip() == "Succeeded"

    def _until(self, what: str, check: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not check():
            if time.monotonic() > deadline:
                logs = "\n".join(operator.log()[-4000:] for operator in self.operators)
                raise RuntimeError(f"{self._case.name}: not reached: {what}\n{logs}")
            time.sleep(0.2)

    def _judge(self) -> None:
        result, config = self.result, self._plane.kubeconfig
        evictions = self._audit.evictions()
        result.evictions = evictions.pop(201, 0)
        result.refused = sum(evictions.values())
        result.restarts = sum(operator.restarts for operator in self.operators)
        evicted = self._audit.evicted()
        if len(evicted) != PODS:
            result.wrong.append(f"{len(evicted)} pods were evicted, of {PODS}")
        pods = json.loads(kubectl(config, "get", "pods", "-n", "default", "-o", "json"))["items"]
        nodes = json.loads(kubectl(config, "get", "nodes", "-o", "json"))["items"]
        there = {node["metadata"]["name"] for node in nodes}
        ready = [
            pod
            for pod in pods
            if pod["spec"].get("nodeName") in there - self._source
            and any(
                c["type"] == "Ready" and c["status"] == "True" for c in pod["status"]["conditions"]
            )
        ]
        if len(ready) != PODS or len(pods) != PODS:
            result.wrong.append(f"{len(ready)} of {len(pods)} pods are Ready off the source")
        if there & self._source:
            result.wrong.append(f"{len(there & self._source)} source nodes are left")
        asked = self._aks.requests()
        created = [r for r in asked if r["method"] == "PUT" and r["status"] == 201]
        deleted = [r for r in asked if r["method"] == "DELETE" and 200 <= r["status"] < 300]
        pools = {r["path"].rpartition("/")[2] for r in created}
        if pools != {"workersazl"} or {r["path"].rpartition("/")[2] for r in deleted} != {
            "workers"
        }:
            result.wrong.append(f"created {sorted(pools)}, deleted {len(deleted)} node pools")


def _migration() -> dict[str, object]:
    strategy = {
        "canary": {"nodes": 0},
        "batch": {"size": "50%", "soak": "0s"},
        "finalSoak": "0s",
    }
    return {
        "apiVersion": "azlm.dev/v1alpha1",
        "kind": "AzureLinuxMigration",
        "metadata": {"name": "chaos"},
        "spec": {"source": {"nodePool": "workers"}, "strategy": strategy},
    }


def table(results: list[Result]) -> str:
    """The results as Markdown."""
    lines = [
        "| what happens while pods move | ends right | seconds | evictions | refused | restarts |",
        "|---|---|---|---|---|---|",
    ]
    for result in results:
        notes = f" ({'; '.join(result.notes)})" if result.notes else ""
        right = f"no: {'; '.join(result.wrong)}" if result.wrong else f"yes{notes}"
        lines.append(
            f"| {result.case.about} | {right} | {result.seconds:.0f} | {result.evictions} "
            f"| {result.refused} | {result.restarts} |"
        )
    return "\n".join(lines)


def page(results: list[Result]) -> str:
    """docs/chaos.md."""
    return f"""# Failures on a real control plane

Written by `make chaos`. Each row is a whole migration of {NODES} nodes and {PODS} pods, with
budgets of one pod each, on a control plane of its own (etcd, API server, controllers, scheduler,
kwok). The failure begins after {MOVING} evictions. The operator runs as a process that is started
again when it ends, as a kubelet does it, and reaches the API server and the simulated AKS through
proxies.

A case ends right if the migration has succeeded; every pod was evicted, none from the new nodes,
and all are Ready off the source; no budget was broken; the source's nodes are gone; and one node
pool was created and one deleted. An eviction whose answer was lost is asked for again, so that
there may be more evictions than pods.

{table(results)}
"""
