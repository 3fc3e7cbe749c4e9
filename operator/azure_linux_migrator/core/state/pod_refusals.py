"""Pods whose eviction was refused, or whose answer was lost: why, how often, and until when."""

from collections.abc import Callable
from heapq import heappop, heappush

from msgspec import Struct

from azure_linux_migrator.model.cluster import NamespacedName


class PodRefusal(Struct, frozen=True):
    """An eviction that was refused `times` times for the same reason; not tried again before
    `until` (seconds since the epoch; 0 once that is over)."""

    uid: str
    reason: str
    message: str
    until: float
    times: int = 1


class PodRefusals:
    """By pod, until it leaves or is granted. `on_change` gets the pod whose wait is over."""

    def __init__(self, on_change: Callable[[NamespacedName], None]) -> None:
        self._on_change = on_change
        self._waits: list[tuple[float, NamespacedName]] = []
        self.by_pod: dict[NamespacedName, PodRefusal] = {}

    def __len__(self) -> int:
        return len(self.by_pod)

    def backs_off(self, pod: NamespacedName, uid: str) -> bool:
        """Whether the pod's last refusal says to wait."""
        refusal = self.by_pod.get(pod)
        return refusal is not None and refusal.uid == uid and refusal.until > 0

    def times(self, pod: NamespacedName, uid: str, reason: str = "") -> int:
        """How often in a row the pod was refused, for that reason or whatever it was."""
        refusal = self.by_pod.get(pod)
        same = refusal is not None and refusal.uid == uid and reason in {"", refusal.reason}
        return refusal.times if refusal is not None and same else 0

    @property
    def next_wait(self) -> float | None:
        """When the next wait is over, in seconds since the epoch."""
        return self._waits[0][0] if self._waits else None

    def note(
        self, pod: NamespacedName, uid: str, *, reason: str, message: str, until: float
    ) -> None:
        """A pod was refused; it is not asked for again before `until`."""
        times = self.times(pod, uid, reason) + 1
        self.by_pod[pod] = PodRefusal(uid, reason, message, until, times)
        heappush(self._waits, (until, pod))

    def drop(self, pod: NamespacedName, uid: str) -> None:
        """The pod leaves, or may leave."""
        refusal = self.by_pod.get(pod)
        if refusal is not None and refusal.uid == uid:
            del self.by_pod[pod]

    def tick(self, now: float) -> None:
        """Time passes: let what was refused be tried again; costs only what is due."""
        while self._waits and self._waits[0][0] <= now:
            until, pod = heappop(self._waits)
            refusal = self.by_pod.get(pod)
            if refusal is not None and refusal.until == until:
                why = PodRefusal(refusal.uid, refusal.reason, refusal.message, 0.0, refusal.times)
                self.by_pod[pod] = why
                self._on_change(pod)
