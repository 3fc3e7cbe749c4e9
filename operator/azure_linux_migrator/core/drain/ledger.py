"""Evictions that were sent and that the cluster does not show yet, and those that were refused.

Two lags are covered. Until the pod is seen terminating, our own watch still counts it as healthy.
Until the budget's status accounts for the eviction, its `disruptionsAllowed` is one too many. A
budget accounts for an eviction when it names the pod in `disruptedPods`, or when its
resourceVersion is later than the one at which the pod was seen leaving: the decrement is written
before the pod is deleted, so every later budget has it (pkg/registry/core/pod/storage/eviction.go).
"""

from collections import defaultdict
from collections.abc import Callable
from heapq import heappop, heappush
from typing import TypeVar

from msgspec import Struct

from azure_linux_migrator.core.records import Budget, Key

EXPIRY_SECONDS = 120.0
"""After this an eviction that left no trace is forgotten, as the disruption controller does."""

Counted = TypeVar("Counted")


class Eviction(Struct):
    """One eviction under way. `budget` is None where it costs no disruption.

    `gone`: the apiserver found no such pod, so that it took no slot; our watch shows it still.
    """

    uid: str
    budget: Key | None
    owner: str
    sent_at: float
    seen: bool = False
    gone: bool = False


class Refusal(Struct, frozen=True):
    """An eviction that was refused `times` times for the same reason; not tried again before
    `until` (seconds since the epoch; 0 once that is over)."""

    uid: str
    reason: str
    message: str
    until: float
    times: int = 1


