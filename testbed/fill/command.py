"""`python -m testbed fill`: creates nodes and workloads and waits until they are ready."""

import argparse
import json
import random
import time
from pathlib import Path
from typing import Any

from testbed.control_plane import say
from testbed.fill.nodes import pool_nodes
from testbed.fill.workloads import Manifest, demo, uniform
from testbed.kubectl import kubectl

READY_SECONDS = 180.0


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = commands.add_parser("fill", help="create source nodes and seeded workloads")
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1, help="order of creation and node names")
    parser.add_argument("--pool", default="workers")
    parser.add_argument("--nodes", type=int, default=6)
    parser.add_argument("--shape", choices=("demo", "uniform"), default="demo")
    parser.add_argument("--deployments", type=int, default=20, help="of the uniform shape")
    parser.add_argument("--replicas", type=int, default=20, help="of each Deployment")
    parser.add_argument("--max-unavailable", default="10%", help="of each budget")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    limit = arguments.max_unavailable
    workloads = (
        demo()
        if arguments.shape == "demo"
        else uniform(
            arguments.deployments,
            arguments.replicas,
            int(limit) if limit.isdecimal() else limit,
        )
    )
    started = time.monotonic()
    pods = fill(
        arguments.kubeconfig,
        workloads,
        pool=arguments.pool,
        nodes=arguments.nodes,
        seed=arguments.seed,
    )
    print(
        f"{arguments.nodes} nodes in pool {arguments.pool}, {pods} pods Ready in "
        f"{time.monotonic() - started:.1f} s"
    )


def fill(
    kubeconfig: Path, workloads: list[Manifest], *, pool: str, nodes: int, seed: int = 1
) -> int:
    """Create what is missing and wait until every pod runs; returns the number of pods."""
    apply(kubeconfig, pool_nodes(pool, nodes, seed=seed))
    return fill_workloads(kubeconfig, workloads, seed=seed)


def fill_workloads(kubeconfig: Path, workloads: list[Manifest], *, seed: int = 1) -> int:
    """Create the workloads in a seeded order and wait until every pod runs."""
    shuffled = random.Random(seed).sample(workloads, len(workloads))
    apply(kubeconfig, shuffled)
    return _wait(kubeconfig, shuffled)


def apply(kubeconfig: Path, manifests: list[dict[str, Any]]) -> None:
    """Apply manifests as one list."""
    whole = {"apiVersion": "v1", "kind": "List", "items": manifests}
    kubectl(
        kubeconfig,
        "apply",
        "--server-side",
        "--force-conflicts",
        "-f",
        "-",
        stdin=json.dumps(whole),
    )


def _wait(kubeconfig: Path, manifests: list[Manifest]) -> int:
    wanted = sum(
        int(manifest["spec"].get("replicas", 0)) + (manifest["kind"] == "Job")
        for manifest in manifests
    )
    deadline = time.monotonic() + READY_SECONDS
    while True:
        listed = json.loads(kubectl(kubeconfig, "get", "pods", "-A", "-o", "json"))["items"]
        owned = [
            pod
            for pod in listed
            if pod["metadata"].get("ownerReferences", [{}])[0].get("kind") != "DaemonSet"
        ]
        waiting = [pod for pod in owned if not _ready(pod)]
        if len(owned) >= wanted and not waiting:
            return len(listed)
        if time.monotonic() > deadline:
            names = ", ".join(pod["metadata"]["name"] for pod in waiting[:3])
            raise RuntimeError(f"after {READY_SECONDS:.0f} s not Ready: {names}")
        if not waiting:
            say(f"{len(owned)} of {wanted} pods exist")
        time.sleep(0.3)


def _ready(pod: dict[str, Any]) -> bool:
    if pod["status"].get("phase") == "Succeeded":
        return True
    conditions = pod["status"].get("conditions") or ()
    return any(
        condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions
    )
