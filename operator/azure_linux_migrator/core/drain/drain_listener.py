"""Keeps the tracker of a drain up to date with the world, event by event.

Nothing here walks over the pods of a pool: an event touches one pod, its node's progress and the
queues whose slots it may have changed, and only queues that were touched are evaluated again.
"""

from heapq import heappush

from azure_linux_migrator.api.spec_drain import SingletonPolicy
from azure_linux_migrator.core.drain.disruption_budgets import is_deadlocked
from azure_linux_migrator.core.drain.node_progress import NodeProgress
from azure_linux_migrator.core.drain.pod_filters import PodDisposition
from azure_linux_migrator.core.drain.pod_tracker import PodTracker
from azure_linux_migrator.model.cluster import NamespacedName, Node, Pod
from azure_linux_migrator.model.migration import batch_of


class DrainListener:
    """A listener of the world (core/state/listener.py) for one drain."""

    def __init__(self, tracker: PodTracker) -> None:
        self._tracker = tracker
        world, scope = tracker.world, tracker.scope
        tracker.deadlocked = {key for key, pdb in world.budgets.items() if is_deadlocked(pdb)}
        for node in list(world.pool_nodes(scope.target)):
            if scope.stays(node):
                self._count_zone(node, 1)
        for node in list(world.pool_nodes(scope.source)):
            self.node_changed(None, node)

    # Events

    def node_changed(self, old: Node | None, new: Node | None) -> None:
        """A node of the source joins, is cordoned, joins a batch, or goes."""
        for node, change in ((old, -1), (new, 1)):
            if node is not None and self._tracker.scope.stays(node):
                self._count_zone(node, change)
        leaves = new is not None and self._tracker.scope.leaves(new)
        if old is not None and self._tracker.scope.leaves(old) and not leaves:
            for pod in tuple(self._tracker.world.pods_on(old.name)):
                self._tracker.remove(pod.key)
            self._tracker.pool_progress.drop(old.name)
        if new is None or not leaves:
            return
        progress = self._tracker.pool_progress.by_node.get(new.name)
        batch = batch_of(new, self._tracker.scope.migration, self._tracker.scope.uid)
        if progress is None:
            progress = NodeProgress(new, batch)
            self._tracker.pool_progress.add(progress)
            self._tracker.update_detaching(progress)
            self._replace_all(new.name)
            return
        changed = (progress.batch > 0) != (batch > 0) or progress.node.held != new.held
        pods = tuple(self._tracker.world.pods_on(new.name)) if changed else ()
        flipped = progress.node.ready != new.ready
        for pod in pods:
            self._tracker.unplace(pod.key)
        self._tracker.pool_progress.before(progress)
        progress.node, progress.batch = new, batch
        self._tracker.pool_progress.after(progress)
        for pod in pods:
            self._tracker.place(pod)
        if flipped:
            # Nothing detaches volumes of a node that died, so they are waited for no longer.
            self._tracker.update_detaching(progress)
            self._await_again(progress)

    def pod_changed(self, old: Pod | None, new: Pod | None) -> None:
        """A pod anywhere: one on the source is placed again, any other may have freed a slot."""
        entry = self._tracker.entries.get(old.key) if old is not None else None
        moves = entry is not None and entry.filter_result.disposition is not PodDisposition.SKIP
        self._tracker.batch_times.pod_changed(old, new, on_source=moves)
        if old is not None and moves and _leaves(old, new) and not old.finished and old.owner:
            late = not old.terminating and self._tracker.came_late(old)
            self._tracker.evicted_owners.left(old.owner.uid, old, late=late)
        if new is not None and new.node in self._tracker.pool_progress.by_node:
            self._tracker.place(new)
        elif old is not None:
            self._tracker.remove(old.key)
        for pod in (old, new):
            if pod is not None:
                self._touch_pod(pod)

    def budget_changed(self, key: NamespacedName) -> None:
        """A budget's figures: its queues, and whether its pods are surged instead."""
        deadlocked = is_deadlocked(self._tracker.world.budgets[key])
        if deadlocked != (key in self._tracker.deadlocked):
            (self._tracker.deadlocked.add if deadlocked else self._tracker.deadlocked.discard)(key)
            if self._tracker.scope.policy.singletons is SingletonPolicy.SURGE_FIRST:
                self.namespace_regrouped(key.namespace)
        self._tracker.queues.touch_ident(key)
        self._tracker.batch_times.budget_changed(key)

    def controller_changed(self, uid: str) -> None:
        """A controller: whether its pods are orphans, how many may be out, whether it surges."""
        owners = [uid, *self._tracker.world.owner_index.replicasets_of(uid)]
        for owner in owners:
            self._tracker.evicted_owners.resized(owner)
        for owner in owners if self._tracker.entries else ():
            for key in tuple(self._tracker.by_owner.get(owner, ())):
                self._tracker.place(self._tracker.entries[key].pod)
            self._tracker.queues.touch_ident(owner)

    def evictions_changed(
        self, pod: NamespacedName, budget: NamespacedName | None, owner: str
    ) -> None:
        """An eviction was sent, settled or refused."""
        self._tracker.batch_times.eviction_changed(pod)
        entry = self._tracker.entries.get(pod)
        if entry is not None:
            self._tracker.place(entry.pod)
        if budget is not None:
            self._tracker.queues.touch_ident(budget)
        if owner:
            self._tracker.queues.touch_ident(owner)

    def namespace_regrouped(self, namespace: str) -> None:
        """Which budget selects which pod changed."""
        self._tracker.deadlocked = {
            key for key in self._tracker.deadlocked if key in self._tracker.world.budgets
        }
        for pod in self._tracker.world.pods_in(namespace):
            if pod.key in self._tracker.entries:
                self._tracker.place(pod)

    def volumes_changed(self, claim: NamespacedName | None, node: str) -> None:
        """A claim's volume, or what is attached to a node, changed."""
        for key in tuple(self._tracker.by_claim.get(claim, ())) if claim else ():
            self._tracker.place(self._tracker.entries[key].pod)
        progress = self._tracker.pool_progress.by_node.get(node)
        if progress is not None:
            self._tracker.update_detaching(progress)

    # Helpers

    def _count_zone(self, node: Node, change: int) -> None:
        if self._tracker.facts.count_target_node(node, change):
            for key in {key for keys in self._tracker.by_claim.values() for key in keys}:
                self._tracker.place(self._tracker.entries[key].pod)

    def _await_again(self, progress: NodeProgress) -> None:
        """A node answers again, and with it the pods on it that were given up."""
        if progress.node.ready and self._tracker.abandoned:
            for pod in tuple(self._tracker.world.pods_on(progress.node.name)):
                if self._tracker.abandoned.pop(pod.key, ""):
                    self._tracker.place(pod)
                    heappush(self._tracker.deadlines, (pod.deadline, pod.key))

    def _replace_all(self, node: str) -> None:
        for pod in tuple(self._tracker.world.pods_on(node)):
            self._tracker.place(pod, alone=False)
        self._tracker.reweigh(self._tracker.pool_progress.by_node[node])

    def _touch_pod(self, pod: Pod) -> None:
        queues = self._tracker.queues
        if pod.owner is not None:
            queues.touch_ident(pod.owner.uid)
        for key in self._tracker.world.pdb_index.of(pod):
            queues.touch_ident(key)


def _leaves(old: Pod, new: Pod | None) -> bool:
    return new is None or new.uid != old.uid or (new.terminating and not old.terminating)
