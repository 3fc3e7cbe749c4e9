"""From a step's progress to the status that users read.

Kept from the last status: chosen names, start times, the batch's times. All else is counted anew.
"""

from azure_linux_migrator.api.spec import SourcePool
from azure_linux_migrator.api.status import (
    BatchProgress,
    Condition,
    MigrationStatus,
    NodeCounts,
    Phase,
    PodCounts,
    timestamp,
)
from azure_linux_migrator.core.conditions import Draft, headline, merge
from azure_linux_migrator.core.drain.planner import plan
from azure_linux_migrator.core.progress import Context, Progress
from azure_linux_migrator.core.steps import position
from azure_linux_migrator.core.steps.drain import admitted, batch_index, batches

_DRAIN = position("Drain")


def report_step(ctx: Context, step: str, progress: Progress) -> MigrationStatus:
    """The status while a step is being worked on, paused, or refused."""
    before = ctx.migration.status
    at = position(step)
    paused = ctx.migration.spec.paused and progress.state == "working"
    reason = "Paused" if paused else progress.reason
    message = "paused (spec.paused is true)" if paused else progress.message
    phase = (
        Phase.PAUSED if paused else Phase.STALLED if progress.state == "refused" else Phase.RUNNING
    )
    drafts = [*headline(progress.state, reason, _stable(reason, message)), *_domain(at, progress)]
    return _fill(
        ctx,
        drafts,
        phase=phase,
        step=step,
        message=message,
        start_time=before.start_time or (timestamp(ctx.now) if at > 0 else None),
        soak_started_at=((before.soak_started_at or timestamp(ctx.now)) if at > _DRAIN else None),
    )


def report_done(ctx: Context, message: str, reason: str = "Succeeded") -> MigrationStatus:
    """The status of a finished migration; written again only for a new generation."""
    before = ctx.migration.status
    if before.is_true("Succeeded"):
        drafts: list[Draft] = [(c.type, c.status, c.reason, c.message) for c in before.conditions]
        return before.model_copy(
            update={
                "observed_generation": ctx.migration.generation,
                "conditions": merge(before, drafts, ctx.migration.generation, ctx.now),
            }
        )
    retired = ctx.migration.spec.source_pool is not SourcePool.KEEP
    drafts = [
        *headline("done", reason, message),
        ("PreflightPassed", "True", "Passed", ""),
        ("TargetReady", "True", "Ready", ""),
        ("Drained", "True", "Drained", ""),
        ("DrainBlocked", "False", "NotBlocked", ""),
        ("SourceRetired", "True" if retired else "False", ctx.migration.spec.source_pool, ""),
    ]
    return _fill(
        ctx,
        drafts,
        phase=Phase.SUCCEEDED,
        step="",
        message=message,
        start_time=before.start_time,
        soak_started_at=before.soak_started_at,
        completion_time=timestamp(ctx.now),
    )


def report_releasing(ctx: Context, progress: Progress) -> MigrationStatus:
    """The status while the resource is being deleted."""
    message = "this migration is being deleted: uncordoning the nodes it cordoned"
    return _fill(
        ctx,
        headline("working", "Deleting", message),
        phase=Phase.DELETING,
        step=ctx.migration.status.step,
        message="" if progress.state == "done" else message,
        start_time=ctx.migration.status.start_time,
        soak_started_at=ctx.migration.status.soak_started_at,
    )


def _stable(reason: str, message: str) -> str:
    """Conditions must not change with every pod: counts are told in status.message alone."""
    return "" if reason in {"Draining", "TargetNodesNotReady", "Cordoning"} else message


def _domain(at: int, progress: Progress) -> list[Draft]:
    refused_first = at == 0 and progress.state == "refused"
    blocked = progress.reason in {"DrainBlocked", "DrainTimedOut"}
    return [
        (
            "PreflightPassed",
            "True" if at > 0 else "False" if refused_first else "Unknown",
            "Passed" if at > 0 else progress.reason,
            progress.message if refused_first else "",
        ),
        ("TargetReady", "True" if at > 1 else "False", "Ready" if at > 1 else "NotReady", ""),
        (
            "Drained",
            "True" if at > _DRAIN else "False",
            "Drained" if at > _DRAIN else "NotDrained",
            "",
        ),
        (
            "DrainBlocked",
            "True" if blocked else "False",
            progress.reason if blocked else "NotBlocked",
            progress.message if blocked else "",
        ),
        ("SourceRetired", "False", "NotRetired", ""),
    ]


def _fill(
    ctx: Context,
    drafts: list[Draft],
    *,
    phase: Phase,
    step: str,
    message: str,
    start_time: str | None,
    soak_started_at: str | None,
    completion_time: str | None = None,
) -> MigrationStatus:
    before = ctx.migration.status
    conditions: tuple[Condition, ...] = merge(before, drafts, ctx.migration.generation, ctx.now)
    return MigrationStatus(
        observed_generation=ctx.migration.generation,
        phase=phase,
        step=step,
        message=message[:2000],
        target_pool=ctx.migration.target,
        nodes=_nodes(ctx, position(step), finished=phase is Phase.SUCCEEDED),
        pods=_pods(ctx) if ctx.seen.world_ready else before.pods,
        batch=_batch(ctx, position(step)),
        start_time=start_time,
        soak_started_at=soak_started_at,
        completion_time=completion_time,
        conditions=conditions,
    )


def _nodes(ctx: Context, at: int, *, finished: bool) -> NodeCounts:
    before = ctx.migration.status.nodes
    if not ctx.seen.world_ready:
        return before
    total = max(before.total, len(ctx.survey.loads))
    gone = total - len(ctx.survey.loads) if at > _DRAIN or finished else 0
    drained = ctx.survey.drained + gone if at >= _DRAIN or finished else 0
    return NodeCounts(
        total=total,
        cordoned=ctx.survey.cordoned,
        drained=drained,
        target_ready=sum(n.ready for n in ctx.seen.world.pool_nodes(ctx.migration.target)),
        progress=f"{drained}/{total}",
    )


def _pods(ctx: Context) -> PodCounts:
    return PodCounts(
        remaining=ctx.survey.remaining,
        terminating=ctx.survey.terminating,
        waiting=plan(ctx.seen.world, admitted(ctx)).waiting,
        skipped=ctx.survey.skipped,
    )


def _batch(ctx: Context, at: int) -> BatchProgress:
    before = ctx.migration.status.batch
    if at != _DRAIN or not ctx.seen.world_ready:
        return before
    index = batch_index(ctx)
    if index == 0:
        return BatchProgress(index=0, of=batches(ctx, 0))
    fresh = index != before.index
    drained = all(load.drained for load in admitted(ctx))
    return BatchProgress(
        index=index,
        of=batches(ctx, index),
        started_at=timestamp(ctx.now) if fresh or not before.started_at else before.started_at,
        drained_at=(
            ((None if fresh else before.drained_at) or timestamp(ctx.now)) if drained else None
        ),
    )
