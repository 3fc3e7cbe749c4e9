"""A random schedule of misfortunes, each of which can be left out when a failure is shrunk.

What a fault strikes is drawn first, evenly over what the run can have: an action's type, a step of
the route (the way back and the deletion too), a call to Azure. Then comes when: at the n-th such
action, or so long after that step was first recorded. One whose moment never comes strikes nothing.
Everything that lasts ends before `HEALED`.
"""

import random
from collections.abc import Callable

from msgspec import Struct, structs

from simtest.fault_targets import FaultTargets, fault_targets
from simtest.scenario_draw import draw_scenario

HEALED = 900.0
"""Seconds after the start by which every fault is over."""


class Fault(Struct, frozen=True):
    """One misfortune. `on` is an action's type for those of ACTS, and `at` counts such actions (any
    action, where it is empty); for others `on` is a step and `at` the seconds after it was first
    recorded (after the start, where it is empty)."""

    kind: str
    at: float
    length: float = 0.0
    pick: int = 0
    on: str = ""

    def __str__(self) -> str:
        if self.kind in ACTS:
            when = f"{self.on or 'action'} {self.at:.0f}"
        else:
            when = f"{self.at:.1f} s" + (f" into {self.on}" if self.on else "")
        return f"{self.kind} at {when} (for {self.length:.1f} s, pick {self.pick})"


ACTS = frozenset(
    (
        "crash-before",
        "crash-after",
        "crash-late",
        "crash-late-create",
        "crash-late-surge",
        "crash-late-deleted",
        "slow",
        "slow-deleted",
        "refused",
        "unanswered",
        "overtaken",
        "rescaled",
    )
)
"""Kinds that strike at the n-th action of a type instead of a moment."""

SHELVED: tuple[str, ...] = (
    "crash-late-surge",  # a replica that is added after its process and the migration have ended
    "crash-late-deleted",  # a cordon that lands after all was uncordoned: its version is an old one
    "slow-deleted",  # the same
)
"""Kinds that are left out, each with one line why: what they do cannot be undone by anybody who is
still there, or the apiserver refuses it, which the simulated one does not know.
`schedule(seed, shelved=True)` has them."""

Draw = Callable[[random.Random, FaultTargets], Fault]


def _moment(rng: random.Random) -> float:
    """Most of a run happens in its first minutes."""
    return min(HEALED - 120, rng.choice((rng.uniform(0, 60), rng.uniform(0, 400))))


def _delay(rng: random.Random) -> float:
    """Seconds into a step: many steps are brief, and the long ones wait for something."""
    return rng.choice((0.0, rng.uniform(0, 0.1), rng.uniform(0, 2), rng.uniform(0, 30)))


def _timed(kind: str, low: float = 0.0, high: float = 0.0, steps: tuple[str, ...] = ()) -> Draw:
    """`steps` are those that it makes sense in; all of them where none is given."""

    def draw(rng: random.Random, fault_targets: FaultTargets) -> Fault:
        length, pick = rng.uniform(low, high), rng.randrange(1 << 16)
        fitting = (
            [each for each in fault_targets.steps if each in steps]
            if steps
            else fault_targets.steps
        )
        if not fitting or (not steps and rng.random() < 0.2):
            return Fault(kind, _moment(rng), length, pick)
        return Fault(kind, _delay(rng), length, pick, rng.choice(fitting))

    return draw


def _acting(
    kind: str,
    low: float = 0.0,
    high: float = 0.0,
    *,
    only: tuple[str, ...] = (),
    but: tuple[str, ...] = (),
) -> Draw:
    """`only` are the types that it makes sense for, `but` those that it is not drawn for."""

    def draw(rng: random.Random, fault_targets: FaultTargets) -> Fault:
        length, pick = rng.uniform(low, high), rng.randrange(1 << 16)
        fitting = [each for each in fault_targets.writes if not only or each in only]
        writes = [each for each in fitting if each not in but]
        if only and not writes:
            return Fault(kind, 1.0, length, pick, only[0])  # strikes nothing
        reading = not writes or (not only and rng.random() < 0.15)
        on = rng.choice(fault_targets.reads) if reading else rng.choice([*writes, *_rare(writes)])
        number = rng.choice((1, 1, 1, 2, 2, 3, 1 if on in RARE else rng.randint(1, 10)))
        return Fault(kind, float(number), length, pick, on)

    return draw


RARE = (
    "ReleaseNode",
    "DeletePod",
    "SurgeReplica",
    "SetDeletionCost",
    "RestoreScale",
    "RestartRollout",
)
"""Types that few runs have although their spec allows them: drawn more often where it does."""


