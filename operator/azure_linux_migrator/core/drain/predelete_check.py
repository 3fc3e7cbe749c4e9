"""The check before machines are deleted: which pods are on their nodes now.

The deletion of machines asks no disruption budget, and a watch may be behind. The executor calls
`check_nodes_are_empty` with pods that it has just listed, the simulator with its own state.
"""

from collections.abc import Iterable
from typing import TypeGuard

from azure_linux_migrator.errors import InUseError
from azure_linux_migrator.model.actions import Action, DeleteMachines, DeletePool, UpdatePool
from azure_linux_migrator.model.cluster import Pod

REPORTED = 3
"""Pods that an error names."""

EndsNodes = DeletePool | DeleteMachines | UpdatePool


def ends_nodes(action: Action) -> TypeGuard[EndsNodes]:
    """Whether an action deletes machines: a whole pool's, some of them, or all by a count of 0."""
    if isinstance(action, UpdatePool):
        return dict(action.changes).get("count") == 0
    return isinstance(action, DeletePool | DeleteMachines)


def check_nodes_are_empty(action: EndsNodes, pods: Iterable[Pod]) -> None:
    """Raise InUseError if a pod of those on its nodes is not one that a drain leaves behind.

    The same as drain/pod_filters.py: mirror pods and those of DaemonSets stay with their node. What
    has run to completion loses nothing. A pod that the decision names as lost ends with its
    machine: a terminating one that nothing else ends (drain/stuck_terminating.py), or one that an
    admin lets go (pod.tolerates-cordon).
    """
    busy = sorted(pod.key for pod in pods if not _stays_behind(pod) and pod.uid not in action.lost)
    if not busy:
        return
    more = f" and {len(busy) - REPORTED} more" if len(busy) > REPORTED else ""
    count = f"{len(busy)} pods" if len(busy) > 1 else "a pod"
    raise InUseError(
        f"node pool {action.pool} still runs {count} that would be lost "
        f"({', '.join(map(str, busy[:REPORTED]))}{more}); its machines are not deleted before they "
        "have moved"
    )


def _stays_behind(pod: Pod) -> bool:
    return pod.finished or pod.mirror or (pod.owner is not None and pod.owner.kind == "DaemonSet")
