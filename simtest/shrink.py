"""Finds the fewest faults with which a seed still fails in the same way."""

from simtest.faults.fault import Fault
from simtest.run import SeedResult, run


def shrink(outcome: SeedResult) -> SeedResult:
    """Leave out faults as long as the same invariant stays broken."""
    best = outcome
    size = max(1, len(best.faults) // 2)
    while size >= 1:
        at = 0
        while at < len(best.faults):
            fewer: tuple[Fault, ...] = best.faults[:at] + best.faults[at + size :]
            tried = run(best.seed, fewer)
            if tried.broken == best.broken:
                best = tried
            else:
                at += size
        size //= 2
    return best
