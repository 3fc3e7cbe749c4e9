"""How long slots are held: from the eviction until the budget has them again.

What is left of a drain is estimated from it. What a drain must take at least is not: these times
hold the delays of the drain itself (core/drain/batch_times.py).
"""

from collections import deque

from msgspec import Struct, field

from azure_linux_migrator.model.cluster import Budget, NamespacedName

RECENT = 4096
"""Slot times kept until they are taken; the oldest are dropped."""


class Times(Struct):
    """Slot times of one budget, in seconds: `total` of all that came back."""

    count: int = 0
    total: float = 0.0
    sent: deque[float] = field(default_factory=deque)

    @property
    def mean(self) -> float:
        """The mean time a slot was held; 0 before the first came back."""
        return self.total / self.count if self.count else 0.0

    def returned(self, now: float) -> float:
        """The slot that was taken first came back; returns the seconds that it was held."""
        seconds = now - self.sent.popleft()
        self.total += seconds
        self.count += 1
        return seconds


class SlotTimes:
    """Observed slot times by budget, by the caller's clock (seconds)."""

    def __init__(self) -> None:
        self._times: dict[NamespacedName, Times] = {}
        self.recent: deque[float] = deque(maxlen=RECENT)
        """Slot times, in seconds, in the order in which they ended; who shows them takes them."""

    def sent(self, budget: NamespacedName, now: float) -> None:
        """A slot was taken."""
        self._times.setdefault(budget, Times()).sent.append(now)

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
        occupied = max(0, budget.capacity - budget.allowed) + unshown
        while len(times.sent) > occupied:
            self.recent.append(times.returned(now))

    def mean(self, budget: NamespacedName) -> float:
        """Mean slot time of a budget; 0 where none is known."""
        times = self._times.get(budget)
        return times.mean if times else 0.0

    def forget(self, budget: NamespacedName) -> None:
        """The budget is gone."""
        self._times.pop(budget, None)
