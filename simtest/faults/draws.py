"""How faults are drawn. What a fault strikes is drawn first, evenly over what the run can have: the
type of an action, a step of the route (rollback and deletion included), a call to Azure. The time
is drawn second: the n-th such action, or the seconds after the step is first recorded."""

import random

from simtest.fault_targets import FaultTargets
from simtest.faults.fault import HEALED, Fault
from simtest.faults.registry import Draw

MOVING = ("CordonSource", "Drain", "Soak", "AwaitRetireApproval")
BACK = ("ReleaseSource", "RestoreSource", "CordonTarget", "DrainTarget", "RemoveTarget")
EARLY = (
    "Preflight",
    "HoldAutoscaler",
    "CreateTarget",
    "AwaitDrainApproval",
    *MOVING,
    "UpdateInPlace",
)
RARE = (
    "ReleaseNode",
    "DeletePod",
    "SurgeReplica",
    "SetDeletionCost",
    "RestoreScale",
    "RestartRollout",
)
"""Types of actions that few runs have although their spec allows them. They are drawn more often
where the spec allows them."""


def delay(rng: random.Random) -> float:
    """Seconds into a step. Many steps are brief, and the long ones wait for something."""
    return rng.choice((0.0, rng.uniform(0, 0.1), rng.uniform(0, 2), rng.uniform(0, 30)))


def _moment(rng: random.Random) -> float:
    """Seconds after the start. Most of a run happens in its first minutes."""
    return min(HEALED - 120, rng.choice((rng.uniform(0, 60), rng.uniform(0, 400))))


def timed(low: float = 0.0, high: float = 0.0, steps: tuple[str, ...] = ()) -> Draw:
    """A fault of `low` to `high` seconds at a time in one of `steps`, or in any step if empty."""

    def draw(kind: str, rng: random.Random, targets: FaultTargets) -> Fault:
        length, pick = rng.uniform(low, high), rng.randrange(1 << 16)
        possible = [step for step in targets.steps if not steps or step in steps]
        if not possible or (not steps and rng.random() < 0.2):
            return Fault(kind, _moment(rng), length, pick)
        return Fault(kind, delay(rng), length, pick, rng.choice(possible))

    return draw


def on_request(
    low: float = 0.0,
    high: float = 0.0,
    *,
    only: tuple[str, ...] = (),
    excluded: tuple[str, ...] = (),
) -> Draw:
    """A fault of `low` to `high` seconds that strikes a request of a type in `only`, or of any type
    if empty, but for those in `excluded`."""

    def draw(kind: str, rng: random.Random, targets: FaultTargets) -> Fault:
        length, pick = rng.uniform(low, high), rng.randrange(1 << 16)
        writes = [
            write
            for write in targets.writes
            if (not only or write in only) and write not in excluded
        ]
        if only and not writes:
            return Fault(kind, 1.0, length, pick, only[0])  # strikes nothing
        reads = not writes or (not only and rng.random() < 0.15)
        on = rng.choice(targets.reads) if reads else rng.choice([*writes, *_rare(writes)])
        number = rng.choice((1, 1, 1, 2, 2, 3, 1 if on in RARE else rng.randint(1, 10)))
        return Fault(kind, float(number), length, pick, on)

    return draw


def _rare(writes: list[str]) -> list[str]:
    return [write for write in writes if write in RARE] * 2


def azure_call(*, reads: bool = False) -> Draw:
    """A fault of a call to Azure, the next one in a step that makes such calls. With `reads`, one
    in four strikes a read instead, in any step."""

    def draw(kind: str, rng: random.Random, targets: FaultTargets) -> Fault:
        pick = rng.randrange(1 << 16)
        if reads and rng.random() < 0.25:
            length = rng.uniform(1, 60)
            return Fault(f"{kind}-read", 0.0, length, pick, rng.choice(targets.steps))
        call = rng.choice(sorted({call for _, call in targets.calls}))
        step = rng.choice([step for step, step_call in targets.calls if step_call == call])
        return Fault(f"{kind}-{call}", 0.0, rng.uniform(1, 60), pick, step)

    return draw
