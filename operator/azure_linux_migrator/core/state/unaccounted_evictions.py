"""Evictions that the status of their budget does not account for yet.

Until it does, its `disruptionsAllowed` is one too many. A budget accounts for an eviction when it
names the pod in `disruptedPods`, or when its resourceVersion is later than the one at which the pod
was seen leaving: the decrement is written before the pod is deleted, so every later budget has it
(pkg/registry/core/pod/storage/eviction.go).
"""

from collections import defaultdict
from collections.abc import Mapping
from heapq import heappop, heappush

from azure_linux_migrator.core.state.inflight_eviction import Eviction
from azure_linux_migrator.model.cluster import Budget, NamespacedName


class UnaccountedEvictions:
    """By budget: the pods, and the revisions at which those that left were seen leaving."""

    def __init__(self) -> None:
        self._pods: defaultdict[NamespacedName, set[NamespacedName]] = defaultdict(set)
        self._left: defaultdict[NamespacedName, list[tuple[int, NamespacedName, str]]] = (
            defaultdict(list)
        )

    def count(self, budget: NamespacedName) -> int:
        """Evictions that the budget's status does not account for."""
        return len(self._pods.get(budget, ()))

    def add(self, budget: NamespacedName, pod: NamespacedName) -> None:
        """An eviction is about to be sent."""
        self._pods[budget].add(pod)

    def left(self, budget: NamespacedName, pod: NamespacedName, uid: str, revision: int) -> None:
        """The pod of that uid was seen leaving, at this revision of the cluster."""
        heappush(self._left[budget], (revision, pod, uid))

    def settle(self, budget: NamespacedName, pod: NamespacedName) -> None:
        """Nothing has to be accounted for: it was, or the eviction took no slot."""
        pods = self._pods.get(budget)
        if pods is not None:
            pods.discard(pod)
            if not pods:
                del self._pods[budget]

    def forget(self, budget: NamespacedName) -> None:
        """The budget is gone."""
        self._pods.pop(budget, None)
        self._left.pop(budget, None)

    def accounted_by(
        self, budget: Budget, evictions: Mapping[NamespacedName, Eviction]
    ) -> set[NamespacedName]:
        """The pods whose evictions a new status of a budget accounts for."""
        pods = self._pods.get(budget.key)
        if not pods:
            self._left.pop(budget.key, None)
            return set()
        accounted = {
            pod
            for name in budget.disrupted
            if (pod := NamespacedName(budget.key.namespace, name)) in pods
            and evictions[pod].charged_at < budget.revision
        }
        left = self._left.get(budget.key)
        while left and left[0][0] < budget.revision:
            _, pod, uid = heappop(left)
            if (eviction := evictions.get(pod)) is not None and eviction.uid == uid:
                # A StatefulSet's next pod of that name may be under way already.
                accounted.add(pod)
        return accounted & pods
