"""`python -m testbed pictures`: dashboards, `azlm ui` and the site of the documentation.

Two migrations are watched by `azlm ui` and by one Prometheus. Budgets without a slot block both for
a while, the second for longer, so that no panel is empty.
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

from playwright.sync_api import Browser

from testbed.aks.nodes import LABEL
from testbed.aks.process import AksServer
from testbed.control_plane import ControlPlane, StartError, say
from testbed.demo.command import install
from testbed.demo.process import AzlmProcess
from testbed.fill.command import apply, fill, fill_workloads
from testbed.fill.nodes import pool_nodes
from testbed.fill.workloads import Manifest, budget, demo, deployment
from testbed.kubectl import kubectl
from testbed.monitoring import Monitoring, missing_programs
from testbed.pictures.browser import chromium
from testbed.pictures.live_page import draw_plan, draw_record, keep, live_page
from testbed.pictures.site import draw_site, ensure_site
from testbed.pictures.viewer import Scene, draw, ensure_built

ROOT = Path(__file__).resolve().parents[2]
DASHBOARDS = ROOT / "deploy" / "monitoring" / "perses"
PICTURES = ROOT / "docs" / "pictures"
POOLS = ("workers", "reports")
PATIENCE = 240.0
BLOCKED_SECONDS = 15.0
_RELEASED = '{"spec":{"maxUnavailable":4}}'


@dataclass(frozen=True)
class Moments:
    """Seconds since the epoch: began, while the first drains and the second is blocked, over."""

    began: float
    middle: float
    over: float


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = commands.add_parser("pictures", help="draw dashboards, azlm ui and the site in docs/")
    parser.set_defaults(run=_run)


def _run(_: argparse.Namespace) -> None:
    if missing := [*missing_programs(), *(() if shutil.which("chromium") else ("chromium",))]:
        raise StartError(f"not installed: {', '.join(missing)}; apt-get install them")
    ensure_built()
    ensure_site()
    with tempfile.TemporaryDirectory(prefix="azlm-pictures-") as directory, chromium() as browser:
        scratch = Path(directory)
        draw_site(browser, PICTURES)
        plane = ControlPlane.start(scratch / "plane")
        try:
            _migrate_and_draw(browser, plane, scratch)
        finally:
            plane.stop()


def _migrate_and_draw(browser: Browser, plane: ControlPlane, scratch: Path) -> None:
    kubeconfig = plane.kubeconfig
    install(kubeconfig)
    nodes = pool_nodes("system", 2, os_sku="AzureLinux", mode="System")
    apply(kubeconfig, nodes + pool_nodes("reports", 4, seed=2))
    fill(kubeconfig, demo(), pool="workers", nodes=8)
    config = plane.service_account_kubeconfig("azlm-system", "azlm")
    with AksServer(kubeconfig) as aks, AzlmProcess(config, aks.url, scratch) as operator:
        draw_plan(browser, kubeconfig, aks.url, scratch, PICTURES / "ui-plan.png")
        fill_workloads(kubeconfig, _held())
        operator.wait_ready()
        with Monitoring(operator.address, scratch) as monitoring:
            moments = _migrate(browser, plane)
            draw(browser, _scenes(moments), monitoring.url, PICTURES)
    draw_record(browser, kubeconfig, POOLS[0], scratch, PICTURES / "ui-record.png")


def _migrate(browser: Browser, plane: ControlPlane) -> Moments:
    time.sleep(4)
    began = time.time()
    apply(plane.kubeconfig, [_migration(pool) for pool in POOLS])
    arguments = (POOLS[0], "--allow-actions", f"--kubeconfig={plane.kubeconfig}")
    with live_page(browser, *arguments) as page:
        for pool in POOLS:
            _wait(f"{pool} is blocked", lambda pool=pool: _blocked(_status(plane, pool)))  # type: ignore[misc]
        time.sleep(BLOCKED_SECONDS)
        keep(page, PICTURES / "ui-blocked.png")
        _release(plane, "billing")
        _wait("half of the nodes are drained", lambda: _drained(_status(plane, "workers")) >= 0.5)
        page.locator("#source .node.draining").first.wait_for()
        keep(page, PICTURES / "ui-draining.png")
        middle = time.time()
    _release(plane, "payroll")
    for pool in POOLS:
        _wait(f"{pool} is over", lambda pool=pool: _status(plane, pool)["phase"] == "Succeeded")  # type: ignore[misc]
    time.sleep(5)
    return Moments(began, middle, time.time())


def _held() -> list[Manifest]:
    """A workload whose budget blocks both pools, and one that blocks the second."""
    pool = {"key": LABEL, "operator": "In", "values": [POOLS[1]]}
    preferred = [{"weight": 100, "preference": {"matchExpressions": [pool]}}]
    affinity = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}
    return [
        deployment("billing", 24),
        budget("billing", maxUnavailable=0),
        deployment("payroll", 4, scheduling={"affinity": affinity}),
        budget("payroll", maxUnavailable=0),
    ]


def _release(plane: ControlPlane, name: str) -> None:
    kubectl(plane.kubeconfig, "patch", "pdb", name, "--type=merge", "-p", _RELEASED)


def _scenes(moments: Moments) -> list[Scene]:
    ends = {"migration": moments.middle, "operator": moments.over, "fleet": moments.middle}
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
    """Whether nothing moves; the condition DrainBlocked is True before that."""
    conditions = status.get("conditions", ())
    return any(c["type"] == "Ready" and c["reason"] == "DrainBlocked" for c in conditions)


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
