"""What happens to a pod of a source node: the pod filters first, then what other objects decide.

The filters (pod_filters.py) look at the pod and its volumes. Added here is what depends on its
node, its owner, its budgets and its surge. Owns no state; pod_tracker.py calls it at each change.
"""

from collections.abc import Callable

from azure_linux_migrator.api.checks import Check
from azure_linux_migrator.core.drain.filter_facts import FilterFacts
from azure_linux_migrator.core.drain.pod_filters import (
    LEFT_BEHIND,
    MOVE,
    FilterResult,
    PodDisposition,
    classify_pod,
    held,
    returns,
    surge_undone,
    two_budgets,
)
from azure_linux_migrator.core.drain.scope import Scope
from azure_linux_migrator.core.drain.surge_eligibility import SurgeEligibility
from azure_linux_migrator.core.drain.surge_first import undone_by
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.model.cluster import Node, Pod


class PodClassifier:
    """The disposition of each pod of one drain, and the reason for it."""

    def __init__(
        self, world: World, scope: Scope, facts: FilterFacts, surges: SurgeEligibility
    ) -> None:
        self._world = world
        self._scope = scope
        self._facts = facts
        self._surges = surges

    def classify(
        self, pod: Pod, node: Node, returns_too_often: Callable[[Pod], bool]
    ) -> FilterResult:
        """The disposition of a pod on `node`, which is one of the source.

        `returns_too_often` is whether pods of the pod's owner come back to the source again and
        again.
        """
        filter_result = classify_pod(pod, self._scope.policy, self._facts)
        if filter_result.disposition is PodDisposition.WAIT and self._has_budget(pod):
            filter_result = MOVE
        if filter_result is not MOVE or pod.terminating or pod.finished:
            return filter_result
        if node.held:
            return held(node)
        if pod.owner is None:
            return filter_result
        if returns_too_often(pod):
            accepted = Check.POD_TOLERATES_CORDON in self._scope.accepted
            return LEFT_BEHIND if accepted else returns(pod)
        budgets = self._world.pdb_index.of(pod)
        if len(budgets) > 1 and pod.phase != "Pending":
            return two_budgets(pod, budgets)
        controller = self._surges.controller_of(pod) if pod.ready else None
        if controller is not None and not self._surges.why_not(pod, controller):
            by = undone_by(controller, self._surges.yielded)
            return surge_undone(pod, controller, by) if by else filter_result
        return filter_result

    def _has_budget(self, pod: Pod) -> bool:
        """Whether a budget says how a pod that is no Job's may be evicted: for example of a virtual
        machine, which moves when it is evicted and never runs to an end."""
        return (
            pod.owner is not None
            and pod.owner.kind != "Job"
            and bool(self._world.pdb_index.of(pod))
        )
