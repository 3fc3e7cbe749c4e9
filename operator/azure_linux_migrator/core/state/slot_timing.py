"""How long a drain had to take: slots are held from the eviction until they return.

Between the first eviction of a batch and its end, a time of length T, the slots of a budget of b
are held in at most b lines of length T: so T ≥ Σd / b, where d is how long each was held within the
batch, however well the slots were used. What is held longer, into a soak, counts no further.
"""

from collections import deque

from msgspec import Struct, field

from azure_linux_migrator.model.cluster import Budget, NamespacedName

RECENT = 4096
"""Slot times kept until they are taken; the oldest are dropped."""


class Held(Struct):
    """A slot that is taken. `bounds` is whether it still counts for the bound."""

    since: float
    bounds: bool = True


class Times(Struct):
    """Slot times of one budget, in seconds: `total` of all that came back, `within` of what was
    held while its batch was under way."""

    slots: int = 1
    count: int = 0
    total: float = 0.0
    within: float = 0.0
    sent: deque[Held] = field(default_factory=deque)

    @property
    def mean(self) -> float:
        """The mean time a slot was held; 0 before the first came back."""
        return self.total / self.count if self.count else 0.0

    @property
    def bound(self) -> float:
        """Seconds that perfect use of the slots would have needed."""
        return self.within / self.slots

    def returned(self, now: float) -> float:
        """The slot that was taken first came back; returns the seconds that it was held."""
        held = self.sent.popleft()
        self.total += now - held.since
        self.count += 1
        if held.bounds:
            self.within += now - held.since
        return now - held.since

    def rests(self, now: float) -> None:
        """The batch is over: what is still held counts up to now."""
        for held in self.sent:
            if held.bounds:
                self.within += now - held.since
                held.bounds = False


class SlotTimes:
    """Observed slot times by budget, by the caller's clock (seconds)."""

    def __init__(self) -> None:
        self._times: dict[NamespacedName, Times] = {}
        self._past: tuple[float, NamespacedName | None] = (0.0, None)
        self.recent: deque[float] = deque(maxlen=RECENT)
        """Slot times, in seconds, in the order in which they ended; who shows them takes them."""

    def sent(self, budget: NamespacedName, now: float) -> None:
        """A slot was taken."""
        self._times.setdefault(budget, Times()).sent.append(Held(now))

    def refused(self, budget: NamespacedName) -> None:
        """The slot that was taken last was not granted."""
        times = self._times.get(budget)
        if times is not None and times.sent:
            times.sent.pop()

    def settle(self, budget: Budget, unshown: int, now: float) -> None:
        """The budget's status changed: slots that it has again were held until now."""
        times = self._times.get(budget.key)
        if times is None or budget.never_allows:
            return
        times.slots = max(times.slots, budget.capacity)
        occupied = max(0, budget.capacity - budget.allowed) + unshown
        while len(times.sent) > occupied:
            self.recent.append(times.returned(now))

    def rests(self, now: float) -> None:
        """A batch is over."""
        for times in self._times.values():
            times.rests(now)

    def mean(self, budget: NamespacedName) -> float:
        """Mean slot time of a budget; 0 where none is known."""
        times = self._times.get(budget)
        return times.mean if times else 0.0

    def bound(self) -> tuple[float, NamespacedName | None]:
        """The largest bound of all budgets, in seconds, and the budget it belongs to."""
        longest = max(
            ((times.bound, key) for key, times in self._times.items()), default=(0.0, None)
        )
        return max(longest, self._past, key=lambda bound: bound[0])

    def forget(self, budget: NamespacedName) -> None:
        """The budget is gone; its bound stands, if it is the largest of those that went."""
        times = self._times.pop(budget, None)
        if times is not None and times.bound > self._past[0]:
            self._past = (times.bound, budget)
