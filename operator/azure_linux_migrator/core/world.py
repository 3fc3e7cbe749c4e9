"""The world as the core sees it: nodes, pods and disruption budgets with the indexes drains need.

Fed event by event; an event costs the same whatever the number of pods, but for a changed budget
selector, which costs its namespace once. It also holds the ledger of evictions that were sent and
that the cluster does not show yet, because those belong to the cluster and not to one migration.
"""

from collections import defaultdict
from collections.abc import Iterable

from azure_linux_migrator.core.drain.ledger import Ledger
from azure_linux_migrator.core.drain.owners import Owners
from azure_linux_migrator.core.records import Budget, Key, Labels, Node, Pod


def counts_as_healthy(pod: Pod) -> bool:
    """As the disruption controller counts: Ready and not on its way out."""
    return pod.ready and not pod.terminating and not pod.finished


class World:
    """Indexes over the records; every method is total and idempotent."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.pods: dict[Key, Pod] = {}
        self.budgets: dict[Key, Budget] = {}
        self.ledger = Ledger()
        self.owners = Owners()
        self._nodes_of_pool: defaultdict[str, dict[str, Node]] = defaultdict(dict)
        self._pods_on: defaultdict[str, dict[Key, Pod]] = defaultdict(dict)
        self._pods_in: defaultdict[str, set[Key]] = defaultdict(set)
        self._budgets_in: defaultdict[str, set[Key]] = defaultdict(set)
        self._healthy: defaultdict[Key, int] = defaultdict(int)
        self._guards: defaultdict[str, dict[Labels, tuple[Key, ...]]] = defaultdict(dict)

    def clear(self) -> None:
        """Forget everything: nobody watches any more."""
        self.__init__()  # type: ignore[misc]  # every field is made anew, in one place

    # Reading

    def pool_nodes(self, pool: str) -> list[Node]:
        """Nodes of a pool, by name."""
        return sorted(self._nodes_of_pool.get(pool, {}).values(), key=lambda node: node.name)

    def pods_on(self, node: str) -> Iterable[Pod]:
        """Pods bound to a node."""
        return self._pods_on.get(node, {}).values()

    def budgets_of(self, pod: Pod) -> tuple[Key, ...]:
        """Keys of the budgets that select a pod, sorted."""
        cache = self._guards[pod.key.namespace]
        found = cache.get(pod.labels)
        if found is None:
            labels = dict(pod.labels)
            found = tuple(
                sorted(
                    key
                    for key in self._budgets_in.get(pod.key.namespace, ())
                    if (selector := self.budgets[key].selector) is not None
                    and selector.matches(labels)
                )
            )
            cache[pod.labels] = found
        return found

    def healthy(self, budget: Key) -> int:
        """Healthy pods of a budget by our own watch, which may be ahead of the budget's status."""
        return self._healthy[budget]

    # Events

    def put_node(self, node: Node) -> None:
        """A node was added or changed."""
        self.remove_node(node.name)
        self.nodes[node.name] = node
        self._nodes_of_pool[node.pool][node.name] = node

    def remove_node(self, name: str) -> None:
        """A node is gone; its pods go by their own events."""
        old = self.nodes.pop(name, None)
        if old is not None:
            self._nodes_of_pool[old.pool].pop(name, None)

    def put_pod(self, pod: Pod) -> None:
        """A pod was added or changed."""
        old = self.pods.get(pod.key)
        if old is not None:
            self._drop(old)
        self.pods[pod.key] = pod
        self._pods_in[pod.key.namespace].add(pod.key)
        if pod.node:
            self._pods_on[pod.node][pod.key] = pod
        self._tally(pod, 1)
        if old is not None and old.uid != pod.uid:
            self._leaves(old, pod.revision)
        if pod.terminating:
            self._leaves(pod, pod.revision)

    def remove_pod(self, key: Key, revision: int = 0) -> None:
        """A pod is gone, as of that resourceVersion."""
        old = self.pods.pop(key, None)
        if old is None:
            return
        self._drop(old)
        self._pods_in[key.namespace].discard(key)
        self._leaves(old, revision or old.revision)

    def put_budget(self, budget: Budget) -> None:
        """A budget was added or changed."""
        old = self.budgets.get(budget.key)
        self.budgets[budget.key] = budget
        if old is None or old.selector != budget.selector:
            self._budgets_in[budget.key.namespace].add(budget.key)
            self._regroup(budget.key.namespace)
        self.ledger.budget_shows(budget)

    def remove_budget(self, key: Key) -> None:
        """A budget is gone."""
        if self.budgets.pop(key, None) is not None:
            self._budgets_in[key.namespace].discard(key)
            self._regroup(key.namespace)
            self.ledger.forget_budget(key)

    def _leaves(self, pod: Pod, revision: int) -> None:
        shown_by = self.ledger.pod_leaves(pod.key, pod.uid, revision)
        if shown_by is not None and (budget := self.budgets.get(shown_by)) is not None:
            self.ledger.budget_shows(budget)

    def _drop(self, pod: Pod) -> None:
        if pod.node:
            self._pods_on[pod.node].pop(pod.key, None)
        self._tally(pod, -1)

    def _tally(self, pod: Pod, change: int) -> None:
        healthy = counts_as_healthy(pod)
        if pod.owner is not None:
            self.owners.tally(pod.owner.uid, change, healthy=healthy, leaving=pod.terminating)
        if healthy:
            for key in self.budgets_of(pod):
                self._healthy[key] += change

    def _regroup(self, namespace: str) -> None:
        self._guards.pop(namespace, None)
        for key in self._budgets_in[namespace]:
            self._healthy[key] = 0
        for pod_key in self._pods_in[namespace]:
            pod = self.pods[pod_key]
            if counts_as_healthy(pod):
                for key in self.budgets_of(pod):
                    self._healthy[key] += 1