class Ledger:
    """All evictions under way, with the counts per budget and per owner that slots depend on.

    `on_change` is told the pod, the budget and the owner whose figures have changed.
    """

    def __init__(self, on_change: Callable[[Key, Key | None, str], None]) -> None:
        self._on_change = on_change
        self._all: dict[Key, Eviction] = {}
        self._by_budget: defaultdict[Key, set[Key]] = defaultdict(set)
        self._unseen_by_budget: defaultdict[Key, int] = defaultdict(int)
        self._unseen_by_owner: defaultdict[str, int] = defaultdict(int)
        self._left_by_budget: defaultdict[Key, list[tuple[int, Key, str]]] = defaultdict(list)
        self._waits: list[tuple[float, Key]] = []
        self.refusals: dict[Key, Refusal] = {}
        self.throttled_until = 0.0

    def __len__(self) -> int:
        return len(self._all)

    def under_way(self, pod: Key, uid: str) -> bool:
        """Whether this very pod was sent an eviction it has not answered by leaving."""
        found = self._all.get(pod)
        return found is not None and found.uid == uid and not found.seen

    def barred(self, pod: Key, uid: str) -> bool:
        """Whether its last refusal says to wait."""
        found = self.refusals.get(pod)
        return found is not None and found.uid == uid and found.until > 0

    def budget_of(self, pod: Key) -> Key | None:
        """The budget that the eviction under way took a slot of."""
        found = self._all.get(pod)
        return found.budget if found is not None else None

    def unshown(self, budget: Key) -> int:
        """Evictions that the budget's status does not account for."""
        return len(self._by_budget.get(budget, ()))

    def unseen(self, budget: Key) -> int:
        """Evictions of a budget whose pod still looks untouched."""
        return self._unseen_by_budget.get(budget, 0)

    def unseen_of_owner(self, owner: str) -> int:
        """Evictions of an owner's pods that still look untouched."""
        return self._unseen_by_owner.get(owner, 0)

    @property
    def next_wait(self) -> float | None:
        """When the next refusal's wait is over, in seconds since the epoch."""
        return self._waits[0][0] if self._waits else None

    def sent(self, pod: Key, uid: str, *, budget: Key | None, owner: str, now: float) -> None:
        """An eviction is about to be sent."""
        self.forget(pod)
        self._all[pod] = Eviction(uid, budget, owner, now)
        self._unseen_by_owner[owner] += 1
        if budget is not None:
            self._by_budget[budget].add(pod)
            self._unseen_by_budget[budget] += 1
        self._on_change(pod, budget, owner)

    def refused(self, pod: Key, uid: str, *, reason: str, message: str, until: float) -> None:
        """The eviction was refused, for that reason; it is not sent again before `until`."""
        old = self.refusals.get(pod)
        again = old.times if old is not None and (old.uid, old.reason) == (uid, reason) else 0
        self.refusals[pod] = Refusal(uid, reason, message, until, again + 1)
        heappush(self._waits, (until, pod))
        self.forget(pod)
        self._on_change(pod, None, "")

    def gone(self, pod: Key, uid: str) -> None:
        """There is no such pod any more, or another one of its name.

        It stays under way until our watch shows that, or the entry expires: it would be asked for
        again at once otherwise, and its owner would seem to have one healthy pod more than it has.
        """
        found = self._all.get(pod)
        if found is None or found.uid != uid:
            return
        if found.seen:
            self.forget(pod)
            return
        found.gone = True
        if found.budget is not None:
            self._shown(found.budget, pod)
        self._on_change(pod, found.budget, found.owner)

    def pod_leaves(self, pod: Key, uid: str, revision: int) -> Key | None:
        """The pod is terminating or gone; returns the budget that has yet to account for it."""
        refusal = self.refusals.get(pod)
        if refusal is not None and refusal.uid == uid:
            del self.refusals[pod]
        found = self._all.get(pod)
        if found is None or found.uid != uid or found.seen:
            return None
        found.seen = True
        _less(self._unseen_by_owner, found.owner)
        if found.budget is not None:
            _less(self._unseen_by_budget, found.budget)
        if found.budget is None or found.gone:
            del self._all[pod]
            self._on_change(pod, found.budget, found.owner)
            return None
        if revision > 0:
            heappush(self._left_by_budget[found.budget], (revision, pod, uid))
        self._on_change(pod, found.budget, found.owner)
        return found.budget

    def budget_shows(self, budget: Budget) -> None:
        """A budget's status arrived: settle what it accounts for."""
        unshown = self._by_budget.get(budget.key)
        if not unshown:
            self._left_by_budget.pop(budget.key, None)
            return
        names = {Key(budget.key.namespace, name) for name in budget.disrupted}
        left = self._left_by_budget.get(budget.key)
        while left and left[0][0] < budget.revision:
            _, pod, uid = heappop(left)
            if (found := self._all.get(pod)) is not None and found.uid == uid:
                # A StatefulSet's next pod of that name may be under way already.
                names.add(pod)
        for pod in names & unshown:
            found = self._all[pod]
            self._shown(budget.key, pod)
            if found.seen:
                del self._all[pod]
            else:
                # Accounted for, yet the pod still looks healthy: keep only the second count.
                _less(self._unseen_by_budget, budget.key)
                found.budget = None

    def forget(self, pod: Key) -> None:
        """The eviction was refused, or never happened."""
        found = self._all.pop(pod, None)
        if found is None:
            return
        if not found.seen:
            _less(self._unseen_by_owner, found.owner)
        if found.budget is not None:
            self._shown(found.budget, pod)
            if not found.seen:
                _less(self._unseen_by_budget, found.budget)
        self._on_change(pod, found.budget, found.owner)

    def forget_budget(self, budget: Key) -> None:
        """The budget is gone: nothing of it needs to be accounted for."""
        self._by_budget.pop(budget, None)
        for pod, found in tuple(self._all.items()):
            if found.budget == budget:
                found.budget = None
                if found.seen:
                    del self._all[pod]
        self._unseen_by_budget.pop(budget, None)
        self._left_by_budget.pop(budget, None)

    def tick(self, now: float) -> None:
        """Time passes: forget what left no trace, and let what was refused be tried again.

        Costs only what is due: evictions stand in the order in which they were sent.
        """
        while self._all:
            pod, oldest = next(iter(self._all.items()))
            if now - oldest.sent_at <= EXPIRY_SECONDS:
                break
            self.forget(pod)
        while self._waits and self._waits[0][0] <= now:
            until, pod = heappop(self._waits)
            found = self.refusals.get(pod)
            if found is not None and found.until == until:
                self.refusals[pod] = Refusal(
                    found.uid, found.reason, found.message, 0.0, found.times
                )
                self._on_change(pod, None, "")

    def _shown(self, budget: Key, pod: Key) -> None:
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
