"""A circuit breaker: after refusals that apply to every pod, one pod at a time is tried.

A missing right, a webhook that is down or an apiserver that fails would otherwise be met by every
pod of the pool in turn. It opens when several pods in a row were refused so, and closes with the
first answer that shows that evictions get through, be it that a budget is spent.
"""

from msgspec import Struct

from azure_linux_migrator.core.state.retry_delay import RetryDelay
from azure_linux_migrator.model.cluster import NamespacedName

PODS_IN_A_ROW = 3
RETRY = RetryDelay(1.0, 30.0)

UNANSWERED_SECONDS = 60.0
"""Longer than any request is waited for: after this another pod is tried."""


class Trouble(Struct):
    """Why the breaker is open: the same text until it closes. `probes` have failed."""

    reason: str
    message: str
    until: float
    probes: int = 0
    probe: NamespacedName | None = None


class Breaker:
    """Of one cluster. Times are in seconds since the epoch."""

    def __init__(self) -> None:
        self._row: set[NamespacedName] = set()
        self.trouble: Trouble | None = None

    def admits(self, now: float) -> bool:
        """Whether evictions may be sent: any while it is closed, one when it is time to try."""
        return self.trouble is None or now >= self.trouble.until

    def sent(self, pod: NamespacedName, now: float) -> None:
        """An eviction is about to be sent; while it is open, that is the one that tries."""
        if self.trouble is not None:
            self.trouble.probe = pod
            self.trouble.until = now + UNANSWERED_SECONDS

    def answered(self) -> None:
        """An eviction got through to its pod."""
        self._row.clear()
        self.trouble = None

    def refused(
        self, pod: NamespacedName, *, reason: str, message: str, now: float, stretch: float
    ) -> None:
        """An eviction was refused for something that may not be about its pod. `stretch` is what
        the pause until the next is multiplied with."""
        self._row.add(pod)
        trouble = self.trouble
        if trouble is None:
            if len(self._row) >= PODS_IN_A_ROW:
                self.trouble = Trouble(reason, message, now + RETRY.after(1) * stretch)
            return
        if trouble.probe != pod:
            # Sent before it opened: nothing new.
            return
        trouble.probes += 1
        trouble.until = now + RETRY.after(trouble.probes + 1) * stretch
        trouble.probe = None
