"""Evictions that were sent and that the cluster does not show yet, and those that were refused.

Two lags are covered. Until the pod is seen terminating, our own watch still counts it as healthy.
Until the budget's status accounts for the eviction, its `disruptionsAllowed` is one too many
(unaccounted_evictions.py).

An eviction whose answer was lost may have been carried out: it keeps its slot, and is sent again
after a moment without needing another. Sent again it changes nothing (the apiserver grants every
eviction of a terminating pod), and the answer settles what came of the first.
"""

from collections import defaultdict
from collections.abc import Callable
from math import inf
from typing import TypeVar

from azure_linux_migrator.core.state.backoff import BudgetBackoffs
from azure_linux_migrator.core.state.breaker import Breaker
from azure_linux_migrator.core.state.inflight_eviction import Eviction
from azure_linux_migrator.core.state.pod_refusals import PodRefusals
from azure_linux_migrator.core.state.unaccounted_evictions import UnaccountedEvictions
from azure_linux_migrator.model.cluster import Budget, NamespacedName

EXPIRY_SECONDS = 120.0
"""After this an eviction that left no trace is forgotten, as the disruption controller does."""

YIELD_SECONDS = 60.0
"""A pod whose answers have been lost for EXPIRY_SECONDS, while the watch showed it unharmed, is not
asked for during this time."""

RELEASE_SECONDS = 30.0
"""After this part of it, it gives its slot to the others: its last eviction has left no trace."""

CLOCK_SECONDS = 5.0
"""A clock that goes back by more was set."""

NO_POD = NamespacedName("", "")

Counted = TypeVar("Counted")