def _rare(writes: list[str]) -> list[str]:
    return [each for each in writes if each in RARE] * 2


def _azure(kind: str, *, reads: bool = False, writes: bool = True) -> Draw:
    """`pick` chooses effect and times; the call is met the first time in a step that makes it, and
    is drawn first. Reads are met in any step."""

    def draw(rng: random.Random, fault_targets: FaultTargets) -> Fault:
        pick = rng.randrange(1 << 16)
        if reads and (not writes or rng.random() < 0.25):
            return Fault(
                f"{kind}-read", 0.0, rng.uniform(1, 60), pick, rng.choice(fault_targets.steps)
            )
        call = rng.choice(sorted({call for _, call in fault_targets.calls}))
        step = rng.choice([step for step, each in fault_targets.calls if each == call])
        return Fault(f"{kind}-{call}", 0.0, rng.uniform(1, 60), pick, step)

    return draw


_MOVING = ("HoldAutoscaler", "CordonSource", "Drain", "Soak", "AwaitRetireApproval")
_BACK = ("ReleaseSource", "RestoreSource", "CordonTarget", "DrainTarget", "RemoveTarget")
_EARLY = ("Preflight", "CreateTarget", "AwaitDrainApproval", *_MOVING, "UpdateInPlace")

KINDS: dict[str, tuple[float, Draw]] = {
    # The operator
    "crash-before": (5, _acting("crash-before", 0.5, 20)),
    "crash-after": (5, _acting("crash-after", 0.5, 20)),
    "crash-late": (4, _acting("crash-late", 1, 25, but=("CreatePool", "SurgeReplica"))),
    "crash-late-create": (1, _acting("crash-late-create", 1, 25, only=("CreatePool",))),
    "crash-late-surge": (1, _acting("crash-late-surge", 1, 25, only=("SurgeReplica",))),
    "slow": (4, _acting("slow", 1, 25)),
    "refused": (5, _acting("refused")),
    "unanswered": (5, _acting("unanswered", 0.1, 30)),
    "overtaken": (3, _acting("overtaken", only=("UpdatePool", "DeletePool"))),
    "crash": (3, _timed("crash", 0.5, 60)),
    "freeze": (5, _timed("freeze", 1, 40)),
    "twins": (3, _timed("twins", 0.2, 10)),
    "clock": (2, _timed("clock", -2, 60)),
    "clock-back": (1, _timed("clock-back", -60, -2)),
    "status-refused": (3, _timed("status-refused", 1, 30)),
    "status-unanswered": (2, _timed("status-unanswered", 1, 20)),
    "watch-held": (4, _timed("watch-held", 0.5, 30)),
    "watch-lost": (4, _timed("watch-lost", 0.5, 20)),
    "kubernetes-down": (3, _timed("kubernetes-down", 3, 60)),
    "access-missing": (1, _timed("access-missing", 5, 200, ("Preflight",))),
    # Azure
    "azure-refused": (5, _azure("azure-refused", reads=True)),
    "azure-lost": (4, _azure("azure-lost", reads=True)),
    "azure-failed": (4, _azure("azure-failed")),
    "azure-stalled": (2, _azure("azure-stalled")),
    "azure-hidden": (1, _timed("azure-hidden", 2, 12, ("CreateTarget", "Preflight"))),
    "azure-missing": (1, _timed("azure-missing", 0, 0, ("CreateTarget", "Drain"))),
    "azure-down": (2, _timed("azure-down", 10, 120)),
    "azure-busy": (3, _timed("azure-busy", 5, 90)),
    # The cluster
    "evictions-denied": (2, _timed("evictions-denied", 5, 90, ("CordonSource", "Drain", *_BACK))),
    "node-lost": (3, _timed("node-lost", 5, 90)),
    "node-gone": (2, _timed("node-gone")),
    "pods-unready": (3, _timed("pods-unready", 1, 40)),
    "pods-stuck": (2, _timed("pods-stuck", 5, 200)),
    "budget-tightened": (3, _timed("budget-tightened", 5, 200)),
    "budget-added": (3, _timed("budget-added", 5, 200)),
    "rescaled": (2, _acting("rescaled", only=("SurgeReplica", "SetDeletionCost"))),
    "scaled": (3, _timed("scaled")),
    # People
    "foreign-cordon": (3, _timed("foreign-cordon")),
    "foreign-cordon-racing": (
        1,
        _timed("foreign-cordon-racing", steps=("CordonSource", "CordonTarget")),
    ),
    "foreign-uncordon": (3, _timed("foreign-uncordon", steps=(*_MOVING, *_BACK))),
    "paused": (4, _timed("paused", 1, 100)),
    "paused-timed": (1, _timed("paused-timed", 30, 100, ("CordonSource", "Drain"))),
    "edited": (3, _timed("edited")),
    "drain-edited": (3, _timed("drain-edited")),
    "policy-edited": (3, _timed("policy-edited")),
    "deleted": (2, _timed("deleted")),
    "recreated": (2, _timed("recreated", 1, 100)),
    "recreated-late": (1, _timed("recreated-late", 1, 100, ("RetireSource", "HandOverAutoscaler"))),
    "rollback": (2, _timed("rollback")),
    "approved-early": (2, _timed("approved-early")),
    "pool-scaled": (2, _timed("pool-scaled")),
    "pool-upgraded": (1, _timed("pool-upgraded")),
    "pool-untagged": (1, _timed("pool-untagged", 5, 150, _EARLY)),
    "pool-stopped-back": (1, _timed("pool-stopped-back", steps=(*_EARLY, *_BACK))),
    "pool-untagged-back": (1, _timed("pool-untagged-back", 5, 150)),
    "pool-autoscaled": (1, _timed("pool-autoscaled", steps=_MOVING)),
    "pool-autoscaled-first": (1, _timed("pool-autoscaled-first", steps=_MOVING)),
    "pool-stopped": (1, _timed("pool-stopped", steps=_EARLY)),
    "pool-deleted": (1, _timed("pool-deleted")),
}
"""Kinds with their weights."""


