"""`make bench`: the same seeded workload drained by azlm and by kubectl, on a real control plane.

The time runs from a tool's first write to a node until the last pod has left the source; what
happened is counted by an independent observer and from the apiserver's audit log.
"""

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from testbed.aks.process import AksServer
from testbed.audit import Audit
from testbed.control_plane import ControlPlane, say
from testbed.demo.command import install
from testbed.demo.process import Operator
from testbed.fill.command import apply, fill
from testbed.fill.nodes import pool_nodes
from testbed.fill.workloads import uniform
from testbed.kubectl import KUBECTL, kubectl
from testbed.observer import Observer

RESULTS = Path(__file__).parent / "results" / "latest.json"
PATIENCE = 600.0


@dataclass(frozen=True)
class Row:
    """One tool on one shape."""

    shape: str
    tool: str
    makespan_s: float
    granted: int
    refused: int
    moved: int
    moved_again: int
    api_requests: int
    violations: int


@dataclass(frozen=True)
class Shape:
    """Nodes, Deployments, replicas, and the budget of each Deployment."""

    nodes: int
    deployments: int
    replicas: int
    max_unavailable: int

    def __str__(self) -> str:
        pods = self.deployments * self.replicas
        return f"{self.nodes} nodes, {pods} pods, budgets of {self.max_unavailable}"


Tool = Callable[[ControlPlane, Path, Callable[[], bool]], None]


def azlm(plane: ControlPlane, scratch: Path, emptied: Callable[[], bool]) -> None:
    """The whole migration, all nodes in one batch; only its drain is timed."""
    install(plane.kubeconfig)
    config = plane.service_account_kubeconfig("azlm-system", "azlm")
    spec = {
        "source": {"nodePool": "workers"},
        "strategy": {"batch": {"size": "100%", "soak": "0s"}, "finalSoak": "0s"},
    }
    resource = {"apiVersion": "azlm.dev/v1alpha1", "kind": "AzureLinuxMigration"}
    resource |= {"metadata": {"name": "bench"}, "spec": spec}  # type: ignore[dict-item]
    fast = ("--boot-seconds=2", "--delete-seconds=1")
    with AksServer(plane.kubeconfig, *fast) as aks, Operator(config, aks.url, scratch) as operator:
        operator.wait_ready()
        kubectl(plane.kubeconfig, "apply", "-f", "-", stdin=json.dumps(resource))
        _until(emptied)


def kubectl_serial(plane: ControlPlane, _: Path, emptied: Callable[[], bool]) -> None:
    """`kubectl drain` of the pool, as the documentation has it: node after node."""
    _target(plane)
    _drain(plane, "-l", "agentpool=workers")
    _until(emptied)


