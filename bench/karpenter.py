"""Karpenter with its kwok provider: it creates the source nodes itself, and their NodeClaims are
deleted at once.

Its nodes hold as many pods as those of the shape; the time includes the creation of the new nodes.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.shapes import Shape
from testbed import processes
from testbed.binaries import KARPENTER, ensure_built, module_directory
from testbed.control_plane import ControlPlane
from testbed.fill.command import apply, fill_workloads
from testbed.kubectl import kubectl

NAME = "karpenter"
_CRDS = ("pkg/apis/crds", "kwok/apis/crds")


def prepare(plane: ControlPlane, scratch: Path, shape: Shape) -> set[str]:
    """Start Karpenter, let it create nodes for the workloads, and return their names."""
    binary = ensure_built((KARPENTER,))[NAME]
    sources = module_directory(KARPENTER, "sigs.k8s.io/karpenter")
    for directory in _CRDS:
        kubectl(plane.kubeconfig, "apply", "--server-side", "-f", str(sources / directory))
    kubectl(plane.kubeconfig, "wait", "--for=condition=Established", "crd", "--all")
    apply(plane.kubeconfig, _identity())
    workloads = shape.workloads()
    pods = sum(int(workload["spec"].get("replicas", 0)) for workload in workloads)
    types = scratch / "instance-types.json"
    types.write_text(json.dumps([_instance_type(-(-pods // shape.nodes))]))
    _start(plane, binary, types)
    apply(plane.kubeconfig, _pool())
    fill_workloads(plane.kubeconfig, workloads)
    time.sleep(3.0)
    return set(_nodes(plane))


def run(plane: ControlPlane, _: Path, emptied: Callable[[], bool]) -> tuple[float, float]:
    """End all of its nodes at once; returns its CPU seconds and its peak memory in MB."""
    process = processes.running(plane.directory, NAME)
    if process is None:
        raise RuntimeError(f"Karpenter ended:\n{processes.log_tail(plane.directory, NAME)}")
    before = process.cpu_times()
    kubectl(plane.kubeconfig, "delete", "nodeclaims", "--all", "--wait=false")
    deadline = time.monotonic() + 900.0
    while not emptied():
        if time.monotonic() > deadline or not process.is_running():
            tail = processes.log_tail(plane.directory, NAME)
            raise RuntimeError(f"Karpenter did not empty its nodes in time:\n{tail}")
        time.sleep(0.05)
    after = process.cpu_times()
    status = Path(f"/proc/{process.pid}/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    spent = after.user + after.system - before.user - before.system
    return spent, int(peak.split()[1]) / 1024


def close(plane: ControlPlane) -> None:
    """End Karpenter."""
    processes.stop(plane.directory, NAME)


def _start(plane: ControlPlane, binary: Path, types: Path) -> None:
    config = plane.service_account_kubeconfig("karpenter", "karpenter")
    metrics, health = processes.free_ports(2)
    flags = [
        "--disable-leader-election",
        f"--metrics-port={metrics}",
        f"--health-probe-port={health}",
        f"--instance-types-file-path={types}",
        "--kube-client-qps=1000",
        "--kube-client-burst=2000",
        "--log-level=error",
    ]
    environment = {"SYSTEM_NAMESPACE": "karpenter", "KUBECONFIG": str(config)}
    command = ["env", *(f"{key}={value}" for key, value in environment.items()), str(binary)]
    processes.start(plane.directory, NAME, [*command, *flags])


def _nodes(plane: ControlPlane) -> list[str]:
    listed = kubectl(
        plane.kubeconfig, "get", "nodes", "-l", "karpenter.sh/nodepool=workers", "-o", "name"
    )
    return [name.removeprefix("node/") for name in listed.split()]


def _identity() -> list[dict[str, Any]]:
    subject = {"kind": "ServiceAccount", "name": NAME, "namespace": NAME}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAME}},
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": NAME, "namespace": NAME},
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": NAME},
            "roleRef": role,
            "subjects": [subject],
        },
    ]


def _instance_type(pods: int) -> dict[str, Any]:
    requirements = [
        {"key": key, "operator": "In", "values": [value]}
        for key, value in (
            ("karpenter.sh/capacity-type", "on-demand"),
            ("topology.kubernetes.io/zone", "zone-1"),
        )
    ]
    return {
        "name": "m-16x-amd64-linux",
        "architecture": "amd64",
        "operatingSystems": ["linux"],
        "resources": {
            "cpu": "16",
            "memory": "64Gi",
            "pods": str(pods),
            "ephemeral-storage": "100Gi",
        },
        "offerings": [{"Price": 1.0, "Available": True, "Requirements": requirements}],
    }


def _pool() -> list[dict[str, Any]]:
    linux = {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]}
    node_class = {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"}
    return [
        {
            "apiVersion": "karpenter.kwok.sh/v1alpha1",
            "kind": "KWOKNodeClass",
            "metadata": {"name": "default"},
            "spec": {},
        },
        {
            "apiVersion": "karpenter.sh/v1",
            "kind": "NodePool",
            "metadata": {"name": "workers"},
            "spec": {
                "disruption": {
                    "consolidationPolicy": "WhenEmpty",
                    "consolidateAfter": "Never",
                    "budgets": [{"nodes": "100%"}],
                },
                "template": {
                    "spec": {
                        "expireAfter": "Never",
                        "requirements": [linux],
                        "nodeClassRef": node_class,
                    }
                },
            },
        },
    ]
