"""How long the drain still takes at least: the queue that needs the most slot time decides."""

from collections.abc import Iterable
from heapq import heapify, heappop, heappush

from azure_linux_migrator.core.drain.eviction_queue import EvictionQueue, QueueId


class RemainingTime:
    """The queues of one drain by `EvictionQueue.rest`, in seconds.

    Entries of the heap that no longer hold are skipped, and removed when they are too many.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, EvictionQueue]] = []
        self._pushed = 0

    def __len__(self) -> int:
        return len(self._heap)

    def push(self, queue: EvictionQueue) -> None:
        """The `rest` of a queue has changed."""
        self._pushed += 1
        heappush(self._heap, (-queue.rest, self._pushed, queue))

    def trim(self, queues: Iterable[EvictionQueue], count: int) -> None:
        """Start again from the `count` existing queues where most entries no longer hold."""
        if len(self._heap) <= 2 * count + 16:
            return
        lasting = (queue for queue in queues if queue.rest > 0)
        self._heap = [(-queue.rest, number, queue) for number, queue in enumerate(lasting)]
        self._pushed = len(self._heap)
        heapify(self._heap)

    def longest(self) -> tuple[float, QueueId | None]:
        """The longest remaining time, and the budget or owner that it comes from."""
        while self._heap:
            rest, _, queue = self._heap[0]
            if queue.rest == -rest and not queue.empty:
                return queue.rest, queue.ident
            heappop(self._heap)
        return 0.0, None
