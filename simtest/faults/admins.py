"""Faults of admins, GitOps tools and other teams: what they do to nodes and to the resource."""

from functools import partial
from typing import Any

from azure_linux_migrator.api.names import APPROVE, PAUSE, RESUME, ROLLBACK
from simtest.fault_targets import SUCCEEDED
from simtest.faults.draws import BACK, MOVING, timed
from simtest.faults.fault import Fault
from simtest.faults.faulted_run import FaultedRun
from simtest.faults.registry import FaultKind, FaultSet
from simtest.scenario_draw import FORCED_SURGES_SHELVED

FAULTS = FaultSet()
LATE_SECONDS = 30.0
"""Requests that were sent before a spec became stricter take effect within this time."""
FINAL = frozenset(("RetireSource", "HandOverAutoscaler", SUCCEEDED))
"""Steps without a way back."""

# Nodes


@FAULTS.at_time(FaultKind("foreign-cordon", 3, timed()))
def foreign_cordon(run: FaultedRun, fault: Fault) -> bool:
    """Somebody cordons a node, but not while azlm cordons the nodes."""
    racing = run.where() in {"CordonSource", "CordonTarget"}
    return not racing and foreign_cordon_racing(run, fault)


@FAULTS.at_time(
    FaultKind("foreign-cordon-racing", 1, timed(steps=("CordonSource", "CordonTarget")))
)
def foreign_cordon_racing(run: FaultedRun, fault: Fault) -> bool:
    """Somebody cordons a node, also while azlm cordons the nodes."""
    node = run.pick_node(fault)
    if node is None:
        return False
    run.audit.foreign_cordon(node)
    run.simulation.store.change_node(node.name, unschedulable=True)
    return True


@FAULTS.at_time(FaultKind("foreign-uncordon", 3, timed(steps=(*MOVING, *BACK))))
def foreign_uncordon(run: FaultedRun, fault: Fault) -> bool:
    """Somebody uncordons a node of the source."""
    node = run.pick_node(fault, "src")
    if node is None or not node.unschedulable:
        return False
    run.audit.foreign_uncordon(node)
    run.simulation.store.change_node(node.name, unschedulable=False)
    return True


# The resource


@FAULTS.at_time(FaultKind("paused", 4, timed(1, 100)))
def paused(run: FaultedRun, fault: Fault) -> bool:
    """The migration is paused for a while, unless a timeout of the drain would roll it back."""
    drain = run.scenario.spec["drain"]
    return drain.get("onTimeout") != "Rollback" and paused_timed(run, fault)


@FAULTS.at_time(FaultKind("paused-timed", 1, timed(30, 100, ("CordonSource", "Drain"))))
def paused_timed(run: FaultedRun, fault: Fault) -> bool:
    """The migration is paused for a while, whatever the drain does after its timeout."""
    if run.resource.body is None:
        return False
    run.resource.edit(paused=True)
    run.after(fault.length, run.resume)
    return True


@FAULTS.at_time(FaultKind("paused-by-annotation", 3, timed(1, 100)))
def paused_by_annotation(run: FaultedRun, fault: Fault) -> bool:
    """An admin pauses the migration with azlm.dev/pause, and resumes it later."""
    drain = run.scenario.spec["drain"]
    if run.resource.body is None or drain.get("onTimeout") == "Rollback":
        return False
    run.resource.annotate(PAUSE, f"p{fault.pick}")
    run.after(fault.length, partial(run.resource.annotate, RESUME, f"r{fault.pick}"))
    return True


