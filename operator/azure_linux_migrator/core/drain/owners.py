"""Replicas without a disruption budget: a budget is kept for them anyway.

Without one, every replica on the source would be evicted in the same second. The owner's replicas
are counted from its pods; a tenth of them, at least one, may be out at a time.
"""

from collections import defaultdict

from msgspec import Struct

SHARE = 0.1


class Tally(Struct):
    """Pods of one owner: all that are not leaving, and those of them that are healthy."""

    present: int = 0
    healthy: int = 0
    peak: int = 0


class Owners:
    """Tallies by the owner's uid."""

    def __init__(self) -> None:
        self._tallies: defaultdict[str, Tally] = defaultdict(Tally)

    def tally(self, uid: str, change: int, *, healthy: bool, leaving: bool) -> None:
        """A pod of the owner appears (+1) or disappears (-1) in that state."""
        found = self._tallies[uid]
        found.present += 0 if leaving else change
        found.healthy += change if healthy else 0
        found.peak = max(found.peak, found.present)

    def slots(self, uid: str, unseen: int) -> int:
        """How many more of its pods may be evicted now.

        `unseen` are evictions sent whose pod still looks healthy. The peak stands for the wanted
        replicas in the moment between a pod's end and the birth of its replacement; it follows a
        scale-down once every pod that is left is healthy.
        """
        found = self._tallies[uid]
        if found.healthy == found.present and unseen == 0 and found.present < found.peak - 1:
            found.peak = found.present + 1
        wanted = max(found.peak, found.present)
        out = wanted - found.healthy + unseen
        return max(1, int(wanted * SHARE)) - out
