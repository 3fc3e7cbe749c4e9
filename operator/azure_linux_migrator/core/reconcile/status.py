"""From a step's progress to the status that users read.

Kept from the last status: chosen names, start times, the batch's times. All else is counted again.
"""

from collections.abc import Sequence
from dataclasses import replace

from azure_linux_migrator.api.conditions import ConditionType
from azure_linux_migrator.api.names import ABORT, PAUSE, ROLLBACK, TAG_STOP
from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.api.spec import SourcePool
from azure_linux_migrator.api.status import (
    HAND_OVER_LIMIT,
    HandOver,
    MigrationStatus,
    Phase,
    RollbackStatus,
    timestamp,
)
from azure_linux_migrator.api.status_drain import BatchProgress, NodeCounts, Timing
from azure_linux_migrator.api.steps import Step
from azure_linux_migrator.azure import bicep, terraform
from azure_linux_migrator.core.preflight.autoscaler_rules import CONFIG_MAP
from azure_linux_migrator.core.preflight.findings import Finding
from azure_linux_migrator.core.reconcile.conditions import Draft, headline, merge
from azure_linux_migrator.core.reconcile.counts import (
    preflight_of,
)
from azure_linux_migrator.core.reconcile.intents import used
from azure_linux_migrator.core.reconcile.phase import phase_of
from azure_linux_migrator.core.reconcile.status_fields import (
    filled,
    progress_conditions,
    source_record,
    stable_message,
)
from azure_linux_migrator.core.steps.approvals import TOKEN_LIMIT
from azure_linux_migrator.core.steps.cordon_source import taken_back
from azure_linux_migrator.core.steps.progress import Context, Progress
from azure_linux_migrator.core.steps.routes import route_of
from azure_linux_migrator.core.steps.step_position import StepPosition
from azure_linux_migrator.core.steps.target_health import blip, target_not_ready


def report_step(
    ctx: Context, step: str, progress: Progress, findings: Sequence[Finding] | None = None
) -> MigrationStatus:
    """The status while a step is being worked on, paused, or refused.

    `findings` are those of a preflight that was made just now.
    """
    before = ctx.migration.status
    step_position = StepPosition(route_of(ctx.migration), step)
    paused = ctx.migration.paused and progress.state == "working"
    reason = Reason.PAUSED if paused else progress.reason
    message = _paused_by(ctx) if paused else progress.message
    drafts = [
        *headline(progress.state, reason, stable_message(reason, message)),
        *progress_conditions(ctx, step_position, progress),
    ]
    status = filled(
        ctx,
        drafts,
        phase=Phase.PAUSED if paused else phase_of(ctx, progress),
        step_position=step_position,
        message=message,
    )
    changed: dict[str, object] = {
        "start_time": before.start_time or (timestamp(ctx.now) if step_position.begun else None),
        "soak_started_at": _soak_start(ctx, step_position),
    }
    if findings is not None:
        changed["preflight"] = preflight_of(findings)
    if ctx.migration.only_plans and ctx.seen.forecast is not None:
        changed["forecast"] = ctx.seen.forecast
    return status.model_copy(update=changed)


def _paused_by(ctx: Context) -> str:
    if ctx.migration.spec.paused:
        return "paused (spec.paused is true)"
    name, since = ctx.migration.name, ctx.migration.status.paused_at
    if mark := ctx.migration.status.handled_stop:
        why = f"its predecessor left {mark} in the tag {TAG_STOP} of the source"
        return f"paused since {since}: {why}; kubectl azlm resume {name} continues"
    return f"paused since {since} ({PAUSE}); kubectl azlm resume {name} continues"


def _soak_start(ctx: Context, step_position: StepPosition) -> str | None:
    """A node that somebody takes back does not end the soak, whatever else holds the migration
    meanwhile: without it, the node would be cordoned again."""
    before = ctx.migration.status.soak_started_at
    if not ctx.seen.world_ready:
        return before
    if ctx.migration.backwards:
        return None
    if not step_position.moved:
        return before if taken_back(ctx) else None
    if target_not_ready(ctx) is not None:
        return before if blip(ctx) else None
    return before or timestamp(ctx.now)


