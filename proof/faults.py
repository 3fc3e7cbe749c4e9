"""A random schedule of misfortunes, each of which can be left out when a failure is shrunk.

A fault has a kind, the moment it strikes (seconds after the start, or the n-th action), and up to
two numbers of its own. Everything that lasts ends before `HEALED`.
"""

import random
from collections.abc import Callable

from msgspec import Struct

HEALED = 900.0
"""Seconds after the start by which every fault is over."""


class Fault(Struct, frozen=True):
    """One misfortune. `at` is in seconds after the start, or counts actions for those of ACTS."""

    kind: str
    at: float
    length: float = 0.0
    pick: int = 0

    def __str__(self) -> str:
        when = f"action {self.at:.0f}" if self.kind in ACTS else f"{self.at:.1f} s"
        return f"{self.kind} at {when} (for {self.length:.1f} s, pick {self.pick})"


ACTS = frozenset(("crash-before", "crash-after", "refused", "unanswered"))
"""Kinds that strike at the n-th action instead of a moment."""

Draw = Callable[[random.Random], Fault]


def _moment(rng: random.Random) -> float:
    """Most of a run happens in its first minutes."""
    return min(HEALED - 120, rng.choice((rng.uniform(0, 60), rng.uniform(0, 400))))


def _timed(kind: str, low: float, high: float) -> Draw:
    return lambda rng: Fault(kind, _moment(rng), rng.uniform(low, high), rng.randrange(1 << 16))


def _acting(kind: str, low: float, high: float) -> Draw:
    return lambda rng: Fault(
        kind,
        rng.choice((rng.randint(1, 12), rng.randint(1, 80))),
        rng.uniform(low, high),
        rng.randrange(1 << 16),
    )


KINDS: dict[str, tuple[int, Draw]] = {
    "crash-before": (6, _acting("crash-before", 0.5, 20)),
    "crash-after": (6, _acting("crash-after", 0.5, 20)),
    "crash": (3, _timed("crash", 0.5, 60)),
    "freeze": (3, _timed("freeze", 1, 40)),
    "twins": (3, _timed("twins", 0.2, 10)),
    "refused": (5, _acting("refused", 0, 0)),
    "unanswered": (5, _acting("unanswered", 0.1, 30)),
    "status-refused": (3, _timed("status-refused", 1, 30)),
    "status-unanswered": (2, _timed("status-unanswered", 1, 20)),
    "watch-held": (4, _timed("watch-held", 0.5, 30)),
    "watch-lost": (4, _timed("watch-lost", 0.5, 20)),
    "evictions-denied": (3, _timed("evictions-denied", 5, 90)),
    "azure": (10, _timed("azure", 1, 60)),
    "kubernetes-down": (2, _timed("kubernetes-down", 5, 60)),
    "azure-down": (2, _timed("azure-down", 10, 120)),
    "azure-busy": (3, _timed("azure-busy", 5, 90)),
    "node-lost": (3, _timed("node-lost", 5, 90)),
    "node-gone": (2, _timed("node-gone", 0, 0)),
    "pods-unready": (3, _timed("pods-unready", 1, 40)),
    "budget-tightened": (3, _timed("budget-tightened", 5, 200)),
    "budget-added": (3, _timed("budget-added", 5, 200)),
    "foreign-cordon": (3, _timed("foreign-cordon", 0, 0)),
    "foreign-uncordon": (3, _timed("foreign-uncordon", 0, 0)),
    "scaled": (3, _timed("scaled", 0, 0)),
    "paused": (4, _timed("paused", 1, 100)),
    "edited": (3, _timed("edited", 0, 0)),
    "deleted": (2, _timed("deleted", 0, 0)),
    "rollback": (3, _timed("rollback", 0, 0)),
    "clock": (3, _timed("clock", -60, 60)),
}
"""Kinds with their weights."""


def schedule(seed: str) -> tuple[Fault, ...]:
    """The misfortunes of a seed; none in one of eight."""
    rng = random.Random(f"{seed}/faults")
    if rng.random() < 0.125:
        return ()
    kinds = rng.choices(list(KINDS), [weight for weight, _ in KINDS.values()], k=rng.randint(1, 6))
    return tuple(KINDS[kind][1](rng) for kind in kinds)
