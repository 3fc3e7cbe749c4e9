"""A random schedule of faults for a seed. Every fault can be left out when a failure is shrunk, and
every fault that lasts ends before `HEALED`."""

import random

from msgspec import structs

from simtest.fault_targets import fault_targets
from simtest.faults import admins, azure, cluster, pools, processes, requests
from simtest.faults.draws import delay
from simtest.faults.fault import Fault
from simtest.faults.registry import FaultSet
from simtest.scenario_draw import draw_scenario

FAULTS = FaultSet(
    requests.FAULTS,
    processes.FAULTS,
    azure.FAULTS,
    cluster.FAULTS,
    admins.FAULTS,
    pools.FAULTS,
)
"""All kinds of faults. Their order is part of what a seed means."""

SHELVED = {
    "crash-late-surge": "a replica is added after its process and the migration have ended",
    "crash-late-deleted": "as crash-late-surge, after the resource is gone",
    "slow-deleted": "as crash-late-deleted",
}
"""Kinds that are left out, with the reason: nothing that still runs can undo their effect.
`schedule(seed, shelved=True)` includes them."""

STRIKING = (
    *(name for kind in FAULTS.kinds.values() for name in kind.fault_kinds if name not in SHELVED),
    "own-pod-evicted",
)
"""The kinds that must have struck in every long enough run of seeds, as `FaultedRun.strikes` names
them."""


def schedule(seed: str, *, shelved: bool = False) -> tuple[Fault, ...]:
    """The faults of a seed, those of SHELVED only with `shelved`. One seed in eight has none."""
    rng = random.Random(f"{seed}/faults")
    if rng.random() < 0.125:
        return ()
    drawn = draw_scenario(seed)
    turn = _turn(rng, drawn.strategy)
    targets = fault_targets(drawn, turn)
    weights = [kind.weight for kind in FAULTS.kinds.values()]
    names = rng.choices(list(FAULTS.kinds), weights, k=rng.randint(1, 7))
    faults = [FAULTS.kinds[name].draw(name, rng, targets) for name in names]
    if turn:
        step = rng.choice(targets.forth)
        faults.append(Fault(turn, delay(rng), rng.uniform(1, 100), rng.randrange(1 << 16), step))
    faults = _late_in_deletion([*faults, *_straggler(seed, drawn.strategy)])
    return tuple(fault for fault in faults if shelved or fault.kind not in SHELVED)


def describe(fault: Fault) -> str:
    """A fault in words: what strikes, when, and for how long."""
    if fault.kind in FAULTS.requests or fault.kind.startswith("network-"):
        when = f"{fault.on or 'action'} {fault.at:.0f}"
    else:
        when = f"{fault.at:.1f} s" + (f" into {fault.on}" if fault.on else "")
    return f"{fault.kind} at {when} (for {fault.length:.1f} s, pick {fault.pick})"


def _straggler(seed: str, strategy: str) -> list[Fault]:
    """In a few seeds, an eviction that takes effect when the next process may have moved its pod
    already. Without this, another pod rarely has the evicted pod's name by then."""
    rng = random.Random(f"{seed}/straggler")
    if strategy == "InPlace" or rng.random() >= 0.06:
        return []
    number, length = float(rng.randint(1, 8)), rng.uniform(8, 25)
    return [Fault("crash-late", number, length, rng.randrange(1 << 16), "EvictPod")]


def _late_in_deletion(faults: list[Fault]) -> list[Fault]:
    """Late surges in a run in which the resource is deleted are kinds of their own."""
    deleted = any(fault.kind in {"deleted", "recreated"} for fault in faults)
    late = {"crash-late", "slow"}
    return [
        structs.replace(fault, kind=f"{fault.kind}-deleted")
        if deleted and fault.kind in late and fault.on == "SurgeReplica"
        else fault
        for fault in faults
    ]


def _turn(rng: random.Random, strategy: str) -> str:
    """The fault that turns a run back half-way, or nothing. Other faults are then drawn for the way
    back too."""
    if strategy == "InPlace":
        return rng.choices(("", "deleted", "recreated"), (8, 1, 1))[0]
    return rng.choices(("", "rollback", "deleted", "recreated"), (60, 27, 8, 5))[0]
