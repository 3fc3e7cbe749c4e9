"""Evictions that were sent and that the cluster does not show yet, and those that were refused.

Two lags are covered. Until the pod is seen terminating, our own watch still counts it as healthy.
Until the budget's status accounts for the eviction, its `disruptionsAllowed` is one too many. A
budget accounts for an eviction when it names the pod in `disruptedPods`, or when its
resourceVersion is later than the one at which the pod was seen leaving: the decrement is written
before the pod is deleted, so every later budget has it (pkg/registry/core/pod/storage/eviction.go).

An eviction whose answer was lost may have been carried out: it keeps its slot, and is sent again
after a moment without needing another. Sent again it changes nothing (the apiserver grants every
eviction of a terminating pod), and the answer settles what came of the first.
"""

from collections import defaultdict
from collections.abc import Callable
from heapq import heappop, heappush
from math import inf
from typing import TypeVar

from msgspec import Struct

from azure_linux_migrator.core.state.backoff import BudgetBackoffs
from azure_linux_migrator.core.state.breaker import Breaker
from azure_linux_migrator.core.state.pod_refusals import PodRefusals
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


class Eviction(Struct):
    """One eviction under way. `budget` is None where it costs no disruption.

    `gone`: the apiserver found no such pod, so that it took no slot; our watch shows it still.
    `lost`: its answer was lost, and it was not sent again since. `doubted_since`: since when it is
    not known whether it was carried out; 0 where no answer was lost. `shown`: the budget's status
    accounts for it. `charged_at` is the budget's revision when it was sent: an older status that
    names the pod means another pod of that name, which a StatefulSet had before.
    """

    uid: str
    budget: NamespacedName | None
    owner: str
    sent_at: float
    seen: bool = False
    gone: bool = False
    lost: bool = False
    doubted_since: float = 0.0
    shown: bool = False
    charged_at: int = 0


class InflightEvictions:
    """All evictions under way, with the counts per budget and per owner that slots depend on.

    `on_change` is told the pod, the budget and the owner whose figures have changed.
    """

    def __init__(
        self, on_change: Callable[[NamespacedName, NamespacedName | None, str], None]
    ) -> None:
        self._on_change = on_change
        self._all: dict[NamespacedName, Eviction] = {}
        self._by_budget: defaultdict[NamespacedName, set[NamespacedName]] = defaultdict(set)
        self._unseen_by_budget: defaultdict[NamespacedName, int] = defaultdict(int)
        self._unseen_by_owner: defaultdict[str, int] = defaultdict(int)
        self._left_by_budget: defaultdict[NamespacedName, list[tuple[int, NamespacedName, str]]] = (
            defaultdict(list)
        )
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
        """Whether an eviction of it was lost, and no answer since has told what came of it."""
        eviction = self._all.get(pod)
        return eviction is not None and eviction.uid == uid and eviction.doubted_since > 0

    def backs_off(self, pod: NamespacedName, uid: str) -> bool:
        """Whether its last refusal says to wait."""
        return self.pod_refusals.backs_off(pod, uid)

    def budget_of(self, pod: NamespacedName) -> NamespacedName | None:
        """The budget that the eviction under way took a slot of."""
        eviction = self._all.get(pod)
        return eviction.budget if eviction is not None else None

    def unshown(self, budget: NamespacedName) -> int:
        """Evictions that the budget's status does not account for."""
        return len(self._by_budget.get(budget, ()))

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
            self._by_budget[budget].add(pod)
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
            self._shown(eviction.budget, pod)
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
            heappush(self._left_by_budget[eviction.budget], (revision, pod, uid))
        self._on_change(pod, eviction.budget, eviction.owner)
        return eviction.budget

    def budget_shows(self, budget: Budget) -> None:
        """A budget's status arrived: settle what it accounts for."""
        unshown = self._by_budget.get(budget.key)
        if not unshown:
            self._left_by_budget.pop(budget.key, None)
            return
        names = {
            pod
            for name in budget.disrupted
            if (pod := NamespacedName(budget.key.namespace, name)) in unshown
            and self._all[pod].charged_at < budget.revision
        }
        left = self._left_by_budget.get(budget.key)
        while left and left[0][0] < budget.revision:
            _, pod, uid = heappop(left)
            if (eviction := self._all.get(pod)) is not None and eviction.uid == uid:
                # A StatefulSet's next pod of that name may be under way already.
                names.add(pod)
        for pod in names & unshown:
            eviction = self._all[pod]
            self._shown(budget.key, pod)
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
            self._shown(eviction.budget, pod)
            if not eviction.seen:
                _less(self._unseen_by_budget, eviction.budget)
        self._on_change(pod, eviction.budget, eviction.owner)

    def forget_budget(self, budget: NamespacedName) -> None:
        """The budget is gone: nothing of it needs to be accounted for."""
        self._by_budget.pop(budget, None)
        for pod, eviction in tuple(self._all.items()):
            if eviction.budget == budget:
                eviction.budget = None
                if eviction.seen:
                    del self._all[pod]
        self._unseen_by_budget.pop(budget, None)
        self.budget_backoffs.granted(budget)
        self._left_by_budget.pop(budget, None)

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

    def _shown(self, budget: NamespacedName, pod: NamespacedName) -> None:
        pods = self._by_budget.get(budget)
        if pods is not None:
            pods.discard(pod)
            if not pods:
                del self._by_budget[budget]


def _less(counts: dict[Counted, int], of: Counted) -> None:
    """One less; what is at zero is not kept."""
    counts[of] = counts.get(of, 0) - 1
    if counts[of] <= 0:
        del counts[of]
