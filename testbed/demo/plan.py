"""`python -m testbed plan`: azlm plan on the demo's cluster, before the migration.

Prints the output of the command; saves the timeline as a picture and the output in docs/plan.md.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from testbed.aks.process import AksServer
from testbed.control_plane import ControlPlane, say
from testbed.fill.command import apply, fill
from testbed.fill.nodes import pool_nodes
from testbed.fill.workloads import demo

DOCS = Path(__file__).resolve().parents[2] / "docs"
COLUMNS = 100
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
_BLOCK = re.compile(r"(<!-- output -->\n```\n).*?(```\n<!-- end -->)", re.DOTALL)


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = commands.add_parser("plan", help="forecast the demo's migration")
    parser.add_argument("--write", action="store_true", help="keep output and picture in docs/")
    parser.set_defaults(run=_run)


def azlm_plan(
    kubeconfig: Path, url: str, *flags: str, **spec: Any
) -> "subprocess.CompletedProcess[str]":
    """Run azlm plan as an admin does."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "migration.yaml"
        file.write_text(json.dumps({**SPEC, "spec": {**SPEC["spec"], **spec}}))
        return run_plan(file, kubeconfig, url, *flags)


def run_plan(
    file: Path, kubeconfig: Path, url: str, *flags: str
) -> "subprocess.CompletedProcess[str]":
    """Run the command."""
    command = [sys.executable, "-m", "azure_linux_migrator", "plan", "-f", str(file)]
    command += [f"--kubeconfig={kubeconfig}", f"--arm-endpoint={url}", *flags]
    environment = os.environ | {"COLUMNS": str(COLUMNS)}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def _run(arguments: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix="azlm-plan-") as directory:
        plane = ControlPlane.start(Path(directory) / "plane")
        try:
            apply(plane.kubeconfig, pool_nodes("system", 2, os_sku="AzureLinux", mode="System"))
            fill(plane.kubeconfig, demo(), pool="workers", nodes=6)
            picture = DOCS / "pictures" / "plan.svg"
            flags = [f"--timeline={picture}"] if arguments.write else []
            with AksServer(plane.kubeconfig) as aks:
                began = time.monotonic()
                done = azlm_plan(plane.kubeconfig, aks.url, *flags)
                took = time.monotonic() - began
        finally:
            plane.stop()
    print(done.stdout + done.stderr)
    say(f"exit code {done.returncode}, after {took:.1f} s")
    if arguments.write:
        page = DOCS / "plan.md"
        text = page.read_text()
        page.write_text(_BLOCK.sub(lambda m: m[1] + done.stdout + m[2], text))
    return done.returncode
