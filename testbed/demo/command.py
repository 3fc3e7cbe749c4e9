"""`python -m testbed demo`: from `kubectl apply` to a retired pool, with a measured summary."""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from testbed.aks.process import AksServer
from testbed.audit import Audit
from testbed.control_plane import ControlPlane, StartError, say
from testbed.demo.plan import run_plan
from testbed.demo.process import SUBSCRIPTION, Operator
from testbed.fill.command import apply, fill
from testbed.fill.nodes import pool_nodes
from testbed.fill.workloads import demo
from testbed.kubectl import kubectl, run_kubectl
from testbed.observer import POOL_LABEL, Observer, Sighting

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "deploy" / "samples" / "migration.yaml"
PATIENCE = 240.0
BAR = 24


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = commands.add_parser("demo", help="run a whole migration and measure it")
    parser.add_argument("--nodes", type=int, default=6, help="nodes in the pool to be migrated")
    parser.set_defaults(run=_run)


def install(kubeconfig: Path) -> None:
    """What deploy/kustomize/base ships, but for the Deployment: the operator runs as a process."""
    kubectl(kubeconfig, "apply", "-f", str(ROOT / "crds" / "azurelinuxmigrations.azlm.dev.yaml"))
    for name in ("namespace", "serviceaccount", "rbac"):
        manifest = ROOT / "deploy" / "kustomize" / "base" / f"{name}.yaml"
        kubectl(kubeconfig, "apply", "-f", str(manifest))


def _run(arguments: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix="azlm-demo-") as directory:
        say("starting a real control plane (etcd, apiserver, controllers, scheduler, kwok) …")
        plane = ControlPlane.start(Path(directory) / "plane")
        try:
            return _migrate(plane, Path(directory), arguments.nodes)
        except KeyboardInterrupt:
            say("\ninterrupted; cleaning up")
            return 130
        finally:
            plane.stop()


def _migrate(plane: ControlPlane, scratch: Path, nodes: int) -> int:
    install(plane.kubeconfig)
    apply(plane.kubeconfig, pool_nodes("system", 2, os_sku="AzureLinux", mode="System"))
    say("filling it: shops, caches, a Job, DaemonSets, and what AKS runs in kube-system …")
    pods = fill(plane.kubeconfig, demo(), pool="workers", nodes=nodes)
    before = _pools(plane)
    audit = Audit(plane.audit_log)
    audit.mark()
    source = {name for name, pool, _ in _nodes(plane) if pool == "workers"}
    observer = Observer(plane.kubeconfig, audit, source)
    expected = observer.start()
    config = plane.service_account_kubeconfig("azlm-system", "azlm")
    try:
        with AksServer(plane.kubeconfig) as aks, Operator(config, aks.url, scratch) as operator:
            operator.wait_ready()
            forecast = _forecast(plane, aks.url)
            say(f"{pods} pods run on {nodes} Ubuntu nodes. $ kubectl apply -f {SAMPLE.name}\n")
            print(SAMPLE.read_text().split("\n", 2)[2])
            began, applied_at = time.monotonic(), time.time()
            kubectl(plane.kubeconfig, "apply", "-f", str(SAMPLE))
            succeeded = _follow(plane, began, operator)
            took = time.monotonic() - began
            waited = run_kubectl(
                plane.kubeconfig, "wait", "--for=condition=Ready", "azlm/workers", "--timeout=5s"
            )
            same = _reapply(plane)
            calls = (call["at"] for call in aks.requests() if call["at"] >= applied_at)
            first = next(calls) - applied_at
            figures = f"first Azure request {first:.1f} s after kubectl apply; {operator.figures()}"
    finally:
        seen = observer.stop()
    return _summary(
        plane,
        seen,
        expected,
        {
            "Succeeded": succeeded,
            "kubectl wait --for=condition=Ready returns": waited.returncode == 0,
            "applied again, nothing changes": same,
        },
        forecast=forecast,
        before=before,
        took=took,
        figures=figures,
        audit=audit,
    )


def _forecast(plane: ControlPlane, url: str) -> float:
    """The output of azlm plan before the migration, with the node and pod times of this testbed."""
    cluster = (
        f"--subscription-id={SUBSCRIPTION}",
        "--resource-group=demo-rg",
        "--cluster-name=demo",
    )
    speeds = ("--node-boot-seconds=5", "--node-delete-seconds=3", "--job-seconds=12")
    flags = (*cluster, *speeds, "--pod-stop-seconds=0.5", "--output=json")
    began = time.monotonic()
    done = run_plan(SAMPLE, plane.kubeconfig, url, *flags)
    if done.returncode:
        raise StartError(f"azlm plan: {done.stdout}{done.stderr}")
    forecast = json.loads(done.stdout)
    say(
        f"$ azlm plan -f {SAMPLE.name}: would take {forecast['total']['mid']:.1f} s and move "
        f"{forecast['podSummary']['move']} pods (forecast in {time.monotonic() - began:.1f} s)"
    )
    return float(forecast["total"]["mid"])


