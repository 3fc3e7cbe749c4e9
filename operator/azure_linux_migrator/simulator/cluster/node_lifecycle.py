"""Adds and removes the nodes of the simulated AKS, and runs the drains of AKS itself. Drives
simulator/aks/managed_cluster.py in the time of the kernel and shows its effects in the cluster."""

from collections.abc import Callable

from msgspec import structs

from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.model.cluster import Allocatable, Node, Pod
from azure_linux_migrator.simulator.aks import operations as ops
from azure_linux_migrator.simulator.aks.managed_cluster import ManagedCluster
from azure_linux_migrator.simulator.aks.nodes import NodeRecord, make_node
from azure_linux_migrator.simulator.cluster.api_server import ApiServer
from azure_linux_migrator.simulator.cluster.store import Store
from azure_linux_migrator.simulator.cluster.workload import NodeCapacity
from azure_linux_migrator.simulator.kernel import Kernel, Timer

SIZE_LABEL = "node.kubernetes.io/instance-type"
EVICT_AGAIN_SECONDS = 5.0
ADD_ONS = "kube-system"
"""The namespace of AKS's own add-ons."""
NVIDIA = "nvidia.com/gpu"
_OVERHEAD = 0.9
"""The fraction of a machine that pods can use."""


class NodeLifecycle:
    """The machines of one managed cluster."""

    def __init__(self, store: Store, kernel: Kernel, api: ApiServer, aks: ManagedCluster) -> None:
        self.aks = aks
        self._store = store
        self._kernel = kernel
        self._api = api
        self._timer: Timer | None = None
        self.allocatable_by_size: dict[str, Allocatable] = {}
        """The allocatable resources of a VM size, if they are known better than from its name."""
        self.gpus: dict[str, int] = {}
        """GPUs of VM sizes by lower-case name."""
        self.on_vanish: list[Callable[[str, str], None]] = []

    def adopt(self) -> None:
        """Create the nodes that exist at the start."""
        for record in self.aks.nodes():
            self._appear(record)

    def touched(self) -> None:
        """A call may have started an operation: find its next event."""
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
                case ops.NodeDrains(name=name, evicts=evicts):
                    self._store.change_node(name, unschedulable=True)
                    self._drain(name, evicts)
                case ops.NodeStops(name=name):
                    self.lose(name)
                case ops.NodeStarts(node=record):
                    self._change(record)
                    self._store.change_node(record.name, ready=True, unschedulable=False)
                case ops.NodeVanishes(name=name, pool=pool):
                    for listener in self.on_vanish:
                        listener(name, pool)
                    self._store.remove_node(name)
                case ops.OperationEnds(kept=names):
                    for name in names:
                        self._store.change_node(name, unschedulable=False)
        self.touched()

    def _appear(self, record: NodeRecord) -> None:
        self._store.put_node(*self._shown(record))

    def _shown(self, record: NodeRecord) -> tuple[Node, NodeCapacity]:
        """A machine as the cluster sees it when it joins."""
        node = Node(
            record.name,
            record.pool,
            os_sku=record.labels["kubernetes.azure.com/os-sku"],
            os_effective=record.labels["kubernetes.azure.com/os-sku-effective"],
            zone=record.zone if record.zone != "0" else "",
            allocatable=self.allocatable_by_size.get(record.labels.get(SIZE_LABEL, ""))
            or self._allocatable(record),
        )
        return node, NodeCapacity(record.labels, record.taints)

    def prospects(self, pool: str) -> list[tuple[Node, NodeCapacity]]:
        """The nodes that a pool would add next, empty: one for each of its zones."""
        settings = self.aks.properties(pool)
        zones = settings.get("availabilityZones") or [""]
        nodes = (
            make_node(self.aks.setting, pool, settings, index, name=f"{pool}-to-come")
            for index in range(len(zones))
        )
        return [self._shown(record) for record in nodes]

    def _allocatable(self, record: NodeRecord) -> Allocatable:
        cpu = int(record.cpus * 1000 * _OVERHEAD)
        gpus = self.gpus.get(record.labels.get(SIZE_LABEL, "").lower(), 0)
        extended_resources = ((NVIDIA, gpus),) if gpus else ()
        return Allocatable(
            cpu, int(record.memory_mib * _OVERHEAD), record.max_pods, extended_resources
        )

    def _change(self, record: NodeRecord) -> None:
        capacity, node = self._store.machines.get(record.name), self._store.nodes.get(record.name)
        if capacity is not None and node is not None:
            capacity.labels, capacity.taints = record.labels, record.taints
            sku = record.labels["kubernetes.azure.com/os-sku"]
            effective = record.labels["kubernetes.azure.com/os-sku-effective"]
            # Watchers are called even if the record is equal: it has no labels and taints.
            shown = structs.replace(node, os_sku=sku, os_effective=effective)
            self._store.put_node(shown)

    # AKS's own drain

    def _drain(self, name: str, evicts: ops.Evicts) -> None:
        if name not in self._store.nodes or not self.aks.draining(name):
            return
        left = [pod for pod in self._store.pods_on[name].values() if leaves(pod)]
        if evicts is ops.Evicts.ADD_ONS:
            left = [pod for pod in left if pod.key.namespace == ADD_ONS]
        if not left:
            self.aks.drained(name, self._kernel.now)
            self.touched()
            return
        for pod in left:
            try:
                self._api.evict(pod.key, pod.uid)
            except KubernetesError:
                continue  # the next round tries again
        self._kernel.after(EVICT_AGAIN_SECONDS, lambda: self._drain(name, evicts))

    # Lost nodes

    def lose(self, name: str) -> None:
        """A node stops answering."""
        self._store.change_node(name, ready=False)

    def find(self, name: str) -> None:
        """A node answers again."""
        self._store.change_node(name, ready=True)


def leaves(pod: Pod) -> bool:
    """Whether a pod moves when its node is drained."""
    return not pod.mirror and not (pod.owner is not None and pod.owner.kind == "DaemonSet")