@FAULTS.at_time(FaultKind("edited", 3, timed()))
def edited(run: FaultedRun, fault: Fault) -> bool:
    """The strategy's batches and soaks change."""
    strategy = dict(run.scenario.spec["strategy"])
    strategy["batch"] = {"size": ("10%", 1, "100%")[fault.pick % 3], "soak": "1s"}
    strategy["finalSoak"] = ("0s", "30s")[fault.pick // 8 % 2]
    run.scenario.spec["strategy"] = strategy
    return _edit(run, strategy=strategy)


@FAULTS.at_time(FaultKind("drain-edited", 3, timed()))
def drain_edited(run: FaultedRun, fault: Fault) -> bool:
    """A field of the drain changes."""
    old = run.scenario.spec["drain"]
    field = ("timeout", "prefetch", "singletons", "jobs")[fault.pick % 4]
    if field == "singletons" and old.get("onTimeout") == "Force" and FORCED_SURGES_SHELVED:
        return False
    new = {
        **old,
        "timeout": ("0s", "30s", "10m")[fault.pick // 4 % 3],
        "prefetch": not old["prefetch"],
        "singletons": "Evict" if old["singletons"] == "SurgeFirst" else "SurgeFirst",
        "jobs": "Evict" if old["jobs"] == "Wait" else "Wait",
    }
    drain = {**old, field: new[field]}
    looser = {
        "jobs": "Evict" if "Evict" in (old["jobs"], drain["jobs"]) else "Wait",
        "prefetch": old["prefetch"] or drain["prefetch"],
    }
    if not _edit(run, drain=drain):
        return False
    _expect(run, drain={**drain, **looser})
    run.after(LATE_SECONDS, partial(_expect, run, drain=drain))
    return True


@FAULTS.at_time(FaultKind("policy-edited", 3, timed()))
def policy_edited(run: FaultedRun, fault: Fault) -> bool:
    """The approval, the use of the source pool, or the reaction to a failure changes."""
    if run.where() in FINAL:
        return False  # the invariants do not apply the new policy to earlier decisions
    if fault.pick % 3 and run.scenario.strategy == "InPlace":
        return False  # refused by the apiserver
    choice = fault.pick // 4
    match fault.pick % 3:
        case 0:
            approval = ("Automatic", "BeforeDrain", "BeforeRetire")[choice % 3]
            stricter = approval == "BeforeRetire"
            _expect(run, approval="Automatic" if stricter else approval)
            if stricter:
                run.after(LATE_SECONDS, partial(_expect, run, approval=approval))
            return _edit(run, approval=approval)
        case 1:
            source_pool = ("Delete", "ScaleToZero", "Keep")[choice % 3]
            if source_pool == "ScaleToZero" and run.scenario.system:
                return False  # AKS refuses it, and so does azlm
            _expect(run, sourcePool=source_pool)
            return _edit(run, sourcePool=source_pool)
    return _edit(run, onFailure=("Pause", "Rollback")[choice % 2])


def _edit(run: FaultedRun, **spec: Any) -> bool:
    """Change fields of the spec. False if that changes nothing."""
    body = run.resource.body
    before = body.generation if body else 0
    run.resource.edit(**spec)
    body = run.resource.body
    return body is not None and body.generation != before


def _expect(run: FaultedRun, **spec: Any) -> None:
    """The invariants apply these fields of the spec from now on."""
    run.scenario.spec.update(spec)


@FAULTS.at_time(FaultKind("deleted", 2, timed()))
def deleted(run: FaultedRun, _fault: Fault) -> bool:
    """The resource is deleted."""
    body = run.resource.body
    if body is None or body.deleting:
        return False
    run.resource.delete()
    return True


@FAULTS.at_time(FaultKind("recreated", 2, timed(1, 100)))
def recreated(run: FaultedRun, fault: Fault) -> bool:
    """The resource is deleted, and applied again when it is gone. Not while a source that had an
    autoscaler is retired."""
    retires = run.where() in {"RetireSource", "HandOverAutoscaler"}
    return not (run.scenario.bounds and retires) and recreated_late(run, fault)


@FAULTS.at_time(
    FaultKind("recreated-late", 1, timed(1, 100, ("RetireSource", "HandOverAutoscaler")))
)
def recreated_late(run: FaultedRun, fault: Fault) -> bool:
    """The resource is deleted, and applied again when it is gone, in any step."""
    run.recreate_seconds = fault.length
    return deleted(run, fault)


@FAULTS.at_time(FaultKind("rollback", 2, timed()))
def rollback(run: FaultedRun, fault: Fault) -> bool:
    """A rollback is asked for once, or twice: with the same token, or with another one."""
    if run.resource.body is None:
        return False
    run.resource.annotate(ROLLBACK, f"r{fault.pick}")
    if fault.pick % 3:
        token = f"r{fault.pick + fault.pick % 3 - 1}"
        run.after(fault.length, partial(run.resource.annotate, ROLLBACK, token))
    return True


@FAULTS.at_time(FaultKind("approved-early", 2, timed()))
def approved_early(run: FaultedRun, fault: Fault) -> bool:
    """An approval is given before it is asked for, or for something else."""
    approvals = ("BeforeDrain", "BeforeRetire", "nonsense")
    approval = approvals[fault.pick % 3] if fault.pick % 2 else str(run.scenario.spec["approval"])
    run.resource.annotate(APPROVE, approval)
    return run.resource.body is not None
