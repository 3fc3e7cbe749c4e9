"""Faults of writes: somebody else changes the object while the request is on its way.

What azlm has read is old by then. Its preconditions (resourceVersion, uid, the `test` of a patch)
are what keeps the change of the other one.
"""

from msgspec import structs

from azure_linux_migrator.model.actions import (
    Action,
    CordonNode,
    DeletePod,
    EvictPod,
    ReleaseNode,
    RestoreScale,
    SurgeReplica,
)
from azure_linux_migrator.model.cluster import NamespacedName
from simtest.faults.fault_hook import InjectedFault
from simtest.faults.faulted_run import FaultedRun

MOST: dict[str, int] = {
    "CordonNode": 6,
    "ReleaseNode": 6,
    "SurgeReplica": 2,
    "RestoreScale": 2,
    "EvictPod": 8,
    "DeletePod": 4,
}
"""Types of actions, and which one of a run may be overtaken: the first to this one."""


def overtake(run: FaultedRun, action: Action, seconds: float) -> InjectedFault | None:
    """Change what the action is about to change; None if there is nothing to change. The request of
    an eviction arrives so many seconds later, when another pod may have the name."""
    store = run.simulation.store
    match action:
        case CordonNode(name):
            node = store.nodes.get(name)
            if node is None or node.unschedulable:
                return None
            run.audit.foreign_cordon(node)
            store.change_node(name, unschedulable=True)
        case ReleaseNode(name, by):
            node = store.nodes.get(name)
            if node is None or node.cordoned_by != by:
                return None
            store.change_node(name, cordoned_by="")
            run.audit.foreign_cordon(structs.replace(node, cordoned_by=""))
        case SurgeReplica(deployment):
            return _scale(run, deployment)
        case RestoreScale(deployment):
            return _scale(run, deployment)
        case EvictPod(key, uid) | DeletePod(key, uid):
            pod = store.pods.get(key)
            if pod is None or pod.uid != uid:
                return None
            run.late_until[action.key] = run.now + seconds + 1
            store.remove_pod(key)
            return InjectedFault(late=seconds)
        case _:
            return None
    return InjectedFault()


def _scale(run: FaultedRun, deployment: NamespacedName) -> InjectedFault | None:
    """Somebody scales the Deployment up."""
    replicas = run.simulation.workloads.replicas(deployment)
    if replicas is None or deployment not in run.scenario.replicas:
        return None
    run.scenario.replicas[deployment] = replicas + 1
    run.audit.scaled_by_others(deployment)
    run.simulation.workloads.scale(deployment, replicas + 1)
    return InjectedFault()