def report_done(
    ctx: Context,
    message: str,
    reason: Reason = Reason.SUCCEEDED,
    findings: Sequence[Finding] | None = None,
) -> MigrationStatus:
    """The status of a finished migration; written again only for a new generation."""
    before = ctx.migration.status
    if before.is_true(ConditionType.SUCCEEDED):
        drafts: list[Draft] = [(c.type, c.status, c.reason, c.message) for c in before.conditions]
        return before.model_copy(
            update={
                "observed_generation": ctx.migration.generation,
                "conditions": merge(before, drafts, ctx.migration.generation, ctx.now),
            }
        )
    gone = ctx.migration.spec.source_pool is not SourcePool.KEEP and not ctx.migration.in_place
    retired = "InPlace" if ctx.migration.in_place else ctx.migration.spec.source_pool
    drafts = [
        *headline("done", reason, message),
        (ConditionType.PREFLIGHT_PASSED, "True", Reason.PASSED, ""),
        (ConditionType.TARGET_READY, "True", Reason.READY, ""),
        (ConditionType.DRAINED, "True", Reason.DRAINED, ""),
        (ConditionType.DRAIN_BLOCKED, "False", Reason.NOT_BLOCKED, ""),
        (ConditionType.POOLS_CHANGED, "False", Reason.AS_LEFT, ""),
        (ConditionType.SOURCE_RETIRED, "True" if gone else "False", retired, ""),
    ]
    step_position = StepPosition(route_of(ctx.migration), "", finished=True)
    status = filled(
        ctx, drafts, phase=Phase.SUCCEEDED, step_position=step_position, message=message
    )
    new = None if ctx.migration.in_place else ctx.pool(ctx.migration.new_pool)
    return status.model_copy(
        update={
            "completion_time": timestamp(ctx.now),
            "hand_over": (
                HandOver(
                    terraform=_whole(
                        terraform.change(new, ctx.migration.old_pool, stays=_stays(ctx)),
                        "terraform",
                    ),
                    bicep=_whole(bicep.resource(new, ctx.migration.old_pool), "bicep"),
                    autoscaler=_expander(before),
                )
                if new is not None
                else before.hand_over
            ),
            **({} if findings is None else {"preflight": preflight_of(findings)}),
        }
    )


def _stays(ctx: Context) -> bool:
    """Whether the old pool is still there at the end, with nodes or without."""
    return ctx.pool(ctx.migration.old_pool) is not None


def _expander(before: MigrationStatus) -> str:
    """That a ConfigMap names the old pool: it is not changed, so it is reported at the end."""
    findings = (finding for finding in before.preflight.findings if CONFIG_MAP in finding.message)
    return next((f"{finding.message}; {finding.remedy}" for finding in findings), "")


def _whole(text: str, language: str) -> str:
    """The text, or how to get it where the status has no room: a part of it would mislead."""
    too_long = f"too long for a status; run: azlm handover -f FILE --format {language}"
    return text if len(text) <= HAND_OVER_LIMIT else too_long


def report_releasing(
    ctx: Context, progress: Progress, reason: Reason = Reason.DELETING
) -> MigrationStatus:
    """The status while the resource is being deleted, and at the end of that."""
    message = progress.message or (
        "this migration is being deleted: uncordoning the nodes it cordoned"
    )
    return filled(
        ctx,
        headline("working", reason, message),
        phase=Phase.DELETING,
        step_position=StepPosition(route_of(ctx.migration), ctx.migration.status.step),
        message="" if progress.state == "done" else message,
    )


def report_back(ctx: Context, why: RollbackStatus) -> MigrationStatus:
    """The status at the turning point: from here on everything is moved back."""
    before = ctx.migration.status
    text = f"moving everything back to {ctx.migration.old_pool}: {why.reason}: {why.message}"
    drafts = [
        *headline("working", Reason.ROLLING_BACK, ""),
        *progress_conditions(
            replace(ctx, migration=replace(ctx.migration, backwards=True)), None, None
        ),
    ]
    return before.model_copy(
        update={
            "phase": Phase.ROLLING_BACK,
            "step": Step.RELEASE_SOURCE,
            "message": text[:2000],
            "rollback": why,
            "handled_rollback": ctx.migration.annotations.get(ROLLBACK, "")[:TOKEN_LIMIT],
            "soak_started_at": None,
            "batch": BatchProgress(),
            "nodes": NodeCounts(),
            "timing": Timing(),
            "source": source_record(ctx),
            "observed_generation": ctx.migration.generation,
            "conditions": merge(before, drafts, ctx.migration.generation, ctx.now),
        }
    )


def report_aborted(ctx: Context) -> MigrationStatus:
    """The status of a migration that an admin has stopped: both pools stay."""
    migration = ctx.migration
    abort_token = migration.annotations.get(ABORT, "")[:64]
    message = (
        f"stopped by {ABORT}={abort_token}: the nodes of {migration.old_pool} are uncordoned "
        f"and both pools stay; kubectl azlm retry {migration.name} begins again"
    )
    status = filled(
        ctx,
        headline("refused", Reason.ABORTED, message),
        phase=Phase.ABORTED,
        step_position=StepPosition(route_of(migration), migration.status.step),
        message=message,
    )
    return used(status, migration, ABORT).model_copy(
        update={
            "rollback": None,
            "soak_started_at": None,
            "paused_at": None,
            "aborted_at": timestamp(ctx.now),
            "blockers": (),
        }
    )
