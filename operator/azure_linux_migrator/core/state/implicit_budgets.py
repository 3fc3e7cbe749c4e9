"""Replicas without a disruption budget: a budget is kept for them anyway.

Without one, every replica on the source would be evicted in the same second. A Deployment's own
maxUnavailable says how many may be out; for any other owner it is a tenth, and always at least one.
"""

from msgspec import Struct

from azure_linux_migrator.model.cluster import Controller

SHARE = 0.1


class Tally(Struct):
    """Pods of one owner: all, those that are not leaving, those of them that have not run to an
    end, and those that are healthy or have a node. `peak` is the most of them that were `active`,
    for a controller that is polled since its scale was read last."""

    pods: int = 0
    present: int = 0
    active: int = 0
    healthy: int = 0
    placed: int = 0
    peak: int = 0


class ImplicitBudgets:
    """Tallies by the owner's uid, for as long as the owner has pods."""

    def __init__(self) -> None:
        self._tallies: dict[str, Tally] = {}

    def tally(
        self,
        uid: str,
        change: int,
        *,
        healthy: bool,
        leaving: bool,
        placed: bool,
        finished: bool = False,
    ) -> None:
        """A pod of the owner appears (+1) or disappears (-1) in that state."""
        tally = self._tallies.get(uid)
        if tally is None:
            tally = self._tallies[uid] = Tally()
        tally.pods += change
        tally.present += 0 if leaving else change
        tally.active += 0 if leaving or finished else change
        tally.healthy += change if healthy else 0
        tally.placed += change if placed else 0
        tally.peak = max(tally.peak, tally.active)

    def scale_read(self, uid: str) -> bool:
        """The scale of an owner was read: what was seen before that does not count any more.
        Returns whether that changes anything."""
        tally = self._tallies.get(uid)
        if tally is None or tally.peak == tally.active:
            return False
        tally.peak = tally.active
        return True

    def settle(self, uid: str) -> None:
        """A pod of the owner is gone: forget the owner with its last one.

        Not so where a pod is only renewed: the most seen at one time would be lost.
        """
        tally = self._tallies.get(uid)
        if tally is not None and tally.pods <= 0:
            del self._tallies[uid]

    def has_pods(self, uid: str) -> bool:
        """Whether an owner has any pod."""
        return uid in self._tallies

    def present(self, uid: str) -> int:
        """Pods of an owner that are not leaving."""
        return self._of(uid).present

    def pods(self, uid: str) -> int:
        """Pods of an owner, those that are leaving included."""
        return self._of(uid).pods

    def placed(self, uid: str) -> int:
        """Pods of an owner that have a node, do not leave it and have not run to completion."""
        return self._of(uid).placed

    def healthy(self, uid: str, controller: Controller | None = None) -> int:
        """Healthy pods of an owner: those that are Ready, for minReadySeconds where its controller
        asks for that."""
        healthy = self._of(uid).healthy
        if controller is None or controller.available is None:
            return healthy
        return min(healthy, controller.available)

    def capacity(self, uid: str, controller: Controller | None) -> int:
        """How many of its pods may be out at the same time."""
        if controller is not None and controller.rolling:
            return max(1, controller.max_unavailable)
        return max(1, int(self.wanted(uid, controller) * SHARE))

    def slots(self, uid: str, unseen: int, controller: Controller | None) -> int:
        """How many more of its pods may be evicted now.

        `unseen` are evictions sent whose pod still looks healthy.
        """
        tally = self._of(uid)
        settled = controller is None and tally.healthy == tally.active and unseen == 0
        if settled and tally.active < tally.peak - 1:
            tally.peak = tally.active + 1
        out = self.wanted(uid, controller) - self.healthy(uid, controller) + unseen
        return self.capacity(uid, controller) - out

    def unready_are_free(self, uid: str, controller: Controller | None) -> bool:
        """Whether enough others are healthy for its unready pods to go for nothing."""
        needed = self.wanted(uid, controller) - self.capacity(uid, controller)
        return self.healthy(uid, controller) >= needed

    def _of(self, uid: str) -> Tally:
        return self._tallies.get(uid) or Tally()

    def wanted(self, uid: str, controller: Controller | None) -> int:
        """The wanted replicas. Where no controller is known, the most seen at one time stand for
        them, which follows a scale-down once every pod that is left is healthy. A scale that is
        polled may be old, or count only some of the pods: those seen since then count, too."""
        peak = self._of(uid).peak
        if controller is None:
            return peak
        return max(controller.replicas, peak) if controller.polled else controller.replicas