class InflightEvictions:
    """All evictions under way, with the counts per budget and per owner that slots depend on.

    `on_change` gets the pod, the budget and the owner whose figures have changed.
    """

    def __init__(
        self, on_change: Callable[[NamespacedName, NamespacedName | None, str], None]
    ) -> None:
        self._on_change = on_change
        self._all: dict[NamespacedName, Eviction] = {}
        self._unaccounted = UnaccountedEvictions()
        self._unseen_by_budget: defaultdict[NamespacedName, int] = defaultdict(int)
        self._unseen_by_owner: defaultdict[str, int] = defaultdict(int)
        self._yielding: dict[NamespacedName, float] = {}
        self.pod_refusals = PodRefusals(lambda pod: on_change(pod, None, ""))
        self.budget_backoffs = BudgetBackoffs(lambda budget: on_change(NO_POD, budget, ""))
        self.breaker = Breaker()
        self.throttled_until = 0.0
        self._ticked = 0.0

    def __len__(self) -> int:
        return len(self._all)

    def under_way(self, pod: NamespacedName, uid: str) -> bool:
        """Whether this very pod was sent an eviction it has not answered by leaving."""
        eviction = self._all.get(pod)
        return (
            eviction is not None and eviction.uid == uid and not eviction.seen and not eviction.lost
        )

    def holds(self, pod: NamespacedName, uid: str) -> bool:
        """Whether it has a slot already, and may be sent an eviction again: the last was lost."""
        eviction = self._all.get(pod)
        return eviction is not None and eviction.uid == uid and not eviction.seen and eviction.lost

    def doubted(self, pod: NamespacedName, uid: str) -> bool:
        """Whether an eviction of it was lost, and no answer since has shown what came of it."""
        eviction = self._all.get(pod)
        return eviction is not None and eviction.uid == uid and eviction.doubted_since > 0

    def backs_off(self, pod: NamespacedName, uid: str) -> bool:
        """Whether its last refusal says to wait."""
        return self.pod_refusals.backs_off(pod, uid)

    def eviction_of(self, pod: NamespacedName) -> Eviction | None:
        """The eviction of a pod that is under way."""
        return self._all.get(pod)

    def budget_of(self, pod: NamespacedName) -> NamespacedName | None:
        """The budget that the eviction under way took a slot of."""
        eviction = self._all.get(pod)
        return eviction.budget if eviction is not None else None

    def unshown(self, budget: NamespacedName) -> int:
        """Evictions that the budget's status does not account for."""
        return self._unaccounted.count(budget)

    def unseen(self, budget: NamespacedName) -> int:
        """Evictions of a budget whose pod still looks untouched."""
        return self._unseen_by_budget.get(budget, 0)

    def unseen_of_owner(self, owner: str) -> int:
        """Evictions of an owner's pods that still look untouched."""
        return self._unseen_by_owner.get(owner, 0)

    @property
    def next_wait(self) -> float | None:
        """When the next wait of a pod or a budget is over, in seconds since the epoch."""
        waits = (self.pod_refusals.next_wait, self.budget_backoffs.next_wait)
        return min((wait for wait in waits if wait is not None), default=None)

    def sent(
        self,
        pod: NamespacedName,
        uid: str,
        *,
        budget: NamespacedName | None,
        owner: str,
        now: float,
        revision: int = 0,
    ) -> bool:
        """An eviction is about to be sent; returns whether it takes a slot that it had not.
        `revision` is that of the budget's status as it is known."""
        held = self._all.get(pod) if self.doubted(pod, uid) else None
        if held is not None:
            budget = budget or held.budget
        self.forget(pod)
        since = held.doubted_since if held is not None else 0.0
        charged_at = held.charged_at if held is not None else revision
        self._all[pod] = Eviction(
            uid, budget, owner, now, doubted_since=since, charged_at=charged_at
        )
        self._unseen_by_owner[owner] += 1
        if budget is not None:
            self._unaccounted.add(budget, pod)
            self._unseen_by_budget[budget] += 1
        self.breaker.sent(pod, now)
        self._on_change(pod, budget, owner)
        return held is None

    def granted(self, pod: NamespacedName, uid: str, budget: NamespacedName | None) -> None:
        """The eviction was carried out; the watch will show it."""
        self.pod_refusals.drop(pod, uid)
        if budget is not None:
            self.budget_backoffs.granted(budget)

    def refused(
        self, pod: NamespacedName, uid: str, *, reason: str, message: str, until: float
    ) -> None:
        """The eviction was refused, for that reason; it is not sent again before `until`."""
        self.pod_refusals.note(pod, uid, reason=reason, message=message, until=until)
        self.forget(pod)
        self._on_change(pod, None, "")

    def unanswered(
        self, pod: NamespacedName, uid: str, *, reason: str, message: str, until: float, now: float
    ) -> None:
        """It is not known whether the eviction was carried out; not sent again before `until`."""
        eviction = self._all.get(pod)
        if eviction is None or eviction.uid != uid or eviction.seen:
            return
        eviction.lost = True
        eviction.doubted_since = eviction.doubted_since or now
        if now - eviction.doubted_since > EXPIRY_SECONDS:
            self._yielding.pop(pod, None)
            self._yielding[pod] = now + RELEASE_SECONDS
            until = max(until, now + YIELD_SECONDS)
        self.pod_refusals.note(pod, uid, reason=reason, message=message, until=until)
        self._on_change(pod, eviction.budget, eviction.owner)

    def gone(self, pod: NamespacedName, uid: str) -> None:
        """There is no such pod any more, or another one of its name.

        It stays under way until our watch shows that, or the entry expires: it would be asked for
        again at once otherwise, and its owner would seem to have one healthy pod more than it has.
        """
        eviction = self._all.get(pod)
        if eviction is None or eviction.uid != uid:
            return
        if eviction.doubted_since:
            # An eviction that was lost has done it, and has taken its slot.
            return
        if eviction.seen:
            self.forget(pod)
            return
        eviction.gone = True
        if eviction.budget is not None:
            self._unaccounted.settle(eviction.budget, pod)
        self._on_change(pod, eviction.budget, eviction.owner)

    def pod_leaves(self, pod: NamespacedName, uid: str, revision: int) -> NamespacedName | None:
        """The pod is terminating or gone; returns the budget that has yet to account for it."""
        self.pod_refusals.drop(pod, uid)
        eviction = self._all.get(pod)
        if eviction is None or eviction.uid != uid or eviction.seen:
            return None
        eviction.seen = True
        _less(self._unseen_by_owner, eviction.owner)
        if eviction.budget is not None:
            _less(self._unseen_by_budget, eviction.budget)
        if eviction.budget is None or eviction.gone or eviction.shown:
            del self._all[pod]
            self._on_change(pod, eviction.budget, eviction.owner)
            return None
        if revision > 0:
            self._unaccounted.left(eviction.budget, pod, uid, revision)
        self._on_change(pod, eviction.budget, eviction.owner)
        return eviction.budget

    def budget_shows(self, budget: Budget) -> None:
        """A budget's status arrived: settle what it accounts for."""
        for pod in self._unaccounted.accounted_by(budget, self._all):
            eviction = self._all[pod]
            self._unaccounted.settle(budget.key, pod)
            if eviction.seen:
                del self._all[pod]
            else:
                # Accounted for, yet the pod still looks healthy: unseen until it leaves.
                eviction.shown = True

    def forget(self, pod: NamespacedName) -> None:
        """The eviction was refused, or never happened."""
        eviction = self._all.pop(pod, None)
        if eviction is None:
            return
        if not eviction.seen:
            _less(self._unseen_by_owner, eviction.owner)
        if eviction.budget is not None:
            self._unaccounted.settle(eviction.budget, pod)
            if not eviction.seen:
                _less(self._unseen_by_budget, eviction.budget)
        self._on_change(pod, eviction.budget, eviction.owner)

    def forget_budget(self, budget: NamespacedName) -> None:
        """The budget is gone: nothing of it needs to be accounted for."""
        self._unaccounted.forget(budget)
        for pod, eviction in tuple(self._all.items()):
            if eviction.budget == budget:
                eviction.budget = None
                if eviction.seen:
                    del self._all[pod]
        self._unseen_by_budget.pop(budget, None)
        self.budget_backoffs.granted(budget)

    def tick(self, now: float) -> None:
        """Time passes: forget what left no trace, and let what was refused be tried again.

        Costs only what is due: evictions stand in the order in which they were sent.
        """
        if now < self._ticked - CLOCK_SECONDS:
            self._set_back(now)
        self._ticked = now
        while self._all:
            pod, oldest = next(iter(self._all.items()))
            if now - oldest.sent_at <= EXPIRY_SECONDS:
                break
            self.forget(pod)
        while self._yielding:
            pod, due = next(iter(self._yielding.items()))
            if now < due:
                break
            del self._yielding[pod]
            eviction = self._all.get(pod)
            if (
                eviction is not None
                and eviction.lost
                and now - eviction.doubted_since > EXPIRY_SECONDS
            ):
                self.forget(pod)
        self.pod_refusals.tick(now)
        self.budget_backoffs.tick(now)

    def _set_back(self, now: float) -> None:
        """The clock was set back: no wait may last for as long as it was wrong."""
        for eviction in self._all.values():
            eviction.sent_at = min(eviction.sent_at, now)
            eviction.doubted_since = min(eviction.doubted_since, now)
        self._yielding = dict.fromkeys(self._yielding, now + RELEASE_SECONDS)
        self.throttled_until = min(self.throttled_until, now)
        self.pod_refusals.tick(inf)
        self.budget_backoffs.tick(inf)
        if self.breaker.trouble is not None:
            self.breaker.trouble.until = now


def _less(counts: dict[Counted, int], of: Counted) -> None:
    """One less; what is at zero is not kept."""
    counts[of] = counts.get(of, 0) - 1
    if counts[of] <= 0:
        del counts[of]
