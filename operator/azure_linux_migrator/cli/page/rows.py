"""The rows of one migration's page, and which of them have changed since a reader got them.

A change costs what it is large: no pass over all pods, but for a budget's selector and a pool's
name, which change rarely.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from azure_linux_migrator.cli.page.content import Json, budget_row, node_row, pod_row, side_of
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.model.cluster import NamespacedName, Node, Pod
from azure_linux_migrator.model.migration import Migration


@dataclass(slots=True)
class Changes:
    """Keys of the rows that one reader does not have yet; `everything` at its beginning."""

    everything: bool = True
    nodes: set[str] = field(default_factory=set)
    pods: set[NamespacedName] = field(default_factory=set)
    budgets: set[NamespacedName] = field(default_factory=set)

    def clear(self) -> None:
        """The reader has them all."""
        self.everything = False
        self.nodes, self.pods, self.budgets = set(), set(), set()

    def __bool__(self) -> bool:
        return bool(self.everything or self.nodes or self.pods or self.budgets)


class Rows:
    """A listener of the world, which notes for each reader what has changed."""

    def __init__(self, world: World, migration: Migration) -> None:
        self._world = world
        self._waiting: Counter[NamespacedName] = Counter()
        self._readers: list[Changes] = []
        self.migration = migration
        world.listeners.append(self)
        self._recount()

    def subscribe(self) -> Changes:
        """A new reader, which has nothing yet."""
        changes = Changes()
        self._readers.append(changes)
        return changes

    def unsubscribe(self, changes: Changes) -> None:
        """The reader is gone."""
        self._readers = [reader for reader in self._readers if reader is not changes]

    def follow(self, migration: Migration) -> None:
        """The migration has changed. Its rows are built again where its pools have."""
        pools = (self.migration.old_pool, self.migration.new_pool)
        self.migration = migration
        if pools != (migration.old_pool, migration.new_pool):
            self.reset()

    def reset(self) -> None:
        """Every reader gets everything again."""
        self._recount()
        for reader in self._readers:
            reader.everything = True

    def take(self, changes: Changes) -> Json:
        """The rows that the reader lacks; a row that is gone is null."""
        world = self._world
        everything = changes.everything
        nodes: Iterable[str] = world.nodes if everything else changes.nodes
        pods: Iterable[NamespacedName] = world.pods if everything else changes.pods
        budgets: Iterable[NamespacedName] = world.budgets if everything else changes.budgets
        kinds: dict[str, dict[str, object]] = {
            "nodes": {name: self._node(name) for name in nodes},
            "pods": {str(key): self._pod(key) for key in pods},
            "budgets": {str(key): self._budget(key) for key in budgets},
        }
        if everything:
            for kind, rows in kinds.items():
                kinds[kind] = {key: row for key, row in rows.items() if row is not None}
        changes.clear()
        return {"reset": everything, **kinds}

    def _node(self, name: str) -> Json | None:
        node = self._world.nodes.get(name)
        return node_row(self.migration, node) if node is not None else None

    def _pod(self, key: NamespacedName) -> list[str] | None:
        pod = self._world.pods.get(key)
        if pod is None or pod.finished:
            return None
        if pod.node and not self._side(pod.node):
            return None
        return pod_row(pod)

    def _budget(self, key: NamespacedName) -> Json | None:
        budget = self._world.budgets.get(key)
        return budget_row(budget, self._waiting[key]) if budget is not None else None

    def _side(self, name: str) -> str:
        node = self._world.nodes.get(name)
        return side_of(self.migration, node) if node is not None else ""

    # The pods of each budget that are on the source

    def _recount(self) -> None:
        self._waiting = Counter(dict.fromkeys(self._world.budgets, 0))
        for pod in self._world.pods.values():
            self._count(pod, 1)

    def _count(self, pod: Pod, change: int) -> None:
        if pod.finished or self._side(pod.node) != "source":
            return
        for key in self._world.budgets_of(pod):
            self._waiting[key] += change

    # The world's listener

    def node_changed(self, old: Node | None, new: Node | None) -> None:
        """A node appeared, changed or went; pods on it may have come before it."""
        before = side_of(self.migration, old) if old else ""
        after = side_of(self.migration, new) if new else ""
        node = new or old
        if node is None or not (before or after):
            return
        pods = list(self._world.pods_on(node.name)) if before != after else []
        keys = {key for pod in pods for key in self._world.budgets_of(pod)}
        change = (after == "source") - (before == "source")
        for pod in pods:
            if change and not pod.finished:
                for key in self._world.budgets_of(pod):
                    self._waiting[key] += change
        self._note("nodes", (node.name,))
        self._note("pods", (pod.key for pod in pods))
        self._note("budgets", keys)

    def pod_changed(self, old: Pod | None, new: Pod | None) -> None:
        """A pod appeared, changed or went."""
        if old is not None:
            self._count(old, -1)
        if new is not None:
            self._count(new, 1)
        pod = new or old
        if pod is None:
            return
        self._note("pods", (pod.key,))
        moved = old is None or new is None or old.node != new.node
        if moved:
            self._note("budgets", self._world.budgets_of(pod))

    def budget_changed(self, key: NamespacedName) -> None:
        """A budget's figures changed."""
        self._note("budgets", (key,))

    def namespace_regrouped(self, namespace: str) -> None:
        """Which budget selects which pod changed: the namespace is counted again."""
        before = [key for key in self._waiting if key.namespace == namespace]
        after = [key for key in self._world.budgets if key.namespace == namespace]
        for key in before:
            del self._waiting[key]
        self._waiting.update(dict.fromkeys(after, 0))
        for pod in self._world.pods_in(namespace):
            self._count(pod, 1)
        self._note("budgets", {*before, *after})

    def controller_changed(self, uid: str) -> None:
        """The page shows no controllers."""

    def evictions_changed(
        self, pod: NamespacedName, budget: NamespacedName | None, owner: str
    ) -> None:
        """The page evicts nothing."""

    def volumes_changed(self, claim: NamespacedName | None, node: str) -> None:
        """The page shows no volumes."""

    def _note(self, kind: str, keys: Iterable[object]) -> None:
        listed = list(keys)
        for reader in self._readers:
            if not reader.everything:
                getattr(reader, kind).update(listed)
