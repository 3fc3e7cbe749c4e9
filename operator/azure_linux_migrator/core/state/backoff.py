"""Budgets that have refused an eviction: nothing of them is sent before their time is over.

What one pod was refused for, its budget refuses every other for. Where the apiserver names no
time, a newer status of the budget ends the wait, since our own count is right again with it.
"""

from collections.abc import Callable
from heapq import heappop, heappush

from msgspec import Struct

from azure_linux_migrator.model.cluster import NamespacedName


class BudgetBackoff(Struct):
    """Why a budget waits, and until when (seconds since the epoch; 0 once that is over).

    `strict` where the apiserver named the time; `times` counts refusals since the last grant.
    """

    reason: str
    message: str
    until: float
    strict: bool
    times: int


class BudgetBackoffs:
    """By budget. `on_change` gets the budget that waits, or no longer waits."""

    def __init__(self, on_change: Callable[[NamespacedName], None]) -> None:
        self._on_change = on_change
        self._waits: list[tuple[float, NamespacedName]] = []
        self.by_budget: dict[NamespacedName, BudgetBackoff] = {}

    def holds(self, budget: NamespacedName) -> bool:
        """Whether nothing of the budget may be sent now."""
        backoff = self.by_budget.get(budget)
        return backoff is not None and backoff.until > 0

    def times(self, budget: NamespacedName) -> int:
        """How often the budget has refused since it last granted something."""
        backoff = self.by_budget.get(budget)
        return backoff.times if backoff is not None else 0

    @property
    def next_wait(self) -> float | None:
        """When the next wait is over, in seconds since the epoch."""
        return self._waits[0][0] if self._waits else None

    def refused(
        self, budget: NamespacedName, *, reason: str, message: str, until: float, strict: bool
    ) -> None:
        """A budget has refused an eviction; the next is sent at `until` at the earliest."""
        self.by_budget[budget] = BudgetBackoff(
            reason, message, until, strict, self.times(budget) + 1
        )
        heappush(self._waits, (until, budget))
        self._on_change(budget)

    def granted(self, budget: NamespacedName) -> None:
        """A budget has granted an eviction, or is gone: nothing is wrong with it."""
        if self.by_budget.pop(budget, None) is not None:
            self._on_change(budget)

    def shown(self, budget: NamespacedName) -> None:
        """A newer status of the budget arrived."""
        backoff = self.by_budget.get(budget)
        if backoff is not None and not backoff.strict and backoff.until > 0:
            self._over(budget, backoff)

    def tick(self, now: float) -> None:
        """Time passes; costs only what is due."""
        while self._waits and self._waits[0][0] <= now:
            until, budget = heappop(self._waits)
            backoff = self.by_budget.get(budget)
            if backoff is not None and backoff.until == until:
                self._over(budget, backoff)

    def _over(self, budget: NamespacedName, backoff: BudgetBackoff) -> None:
        backoff.until = 0.0
        self._on_change(budget)
