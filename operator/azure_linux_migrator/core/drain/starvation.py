"""Eviction queues whose budget or owner gives no slot: since when, and from when on it matters."""

from collections.abc import Iterator
from itertools import islice

from azure_linux_migrator.core.drain.eviction_queue import EvictionQueue

STARVED_SECONDS = 60.0
"""A queue that got no slot for so long is reported as a blocker."""

PATIENCE_SECONDS = 600.0
"""Replicas without a budget that got no slot for so long move all the same, one at a time: a pod
that never becomes healthy holds the others up, but not indefinitely."""


class Starvation:
    """The starving queues of one drain. Times are in seconds since the epoch.

    Queues stand in the order in which they began to starve, so that only what is due costs time.
    """

    def __init__(self) -> None:
        self._waiting: dict[EvictionQueue, float] = {}
        self._starved: dict[EvictionQueue, float] = {}

    def __len__(self) -> int:
        return len(self._starved)

    def starved(self) -> list[EvictionQueue]:
        """The queues that got no slot for STARVED_SECONDS."""
        return list(self._starved)

    def note(self, queue: EvictionQueue, now: float, *, starves: bool) -> None:
        """A queue was evaluated: `starves` where pods wait in it and it grants and blocks none."""
        if not starves:
            self._waiting.pop(queue, None)
            self._starved.pop(queue, None)
        elif queue not in self._starved:
            self._waiting.setdefault(queue, now)

    def tick(self, now: float) -> Iterator[EvictionQueue]:
        """Time passes; yields the queues of owners whose patience is over."""
        while self._waiting:
            queue, since = next(iter(self._waiting.items()))
            if now - since < STARVED_SECONDS:
                break
            del self._waiting[queue]
            self._starved[queue] = since
        for queue, since in self._starved.items():
            if now - since < PATIENCE_SECONDS:
                break
            if isinstance(queue.ident, str):
                yield queue

    def checks(self) -> list[float]:
        """When a queue counts as starved, and when the patience with an owner is over."""
        times = [since + STARVED_SECONDS for since in islice(self._waiting.values(), 1)]
        times += [
            since + PATIENCE_SECONDS
            for queue, since in self._starved.items()
            if isinstance(queue.ident, str)
        ]
        return times
