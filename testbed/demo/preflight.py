"""`python -m testbed preflight`: azlm preflight on a cluster with findings of many kinds.

Prints the output of the command, and saves it as a picture of the terminal.
"""

import argparse
import io
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from azure_linux_migrator.simulator.aks.region import Region
from testbed.aks.process import AksServer
from testbed.control_plane import ControlPlane
from testbed.fill.command import apply, fill
from testbed.fill.nodes import pool_nodes
from testbed.fill.workloads import Manifest, budget, daemonset, deployment, statefulset

COLUMNS = 118
PICTURE = Path(__file__).resolve().parents[2] / "docs" / "pictures" / "preflight.svg"
SPEC: dict[str, Any] = {
    "apiVersion": "azlm.dev/v1alpha1",
    "kind": "AzureLinuxMigration",
    "metadata": {"name": "workers"},
    "spec": {
        "cluster": {
            "subscriptionID": "00000000-0000-0000-0000-000000000000",
            "resourceGroup": "demo-rg",
            "name": "demo",
        },
        "source": {"nodePool": "workers"},
    },
}


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = commands.add_parser("preflight", help="run azlm preflight on a troubled cluster")
    parser.add_argument("--write", action="store_true", help="keep the picture in docs/")
    parser.set_defaults(run=_run)


def troubled() -> list[Manifest]:
    """Workloads for which a preflight has findings."""
    selecting = deployment("pinned", 2)
    selecting["spec"]["template"]["spec"]["nodeSelector"] = {"agentpool": "workers"}
    certificates = daemonset("agent", "default")
    spec = certificates["spec"]["template"]["spec"]
    mounted = {"path": "/etc/ssl/certs/ca-certificates.crt"}
    spec["volumes"] = [{"name": "ca", "hostPath": mounted}]
    cache = deployment("cache", 3, volumes=[{"name": "tmp", "emptyDir": {}}])
    return [
        *(deployment("web", 6), budget("web", maxUnavailable=1)),
        *(deployment("ledger", 2), budget("ledger", minAvailable=2)),
        selecting,
        certificates,
        cache,
        deployment("solo", 1),
        statefulset("db", 3),
    ]


def check(
    plane: ControlPlane, *flags: str, acknowledge: Sequence[str] = (), **aks: Any
) -> "subprocess.CompletedProcess[str]":
    """Run azlm preflight against a filled plane; `aks` are the parameters of its region."""
    region = Region(**aks)
    described = json.dumps(
        {
            "cores": region.cores,
            "locks": region.locks,
            "extensions": region.extensions,
        }
    )
    scaled = {"workers": {"enableAutoScaling": True, "minCount": 3, "maxCount": 8}}
    with (
        AksServer(
            plane.kubeconfig, f"--region={described}", f"--pool={json.dumps(scaled)}"
        ) as server,
        tempfile.TemporaryDirectory() as scratch,
    ):
        file = Path(scratch) / "migration.yaml"
        spec = {**SPEC["spec"], "preflight": {"acknowledge": list(acknowledge)}}
        file.write_text(json.dumps({**SPEC, "spec": spec}))
        command = [sys.executable, "-m", "azure_linux_migrator", "preflight", "-f", str(file)]
        command += [f"--kubeconfig={plane.kubeconfig}", f"--arm-endpoint={server.url}", *flags]
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"COLUMNS": str(COLUMNS)},
        )


def _run(arguments: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="azlm-preflight-") as directory:
        plane = ControlPlane.start(Path(directory) / "plane")
        try:
            system = pool_nodes("system", 2, os_sku="AzureLinux", mode="System")
            apply(plane.kubeconfig, system)
            fill(plane.kubeconfig, troubled(), pool="workers", nodes=4)
            done = check(plane, cores=100, locks=("keep",), extensions=("Antivirus",))
        finally:
            plane.stop()
    print(done.stdout + done.stderr)
    print(f"exit code {done.returncode}")
    if not arguments.write:
        return
    console = Console(record=True, width=COLUMNS + 4, file=io.StringIO())
    console.print(Text("$ azlm preflight -f migration.yaml", style="bold"))
    for line in done.stdout.splitlines():
        console.print(Text(line, style=_style(line)))
    drawn = console.export_svg(title="azlm preflight")
    # The fonts that it would download are left out: any monospaced font suffices.
    PICTURE.write_text(re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL))


def _style(line: str) -> str:
    for word, style in (("BLOCK", "bold red"), ("warn", "yellow"), ("blocked:", "bold red")):
        if line.startswith(word):
            return style
    return "cyan" if line.lstrip().startswith("→") else ""
