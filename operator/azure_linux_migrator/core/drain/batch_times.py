"""What the batches of a drain had to take, from the replacements that were seen.

*ideal*: for each budget, the earliest time of its last eviction (list_schedule.py) and the end of
that pod; the longest of all budgets. A slot is held while its replacement starts, and before that
while the old pod ends if the new one has its name (StatefulSets). How well the drain used its slots
makes no difference to it.

*floor*: the same with the latency of this control plane on each slot: from the eviction to the new
pod, and from Ready to the budget's status. It is the least that was seen, so that a drain which
delays its own requests does not raise it.

Times are those at which the watches have shown a change, because Kubernetes writes whole seconds.
"""

from collections import defaultdict, deque
from math import inf

from msgspec import Struct, field

from azure_linux_migrator.core.drain.list_schedule import last_eviction
from azure_linux_migrator.core.state.inflight_eviction import Eviction
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.model.cluster import NamespacedName, Pod

MISSED_SECONDS = 2.0
"""A batch that began earlier than this before the first look was not seen from its beginning."""

MOST_EVENTS = 10_000
"""Kept between two looks: a migration that is paused may not look for days."""

_Event = tuple[Pod | None, Pod | None, NamespacedName | None, bool]


Batch = tuple[int, str | None]
"""A batch's index, and when its time began to count, as in the status."""


class BatchDuration(Struct, frozen=True):
    """A batch that was seen from its beginning to its end, in seconds; `budget` had to take longest
    in all batches so far."""

    seconds: float
    ideal: float
    floor: float
    budget: NamespacedName


class _Replacement(Struct):
    """A pod that replaces an evicted one: seen first at `since`, Ready after `start` seconds;
    `ending` is how long the pod of the same name took to end before."""

    since: float
    start: float | None = None
    ending: float = 0.0

    def held(self, now: float) -> float:
        """Seconds for which the slot was held until now at least."""
        return self.ending + (now - self.since if self.start is None else self.start)


class _Moves(Struct):
    """One budget in one batch. `unmade` are the times of evictions without a replacement yet,
    `unshown` those of Ready replacements that the budget's status does not show."""

    slots: int = 0
    evictions: int = 0
    replacements: list[_Replacement] = field(default_factory=list)
    unmade: deque[float] = field(default_factory=deque)
    unshown: deque[float] = field(default_factory=deque)
    allowed: int = 0
    left_at: float = 0.0
    ending: float = 0.0

    def time(self, now: float, latency: float) -> float:
        """Seconds that its pods had to take, each slot held for `latency` seconds longer."""
        held = [replacement.held(now) + latency for replacement in self.replacements]
        ending = min(self.ending, max(0.0, now - self.left_at))
        return last_eviction(self.slots, held, self.evictions) + ending


