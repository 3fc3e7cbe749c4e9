"""The fields that every report of a status has: counts, conditions, and the source as it was found.

Kept from the last status: chosen names, start times, the batch's times. All else is counted again.
"""

from azure_linux_migrator.api.conditions import ConditionType
from azure_linux_migrator.api.names import TAG_AUTOSCALER
from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.api.status import (
    AutoscalerBounds,
    Condition,
    MigrationStatus,
    Phase,
    SourceRecord,
)
from azure_linux_migrator.api.steps import Step
from azure_linux_migrator.core.reconcile.conditions import Draft, merge
from azure_linux_migrator.core.reconcile.counts import (
    batch_of,
    blockers_of,
    nodes_of,
    pods_of,
    resting_nodes,
    timing_of,
)
from azure_linux_migrator.core.steps.approvals import approved
from azure_linux_migrator.core.steps.external_changes import changes
from azure_linux_migrator.core.steps.pool_size import old_count
from azure_linux_migrator.core.steps.progress import Context, Progress
from azure_linux_migrator.core.steps.step_position import StepPosition

RESTS = frozenset((Phase.ROLLED_BACK, Phase.ABORTED))
"""Ends after which the source is as it was."""


def stable_message(reason: str, message: str) -> str:
    """Conditions must not change with every pod: counts are in status.message alone."""
    return "" if reason in _COUNTING else message


_COUNTING = frozenset(
    (
        Reason.DRAINING,
        Reason.TARGET_NODES_NOT_READY,
        Reason.CORDONING,
        Reason.GROWING_TARGET,
        Reason.SHRINKING_SOURCE,
        Reason.UPDATING_IN_PLACE,
        Reason.RESTORING_SOURCE,
        Reason.RELEASING_SOURCE,
        Reason.REMOVING_TARGET,
    )
)


def progress_conditions(
    ctx: Context, step_position: StepPosition | None, progress: Progress | None
) -> list[Draft]:
    back = ctx.migration.backwards
    reason = progress.reason if progress else ""
    text = progress.message if progress else ""
    begun = step_position is None or step_position.begun or back
    refused_first = not begun and progress is not None and progress.state == "refused"
    late = reason in {Reason.DRAIN_TIMED_OUT, Reason.DRAIN_FORCED, Reason.ROLLED_BACK}
    blockers = (
        [blocker for blocker in ctx.plan.blockers if blocker.blocks] if ctx.seen.world_ready else []
    )
    blocked = step_position is not None and not step_position.moved and (late or bool(blockers))
    why = text if late else "; ".join(str(blocker) for blocker in blockers[:3])
    cause = reason if late else blockers[0].cause.value if blockers else Reason.NOT_BLOCKED
    guarded = step_position is not None and step_position.step in step_position.route.guarded
    changed = changes(ctx) if guarded else []
    ready = step_position is not None and step_position.created and not back
    drained = step_position is not None and step_position.moved and not back
    no = Reason.ROLLING_BACK if back else ""
    return [
        (
            ConditionType.PREFLIGHT_PASSED,
            "True" if begun else "False" if refused_first else "Unknown",
            Reason.PASSED if begun else reason,
            text if refused_first else "",
        ),
        (
            ConditionType.TARGET_READY,
            "True" if ready else "False",
            Reason.READY if ready else no or Reason.NOT_READY,
            "",
        ),
        (
            ConditionType.DRAINED,
            *(("True", Reason.DRAINED) if drained else ("False", no or Reason.NOT_DRAINED)),
            "",
        ),
        (
            ConditionType.DRAIN_BLOCKED,
            *(("True", cause, why) if blocked else ("False", Reason.NOT_BLOCKED, "")),
        ),
        (
            ConditionType.POOLS_CHANGED,
            *(
                ("True", changed[0].reason, "; ".join(change.message for change in changed))
                if changed
                else ("False", Reason.AS_LEFT, "")
            ),
        ),
        (ConditionType.SOURCE_RETIRED, "False", no or Reason.NOT_RETIRED, ""),
    ]


def filled(
    ctx: Context,
    drafts: list[Draft],
    *,
    phase: Phase,
    step_position: StepPosition,
    message: str,
) -> MigrationStatus:
    before = ctx.migration.status
    batch = batch_of(ctx, step_position, phase)
    conditions: tuple[Condition, ...] = merge(before, drafts, ctx.migration.generation, ctx.now)
    return before.model_copy(
        update={
            "observed_generation": ctx.migration.generation,
            "phase": phase,
            "step": step_position.step,
            "message": message[:2000],
            "target_pool": ctx.migration.new_pool,
            "nodes": resting_nodes(ctx) if phase in RESTS else nodes_of(ctx, step_position),
            "pods": pods_of(ctx),
            "batch": batch,
            "blockers": () if step_position.finished else blockers_of(ctx),
            "timing": timing_of(ctx, step_position, batch),
            "source": source_record(ctx) if step_position.begun else before.source,
            "approved": approved(ctx),
            "conditions": conditions,
        }
    )


def source_record(ctx: Context) -> SourceRecord:
    """The old pool as it is found when the preflight has passed; but for what its autoscaler
    does before it is held, never changed after that."""
    before, pool = ctx.migration.status.source, ctx.pool(ctx.migration.old_pool)
    if pool is None or pool.power != "Running":
        return before  # a pool that is stopped shows no nodes
    if before.count is not None:
        if before.autoscaler is None or ctx.migration.status.step != Step.HOLD_AUTOSCALER:
            return before
        return before.model_copy(update={"count": pool.count})
    bounds = AutoscalerBounds(min=pool.bounds[0], max=pool.bounds[1]) if pool.autoscaling else None
    held = pool.tag(TAG_AUTOSCALER).split("-")
    if bounds is None and len(held) == 2 and all(bound.isdecimal() for bound in held):
        bounds = AutoscalerBounds(min=int(held[0]), max=int(held[1]))
    return SourceRecord(count=old_count(ctx), os_sku=pool.os_sku, autoscaler=bounds)
