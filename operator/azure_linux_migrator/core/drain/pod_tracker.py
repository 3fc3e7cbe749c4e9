"""Each pod of a source node: its disposition, its node's progress, and the queue it waits in."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from heapq import heappush
from typing import TypeVar

from msgspec import Struct

from azure_linux_migrator.api.spec_drain import ImplicitBudgetPolicy
from azure_linux_migrator.core.drain.batch_times import BatchTimes
from azure_linux_migrator.core.drain.disruption_budgets import is_outside_budgets
from azure_linux_migrator.core.drain.evicted_owners import EvictedOwners
from azure_linux_migrator.core.drain.eviction_queue import FREE, EvictionQueue, QueueId, Surge
from azure_linux_migrator.core.drain.filter_facts import FilterFacts
from azure_linux_migrator.core.drain.node_progress import NodeProgress, PoolProgress
from azure_linux_migrator.core.drain.order import LAST, Order
from azure_linux_migrator.core.drain.pod_classifier import PodClassifier
from azure_linux_migrator.core.drain.pod_filters import (
    ABANDONED,
    LEFT_BEHIND,
    FilterResult,
    PodDisposition,
)
from azure_linux_migrator.core.drain.queue_table import QueueTable
from azure_linux_migrator.core.drain.scope import Scope
from azure_linux_migrator.core.drain.surge_eligibility import SurgeEligibility
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.model.cluster import NamespacedName, Pod

RETURNS_LIMIT = 3
"""Pods of one owner that may come to the source after its drain began and be moved again."""

LATE_SECONDS = 2.0

Indexed = TypeVar("Indexed")


class TrackedPod(Struct, gc=False):
    """A pod on a source node: what happens to it and where it waits, if it does."""

    pod: Pod
    filter_result: FilterResult
    tier: int
    queue: EvictionQueue | None = None


class PodTracker:
    """Places pods one at a time. drain_listener.py decides what is placed again."""

    def __init__(self, world: World, scope: Scope) -> None:
        self.world = world
        self.scope = scope
        self.pool_progress = PoolProgress()
        self._began = self._newest = 0.0
        self.eligible = 0
        self.queues = QueueTable()
        self.facts = FilterFacts(world, scope)
        self.surges = SurgeEligibility(world, scope)
        self._classifier = PodClassifier(world, scope, self.facts, self.surges)
        self.evicted_owners = EvictedOwners(world)
        self.batch_times = BatchTimes(world)
        self.deadlines: list[tuple[float, NamespacedName]] = []
        self.abandoned: dict[NamespacedName, str] = {}
        """Uids of terminating pods that are waited for no longer: their node does not answer."""
        self.entries: dict[NamespacedName, TrackedPod] = {}
        self.tiers: defaultdict[int, int] = defaultdict(int)
        self.notes: dict[NamespacedName, TrackedPod] = {}
        self._order = Order(scope.policy)
        self.deadlocked: set[NamespacedName] = set()
        self.by_owner: defaultdict[str, set[NamespacedName]] = defaultdict(set)
        self.by_claim: defaultdict[NamespacedName, set[NamespacedName]] = defaultdict(set)

    @property
    def began(self) -> float:
        """When the current batch began, in seconds since the epoch; 0 before the first."""
        return self._began

    @began.setter
    def began(self, at: float) -> None:
        if at != self._began:
            self._began = at
            self._newest = max((entry.pod.created for entry in self.entries.values()), default=0.0)

    @property
    def tier(self) -> int | None:
        """The order (spec.drain.order) whose pods move now; None where none is left."""
        return min(self.tiers, default=None)

    def weight(self, node: str) -> int:
        """How many pods are left on a node."""
        progress = self.pool_progress.by_node.get(node)
        return progress.remaining if progress else 0

    def asked(self) -> int:
        """How many pods have an eviction under way, or are asked for again after a refusal."""
        nodes = self.pool_progress.by_node.values()
        staying = sum(node.moving - node.terminating for node in nodes)
        return staying - sum(queue.left for queue in self.queues.all())

    # Placing

    def place(self, pod: Pod, *, alone: bool = True) -> None:
        """Judge a pod on a source node and put it where it belongs now.

        `alone` is False where all pods of the node are placed, and weighed once at the end.
        """
        progress = self.pool_progress.by_node[pod.node]
        old = self.unplace(pod.key)
        filter_result = self._classify(pod)
        tier = LAST if pod.key == self.scope.last else self._order.tier(pod)
        entry = TrackedPod(pod, filter_result, tier)
        self.entries[pod.key] = entry
        if pod.owner is not None:
            self.by_owner[pod.owner.uid].add(pod.key)
        claims = pod.all_claims
        for claim in claims:
            self.by_claim[NamespacedName(pod.key.namespace, claim)].add(pod.key)
        self._count(progress, entry, 1)
        if self.abandoned and filter_result is not ABANDONED:
            self.abandoned.pop(pod.key, None)
        if pod.terminating and (old is None or _due(old) != pod.deadline):
            heappush(self.deadlines, (pod.deadline, pod.key))
        if filter_result.disposition is PodDisposition.MOVE and self.may_wait(pod):
            queue = entry.queue = self.queues.obtain(self._ident(entry), tier)
            admitted = progress.batch > 0
            holds = self.world.inflight.holds(pod.key, pod.uid)
            queue.put(pod, progress.remaining, admitted=admitted, holds=holds)
            self.eligible += admitted
            self.queues.touch(queue)
        if old is not None and old.pod.node != pod.node:
            self._left(old)
            old = None
        if claims or (old is not None and old.pod.all_claims):
            self.update_detaching(progress)
        if alone and (old is None or _counts(old) != _counts(entry)):
            self.reweigh(progress)

    def remove(self, key: NamespacedName) -> None:
        entry = self.unplace(key)
        if entry is not None:
            self._left(entry)

    def _left(self, entry: TrackedPod) -> None:
        """A pod is on its node no more: what it kept attached, and what is left there."""
        self.abandoned.pop(entry.pod.key, None)
        progress = self.pool_progress.by_node.get(entry.pod.node)
        if progress is not None:
            if entry.pod.all_claims:
                self.update_detaching(progress)
            self.reweigh(progress)

    def unplace(self, key: NamespacedName) -> TrackedPod | None:
        entry = self.entries.pop(key, None)
        if entry is None:
            return None
        pod = entry.pod
        self.notes.pop(pod.key, None)
        if pod.owner is not None:
            _discard(self.by_owner, pod.owner.uid, pod.key)
        for claim in pod.all_claims:
            _discard(self.by_claim, NamespacedName(pod.key.namespace, claim), pod.key)
        progress = self.pool_progress.by_node.get(pod.node)
        if progress is not None:
            self._count(progress, entry, -1)
        queue = entry.queue
        if queue is not None:
            if pod.key not in queue.later.pods:
                self.eligible -= 1
            queue.discard(pod.key)
            self.queues.touch(queue)
        return entry

    def _count(self, progress: NodeProgress, entry: TrackedPod, sign: int) -> None:
        self.pool_progress.before(progress)
        match entry.filter_result.disposition:
            case PodDisposition.MOVE:
                progress.moving += sign
                progress.terminating += sign * entry.pod.terminating
            case PodDisposition.WAIT:
                progress.waiting += sign
            case PodDisposition.SKIP:
                progress.skipped += sign
            case PodDisposition.BLOCK:
                if sign > 0 and entry.filter_result.blocker is not None:
                    progress.blocked[entry.pod.key] = entry.filter_result.blocker
                else:
                    progress.blocked.pop(entry.pod.key, None)
        self.pool_progress.after(progress)
        if entry.filter_result.disposition is not PodDisposition.SKIP and progress.batch > 0:
            self.tiers[entry.tier] += sign
            if self.tiers[entry.tier] <= 0:
                del self.tiers[entry.tier]

    def reweigh(self, progress: NodeProgress) -> None:
        for pod in self.world.pods_on(progress.node.name):
            entry = self.entries.get(pod.key)
            if entry is not None and entry.queue is not None:
                entry.queue.reweigh(pod.key, progress.remaining)

    def _classify(self, pod: Pod) -> FilterResult:
        if pod.terminating and self.abandoned.get(pod.key) == pod.uid:
            return ABANDONED
        node = self.pool_progress.by_node[pod.node].node
        return self._classifier.classify(pod, node, self._returns_too_often)

    def _returns_too_often(self, pod: Pod) -> bool:
        return (
            pod.owner is not None
            and self.came_late(pod)
            and self.evicted_owners.returns(pod.owner.uid) >= RETURNS_LIMIT
        )

    def may_wait(self, pod: Pod) -> bool:
        """Whether a pod may be asked for: not leaving, not under way, and not refused just now."""
        inflight = self.world.inflight
        leaving = pod.terminating or inflight.under_way(pod.key, pod.uid)
        return not leaving and not inflight.backs_off(pod.key, pod.uid)

    def abandon(self, pod: Pod) -> None:
        """Wait for a terminating pod no longer, until its node is Ready again."""
        self.abandoned[pod.key] = pod.uid
        self.place(pod)

    def lost(self, nodes: Collection[str] | None = None) -> tuple[str, ...]:
        """Uids of the pods that end with these nodes, by default with all: abandoned ones, and
        those that come back and whose loss an admin has acknowledged."""
        return tuple(
            sorted(
                entry.pod.uid
                for key, entry in self.entries.items()
                if key in self.abandoned or entry.filter_result is LEFT_BEHIND
                if nodes is None or entry.pod.node in nodes
            )
        )

    def _ident(self, entry: TrackedPod) -> QueueId:
        """What a pod competes for."""
        pod = entry.pod
        if is_outside_budgets(pod):
            return FREE
        budgets = self.world.pdb_index.of(pod)
        if (controller := self.surges.controller_of(pod)) is not None:
            if not self.surges.why_not(pod, controller):
                return Surge(controller.uid)
            self.notes[pod.key] = entry
        if budgets:
            return budgets[0]
        if pod.owner is None or self.scope.policy.implicit_budgets is ImplicitBudgetPolicy.IGNORE:
            return FREE
        return pod.owner.uid

    def held_pods(self, owners: Iterable[str]) -> Iterator[Pod]:
        """The pods of these owners on nodes of the source that are not to be upgraded now."""
        for owner in owners:
            for key in sorted(self.by_owner.get(owner, ())):
                pod = self.entries[key].pod
                if self.pool_progress.by_node[pod.node].node.held:
                    yield pod

    def came_late(self, pod: Pod) -> bool:
        """By the apiserver's clock alone: ours may have been set."""
        return self._began > 0 and pod.created > self._newest + LATE_SECONDS

    def update_detaching(self, progress: NodeProgress) -> None:
        """Whether volumes of pods that moved are still attached to a node that answers."""
        attached = self.world.owner_index.attached_to(progress.node.name)
        staying = {
            volume.name
            for pod in (self.world.pods_on(progress.node.name) if attached else ())
            for volume in self.world.owner_index.attached_by(pod)
        }
        detaching = bool(attached - staying) and progress.node.ready
        if detaching != progress.detaching:
            self.pool_progress.before(progress)
            progress.detaching = detaching
            self.pool_progress.after(progress)


def _discard(index: dict[Indexed, set[NamespacedName]], of: Indexed, key: NamespacedName) -> None:
    keys = index.get(of)
    if keys is not None:
        keys.discard(key)
        if not keys:
            del index[of]


def _due(entry: TrackedPod) -> float | None:
    return entry.pod.deadline if entry.pod.terminating else None


def _counts(entry: TrackedPod) -> bool:
    return entry.filter_result.disposition is not PodDisposition.SKIP