class BatchTimes:
    """Follows one batch after the other. Events come without a time, and get that of the next
    `tick` (seconds since the epoch)."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ticked = False
        self._began: float | None = None
        self._whole = True
        self._events: list[_Event] = []
        self._losing: set[NamespacedName] = set()
        self._sent: dict[NamespacedName, Eviction] = {}
        self._left: dict[NamespacedName, float] = {}
        self._endings: dict[NamespacedName, tuple[float, float]] = {}
        self._moves: dict[NamespacedName, _Moves] = {}
        self._starting: dict[NamespacedName, list[_Replacement]] = {}
        self._made = self._shown = inf
        self._totals: defaultdict[NamespacedName, float] = defaultdict(float)
        self.last: BatchDuration | None = None
        """The batch that ended last; None if it was not seen whole, or no budget lost a pod."""
        self._counted: tuple[BatchDuration | None, Batch] = None, (0, None)

    def of(self, batch: Batch) -> BatchDuration | None:
        """The batch that ended last, if it is asked for as this one first: one without pods after
        it has no time of its own."""
        if self._counted[0] is not self.last:
            self._counted = self.last, batch
        return self.last if self._counted[1] == batch else None

    # Events

    def pod_changed(self, old: Pod | None, new: Pod | None, *, on_source: bool) -> None:
        """A pod appeared, changed or went; `on_source` is whether its end is a move."""
        if self._began is None or _kind(old) == _kind(new):
            return
        pod = new or old
        budgets = self._world.pdb_index.of(pod) if pod is not None else ()
        if on_source:
            self._losing.update(budgets)
        if on_source or not self._losing.isdisjoint(budgets):
            self._note((old, new, None, on_source))

    def budget_changed(self, budget: NamespacedName) -> None:
        """A budget's status changed."""
        if budget in self._losing:
            self._note((None, None, budget, False))

    def eviction_changed(self, pod: NamespacedName) -> None:
        """An eviction was sent, settled or refused."""
        eviction = self._world.inflight.eviction_of(pod) if self._began is not None else None
        if eviction is not None and not eviction.seen:
            self._sent[pod] = eviction

    def _note(self, event: _Event) -> None:
        """Keep an event until the next tick. A batch with too many at once is not measured."""
        if len(self._events) >= MOST_EVENTS:
            self._whole = False
            self._events.clear()
        self._events.append(event)

    # Time

    def tick(self, now: float, *, busy: bool, began: float) -> None:
        """Take in what happened. `busy` is whether nodes of a batch have pods left, `began` when
        the batch was recorded to have begun (0 for not yet)."""
        for old, new, budget, on_source in self._events:
            if budget is not None:
                self._budget(budget, now)
                continue
            if old is not None:
                self._before(old, new, now, on_source=on_source)
            if new is not None:
                self._after(old, new, now)
        self._events.clear()
        if busy and self._began is None:
            self._began = now
            self._whole = self._ticked or began <= 0 or now - began <= MISSED_SECONDS
        elif not busy and self._began is not None:
            self._end(now)
        self._ticked = True

    # What happened

    def _before(self, old: Pod, new: Pod | None, now: float, *, on_source: bool) -> None:
        gone = new is None or new.uid != old.uid
        leaves = not old.terminating and (gone or (new is not None and new.terminating))
        if leaves and on_source and not old.finished:
            self._leaves(old, now)
        if gone and old.key in self._left:
            ending = now - self._left.pop(old.key)
            self._endings[old.key] = (ending, now)
            for budget in self._world.pdb_index.of(old):
                if budget in self._moves:
                    self._moves[budget].ending = ending

    def _leaves(self, pod: Pod, now: float) -> None:
        self._left[pod.key] = now
        eviction, at = self._sent.pop(pod.key, None), now
        if eviction is not None and eviction.uid == pod.uid:
            at, budgets = eviction.sent_at, [] if eviction.budget is None else [eviction.budget]
        else:
            budgets = [*self._world.pdb_index.of(pod)] if pod.ready else []
        for key in budgets:
            budget = self._world.budgets.get(key)
            if budget is None:
                continue
            moves = self._moves.setdefault(key, _Moves(allowed=budget.allowed))
            moves.slots = max(moves.slots, budget.capacity)
            moves.evictions += 1
            moves.left_at = now
            moves.unmade.append(at)

    def _after(self, old: Pod | None, new: Pod, now: float) -> None:
        if new.terminating or new.finished:
            self._starting.pop(new.key, None)
            return
        if old is None or old.uid != new.uid:
            self._appears(new, now)
        if new.ready:
            for replacement in self._starting.pop(new.key, ()):
                replacement.start = now - replacement.since
            for budget in self._world.pdb_index.of(new):
                if budget in self._moves:
                    self._moves[budget].unshown.append(now)

    def _appears(self, pod: Pod, now: float) -> None:
        ending, ended = self._endings.pop(pod.key, (0.0, 0.0))
        for budget in self._world.pdb_index.of(pod):
            moves = self._moves.get(budget)
            if moves is None or len(moves.replacements) >= moves.evictions:
                continue
            replacement = _Replacement(now, ending=ending)
            moves.replacements.append(replacement)
            self._starting.setdefault(pod.key, []).append(replacement)
            sent_at = moves.unmade.popleft()
            self._made = min(self._made, now - (ended or sent_at))

    def _budget(self, key: NamespacedName, now: float) -> None:
        budget, moves = self._world.budgets.get(key), self._moves.get(key)
        if budget is None or moves is None:
            return
        for _ in range(budget.allowed - moves.allowed):
            if moves.unshown:
                self._shown = min(self._shown, now - moves.unshown.popleft())
        moves.allowed = budget.allowed

    def _end(self, now: float) -> None:
        latency = sum(least for least in (self._made, self._shown) if least < inf)
        times = {key: moves.time(now, 0.0) for key, moves in self._moves.items()}
        began, self.last = self._began or now, None
        if times and self._whole:
            for key, seconds in times.items():
                self._totals[key] += seconds
            longest = max(self._totals, key=lambda key: self._totals[key])
            floor = max(moves.time(now, latency) for moves in self._moves.values())
            self.last = BatchDuration(now - began, max(times.values()), floor, longest)
        self._began = None
        self._losing.clear()
        for table in (self._sent, self._left, self._endings, self._moves, self._starting):
            table.clear()


def _kind(pod: Pod | None) -> tuple[str, bool, bool, bool] | None:
    """What of a pod matters here."""
    return (pod.uid, pod.terminating, pod.ready, pod.finished) if pod is not None else None
