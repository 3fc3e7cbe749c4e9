"""The eviction queues of one drain, and which of them have to be evaluated again.

Knows nothing of why a pod is in a queue, nor of slots: pod_tracker.py fills the queues and
planner.py evaluates those that changed.
"""

from collections import defaultdict
from collections.abc import Iterable

from azure_linux_migrator.core.drain.eviction_queue import EvictionQueue, QueueId, Surge


class QueueTable:
    """By what the pods compete for and by their order (spec.drain.order).

    `surging` are the queues of surged Deployments by uid.
    """

    def __init__(self) -> None:
        self._queues: dict[tuple[QueueId, int], EvictionQueue] = {}
        self._by_ident: defaultdict[QueueId, list[EvictionQueue]] = defaultdict(list)
        self._changed: dict[EvictionQueue, None] = {}
        self.surging: dict[str, EvictionQueue] = {}

    def __len__(self) -> int:
        return len(self._queues)

    def all(self) -> Iterable[EvictionQueue]:
        """Every queue, the oldest first."""
        return self._queues.values()

    def obtain(self, ident: QueueId, tier: int) -> EvictionQueue:
        """The queue of a budget, an owner or a surge, for pods of that order."""
        queue = self._queues.get((ident, tier))
        if queue is None:
            queue = self._queues[ident, tier] = EvictionQueue(ident, tier)
            self._by_ident[ident].append(queue)
            if isinstance(ident, Surge):
                self.surging[ident.deployment] = queue
        return queue

    def drop(self, queue: EvictionQueue) -> None:
        """Nothing waits in a queue any more: a Job's may never be needed again."""
        del self._queues[queue.ident, queue.tier]
        self._by_ident[queue.ident].remove(queue)
        if not self._by_ident[queue.ident]:
            del self._by_ident[queue.ident]

    def left(self, ident: QueueId) -> int:
        """How many pods wait for the slots of a budget or an owner."""
        return sum(queue.left for queue in self._by_ident.get(ident, ()))

    def touch(self, queue: EvictionQueue) -> None:
        """A queue has changed, or its slots may have."""
        self._changed[queue] = None

    def touch_ident(self, ident: QueueId) -> None:
        """The slots of a budget or an owner may have changed."""
        for queue in self._by_ident.get(ident, ()):
            self._changed[queue] = None

    def touch_all(self) -> None:
        """Something changed that concerns every queue."""
        self._changed.update(dict.fromkeys(self._queues.values()))

    def take_changed(self, *, everything: bool) -> Iterable[EvictionQueue]:
        """The queues to evaluate: those that changed, in the order in which they did, or all."""
        changed, self._changed = self._changed, {}
        return tuple(self._queues.values()) if everything else changed
