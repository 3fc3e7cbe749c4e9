"""What one migration has to move, kept up to date event by event.

Nothing here walks over the pods of a pool: an event touches one pod, its node's load and the lanes
whose slots it may have changed, and only lanes that were touched are evaluated again.
"""

from heapq import heappush

from azure_linux_migrator.api.spec_drain import SingletonPolicy
from azure_linux_migrator.core.drain.disruption_budgets import is_deadlocked
from azure_linux_migrator.core.drain.eviction_queue import QueueId
from azure_linux_migrator.core.drain.node_progress import NodeProgress
from azure_linux_migrator.core.drain.pod_filters import PodDisposition
from azure_linux_migrator.core.drain.pod_tracker import PodTracker
from azure_linux_migrator.core.drain.scope import Scope
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.model.cluster import NamespacedName, Node, Pod
from azure_linux_migrator.model.migration import batch_of


class Worklist(PodTracker):
    """A listener of the world."""

    def __init__(self, world: World, scope: Scope) -> None:
        super().__init__(world, scope)
        self._deadlocked = {key for key, each in world.budgets.items() if is_deadlocked(each)}
        for node in list(world.pool_nodes(scope.target)):
            if scope.stays(node):
                self._count_zone(node, 1)
        for node in list(world.pool_nodes(scope.source)):
            self.node_changed(None, node)

    # Events

    def node_changed(self, old: Node | None, new: Node | None) -> None:
        """A node of the source joins, is cordoned, joins a batch, or goes."""
        for node, change in ((old, -1), (new, 1)):
            if node is not None and self.scope.stays(node):
                self._count_zone(node, change)
        leaves = new is not None and self.scope.leaves(new)
        if old is not None and self.scope.leaves(old) and not leaves:
            for pod in tuple(self.world.pods_on(old.name)):
                self._remove(pod.key)
            self.pool_progress.drop(old.name)
        if new is None or not leaves:
            return
        load = self.pool_progress.by_node.get(new.name)
        batch = batch_of(new, self.scope.migration)
        if load is None:
            load = NodeProgress(new, batch)
            self.pool_progress.add(load)
            self._detaching(load)
            self._replace_all(new.name)
            return
        moved = tuple(self.world.pods_on(new.name)) if (load.batch > 0) != (batch > 0) else ()
        flipped = load.node.ready != new.ready
        for pod in moved:
            self._unplace(pod.key)
        self.pool_progress.before(load)
        load.node, load.batch = new, batch
        self.pool_progress.after(load)
        for pod in moved:
            self._place(pod)
        if flipped:
            # Nothing detaches volumes of a node that died, so they are waited for no longer.
            self._detaching(load)
            self._await_again(load)

    def pod_changed(self, old: Pod | None, new: Pod | None) -> None:
        """A pod anywhere: one on the source is placed anew, any other may have freed a slot."""
        if old is not None and old.owner is not None and _leaves(old, new):
            entry = self.entries.get(old.key)
            if (
                entry is not None
                and entry.filter_result.disposition is not PodDisposition.SKIP
                and not old.finished
            ):
                self.evicted_owners.left(old.owner.uid, late=self._late(old))
        if new is not None and new.node in self.pool_progress.by_node:
            self._place(new)
        elif old is not None:
            self._remove(old.key)
        for pod in (old, new):
            if pod is not None:
                self._touch_pod(pod)

    def budget_changed(self, key: NamespacedName) -> None:
        """A budget's figures: its lanes, and whether its pods are surged instead."""
        deadlocked = is_deadlocked(self.world.budgets[key])
        if deadlocked != (key in self._deadlocked):
            (self._deadlocked.add if deadlocked else self._deadlocked.discard)(key)
            if self.scope.policy.singletons is SingletonPolicy.SURGE_FIRST:
                self.namespace_regrouped(key.namespace)
        self._touch(key)

    def controller_changed(self, uid: str) -> None:
        """A controller: whether its pods are orphans, how many may be out, whether it surges."""
        implicit_budgets = (
            [uid, *self.world.owner_index.replicasets_of(uid)] if self.entries else []
        )
        for owner in implicit_budgets:
            for key in tuple(self._by_owner.get(owner, ())):
                self._place(self.entries[key].pod)
            self._touch(owner)

    def ledger_changed(
        self, pod: NamespacedName, budget: NamespacedName | None, owner: str
    ) -> None:
        """An eviction was sent, settled or refused."""
        entry = self.entries.get(pod)
        if entry is not None:
            self._place(entry.pod)
        if budget is not None:
            self._touch(budget)
        if owner:
            self._touch(owner)

    def namespace_regrouped(self, namespace: str) -> None:
        """Which budget selects which pod changed."""
        self._deadlocked = {key for key in self._deadlocked if key in self.world.budgets}
        for pod in self.world.pods_in(namespace):
            if pod.key in self.entries:
                self._place(pod)

    def volumes_changed(self, claim: NamespacedName | None, node: str) -> None:
        """A claim's volume, or what is attached to a node, changed."""
        for key in tuple(self._by_claim.get(claim, ())) if claim else ():
            self._place(self.entries[key].pod)
        load = self.pool_progress.by_node.get(node)
        if load is not None:
            self._detaching(load)

    # What others ask

    def abandon(self, pod: Pod) -> None:
        """Wait for a terminating pod no longer, until its node is Ready again."""
        self.abandoned[pod.key] = pod.uid
        self._place(pod)

    def left(self, ident: QueueId) -> int:
        """How many pods wait for the slots of a budget or an owner."""
        return sum(lane.left for lane in self._lanes_of.get(ident, ()))

    # Helpers

    def _count_zone(self, node: Node, change: int) -> None:
        before = self.target_zones()
        self._zones[node.zone] = self._zones.get(node.zone, 0) + change
        if before != self.target_zones():
            for key in {key for keys in self._by_claim.values() for key in keys}:
                self._place(self.entries[key].pod)

    def _await_again(self, load: NodeProgress) -> None:
        """A node answers again, and with it the pods on it that were given up."""
        if load.node.ready and self.abandoned:
            for pod in tuple(self.world.pods_on(load.node.name)):
                if self.abandoned.pop(pod.key, ""):
                    self._place(pod)
                    heappush(self.deadlines, (pod.deadline, pod.key))

    def _replace_all(self, node: str) -> None:
        for pod in tuple(self.world.pods_on(node)):
            self._place(pod, alone=False)
        self._reweigh(self.pool_progress.by_node[node])

    def _touch(self, ident: QueueId) -> None:
        for lane in self._lanes_of.get(ident, ()):
            self.dirty[lane] = None

    def _touch_pod(self, pod: Pod) -> None:
        if pod.owner is not None:
            self._touch(pod.owner.uid)
        for key in self.world.pdb_index.of(pod):
            self._touch(key)


def _leaves(old: Pod, new: Pod | None) -> bool:
    return new is None or new.uid != old.uid or (new.terminating and not old.terminating)
