"""Pods that are terminating long after their grace has ended: reported, and in the end given up.

A kubelet that does not answer never ends its pods. Cluster API skips them at once on an unreachable
node, and Karpenter a minute after their grace; here both must hold for some minutes, since a pod
that is given up may still run, and its node is deleted under it.
"""

from collections.abc import Iterator
from heapq import heappop

from azure_linux_migrator.core.drain.pod_filters import PodDisposition
from azure_linux_migrator.core.drain.pod_tracker import PodTracker, TrackedPod
from azure_linux_migrator.model.cluster import NamespacedName, Pod

STUCK_SECONDS = 60.0
"""A pod that is there so long after its grace has ended is stuck."""

ABANDON_SECONDS = 300.0
"""A stuck pod is waited for no longer when its grace has ended this long ago, and its node was seen
NotReady for as long."""


class StuckTerminating:
    """Of one drain. Times are in seconds since the epoch."""

    def __init__(self, tracker: PodTracker) -> None:
        self._tracker = tracker
        self._silent_since: dict[NamespacedName, float] = {}
        """By stuck pod: since when its node has been seen NotReady; 0 while it is Ready."""

    def __len__(self) -> int:
        return len(self._silent_since)

    def pods(self) -> Iterator[Pod]:
        """Those that are stuck, and waited for."""
        return (self._tracker.entries[key].pod for key in self._silent_since)

    def tick(self, now: float) -> None:
        """Time passes: find who is stuck by now, and give up whose node does not answer."""
        deadlines = self._tracker.deadlines
        while deadlines and deadlines[0][0] + STUCK_SECONDS <= now:
            self._silent_since.setdefault(heappop(deadlines)[1], 0.0)
        for key, since in tuple(self._silent_since.items()):
            entry = self._tracker.entries.get(key)
            if entry is None or not _leaving(entry):
                del self._silent_since[key]
            elif self._tracker.pool_progress.by_node[entry.pod.node].node.ready:
                self._silent_since[key] = 0.0
            elif not since:
                self._silent_since[key] = now
            elif now >= max(since, entry.pod.deadline) + ABANDON_SECONDS:
                del self._silent_since[key]
                self._tracker.abandon(entry.pod)

    @property
    def next_check(self) -> float | None:
        """When the next pod will be stuck, or is given up."""
        deadlines = self._tracker.deadlines
        times = [deadlines[0][0] + STUCK_SECONDS] if deadlines else []
        times += [since + ABANDON_SECONDS for since in self._silent_since.values() if since]
        return min(times, default=None)


def _leaving(entry: TrackedPod) -> bool:
    return entry.pod.terminating and entry.filter_result.disposition is PodDisposition.MOVE
