"""Pods that wait for a slot, the one on the emptiest node first."""

from collections.abc import Callable
from heapq import heapify, heappop, heappush

from azure_linux_migrator.model.cluster import NamespacedName, Pod


class WaitingPods:
    """A priority queue whose priorities change: entries that are out of date are dropped late.

    A caller that changes a node's weight calls `reweigh` for its pods, which costs a push each.
    Once most entries are out of date, all are dropped, and rebuilt at the next read: while a
    budget allows nothing, that may be days later.
    """

    __slots__ = ("_heap", "_stale", "pods")

    def __init__(self) -> None:
        self.pods: dict[NamespacedName, Pod] = {}
        self._heap: list[tuple[int, str, NamespacedName]] = []
        self._stale = False

    def __len__(self) -> int:
        return len(self.pods)

    def put(self, pod: Pod, weight: int) -> None:
        """Add a pod, or renew its record."""
        self.pods[pod.key] = pod
        self._push(weight, pod.node, pod.key)

    def reweigh(self, key: NamespacedName, weight: int) -> None:
        """The weight of a pod's node changed."""
        pod = self.pods.get(key)
        if pod is not None:
            self._push(weight, pod.node, key)

    def discard(self, key: NamespacedName) -> None:
        """The pod no longer waits."""
        self.pods.pop(key, None)
        self._limit()

    def first(self, count: int, weight: Callable[[str], int]) -> list[Pod]:
        """The first `count` pods; they stay in the queue. `weight` returns a node's weight now."""
        if count <= 0 or not self.pods:
            return []
        if self._stale:
            self._rebuild(weight)
        chosen = self._take(count, weight)
        if len(chosen) < min(count, len(self.pods)):
            self._rebuild(weight)
            chosen = self._take(count, weight)
        return chosen

    def _push(self, weight: int, node: str, key: NamespacedName) -> None:
        if not self._stale:
            heappush(self._heap, (weight, node, key))
            self._limit()

    def _limit(self) -> None:
        if len(self._heap) > 2 * len(self.pods) + 16:
            self._heap = []
            self._stale = True

    def _take(self, count: int, weight: Callable[[str], int]) -> list[Pod]:
        chosen: dict[NamespacedName, Pod] = {}
        entries: list[tuple[int, str, NamespacedName]] = []
        while self._heap and len(chosen) < count:
            entry = heappop(self._heap)
            pod = self.pods.get(entry[2])
            if pod is None or pod.node != entry[1] or weight(pod.node) != entry[0]:
                continue
            if pod.key not in chosen:
                chosen[pod.key] = pod
                entries.append(entry)
        for entry in entries:
            heappush(self._heap, entry)
        return list(chosen.values())

    def _rebuild(self, weight: Callable[[str], int]) -> None:
        self._heap = [(weight(pod.node), pod.node, key) for key, pod in self.pods.items()]
        heapify(self._heap)
        self._stale = False
