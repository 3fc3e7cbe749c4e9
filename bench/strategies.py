"""`python -m bench.strategies`: the three strategies on the same cluster, and their cost.

An independent watch counts nodes from the moment the migration is applied until it has Succeeded;
node-minutes are those of both pools together.
"""

import json
import subprocess
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.report import RESULTS
from testbed.aks.process import AksServer
from testbed.audit import AuditLog
from testbed.control_plane import ControlPlane, say
from testbed.demo.command import install
from testbed.demo.process import AzlmProcess
from testbed.fill.command import apply, fill
from testbed.fill.nodes import pool_nodes
from testbed.fill.workloads import uniform
from testbed.kubectl import kubectl
from testbed.observer import PodObserver, watch

NODES = 10
SURGE = 2
PATIENCE = 600.0
STRATEGIES = ("BlueGreen", "Rolling", "InPlace")
TIMES = ("--boot-seconds=6", "--delete-seconds=4")


@dataclass(frozen=True)
class StrategyRow:
    """A strategy's figures; times in seconds."""

    strategy: str
    makespan_s: float
    peak_nodes: int
    node_minutes: float
    moves: int
    moved_again: int
    refused: int
    violations: int


class Meter:
    """Counts the nodes of the two pools over time."""

    def __init__(self, kubeconfig: Path) -> None:
        self._process = watch(kubeconfig, "/api/v1/nodes")
        self._names: set[str] = set()
        self._since = time.monotonic()
        self._lock = threading.Lock()
        self.peak = 0
        self.seconds = 0.0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            event = json.loads(line)
            meta: dict[str, Any] = event["object"]["metadata"]
            if not meta.get("labels", {}).get("agentpool", "").startswith("workers"):
                continue
            with self._lock:
                self._count()
                if event["type"] == "DELETED":
                    self._names.discard(meta["name"])
                else:
                    self._names.add(meta["name"])
                self.peak = max(self.peak, len(self._names))

    def _count(self) -> None:
        now = time.monotonic()
        self.seconds += (now - self._since) * len(self._names)
        self._since = now

    def stop(self) -> float:
        """Node-minutes so far."""
        with self._lock:
            self._count()
        self._process.terminate()
        self._process.wait(timeout=10)
        return self.seconds / 60


def main() -> None:
    """Run the strategies one after the other and write the table."""
    rows = []
    for name in STRATEGIES:
        say(f"{name}: {NODES} nodes, 200 pods, budgets of 2 …")
        with tempfile.TemporaryDirectory(prefix="azlm-strategies-") as directory:
            plane = ControlPlane.start(Path(directory) / "plane")
            try:
                rows.append(_measure(plane, Path(directory), name))
            finally:
                plane.stop()
    RESULTS.mkdir(exist_ok=True)
    whole = json.dumps([asdict(row) for row in rows], indent=2)
    (RESULTS / "strategies.json").write_text(whole + "\n")
    (RESULTS / "strategies.md").write_text(table(rows))
    print(table(rows))


def _measure(plane: ControlPlane, scratch: Path, strategy: str) -> StrategyRow:
    apply(plane.kubeconfig, pool_nodes("system", 1, os_sku="AzureLinux", mode="System"))
    fill(plane.kubeconfig, uniform(10, 20, 2), pool="workers", nodes=NODES)
    install(plane.kubeconfig)
    config = plane.service_account_kubeconfig("azlm-system", "azlm")
    audit = AuditLog(plane.audit_log)
    audit.mark()
    source = {item["metadata"]["name"] for item in pool_nodes("workers", NODES)}
    observer = PodObserver(plane.kubeconfig, source)
    observer.start()
    resource = {
        "apiVersion": "azlm.dev/v1alpha1",
        "kind": "AzureLinuxMigration",
        "metadata": {"name": "bench"},
        "spec": {
            "source": {"nodePool": "workers"},
            "strategy": {
                "type": strategy,
                "canary": {"nodes": 0},
                "batch": {"size": SURGE, "soak": "0s"},
                "maxSurge": SURGE,
                "finalSoak": "0s",
            },
        },
    }
    with (
        AksServer(plane.kubeconfig, *TIMES) as aks,
        AzlmProcess(config, aks.url, scratch) as operator,
    ):
        operator.wait_ready()
        meter = Meter(plane.kubeconfig)
        began = time.monotonic()
        kubectl(plane.kubeconfig, "apply", "-f", "-", stdin=json.dumps(resource))
        _wait(plane, scratch)
        took = time.monotonic() - began
        minutes = meter.stop()
    seen = observer.stop()
    return StrategyRow(
        strategy=strategy,
        makespan_s=round(took, 1),
        peak_nodes=meter.peak,
        node_minutes=round(minutes, 1),
        moves=seen.moves,
        moved_again=seen.second_moves,
        refused=sum(count for code, count in audit.evictions().items() if code != 201),
        violations=len(seen.violations),
    )


def _wait(plane: ControlPlane, scratch: Path) -> None:
    wait = ("wait", "azlm/bench", "--for=condition=Succeeded", f"--timeout={PATIENCE:.0f}s")
    try:
        kubectl(plane.kubeconfig, *wait)
    except (subprocess.CalledProcessError, RuntimeError) as error:
        raise RuntimeError((scratch / "azlm.log").read_text()[-4000:]) from error


def table(rows: list[StrategyRow]) -> str:
    """The rows as Markdown."""
    lines = [
        (
            "| strategy | seconds | most nodes | node-minutes | pods moved | moved again "
            "| refused evictions | broken budgets |"
        ),
        "|" + "---|" * 8,
    ]
    lines += [
        f"| {r.strategy} | {r.makespan_s:.0f} | {r.peak_nodes} | {r.node_minutes:.1f} | {r.moves} "
        f"| {r.moved_again} | {r.refused} | {r.violations} |"
        for r in rows
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
