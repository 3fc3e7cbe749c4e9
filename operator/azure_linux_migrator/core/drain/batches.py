"""Which nodes join the next batch: those that can be empty first.

A node's finish is estimated from the queue that holds it up the longest: the pods that the nodes
chosen before it and it itself put into the queue, divided by the queue's slots. Admitting the
busiest first instead would let the nodes of a batch wait for one and the same budget.
"""

from collections import defaultdict
from heapq import heapify, heappop, heappush

from azure_linux_migrator.core.drain.eviction_queue import QueueId
from azure_linux_migrator.core.drain.pod_tracker import PodTracker
from azure_linux_migrator.model.cluster import NamespacedName


def select_nodes(tracker: PodTracker, size: int) -> list[str]:
    """The names of at most `size` nodes outside every batch that are not held, the earliest finish
    first.

    Estimates only grow as nodes are chosen, so one that is still the least when it is renewed is
    the least of all.
    """
    progress = tracker.pool_progress
    free = [name for name in progress.unmarked if not progress.by_node[name].node.held]
    needs = {name: _needs(tracker, name) for name in free}
    claims: defaultdict[QueueId, float] = defaultdict(float)
    heap = [(*_finish(tracker, needs[name], claims), name) for name in sorted(needs)]
    heapify(heap)
    chosen: list[str] = []
    while heap and len(chosen) < size:
        *_, name = heappop(heap)
        renewed = (*_finish(tracker, needs[name], claims), name)
        if heap and renewed > heap[0]:
            heappush(heap, renewed)
            continue
        chosen.append(name)
        for ident, pods in needs[name].items():
            claims[ident] += pods
    return chosen


def _needs(tracker: PodTracker, node: str) -> dict[QueueId, int]:
    counts: defaultdict[QueueId, int] = defaultdict(int)
    for pod in tracker.world.pods_on(node):
        entry = tracker.entries.get(pod.key)
        if entry is not None and entry.queue is not None:
            counts[entry.queue.ident] += 1
    return counts


def _finish(
    tracker: PodTracker, needs: dict[QueueId, int], claims: dict[QueueId, float]
) -> tuple[float, int]:
    """Waves until the node is empty, then its pods, to break ties."""
    waves = (
        (claims.get(ident, 0.0) + pods) / _capacity(tracker, ident)
        for ident, pods in needs.items()
        if ident
    )
    return max(waves, default=0.0), sum(needs.values())


def _capacity(tracker: PodTracker, ident: QueueId) -> int:
    if isinstance(ident, NamespacedName):
        budget = tracker.world.budgets.get(ident)
        return max(1, budget.capacity) if budget else 1
    if isinstance(ident, str):
        controller = tracker.world.owner_index.controller_of_uid(ident)
        return tracker.world.implicit_budgets.capacity(ident, controller)
    return 1
