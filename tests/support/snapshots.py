"""Small snapshots, constructed in Python, and the clusters that are built from them."""

import random
from typing import Any

from msgspec import structs

from azure_linux_migrator.forecast.build_cluster import Assumptions, build_cluster
from azure_linux_migrator.model.cluster import (
    Allocatable,
    Attachment,
    Controller,
    NamespacedName,
    Node,
    Owner,
    Pod,
    Volume,
)
from azure_linux_migrator.model.cluster_snapshot import ClusterSnapshot
from azure_linux_migrator.model.pool import Pool
from azure_linux_migrator.model.scheduling import SchedulingConstraints
from azure_linux_migrator.simulator.assembly.simulated_cluster import SimulatedCluster
from azure_linux_migrator.simulator.cluster.workload import NodeCapacity

NOW = 1_790_000_000.0
DAY = 86_400.0
SIZE = "Standard_D4s_v5"
ROOM = Allocatable(3800, 12_000, 110)


def cluster(workers: int = 3) -> ClusterSnapshot:
    """One system node and some workers, with nothing on them."""
    snapshot = ClusterSnapshot(NOW)
    for name, count, mode in (("system", 1, "System"), ("workers", workers, "User")):
        settings = {
            "count": count,
            "vmSize": SIZE,
            "osSKU": "Ubuntu",
            "mode": mode,
            "type": "VirtualMachineScaleSets",
            "currentOrchestratorVersion": "1.37.2",
        }
        snapshot.pools.append(
            Pool(name, "Ubuntu", mode=mode, count=count, vm_size=SIZE, properties=settings)
        )
        for index in range(count):
            host = f"aks-{name}-12345678-vmss{index:06d}"
            snapshot.nodes.append(Node(host, name, os_sku="Ubuntu", allocatable=ROOM))
            snapshot.labels[host] = labels(host, name)
            snapshot.taints[host] = []
    return snapshot


def labels(host: str, pool: str) -> dict[str, str]:
    """A node's."""
    return {
        "node.kubernetes.io/instance-type": SIZE,
        "agentpool": pool,
        "kubernetes.azure.com/agentpool": pool,
        "kubernetes.io/hostname": host,
    }


def workers(snapshot: ClusterSnapshot) -> list[str]:
    """The names of the workers."""
    return [node.name for node in snapshot.nodes if node.pool == "workers"]


def add(
    snapshot: ClusterSnapshot,
    kind: str,
    name: str,
    count: int,
    *,
    scheduling: SchedulingConstraints | None = None,
    per_pod: list[dict[str, Any]] | None = None,
    controller: dict[str, Any] | None = None,
    **pod: Any,
) -> None:
    """A workload whose pods have been Ready for a day, one worker after the other. `per_pod`
    changes single pods, `controller` its record; kinds outside the API of apps get none."""
    uid = f"u-{name}"
    owner = Owner(kind, name, uid)
    if kind == "Deployment":
        owner = Owner("ReplicaSet", f"{name}-1", f"{uid}-1")
        snapshot.controllers.append(
            Controller(
                "ReplicaSet", NamespacedName("default", owner.name), owner.uid, uid, replicas=count
            )
        )
    if kind in {"Deployment", "StatefulSet", "DaemonSet"}:
        more = {"replicas": count, "rolling": True, "max_surge": 1, **(controller or {})}
        snapshot.controllers.append(Controller(kind, NamespacedName("default", name), uid, **more))
    snapshot.scheduling[owner.uid] = scheduling or SchedulingConstraints()
    hosts = workers(snapshot)
    first = (controller or {}).get("first_ordinal", 0)
    for index in range(count):
        fields = {
            "phase": "Running",
            "ready": True,
            "terminating": False,
            "node": hosts[index % len(hosts)],
            "labels": (("app", name),),
            "created": NOW - DAY,
            "started_in": 4.0,
            "requests": (100, 128),
            **pod,
            **(per_pod[index] if per_pod else {}),
        }
        ready = {} if fields["ready"] else {"started_in": 0.0}
        key = NamespacedName("default", f"{name}-{first + index}")
        snapshot.pods.append(Pod(key, f"{key.name}.uid", owner=owner, **fields | ready))


def disk(snapshot: ClusterSnapshot, claim: str, node: str) -> None:
    """An Azure Disk that is attached to a node."""
    snapshot.volumes.append(Volume(f"pv-{claim}", NamespacedName("default", claim)))
    snapshot.attachments.append(Attachment(f"va-{claim}", node, f"pv-{claim}"))


def staged(snapshot: ClusterSnapshot, **assumed: Any) -> SimulatedCluster:
    """The cluster that starts in the state of the snapshot."""
    return build_cluster(snapshot, Assumptions(**assumed), random.Random(1))


def after(simulation: SimulatedCluster, seconds: float) -> None:
    """Let time pass."""
    end = simulation.kernel.now + seconds
    simulation.kernel.run(lambda: False, end=end)
    simulation.kernel.now = end


def delete(simulation: SimulatedCluster, *names: str) -> None:
    """Delete pods, as an eviction that is granted does."""
    for name in names:
        pod = simulation.store.pods[NamespacedName("default", name)]
        simulation.api.delete(pod.key, pod.uid)


def pods_of(simulation: SimulatedCluster, app: str) -> list[Pod]:
    """A workload's pods, by name."""
    pods = (pod for pod in simulation.store.pods.values() if ("app", app) in pod.labels)
    return sorted(pods, key=lambda pod: pod.key)


def names(simulation: SimulatedCluster, app: str) -> list[str]:
    """The names of a workload's pods that are not leaving."""
    return [pod.key.name for pod in pods_of(simulation, app) if not pod.terminating]


def ready(simulation: SimulatedCluster, app: str) -> int:
    """How many of a workload's pods are Ready and stay."""
    return sum(pod.ready and not pod.terminating for pod in pods_of(simulation, app))


def new_node(
    simulation: SimulatedCluster,
    name: str,
    *,
    allocatable: Allocatable = ROOM,
    taken: int = 0,
    taints: Any = (),
    more: dict[str, str] | None = None,
    **node: Any,
) -> None:
    """A node comes; `taken` is the CPU in use on it."""
    machine = NodeCapacity(labels(name, "new") | (more or {}), tuple(taints), cpu=taken)
    simulation.store.put_node(
        structs.replace(Node(name, "new", allocatable=allocatable), **node), machine
    )
