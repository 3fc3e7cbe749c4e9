"""The tools under comparison: each empties the pool `workers` in its own way."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from bench import karpenter
from bench.shapes import ALL_AT_ONCE, Shape
from testbed.aks.process import AksServer
from testbed.control_plane import ControlPlane
from testbed.demo.command import install
from testbed.demo.process import AzlmProcess
from testbed.fill.command import apply, fill
from testbed.fill.nodes import pool_nodes
from testbed.kubectl import KUBECTL, kubectl

PATIENCE = 900.0


@dataclass(frozen=True)
class Cost:
    """The resources of the tool itself: CPU seconds and peak memory in MB; `reported_ratio` is what
    azlm's status shows for its drain (0: nothing)."""

    cpu_s: float
    rss_mb: float
    reported_ratio: float = 0.0


def fill_pool(plane: ControlPlane, _: Path, shape: Shape) -> set[str]:
    """The source pool's nodes with the shape's workloads on them; returns the nodes' names."""
    fill(plane.kubeconfig, shape.workloads(), pool="workers", nodes=shape.nodes)
    return {item["metadata"]["name"] for item in pool_nodes("workers", shape.nodes)}


def _nothing(_: ControlPlane) -> None:
    pass


@dataclass(frozen=True)
class Tool:
    """`run` empties the nodes that `prepare` returned; `close` ends what `prepare` started."""

    run: Callable[[ControlPlane, Path, Callable[[], bool]], Cost]
    prepare: Callable[[ControlPlane, Path, Shape], set[str]] = fill_pool
    close: Callable[[ControlPlane], None] = _nothing


DEFAULT_BATCHES: dict[str, Any] = {
    "canary": {"soak": "0s"},
    "batch": {"soak": "0s"},
    "finalSoak": "0s",
}


def azlm(
    plane: ControlPlane,
    scratch: Path,
    emptied: Callable[[], bool],
    strategy: Mapping[str, Any] = ALL_AT_ONCE,
    drain: Mapping[str, Any] | None = None,
) -> Cost:
    """The whole migration; only its drain is timed."""
    install(plane.kubeconfig)
    config = plane.service_account_kubeconfig("azlm-system", "azlm")
    resource = {
        "apiVersion": "azlm.dev/v1alpha1",
        "kind": "AzureLinuxMigration",
        "metadata": {"name": "bench"},
        "spec": {"source": {"nodePool": "workers"}, "strategy": strategy, "drain": drain or {}},
    }
    fast = ("--boot-seconds=2", "--delete-seconds=1")
    with (
        AksServer(plane.kubeconfig, *fast) as aks,
        AzlmProcess(config, aks.url, scratch) as operator,
    ):
        operator.wait_ready(PATIENCE)
        kubectl(plane.kubeconfig, "apply", "-f", "-", stdin=json.dumps(resource))
        _until(emptied)
        times = psutil.Process(operator.pid).cpu_times()
        status = Path(f"/proc/{operator.pid}/status").read_text()
        peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        cost = Cost(times.user + times.system, int(peak.split()[1]) / 1024)
        return replace(cost, reported_ratio=_reported(plane))


def _reported(plane: ControlPlane) -> float:
    """The ratio in the status, once the last batch has ended; 0 if it is not there in time."""
    path = "jsonpath={.status.step} {.status.timing.ratio}"
    for _ in range(50):
        step, _, ratio = kubectl(plane.kubeconfig, "get", "azlm", "bench", "-o", path).partition(
            " "
        )
        if ratio and step not in {"CordonSource", "Drain"}:
            return float(ratio)
        time.sleep(0.2)
    return 0.0


def kubectl_serial(plane: ControlPlane, _: Path, emptied: Callable[[], bool]) -> Cost:
    """`kubectl drain` of the pool as in the documentation: node after node."""
    _target(plane)
    cost = _wait([_drain(plane, "-l", "agentpool=workers")])
    _until(emptied)
    return cost


def kubectl_at_once(plane: ControlPlane, _: Path, emptied: Callable[[], bool]) -> Cost:
    """Cordon all nodes first, then run one `kubectl drain` per node at the same time."""
    _target(plane)
    kubectl(plane.kubeconfig, "cordon", "-l", "agentpool=workers")
    cost = _wait([_drain(plane, name) for name in _source(plane)])
    _until(emptied)
    return cost


def _karpenter(plane: ControlPlane, scratch: Path, emptied: Callable[[], bool]) -> Cost:
    return Cost(*karpenter.run(plane, scratch, emptied))


BATCHES = "azlm, a node and then 10 % at a time"
"""Its default batches, without the soak of 15 minutes after each."""

TOOLS: dict[str, Tool] = {
    "azlm": Tool(azlm),
    BATCHES: Tool(partial(azlm, strategy=DEFAULT_BATCHES)),
    "kubectl drain, node after node": Tool(kubectl_serial),
    "kubectl drain, all at once": Tool(kubectl_at_once),
}
RIVALS: dict[str, Tool] = {
    "Karpenter, all nodes at once": Tool(_karpenter, karpenter.prepare, karpenter.close)
}
"""Tools that take long to build; run with `make bench RIVALS=all`."""


def _source(plane: ControlPlane) -> list[str]:
    names = kubectl(plane.kubeconfig, "get", "nodes", "-l", "agentpool=workers", "-o", "name")
    return [name.removeprefix("node/") for name in names.split()]


def _target(plane: ControlPlane) -> None:
    """kubectl gets what azlm creates by itself: as many new nodes, Ready."""
    count = len(_source(plane))
    apply(plane.kubeconfig, pool_nodes("workersazl", count, os_sku="AzureLinux"))
    ready = "--for=condition=Ready"
    kubectl(plane.kubeconfig, "wait", ready, "node", "-l", "agentpool=workersazl", "--timeout=60s")


def _drain(plane: ControlPlane, *which: str) -> "subprocess.Popen[bytes]":
    flags = ["--ignore-daemonsets", "--delete-emptydir-data", f"--timeout={PATIENCE:.0f}s"]
    command = [str(KUBECTL), f"--kubeconfig={plane.kubeconfig}", "drain", *which, *flags]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _wait(running: "list[subprocess.Popen[bytes]]") -> Cost:
    """The CPU and the memory of all processes, since they run side by side."""
    cpu = memory = 0.0
    for process in running:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        cpu += used.ru_utime + used.ru_stime
        memory += used.ru_maxrss / 1024
    return Cost(cpu, memory)


def _until(check: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not check():
        if time.monotonic() > deadline:
            raise RuntimeError("the source pool was not emptied in time")
        time.sleep(0.05)
