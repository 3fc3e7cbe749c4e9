"""The nodes that AKS brings and takes, its own drains, and its cluster autoscaler.

Drives the model of sim/aks.py on the kernel's time and shows in the cluster what it does.
"""

from collections.abc import Callable
from math import ceil

from azure_linux_migrator.core.records import Node, Pod, Room
from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.sim import aks_operations as ops
from azure_linux_migrator.sim.aks import ManagedCluster
from azure_linux_migrator.sim.aks_errors import ArmError, ResponseLost
from azure_linux_migrator.sim.aks_nodes import NodeRecord
from azure_linux_migrator.sim.cluster.api import Api
from azure_linux_migrator.sim.cluster.shapes import Machine
from azure_linux_migrator.sim.cluster.store import Store
from azure_linux_migrator.sim.kernel import Kernel, Timer

SIZE_LABEL = "node.kubernetes.io/instance-type"
EVICT_AGAIN_SECONDS = 5.0
SCAN_SECONDS = 10.0
IDLE_SECONDS = 600.0
"""The autoscaler removes a node that was empty for so long (scale-down-unneeded-time)."""
_OVERHEAD = 0.9
"""Part of a machine that pods can have."""


class Fleet:
    """One managed cluster's machines."""

    def __init__(self, store: Store, kernel: Kernel, api: Api, aks: ManagedCluster) -> None:
        self.aks = aks
        self._store = store
        self._kernel = kernel
        self._api = api
        self._timer: Timer | None = None
        self._idle_since: dict[str, float] = {}
        self.rooms: dict[str, Room] = {}
        """What nodes of a VM size can hold, where it is known better than from the size's name."""
        self.on_vanish: list[Callable[[str, str], None]] = []

    def adopt(self) -> None:
        """Show the nodes that are there at the start."""
        for record in self.aks.nodes():
            self._appear(record)

    def touched(self) -> None:
        """A call may have started something: look what is due next."""
        due = self.aks.next_event_at()
        if due is None:
            return
        if self._timer is not None and self._timer.live:
            if self._timer.at <= due:
                return
            self._timer.cancel()
        self._timer = self._kernel.at(due, self._advance)

    def _advance(self) -> None:
        for event in self.aks.advance(self._kernel.now):
            match event:
                case ops.NodeAppears(node=record):
                    self._appear(record)
                case ops.NodeChanges(new=record):
                    self._change(record)
                case ops.NodeDrains(name=name):
                    self._store.change_node(name, unschedulable=True)
                    self._drain(name)
                case ops.NodeVanishes(name=name, pool=pool):
                    for told in self.on_vanish:
                        told(name, pool)
                    self._store.remove_node(name)
        self.touched()

    def _appear(self, record: NodeRecord) -> None:
        node = Node(
            record.name,
            record.pool,
            os_sku=record.labels["kubernetes.azure.com/os-sku"],
            zone=record.zone if record.zone != "0" else "",
            room=self.rooms.get(record.labels.get(SIZE_LABEL, "")) or _room(record),
        )
        self._store.put_node(node, Machine(record.labels, record.taints))

    def _change(self, record: NodeRecord) -> None:
        found = self._store.machines.get(record.name)
        if found is not None:
            found.labels, found.taints = record.labels, record.taints
            self._store.change_node(
                record.name, os_sku=record.labels["kubernetes.azure.com/os-sku"]
            )

    # AKS's own drain

    def _drain(self, name: str) -> None:
        if name not in self._store.nodes or not self.aks.draining(name):
            return
        left = [pod for pod in self._store.pods_on[name].values() if _leaves(pod)]
        if not left:
            self.aks.drained(name, self._kernel.now)
            self.touched()
            return
        for pod in left:
            try:
                self._api.evict(pod.key, pod.uid)
            except KubernetesError:
                continue  # it is tried again with the rest
        self._kernel.after(EVICT_AGAIN_SECONDS, lambda: self._drain(name))

    # The cluster autoscaler

    def autoscale(self) -> None:
        """Look at the autoscaled pools now, and every SCAN_SECONDS from now on."""
        for name in self.aks.pool_names():
            bounds = self.aks.autoscaled(name)
            if bounds is not None:
                self._scale(name, *bounds)
        self.touched()
        self._kernel.after(SCAN_SECONDS, self.autoscale)

    def _scale(self, pool: str, least: int, most: int) -> None:
        nodes = [node for node in self._store.nodes.values() if node.pool == pool]
        waiting = [pod for pod in self._store.pods.values() if pod.unschedulable]
        wanted = len(nodes)
        if waiting and nodes:
            room = nodes[0].room
            cpu = sum(pod.requests[0] for pod in waiting)
            wanted = min(most, len(nodes) + max(1, ceil(cpu / max(1, room.cpu))))
        gone = self._idle(nodes) if not waiting else []
        gone = gone[: max(0, len(nodes) - least)]
        try:
            if wanted > len(nodes):
                self.aks.autoscale(pool, wanted, self._kernel.now)
            elif gone:
                self.aks.delete_machines(pool, gone, self._kernel.now)
        except (ArmError, ResponseLost):
            return  # the pool is busy; the next scan looks again

    def _idle(self, nodes: list[Node]) -> list[str]:
        now = self._kernel.now
        found = []
        for node in nodes:
            if any(_leaves(pod) for pod in self._store.pods_on[node.name].values()):
                self._idle_since.pop(node.name, None)
            elif now - self._idle_since.setdefault(node.name, now) >= IDLE_SECONDS:
                found.append(node.name)
        return found

    # Misfortune

    def lose(self, name: str) -> None:
        """A node stops answering."""
        self._store.change_node(name, ready=False)

    def find(self, name: str) -> None:
        """It answers again."""
        self._store.change_node(name, ready=True)


def _room(record: NodeRecord) -> Room:
    cpu = int(record.cpus * 1000 * _OVERHEAD)
    return Room(cpu, int(record.memory_mib * _OVERHEAD), record.max_pods)


def _leaves(pod: Pod) -> bool:
    return not pod.mirror and not (pod.owner is not None and pod.owner.kind == "DaemonSet")