def kubectl_at_once(plane: ControlPlane, _: Path, emptied: Callable[[], bool]) -> None:
    """Everything cordoned first, then one `kubectl drain` per node at the same time."""
    _target(plane)
    kubectl(plane.kubeconfig, "cordon", "-l", "agentpool=workers")
    names = kubectl(
        plane.kubeconfig, "get", "nodes", "-l", "agentpool=workers", "-o", "name"
    ).split()
    running = [
        subprocess.Popen(
            _command(plane, name.removeprefix("node/")),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for name in names
    ]
    for process in running:
        process.wait()
    _until(emptied)


TOOLS: dict[str, Tool] = {
    "azlm": azlm,
    "kubectl drain, node after node": kubectl_serial,
    "kubectl drain, all at once": kubectl_at_once,
}


def main() -> None:
    """Run every tool on the shape and print a table."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--nodes", type=int, default=10)
    parser.add_argument("--deployments", type=int, default=10)
    parser.add_argument("--replicas", type=int, default=10)
    parser.add_argument("--max-unavailable", type=int, default=2)
    parser.add_argument("--ready-ms", type=int, default=1000)
    parser.add_argument("--ready-jitter-ms", type=int, default=2000)
    arguments = parser.parse_args()
    shape = Shape(
        arguments.nodes, arguments.deployments, arguments.replicas, arguments.max_unavailable
    )
    rows = [
        _measure(shape, name, tool, arguments.ready_ms, arguments.ready_jitter_ms)
        for name, tool in TOOLS.items()
    ]
    fastest = rows[0].makespan_s
    print(f"{shape}; pods Ready after {arguments.ready_ms} to {arguments.ready_jitter_ms} ms\n")
    print("| tool | seconds | ÷ azlm | granted | refused | moved again | broken budgets |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        print(
            f"| {row.tool} | {row.makespan_s:.1f} | {row.makespan_s / fastest:.2f} | {row.granted} "
            f"| {row.refused} | {row.moved_again} | {row.violations} |"
        )
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")


def _measure(shape: Shape, name: str, tool: Tool, ready: int, jitter: int) -> Row:
    say(f"{name}: {shape} …")
    with tempfile.TemporaryDirectory(prefix="azlm-bench-") as directory:
        scratch = Path(directory)
        plane = ControlPlane.start(scratch / "plane", ready_ms=ready, ready_jitter_ms=jitter)
        try:
            return _observe(plane, scratch, shape, name, tool)
        finally:
            plane.stop()


def _observe(plane: ControlPlane, scratch: Path, shape: Shape, name: str, tool: Tool) -> Row:
    apply(plane.kubeconfig, pool_nodes("system", 1, os_sku="AzureLinux", mode="System"))
    workloads = uniform(shape.deployments, shape.replicas, shape.max_unavailable)
    fill(plane.kubeconfig, workloads, pool="workers", nodes=shape.nodes)
    source = {item["metadata"]["name"] for item in pool_nodes("workers", shape.nodes)}
    audit = Audit(plane.audit_log)
    audit.mark()
    observer = Observer(plane.kubeconfig, audit, source)
    expected = observer.start()
    try:
        tool(plane, scratch, lambda: observer.seen.moves >= expected)
    finally:
        seen = observer.stop()
    users = {each.user for each in audit.requests() if each.resource == "pods/eviction"}
    began = min(
        datetime.fromisoformat(each.at).timestamp()
        for each in audit.requests()
        if each.user in users and each.verb == "patch" and each.resource == "nodes"
    )
    answers = audit.evictions()
    return Row(
        shape=str(shape),
        tool=name,
        makespan_s=round(max(seen.moved_at) - began, 2),
        granted=answers.get(201, 0),
        refused=sum(count for code, count in answers.items() if code != 201),
        moved=seen.moves,
        moved_again=seen.second_moves,
        api_requests=sum(1 for each in audit.requests() if each.user in users),
        violations=len(seen.violations),
    )


def _target(plane: ControlPlane) -> None:
    """What azlm creates by itself, kubectl is given: as many new nodes, Ready."""
    names = kubectl(
        plane.kubeconfig, "get", "nodes", "-l", "agentpool=workers", "-o", "name"
    ).split()
    apply(plane.kubeconfig, pool_nodes("workersazl", len(names), os_sku="AzureLinux"))
    ready = "--for=condition=Ready"
    kubectl(plane.kubeconfig, "wait", ready, "node", "-l", "agentpool=workersazl", "--timeout=30s")


def _command(plane: ControlPlane, *which: str) -> list[str]:
    flags = ["--ignore-daemonsets", "--delete-emptydir-data", f"--timeout={PATIENCE:.0f}s"]
    return [str(KUBECTL), f"--kubeconfig={plane.kubeconfig}", "drain", *which, *flags]


def _drain(plane: ControlPlane, *which: str) -> None:
    subprocess.run(_command(plane, *which), check=True, capture_output=True)


def _until(check: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not check():
        if time.monotonic() > deadline:
            raise RuntimeError("the source pool was not emptied in time")
        time.sleep(0.05)


if __name__ == "__main__":
    main()
