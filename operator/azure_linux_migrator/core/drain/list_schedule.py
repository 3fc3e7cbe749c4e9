"""The ideal time of a drain: list scheduling on the slots of each budget (Graham, Bounds on
Multiprocessing Timing Anomalies, 1969).

The k-th replacement takes the same time to become Ready whoever makes it. Then no tool can evict
the k-th pod of a budget before the first of its slots is free again, whatever else it does.
"""

from collections.abc import Sequence
from heapq import heapify, heapreplace


def last_eviction(slots: int, held: Sequence[float], evictions: int) -> float:
    """The earliest time of the last of so many evictions, in seconds after the first.

    `held` are the seconds for which the k-th eviction holds its slot; what is missing takes none.
    """
    if slots <= 0 or evictions <= slots:
        return 0.0
    free = [*held[:slots], *[0.0] * (slots - len(held))]
    heapify(free)
    for k in range(slots, evictions - 1):
        heapreplace(free, free[0] + (held[k] if k < len(held) else 0.0))
    return free[0]
