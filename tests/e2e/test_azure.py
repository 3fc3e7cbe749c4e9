"""`make azure-e2e` against the simulated Azure: a whole run, and one that is interrupted."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.support.replay import replay
from tests.support.served_aks import served_aks

COMMAND = [sys.executable, "-m", "testbed", "azure"]
ROOT = Path(__file__).resolve().parents[2]
WORKERS = {"count": 3, "vmSize": "Standard_D2s_v5", "osSKU": "Ubuntu", "mode": "User"}


def exchanges(output: Path, name: str) -> list[dict[str, Any]]:
    [file] = output.glob(f"*/exchanges/{name}.json")
    return list(json.loads(file.read_text())["exchanges"])


def deleted(output: Path) -> bool:
    """Whether the resource group was made, deleted, and seen to be gone."""
    group = exchanges(output, "resource-group")
    done = [(exchange["method"], exchange["status"]) for exchange in group]
    return ("PUT", 201) in done and ("DELETE", 202) in done and done[-1] == ("GET", 404)


def test_without_a_subscription_it_says_so() -> None:
    done = subprocess.run(COMMAND, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "needs an Azure subscription" in done.stderr
    assert "SUBSCRIPTION=" in done.stderr


def test_a_whole_run_is_measured_recorded_and_deleted(tmp_path: Path) -> None:
    command = [*COMMAND, "--dry-run", "--record", f"--output={tmp_path}"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    [figures] = tmp_path.glob("*/figures.txt")
    assert "every pod moved exactly once" in figures.read_text()
    [log] = tmp_path.glob("*/operator.log")
    assert "node pool workers moved to workersazl" in log.read_text()
    assert deleted(tmp_path)
    [name] = {word for word in done.stderr.split() if word.startswith("azlm-e2e-")}
    for file in filter(Path.is_file, tmp_path.rglob("*")):
        text = file.read_text()
        assert name not in text, file
        assert "client-key-data" not in text, file
    cluster = exchanges(tmp_path, "cluster")
    assert {"kubeconfigs": "<secret>"} in [exchange["response"] for exchange in cluster]
    assert asyncio.run(_replayed(tmp_path)) >= 8


async def _replayed(output: Path) -> int:
    """Send what was recorded to a fresh simulated AKS; how many answers are the same."""
    async with served_aks(resource_group="azlm1", name="azlm1") as fresh:
        fresh.adopt("system", WORKERS | {"mode": "System", "osSKU": "AzureLinux"})
        fresh.adopt("workers", WORKERS)
        pools = [exchanges(output, name) for name in ("pool-workersazl", "pool-workers")]
        return sum([await replay(fresh, pool) for pool in pools])


def test_an_interrupted_run_deletes_everything(tmp_path: Path) -> None:
    command = [*COMMAND, "--dry-run", "--record", f"--output={tmp_path}"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "batch 1/2" in line:
                break
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: every process of the group
        time.sleep(1.0)
        os.killpg(process.pid, signal.SIGINT)  # an impatient one: the deletion is not given up
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert "interrupted" in errors
    assert deleted(tmp_path)
    assert list(tmp_path.glob("*/operator.log"))
