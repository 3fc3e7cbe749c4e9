"""Queues: the pods that compete for the same slots.

A queue belongs to a disruption budget, to an owner without one, to a Deployment that is surged
instead of evicted, or to none (its pods cost nothing). Pods of one queue leave in this order:
those whose eviction was lost, which have their slot already, those that are not Ready, then those
on the node with the fewest pods left, so that nodes become empty early; pods outside the batch come
last, and only where spec.drain.prefetch allows it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from math import ceil

from azure_linux_migrator.core.drain.blocker import Blocker
from azure_linux_migrator.core.drain.disruption_budgets import (
    is_deadlocked,
    slots,
    unready_are_free,
    why_none,
)
from azure_linux_migrator.core.drain.waiting_pods import WaitingPods
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.model.actions import EvictPod
from azure_linux_migrator.model.cluster import Budget, NamespacedName, Pod

FREE = ""
"""Ident of the queue whose pods cost nothing."""


@dataclass(frozen=True, slots=True)
class Surge:
    """Ident of the queue of a Deployment (by uid) that is surged instead of evicted."""

    deployment: str


QueueId = NamespacedName | str | Surge
"""A budget's key, an owner's uid, FREE, or a surged Deployment."""


@dataclass(eq=False, slots=True)
class EvictionQueue:
    """One queue of one order tier, and what was found out about it last."""

    ident: QueueId
    tier: int
    now: WaitingPods = field(default_factory=WaitingPods)
    later: WaitingPods = field(default_factory=WaitingPods)
    unready: dict[NamespacedName, Pod] = field(default_factory=dict)
    again: dict[NamespacedName, Pod] = field(default_factory=dict)
    start_total: float = 0.0
    start_count: int = 0
    granted: list[EvictPod] = field(default_factory=list)
    blocker: Blocker | None = None
    rest: float = 0.0
    yields: bool = False
    """One pod of an owner without a budget may go although others are not healthy."""

    @property
    def left(self) -> int:
        """Pods that were not evicted yet."""
        return len(self.now) + len(self.later) + len(self.unready) + len(self.again)

    @property
    def admitted(self) -> int:
        """Pods of the batch that were not evicted yet."""
        return len(self.now) + len(self.unready)

    @property
    def empty(self) -> bool:
        """Whether nothing waits here."""
        return self.left == 0

    def put(self, pod: Pod, weight: int, *, admitted: bool, holds: bool = False) -> None:
        """A pod waits here; `weight` is what is left on its node. `holds`: it has its slot."""
        if pod.started_in > 0:
            self.start_total += pod.started_in
            self.start_count += 1
        if not admitted:
            self.later.put(pod, weight)
        elif holds and self.ident != FREE and not isinstance(self.ident, Surge):
            self.again[pod.key] = pod
        elif pod.ready or self.ident == FREE:
            self.now.put(pod, weight)
        else:
            self.unready[pod.key] = pod

    def discard(self, key: NamespacedName) -> None:
        """A pod waits here no longer."""
        self.now.discard(key)
        self.later.discard(key)
        self.unready.pop(key, None)
        self.again.pop(key, None)

    def reweigh(self, key: NamespacedName, weight: int) -> None:
        """What is left on a pod's node changed."""
        self.now.reweigh(key, weight)
        self.later.reweigh(key, weight)

    def pods(self) -> Iterable[Pod]:
        """Everything that waits here."""
        yield from self.again.values()
        yield from self.unready.values()
        yield from self.now.pods.values()
        yield from self.later.pods.values()


def evaluate(
    queue: EvictionQueue,
    world: World,
    weight: Callable[[str], int],
    *,
    prefetch: bool,
    probe: bool = False,
    since: float = 0.0,
    reserved: int = 0,
) -> None:
    """Find out which pods may go now, what blocks the others for good, and how long they take.

    `probe` is whether a budget that allows nothing is asked now and then; `since` is when the
    migration began, in seconds since the epoch; 0 before. `reserved` slots of its budget are not
    for evictions.
    """
    queue.granted, queue.blocker, queue.rest = [], None, 0.0
    if queue.empty or isinstance(queue.ident, Surge):
        return
    if queue.ident == FREE:
        queue.granted = [_evict(pod, None) for pod in queue.now.first(len(queue.now), weight)]
        return
    if isinstance(queue.ident, NamespacedName):
        budget = world.budgets.get(queue.ident)
        if budget is not None:
            _by_budget(
                queue, world, budget, weight, prefetch=prefetch, probe=probe, reserved=reserved
            )
        return
    _by_owner(queue, queue.ident, world, weight, since)


