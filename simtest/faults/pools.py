"""Faults of the two pools: other clients scale, upgrade, tag, stop or delete them."""

from functools import partial

from azure_linux_migrator.api.names import TAG_MIGRATION
from simtest.faults import azure_cli
from simtest.faults.admins import FINAL
from simtest.faults.draws import BACK, EARLY, MOVING, timed
from simtest.faults.fault import Fault
from simtest.faults.faulted_run import FaultedRun
from simtest.faults.registry import FaultKind, FaultSet

FAULTS = FaultSet()


@FAULTS.at_time(FaultKind("pool-scaled", 2, timed()))
def scaled(run: FaultedRun, fault: Fault) -> bool:
    """A pool gets one node more or less. A pool with zones only grows: disks stay in their zone."""
    pool = _pick(run, fault)
    properties = run.simulation.aks.properties(pool)
    retired = pool == "src" and run.where() in FINAL
    if not properties or retired or properties.get("enableAutoScaling"):
        return False
    grows = fault.pick // 4 % 2 or properties.get("availabilityZones")
    count = max(1, int(properties["count"]) + (1 if grows else -1))
    run.audit.pools_changed()
    return azure_cli.update(run.simulation, pool, count=count)


@FAULTS.at_time(FaultKind("pool-upgraded", 1, timed()))
def upgraded(run: FaultedRun, _fault: Fault) -> bool:
    """The source gets another image: its nodes are replaced one after the other, and the new ones
    are not cordoned. Not a pool with zones, whose disks would have to leave their zone."""
    zoned = run.simulation.aks.properties("src").get("availabilityZones")
    if zoned or not _may_change(run):
        return False
    run.audit.pools_changed()
    return azure_cli.update(run.simulation, "src", osSKU="Ubuntu2204")


@FAULTS.at_time(FaultKind("pool-untagged", 1, timed(5, 150, EARLY)))
def untagged(run: FaultedRun, fault: Fault) -> bool:
    """As `untagged_back`, in a run without a rollback."""
    return not _may_roll_back(run) and untagged_back(run, fault)


@FAULTS.at_time(FaultKind("pool-stopped-back", 1, timed(steps=(*EARLY, *BACK))))
def stopped_back(run: FaultedRun, fault: Fault) -> bool:
    """A pool is stopped."""
    if not _may_change(run):
        return False
    run.audit.pools_changed()
    stopped_state = {"code": "Stopped"}
    return azure_cli.update(run.simulation, _pick(run, fault), powerState=stopped_state)


@FAULTS.at_time(FaultKind("pool-untagged-back", 1, timed(5, 150)))
def untagged_back(run: FaultedRun, fault: Fault) -> bool:
    """Another client removes the tags of the target, and restores them later."""
    target = run.scenario.target
    tags = dict(run.simulation.aks.properties(target).get("tags") or {})
    if TAG_MIGRATION not in tags or run.scenario.strategy == "InPlace":
        return False
    run.audit.pools_changed()
    run.after(fault.length, partial(_tag, run, target, tags))
    return azure_cli.update(run.simulation, target, tags={"team": "x"})


def _tag(run: FaultedRun, pool: str, tags: dict[str, str]) -> None:
    azure_cli.update(run.simulation, pool, tags=tags)


@FAULTS.at_time(FaultKind("pool-autoscaled", 1, timed(steps=MOVING)))
def autoscaled(run: FaultedRun, fault: Fault) -> bool:
    """The autoscaler that azlm has turned off is turned on."""
    return bool(run.scenario.bounds) and autoscaled_first(run, fault)


@FAULTS.at_time(FaultKind("pool-autoscaled-first", 1, timed(steps=MOVING)))
def autoscaled_first(run: FaultedRun, _fault: Fault) -> bool:
    """The autoscaler of the source is turned on, also if the source had none."""
    properties = run.simulation.aks.properties("src")
    if not properties or properties.get("enableAutoScaling"):
        return False
    run.audit.pools_changed()
    most = int(properties["count"]) + 1
    bounds = {"enableAutoScaling": True, "minCount": 1, "maxCount": most}
    if not azure_cli.update(run.simulation, "src", **bounds):
        return False
    run.simulation.autoscaler.scan()
    return True


@FAULTS.at_time(FaultKind("pool-stopped", 1, timed(steps=EARLY)))
def stopped(run: FaultedRun, fault: Fault) -> bool:
    """As `stopped_back`, in a run without a rollback."""
    return not _may_roll_back(run) and stopped_back(run, fault)


@FAULTS.at_time(FaultKind("pool-deleted", 1, timed()))
def deleted(run: FaultedRun, fault: Fault) -> bool:
    """A pool is deleted."""
    if not _may_change(run):
        return False
    run.audit.pools_changed()
    pool = _pick(run, fault)
    if not azure_cli.delete(run.simulation, pool):
        return False
    run.scenario.deleted.add(pool)
    return True


def _pick(run: FaultedRun, fault: Fault) -> str:
    return run.scenario.target if fault.pick % 2 else "src"


def _may_change(run: FaultedRun) -> bool:
    """Whether there are two pools, and still a way back to the source."""
    return run.scenario.strategy != "InPlace" and run.where() not in FINAL


def _may_roll_back(run: FaultedRun) -> bool:
    body = run.resource.body
    return run.rolls_back or body is None or body.spec["onFailure"] == "Rollback"
