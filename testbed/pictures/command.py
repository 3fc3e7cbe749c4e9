"""`python -m testbed pictures`: two migrations, one Prometheus, and its dashboards as pictures.

A budget without a slot blocks both migrations for a while, so that no panel is empty.
"""

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.aks.process import AksServer
from testbed.control_plane import ControlPlane, StartError, say
from testbed.demo.command import install
from testbed.demo.process import AzlmProcess
from testbed.fill.command import apply, fill
from testbed.fill.nodes import pool_nodes
from testbed.fill.workloads import budget, demo, deployment
from testbed.kubectl import kubectl
from testbed.monitoring import Monitoring, missing_programs
from testbed.pictures.viewer import Scene, draw, ensure_built

ROOT = Path(__file__).resolve().parents[2]
DASHBOARDS = ROOT / "deploy" / "monitoring" / "perses"
PICTURES = ROOT / "docs" / "pictures"
POOLS = ("workers", "reports")
PATIENCE = 240.0
BLOCKED_SECONDS = 15.0
_RELEASED = '{"spec":{"maxUnavailable":1}}'


@dataclass(frozen=True)
class Moments:
    """Seconds since the epoch: began, while both are blocked, in the middle of a drain, over."""

    began: float
    blocked: float
    middle: float
    over: float


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = commands.add_parser("pictures", help="draw the dashboards as pictures in docs/")
    parser.set_defaults(run=_run)


def _run(_: argparse.Namespace) -> None:
    if missing := [*missing_programs(), *(() if shutil.which("chromium") else ("chromium",))]:
        raise StartError(f"not installed: {', '.join(missing)}; apt-get install them")
    ensure_built()
    with tempfile.TemporaryDirectory(prefix="azlm-pictures-") as directory:
        scratch = Path(directory)
        plane = ControlPlane.start(scratch / "plane")
        try:
            _scrape_and_draw(plane, scratch)
        finally:
            plane.stop()


def _scrape_and_draw(plane: ControlPlane, scratch: Path) -> None:
    install(plane.kubeconfig)
    nodes = pool_nodes("system", 2, os_sku="AzureLinux", mode="System")
    apply(plane.kubeconfig, nodes + pool_nodes("reports", 4, seed=2))
    held = [deployment("billing", 6), budget("billing", maxUnavailable=0)]
    fill(plane.kubeconfig, [*demo(), *held], pool="workers", nodes=8)
    config = plane.service_account_kubeconfig("azlm-system", "azlm")
    with AksServer(plane.kubeconfig) as aks, AzlmProcess(config, aks.url, scratch) as operator:
        operator.wait_ready()
        with Monitoring(operator.address, scratch) as monitoring:
            moments = _migrate(plane)
            draw(_scenes(moments), monitoring.url, PICTURES)


def _migrate(plane: ControlPlane) -> Moments:
    time.sleep(4)
    began = time.time()
    apply(plane.kubeconfig, [_migration(pool) for pool in POOLS])
    for pool in POOLS:
        _wait(f"{pool} is blocked", lambda pool=pool: _blocked(_status(plane, pool)))  # type: ignore[misc]
    time.sleep(BLOCKED_SECONDS)
    blocked = time.time()
    kubectl(plane.kubeconfig, "patch", "pdb", "billing", "--type=merge", "-p", _RELEASED)
    _wait("half of the nodes are drained", lambda: _drained(_status(plane, "workers")) >= 0.5)
    middle = time.time()
    for pool in POOLS:
        _wait(f"{pool} is over", lambda pool=pool: _status(plane, pool)["phase"] == "Succeeded")  # type: ignore[misc]
    time.sleep(5)
    return Moments(began, blocked, middle, time.time())


def _scenes(moments: Moments) -> list[Scene]:
    ends = {"migration": moments.middle, "operator": moments.over, "fleet": moments.blocked}
    scenes = []
    for name, end in ends.items():
        dashboard = json.loads((DASHBOARDS / f"{name}.json").read_text())
        for variable in dashboard["spec"]["variables"]:
            if variable["spec"]["name"] == "migration":
                variable["spec"]["defaultValue"] = POOLS[0]
        scenes.append(Scene(f"dashboard-{name}", dashboard, moments.began - 2, end))
    return scenes


def _migration(pool: str) -> dict[str, Any]:
    canary = {"nodes": 1, "soak": "4s"}
    strategy = {"canary": canary, "batch": {"size": "25%", "soak": "3s"}, "finalSoak": "4s"}
    return {
        "apiVersion": "azlm.dev/v1alpha1",
        "kind": "AzureLinuxMigration",
        "metadata": {"name": pool},
        "spec": {
            "source": {"nodePool": pool},
            "strategy": strategy,
            "preflight": {"acknowledge": ["pdb.zero"]},
        },
    }


def _status(plane: ControlPlane, name: str) -> dict[str, Any]:
    resource = json.loads(kubectl(plane.kubeconfig, "get", "azlm", name, "-o", "json"))
    return {"phase": "", **(resource.get("status") or {})}


def _blocked(status: dict[str, Any]) -> bool:
    conditions = status.get("conditions", ())
    return any(c["type"] == "DrainBlocked" and c["status"] == "True" for c in conditions)


def _drained(status: dict[str, Any]) -> float:
    nodes = status.get("nodes") or {}
    return float(nodes.get("drained", 0) / (nodes.get("total") or 1))


def _wait(what: str, check: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not check():
        if time.monotonic() > deadline:
            raise StartError(f"not reached: {what}")
        time.sleep(0.3)
    say(what)