def _by_owner(
    queue: EvictionQueue, uid: str, world: World, weight: Callable[[str], int], since: float
) -> None:
    """Pods that were unready before the migration began cost nothing: they serve no requests. Those
    that became so since then wait for the others, as under a budget."""
    queue.granted = [_evict(pod, None) for pod in queue.again.values()]
    budgets, controller = world.implicit_budgets, world.owner_index.controller_of_uid(uid)
    all_free = budgets.unready_are_free(uid, controller)
    queue.granted += [
        _evict(pod, None)
        for pod in queue.unready.values()
        if all_free or 0 < pod.unready_since < since
    ]
    free = budgets.slots(uid, world.inflight.unseen_of_owner(uid), controller)
    _grant(queue, None, free, weight)
    if queue.yields and not queue.granted:
        pods = [*queue.unready.values()] or queue.now.first(1, weight)
        queue.granted = [_evict(pod, None) for pod in pods[:1]]
    queue.yields = False
    queue.rest = ceil(queue.left / budgets.capacity(uid, controller)) * _slot_seconds(queue, 0.0)


def _by_budget(
    queue: EvictionQueue,
    world: World,
    budget: Budget,
    weight: Callable[[str], int],
    *,
    prefetch: bool,
    probe: bool,
    reserved: int,
) -> None:
    if not world.inflight.budget_backoffs.holds(budget.key):
        _use_slots(queue, world, budget, weight, prefetch=prefetch, reserved=reserved)
    held = queue.left - len(queue.granted)
    if held > 0:
        queue.blocker = why_none(budget, held, probed=probe)
    if probe and not queue.granted and is_deadlocked(budget):
        queue.granted = _probe(queue, world, budget)
    seconds = _slot_seconds(queue, world.slot_times.mean(budget.key))
    queue.rest = ceil(queue.left / max(budget.capacity, 1)) * seconds


def _use_slots(
    queue: EvictionQueue,
    world: World,
    budget: Budget,
    weight: Callable[[str], int],
    *,
    prefetch: bool,
    reserved: int,
) -> None:
    queue.granted = [_evict(pod, budget.key) for pod in queue.again.values()]
    free = slots(world, budget) - reserved
    if unready_are_free(budget):
        queue.granted += [_evict(pod, None) for pod in queue.unready.values()]
    else:
        unready = [_evict(pod, budget.key) for pod in islice(queue.unready.values(), max(free, 0))]
        queue.granted += unready
        free -= len(unready)
    free -= _grant(queue, budget.key, free, weight)
    if prefetch and free > 0:
        early = queue.later.first(free, weight)
        queue.granted += [_evict(pod, budget.key) for pod in early]


def _probe(queue: EvictionQueue, world: World, budget: Budget) -> list[EvictPod]:
    """One pod of a budget that allows nothing, another one each time: a webhook may move the pod
    itself once its eviction is asked for. The refusal that is expected sets the time of the next
    (PROBE_SECONDS in core/state/eviction_response.py)."""
    waits = world.inflight.budget_backoffs.holds(budget.key)
    if waits or world.inflight.unshown(budget.key) or not queue.now.pods:
        return []
    pods = sorted(queue.now.pods.values(), key=lambda pod: pod.key)
    turn = world.inflight.budget_backoffs.times(budget.key) % len(pods)
    return [_evict(pods[turn], budget.key)]


def _grant(
    queue: EvictionQueue, budget: NamespacedName | None, free: int, weight: Callable[[str], int]
) -> int:
    chosen = queue.now.first(free, weight)
    queue.granted += [_evict(pod, budget) for pod in chosen]
    return len(chosen)


def _slot_seconds(queue: EvictionQueue, observed: float) -> float:
    """How long a slot is held: as observed, else as the pods themselves took to become Ready."""
    if observed > 0:
        return observed
    return queue.start_total / queue.start_count if queue.start_count else 0.0


def _evict(pod: Pod, budget: NamespacedName | None) -> EvictPod:
    return EvictPod(pod.key, pod.uid, budget, pod.owner.uid if pod.owner else "")
