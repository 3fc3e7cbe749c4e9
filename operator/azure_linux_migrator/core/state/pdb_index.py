"""Which budgets select which pods, and how many healthy pods each budget has by our own watch.

A pod's budgets follow from its namespace and labels alone, so the answer is kept for these, until a
selector of the namespace changes. Pods of Jobs and StatefulSets have labels of their own each: no
more answers are kept than there are pods, twice over.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from azure_linux_migrator.model.cluster import Budget, NamespacedName, Pod
from azure_linux_migrator.model.selectors import Labels

SPARE = 64
"""Answers that a namespace may hold beyond two for each of its pods."""


def counts_as_healthy(pod: Pod) -> bool:
    """As the disruption controller counts: Ready and not on its way out."""
    return pod.ready and not pod.terminating and not pod.finished


class PdbIndex:
    """An index over the budgets and the pods, whose records it is given and does not change."""

    def __init__(
        self,
        budgets: Mapping[NamespacedName, Budget],
        pods_in: Mapping[str, Collection[NamespacedName]],
    ) -> None:
        self._budgets = budgets
        self._pods_in = pods_in
        self._budgets_in: defaultdict[str, set[NamespacedName]] = defaultdict(set)
        self._healthy: dict[NamespacedName, int] = {}
        self._answers: defaultdict[str, dict[Labels, tuple[NamespacedName, ...]]] = defaultdict(
            dict
        )

    def of(self, pod: Pod) -> tuple[NamespacedName, ...]:
        """Keys of the budgets that select a pod, sorted."""
        namespace = pod.key.namespace
        answers = self._answers[namespace]
        budgets = answers.get(pod.labels)
        if budgets is None:
            if len(answers) > 2 * len(self._pods_in.get(namespace, ())) + SPARE:
                answers.clear()
            labels = dict(pod.labels)
            budgets = answers[pod.labels] = tuple(
                sorted(
                    key
                    for key in self._budgets_in.get(namespace, ())
                    if (selector := self._budgets[key].selector) is not None
                    and selector.matches(labels)
                )
            )
        return budgets

    def healthy(self, budget: NamespacedName) -> int:
        """Healthy pods of a budget."""
        return self._healthy.get(budget, 0)

    def tally(self, pod: Pod, change: int) -> None:
        """A healthy pod appears (+1) or disappears (-1)."""
        for key in self.of(pod):
            self._healthy[key] = self._healthy.get(key, 0) + change

    def add(self, budget: NamespacedName) -> None:
        """A budget is there; `regroup` its namespace then."""
        self._budgets_in[budget.namespace].add(budget)

    def discard(self, budget: NamespacedName) -> None:
        """A budget is gone; `regroup` its namespace then."""
        self._budgets_in[budget.namespace].discard(budget)
        self._healthy.pop(budget, None)
        if not self._budgets_in[budget.namespace]:
            del self._budgets_in[budget.namespace]

    def regroup(self, namespace: str, pods: Iterable[Pod]) -> None:
        """A selector changed: find the budgets of all pods of its namespace again."""
        self._answers.pop(namespace, None)
        for key in self._budgets_in.get(namespace, ()):
            self._healthy[key] = 0
        for pod in pods:
            if counts_as_healthy(pod):
                self.tally(pod, 1)

    def emptied(self, namespace: str) -> None:
        """A namespace has no pods any more."""
        self._answers.pop(namespace, None)