_CALLS = ("PutPool", "DeletePool", "DeleteMachines")
_BY_CALL = {
    "azure-refused": (*_CALLS, "read"),
    "azure-lost": (*_CALLS, "read"),
    "azure-failed": _CALLS,
    "azure-stalled": _CALLS,
}
STRIKING = (
    *(kind for kind in KINDS if kind not in SHELVED and kind not in _BY_CALL),
    *(f"{kind}-{call}" for kind, calls in _BY_CALL.items() for call in calls),
    "own-pod-evicted",
)
"""What every long enough run of seeds must have struck, by the names of Misfortune.strikes."""


def schedule(seed: str, *, shelved: bool = False) -> tuple[Fault, ...]:
    """The misfortunes of a seed, those of SHELVED only where asked for; none in one of eight."""
    rng = random.Random(f"{seed}/faults")
    if rng.random() < 0.125:
        return ()
    drawn = draw_scenario(seed)
    turn = _turn(rng, drawn.strategy)
    what = fault_targets(drawn, turn)
    kinds = rng.choices(list(KINDS), [weight for weight, _ in KINDS.values()], k=rng.randint(1, 7))
    faults = [KINDS[kind][1](rng, what) for kind in kinds]
    if turn:
        step = rng.choice(what.forth)
        faults.append(Fault(turn, _delay(rng), rng.uniform(1, 100), rng.randrange(1 << 16), step))
    found = _late_in_deletion([*faults, *_straggler(seed, drawn.strategy)])
    return tuple(each for each in found if shelved or each.kind not in SHELVED)


def _straggler(seed: str, strategy: str) -> list[Fault]:
    """An eviction that lands when the next process may have moved its pod already, in a few seeds:
    that another pod has its name by then is rarer by far."""
    rng = random.Random(f"{seed}/straggler")
    if strategy == "InPlace" or rng.random() >= 0.06:
        return []
    number, length = float(rng.randint(1, 8)), rng.uniform(8, 25)
    return [Fault("crash-late", number, length, rng.randrange(1 << 16), "EvictPod")]


def _late_in_deletion(faults: list[Fault]) -> list[Fault]:
    """Marks that land late where the resource is deleted are kinds of their own."""
    deleted = any(each.kind in {"deleted", "recreated"} for each in faults)
    late = {"crash-late", "slow"}
    return [
        structs.replace(each, kind=f"{each.kind}-deleted")
        if deleted and each.kind in late and each.on in _MARKS
        else each
        for each in faults
    ]


_MARKS = frozenset(("CordonNode", "MarkNode", "ReleaseNode", "SurgeReplica", "RestoreScale"))


def _turn(rng: random.Random, strategy: str) -> str:
    """What turns the run back half-way, in some; other faults are then drawn for that way too."""
    if strategy == "InPlace":
        return rng.choices(("", "deleted", "recreated"), (8, 1, 1))[0]
    return rng.choices(("", "rollback", "deleted", "recreated"), (60, 27, 8, 5))[0]
