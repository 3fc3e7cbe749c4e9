"""What faults of a run can strike: types of actions, steps, and calls to Azure in them."""

from msgspec import Struct

from simtest.scenario_draw import ScenarioDraw

BACK: tuple[str, ...] = (
    "ReleaseSource",
    "RestoreSource",
    "CordonTarget",
    "DrainTarget",
    "RestoreAutoscaler",
    "RemoveTarget",
    "RolledBack",
)
DELETING = "Deleting"
"""Stands for a step while the resource is being deleted."""
SUCCEEDED = "Succeeded"


class FaultTargets(Struct, frozen=True):
    """`forth` are the steps before the source is retired; `steps` are all that the run may
    enter. `calls` are steps with a call that changes a pool in them."""

    writes: tuple[str, ...]
    reads: tuple[str, ...]
    forth: tuple[str, ...]
    steps: tuple[str, ...]
    calls: tuple[tuple[str, str], ...]


def fault_targets(drawn: ScenarioDraw, turn: str) -> FaultTargets:
    """The targets of a drawn scenario; `turn` is the fault that turns the run back half-way, if
    any."""
    there = _route(drawn)
    forth = tuple(step for step in there if step not in {"RetireSource", "HandOverAutoscaler"})
    steps: tuple[str, ...] = (*there, SUCCEEDED)
    if turn == "rollback" or drawn.spec["drain"].get("onTimeout") == "Rollback":
        steps = (*steps, *_way_back(drawn))
    if turn in {"deleted", "recreated"}:
        steps = (*steps, DELETING, DELETING)
    calls = tuple(call for call in _calls(drawn) if call[0] in steps)
    reads = ("ReadPools", "ReviewAccess", "ReadAzureFacts")
    return FaultTargets(
        writes=_writes(drawn, turn),
        reads=(*reads, "RunForecast") if drawn.spec["mode"] == "Plan" else reads,
        forth=forth,
        steps=steps,
        calls=calls,
    )


def _route(drawn: ScenarioDraw) -> tuple[str, ...]:
    gate = drawn.spec["approval"]
    first = ("AwaitDrainApproval",) if gate == "BeforeDrain" else ()
    if drawn.strategy == "InPlace":
        return ("Preflight", *first, "UpdateInPlace")
    hold = ("HoldAutoscaler",) if drawn.autoscaled else ()
    last = ("AwaitRetireApproval",) if gate == "BeforeRetire" else ()
    soak = ("Soak",) if drawn.spec["strategy"]["finalSoak"] != "0s" else ()
    retire = ("RetireSource",) if drawn.spec["sourcePool"] != "Keep" else ()
    gives = drawn.autoscaled or "autoscaling" in drawn.spec.get("target", {})
    hand_over = ("HandOverAutoscaler",) if gives else ()
    begin = ("Preflight", *hold, "CreateTarget", *first, "CordonSource", "Drain")
    return (*begin, *soak, *last, *retire, *hand_over)


def _way_back(drawn: ScenarioDraw) -> tuple[str, ...]:
    steps = BACK
    if not drawn.autoscaled:
        steps = tuple(step for step in steps if step != "RestoreAutoscaler")
    if drawn.strategy != "Rolling":
        steps = tuple(step for step in steps if step != "RestoreSource")
    return steps


def _calls(drawn: ScenarioDraw) -> tuple[tuple[str, str], ...]:
    scales = drawn.spec["sourcePool"] == "ScaleToZero"
    rolling = (("Drain", "PutPool"), ("Drain", "DeleteMachines"))
    return (
        ("CreateTarget", "PutPool"),
        ("HoldAutoscaler", "PutPool"),
        *(rolling if drawn.strategy == "Rolling" else ()),
        ("RetireSource", "PutPool" if scales else "DeletePool"),
        ("HandOverAutoscaler", "PutPool"),
        ("UpdateInPlace", "PutPool"),
        ("RestoreSource", "PutPool"),
        ("RestoreAutoscaler", "PutPool"),
        ("RemoveTarget", "DeletePool"),
        *((("Deleting", "PutPool"),) if drawn.autoscaled else ()),
    )


def _writes(drawn: ScenarioDraw, turn: str) -> tuple[str, ...]:
    if drawn.strategy == "InPlace":
        return ("UpdatePool",)
    drain, retires = drawn.spec["drain"], drawn.spec["sourcePool"]
    types = ["CreatePool", "CordonNode", "MarkNode", "EvictPod"]
    if drawn.strategy == "Rolling":
        types += ["DeleteMachines"]
    if drawn.strategy == "Rolling" or drawn.autoscaled or retires == "ScaleToZero":
        types += ["UpdatePool"]
    if retires == "Delete" or turn == "rollback":
        types += ["DeletePool"]
    if turn or drain.get("onTimeout") == "Rollback":
        types += ["ReleaseNode"]
    if drain.get("onTimeout") == "Force":
        types += ["DeletePod"]
    if drain["singletons"] == "SurgeFirst":
        types += [
            "RestartRollout",
            "SurgeReplica",
            "SetDeletionCost",
            "RestoreScale",
            "RelinquishScale",
        ]
    return tuple(types)
