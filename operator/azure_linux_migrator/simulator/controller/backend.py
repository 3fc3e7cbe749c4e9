"""The effect of every action in the simulated cluster. Its counterparts are kube/cordon.py,
kube/eviction.py, kube/surge.py and azure/client.py."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from azure_linux_migrator.api.names import VICTIM_COST, YIELDED
from azure_linux_migrator.core.drain.predelete_check import (
    EndsNodes,
    check_nodes_are_empty,
    ends_nodes,
)
from azure_linux_migrator.model.actions import (
    Action,
    CordonNode,
    CreatePool,
    DeleteMachines,
    DeletePod,
    DeletePool,
    EvictPod,
    ForgetSurge,
    MarkNode,
    ReadPools,
    ReleaseNode,
    RelinquishScale,
    ReportDrain,
    RestartRollout,
    RestoreScale,
    SetDeletionCost,
    SurgeReplica,
    UpdatePool,
)
from azure_linux_migrator.model.azure_facts import AzureFacts
from azure_linux_migrator.model.cluster import NamespacedName, Pod
from azure_linux_migrator.model.pool import Pool
from azure_linux_migrator.simulator.aks.port import SimulatedArm
from azure_linux_migrator.simulator.cluster.api_server import ApiServer
from azure_linux_migrator.simulator.cluster.node_lifecycle import NodeLifecycle
from azure_linux_migrator.simulator.cluster.workloads import Workloads
from azure_linux_migrator.simulator.kernel import Kernel


class Effect(Struct, frozen=True):
    """The effect of a request: the pools that it read, and whether a second request follows."""

    pools: dict[str, Pool] | None = None
    more: bool = False


class Backend(Struct):
    """The API servers of a simulated cluster. `missing` are the rights that the operator lacks."""

    kernel: Kernel
    api: ApiServer
    workloads: Workloads
    node_lifecycle: NodeLifecycle
    arm: SimulatedArm
    azure_facts: AzureFacts = AzureFacts()
    missing: tuple[str, ...] = ()

    def perform(self, action: Action, part: int) -> Effect:
        """Let a request take effect; `part` is 1 for the second one of an action that needs two.
        Raises AzlmError if the request is refused."""
        match action:
            case ReadPools():
                return Effect(self.arm.list_pools(self.kernel.now))
            case CreatePool() | UpdatePool() | DeleteMachines() | DeletePool():
                if ends_nodes(action):
                    check_nodes_are_empty(action, self._occupants(action))
                try:
                    self.arm.change(action, self.kernel.now)
                finally:
                    self.node_lifecycle.touched()
            case EvictPod(pod, uid):
                self.api.evict(pod, uid)
            case DeletePod(pod, uid):
                self.api.delete(pod, uid)
            case CordonNode(node, by, batch):
                self.api.cordon(node, by, batch)
            case MarkNode() | ReportDrain():
                self._annotate(action)
            case ReleaseNode(node, by):
                # As kube/cordon.py does: the cordon in one request, the batch mark in another.
                if part == 0:
                    self.api.uncordon(node, by)
                    return Effect(more=True)
                self.api.mark(node, "")
            case RestoreScale(deployment, replicas):
                return self._restore(deployment, replicas, part)
            case _:
                self._scale(action)
        return Effect()

    def _occupants(self, action: EndsNodes) -> Iterator[Pod]:
        """The pods that are on the nodes that an action would end."""
        store = self.api.store
        if isinstance(action, DeleteMachines):
            nodes: Iterable[str] = action.nodes
        else:
            nodes = (node.name for node in store.nodes.values() if node.pool == action.pool)
        return (pod for node in nodes for pod in store.pods_on.get(node, {}).values())

    def _annotate(self, action: MarkNode | ReportDrain) -> None:
        match action:
            case MarkNode(node, batch):
                self.api.mark(node, batch)
            case ReportDrain(node, by, condition):
                self.api.report_drain(node, f"{by}/{condition}" if condition else "")

    def _scale(self, action: Action) -> None:
        """As kube/surge.py does: every patch tests the values that it changes."""
        workloads = self.workloads
        match action:
            case SetDeletionCost(pod, uid, first):
                self.api.mark_victim(pod, uid, VICTIM_COST if first else 0)
            case RestartRollout(deployment, stamp):
                workloads.restart(deployment, stamp)
            case SurgeReplica(deployment, replicas, by):
                if workloads.replicas(deployment) == replicas:
                    workloads.scale(deployment, replicas + 1, surge=f"{by}/{replicas}")
            case RelinquishScale(deployment, by, uid):
                workloads.note(deployment, f"{by}/{YIELDED}.{uid}")
            case ForgetSurge(deployment, mark):
                if workloads.surge_of(deployment) == mark:
                    workloads.note(deployment, "")

    def _restore(self, deployment: NamespacedName, replicas: int, part: int) -> Effect:
        """Change the scale and azlm's record of it in one request. If another writer owns the
        scale, only the record is removed, in a second request."""
        workloads = self.workloads
        if part == 1:
            workloads.note(deployment, "")
        elif workloads.replicas(deployment) == replicas + 1:
            workloads.scale(deployment, replicas, surge="")
        else:
            return Effect(more=True)
        return Effect()
