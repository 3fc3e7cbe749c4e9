"""The effect of every action in the simulated cluster. Its counterparts are kube/cordon.py,
kube/eviction.py, kube/surge.py and azure/client.py."""

from collections.abc import Iterable, Iterator

from azure_linux_migrator.api.names import LOWEST_DELETION_COST, RELINQUISHED
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
    ReleaseNode,
    RelinquishScale,
    ReportDrain,
    RestartRollout,
    RestoreScale,
    SetDeletionCost,
    SurgeReplica,
    UpdatePool,
)
from azure_linux_migrator.model.cluster import Pod
from azure_linux_migrator.simulator.assembly.simulated_cluster import SimulatedCluster
from azure_linux_migrator.simulator.cluster.store import Store
from azure_linux_migrator.simulator.cluster.workloads import Workloads


def perform(cluster: SimulatedCluster, action: Action) -> None:
    """Let a write take effect; reads have none. Raises AzlmError if it is refused."""
    api = cluster.api
    match action:
        case CreatePool() | UpdatePool() | DeleteMachines() | DeletePool():
            if ends_nodes(action):
                check_nodes_are_empty(action, _pods_on_nodes(cluster.store, action))
            try:
                cluster.arm.change(action, cluster.kernel.now)
            finally:
                cluster.node_lifecycle.touched()
        case EvictPod(pod, uid):
            api.evict(pod, uid)
        case DeletePod(pod, uid):
            api.delete(pod, uid)
        case CordonNode(node, by, batch):
            api.cordon(node, by, batch)
        case MarkNode(node, batch):
            api.mark(node, batch)
        case ReportDrain(node, by, condition):
            api.report_drain(node, f"{by}/{condition}" if condition else "")
        case ReleaseNode(node, by):
            api.uncordon(node, by)
            api.mark(node, "")
        case SetDeletionCost(pod, uid, first):
            api.set_deletion_cost(pod, uid, LOWEST_DELETION_COST if first else 0)
        case RestartRollout() | SurgeReplica() | RestoreScale() | RelinquishScale() | ForgetSurge():
            _scale(cluster.workloads, action)


def _pods_on_nodes(store: Store, action: EndsNodes) -> Iterator[Pod]:
    """The pods that are on the nodes that an action would end."""
    if isinstance(action, DeleteMachines):
        nodes: Iterable[str] = action.nodes
    else:
        nodes = (node.name for node in store.nodes.values() if node.pool == action.pool)
    return (pod for node in nodes for pod in store.pods_on.get(node, {}).values())


def _scale(
    workloads: Workloads,
    action: RestartRollout | SurgeReplica | RestoreScale | RelinquishScale | ForgetSurge,
) -> None:
    """As kube/surge.py does: every patch tests the values that it changes."""
    match action:
        case RestartRollout(deployment, stamp):
            workloads.restart(deployment, stamp)
        case SurgeReplica(deployment, replicas, by):
            if workloads.replicas(deployment) == replicas:
                workloads.scale(deployment, replicas + 1, surge=f"{by}/{replicas}")
        case RestoreScale(deployment, replicas):
            if workloads.replicas(deployment) == replicas + 1:
                workloads.scale(deployment, replicas, surge="")
            else:  # Another writer owns the scale: only azlm's record of it is removed.
                workloads.note(deployment, "")
        case RelinquishScale(deployment, by, uid):
            workloads.note(deployment, f"{by}/{RELINQUISHED}.{uid}")
        case ForgetSurge(deployment, mark):
            if workloads.surge_of(deployment) == mark:
                workloads.note(deployment, "")
