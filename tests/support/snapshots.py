"""Small snapshots, made in Python, and the clusters that they become."""

import random
from typing import Any

from msgspec import structs

from azure_linux_migrator.forecast.build_cluster import Assumptions, stage
from azure_linux_migrator.forecast.snapshot import Snapshot
from azure_linux_migrator.model.cluster import (
    Attachment,
    Controller,
    Key,
    Node,
    Owner,
    Pod,
    Room,
    Volume,
)
from azure_linux_migrator.model.pool import Pool
from azure_linux_migrator.model.scheduling import Placing
from azure_linux_migrator.simulator.cluster.workload import Machine
from azure_linux_migrator.simulator.simulated_cluster import Scene

NOW = 1_790_000_000.0
DAY = 86_400.0
SIZE = "Standard_D4s_v5"
ROOM = Room(3800, 12_000, 110)


def cluster(workers: int = 3) -> Snapshot:
    """One system node and some workers, with nothing on them."""
    made = Snapshot(NOW)
    for name, count, mode in (("system", 1, "System"), ("workers", workers, "User")):
        settings = {
            "count": count,
            "vmSize": SIZE,
            "osSKU": "Ubuntu",
            "mode": mode,
            "type": "VirtualMachineScaleSets",
            "currentOrchestratorVersion": "1.37.2",
        }
        made.pools.append(
            Pool(name, "Ubuntu", mode=mode, count=count, vm_size=SIZE, settings=settings)
        )
        for index in range(count):
            host = f"aks-{name}-12345678-vmss{index:06d}"
            made.nodes.append(Node(host, name, os_sku="Ubuntu", room=ROOM))
            made.labels[host] = labels(host, name)
            made.taints[host] = []
    return made


def labels(host: str, pool: str) -> dict[str, str]:
    """A node's."""
    return {
        "node.kubernetes.io/instance-type": SIZE,
        "agentpool": pool,
        "kubernetes.azure.com/agentpool": pool,
        "kubernetes.io/hostname": host,
    }


def workers(made: Snapshot) -> list[str]:
    """The names of the workers."""
    return [node.name for node in made.nodes if node.pool == "workers"]


def add(
    made: Snapshot,
    kind: str,
    name: str,
    count: int,
    *,
    placing: Placing | None = None,
    each: list[dict[str, Any]] | None = None,
    controller: dict[str, Any] | None = None,
    **pod: Any,
) -> None:
    """A workload whose pods have been Ready for a day, one worker after the other. `each` changes
    single pods, `controller` its record; kinds that the API of apps does not have get none."""
    uid = f"u-{name}"
    owner = Owner(kind, name, uid)
    if kind == "Deployment":
        owner = Owner("ReplicaSet", f"{name}-1", f"{uid}-1")
        made.controllers.append(
            Controller("ReplicaSet", Key("default", owner.name), owner.uid, uid, replicas=count)
        )
    if kind in {"Deployment", "StatefulSet", "DaemonSet"}:
        more = {"replicas": count, "rolling": True, "max_surge": 1, **(controller or {})}
        made.controllers.append(Controller(kind, Key("default", name), uid, **more))
    made.placings[owner.uid] = placing or Placing()
    hosts = workers(made)
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
            **(each[index] if each else {}),
        }
        ready = {} if fields["ready"] else {"started_in": 0.0}
        key = Key("default", f"{name}-{first + index}")
        made.pods.append(Pod(key, f"{key.name}.uid", owner=owner, **fields | ready))


def disk(made: Snapshot, claim: str, node: str) -> None:
    """An Azure Disk that is attached to a node."""
    made.volumes.append(Volume(f"pv-{claim}", Key("default", claim)))
    made.attachments.append(Attachment(f"va-{claim}", node, f"pv-{claim}"))


def staged(made: Snapshot, **assumed: Any) -> Scene:
    """The cluster that begins where the snapshot ends."""
    return stage(made, Assumptions(**assumed), random.Random(1))


def after(scene: Scene, seconds: float) -> None:
    """Let time pass."""
    end = scene.kernel.now + seconds
    scene.kernel.run(lambda: False, end=end)
    scene.kernel.now = end


def delete(scene: Scene, *names: str) -> None:
    """Delete pods, as an eviction that is granted does."""
    for name in names:
        pod = scene.store.pods[Key("default", name)]
        scene.api.delete(pod.key, pod.uid)


def pods_of(scene: Scene, app: str) -> list[Pod]:
    """A workload's pods, by name."""
    found = (pod for pod in scene.store.pods.values() if ("app", app) in pod.labels)
    return sorted(found, key=lambda pod: pod.key)


def names(scene: Scene, app: str) -> list[str]:
    """The names of a workload's pods that are not leaving."""
    return [pod.key.name for pod in pods_of(scene, app) if not pod.terminating]


def ready(scene: Scene, app: str) -> int:
    """How many of a workload's pods are Ready and stay."""
    return sum(pod.ready and not pod.terminating for pod in pods_of(scene, app))


def new_node(
    scene: Scene,
    name: str,
    *,
    room: Room = ROOM,
    taken: int = 0,
    taints: Any = (),
    more: dict[str, str] | None = None,
    **node: Any,
) -> None:
    """A node comes; `taken` is the CPU in use on it."""
    machine = Machine(labels(name, "new") | (more or {}), tuple(taints), cpu=taken)
    scene.store.put_node(structs.replace(Node(name, "new", room=room), **node), machine)