def _follow(plane: ControlPlane, began: float, operator: Operator) -> bool:
    printed = ""
    while time.monotonic() - began < PATIENCE:
        status = _migration(plane).get("status") or {}
        line = _line(status)
        if line != printed:
            printed = line
            if sys.stdout.isatty():
                print(f"\r\033[K{time.monotonic() - began:5.1f} s  {line}", end="", flush=True)
            else:
                print(f"{time.monotonic() - began:5.1f} s  {line}", flush=True)
        if status.get("phase") == "Succeeded":
            print()
            return True
        if not operator.alive or status.get("phase") == "Stalled":
            break
        time.sleep(0.25)
    print()
    say(f"the migration did not succeed; the operator's last lines:\n{operator.log_tail()}")
    return False


def _line(status: dict[str, Any]) -> str:
    nodes, batch = status.get("nodes") or {}, status.get("batch") or {}
    total = nodes.get("total") or 1
    full = round(BAR * (nodes.get("drained") or 0) / total)
    bar = "█" * full + "░" * (BAR - full)
    step = status.get("step") or status.get("phase") or ""
    where = f"batch {batch.get('index', 0)}/{batch.get('of', 0)}  " if step == "Drain" else ""
    return f"{step:<13}{bar} {nodes.get('progress') or '0/?':>5}  {where}{status.get('message')}"


def _summary(
    plane: ControlPlane,
    sighting: Sighting,
    expected: int,
    checks: dict[str, bool],
    *,
    forecast: float,
    before: str,
    took: float,
    figures: str,
    audit: Audit,
) -> int:
    answers, per_pod = audit.evictions(), audit.evicted()
    refused = sum(count for code, count in answers.items() if code != 201)
    granted, left = answers.get(201, 0), _nodes(plane)
    checks |= {
        "every pod moved exactly once": (
            sighting.moves == expected
            and sighting.second_moves == 0
            and set(per_pod.values()) == {1}
        ),
        "no eviction refused": refused == 0,
        "no budget broken": not sighting.violations,
        "the old pool is gone": not any(pool == "workers" for _, pool, _ in left),
        "only Azure Linux nodes left": all(sku == "AzureLinux" for _, _, sku in left),
    }
    rows = (
        ("pools before", before),
        ("pools after", _pools(plane)),
        ("pods moved", f"{sighting.moves} of {expected}, moved again: {sighting.second_moves}"),
        (
            "evictions",
            f"{granted} granted ({granted - sighting.moves} of finished pods), {refused} refused",
        ),
        ("most evictions of a pod", str(max(per_pod.values(), default=0))),
        ("budgets broken", "; ".join(sighting.violations) or "0 times"),
        ("time", f"{took:.1f} s from kubectl apply to Succeeded; {forecast:.1f} s were forecast"),
        ("operator", figures),
    )
    print("What an independent observer measured")
    for name, value in rows:
        for index, part in enumerate(value.split("; ")):
            print(f"  {'' if index else name:<26}{part}")
    for name, holds in checks.items():
        print(f"  {'✓' if holds else '✗'} {name}")
    return 0 if all(checks.values()) else 1


def _migration(plane: ControlPlane) -> dict[str, Any]:
    return dict(json.loads(kubectl(plane.kubeconfig, "get", "azlm", "workers", "-o", "json")))


def _reapply(plane: ControlPlane) -> bool:
    """Apply the same manifest again and check that nothing moves."""
    before = _migration(plane)
    said = kubectl(plane.kubeconfig, "apply", "-f", str(SAMPLE))
    time.sleep(1.0)
    after = _migration(plane)
    same = before["metadata"]["resourceVersion"] == after["metadata"]["resourceVersion"]
    return "unchanged" in said and same


def _nodes(plane: ControlPlane) -> list[tuple[str, str, str]]:
    """Name, pool and OS SKU of every node."""
    listed = json.loads(kubectl(plane.kubeconfig, "get", "nodes", "-o", "json"))["items"]
    return [
        (
            item["metadata"]["name"],
            item["metadata"]["labels"].get(POOL_LABEL, ""),
            item["metadata"]["labels"].get("kubernetes.azure.com/os-sku", ""),
        )
        for item in listed
    ]


def _pools(plane: ControlPlane) -> str:
    counts: dict[tuple[str, str], int] = {}
    for _, pool, sku in _nodes(plane):
        counts[pool, sku] = counts.get((pool, sku), 0) + 1
    return ", ".join(f"{pool} ({count} x {sku})" for (pool, sku), count in sorted(counts.items()))
