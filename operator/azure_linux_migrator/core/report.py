"""From a step's progress to the status that users read.

Kept from the last status: chosen names, start times, the batch's times. All else is counted anew.
"""

from azure_linux_migrator.api.quantities import seconds
from azure_linux_migrator.api.spec import SourcePool
from azure_linux_migrator.api.status import (
    BatchProgress,
    BlockerStatus,
    Condition,
    MigrationStatus,
    NodeCounts,
    Phase,
    PodCounts,
    Timing,
    since_epoch,
    timestamp,
)
from azure_linux_migrator.core.conditions import Draft, headline, merge
from azure_linux_migrator.core.progress import Context, Progress
from azure_linux_migrator.core.steps import position
from azure_linux_migrator.core.steps.drain import batch_index, batches

_DRAIN = position("Drain")
_CORDON = position("CordonSource")


def report_step(ctx: Context, step: str, progress: Progress) -> MigrationStatus:
    """The status while a step is being worked on, paused, or refused."""
    before = ctx.migration.status
    at = position(step)
    paused = ctx.migration.spec.paused and progress.state == "working"
    reason = "Paused" if paused else progress.reason
    message = "paused (spec.paused is true)" if paused else progress.message
    phase = Phase.PAUSED if paused else _phase(progress)
    drafts = [
        *headline(progress.state, reason, _stable(reason, message)),
        *_domain(ctx, at, progress),
    ]
    return _fill(
        ctx,
        drafts,
        phase=phase,
        step=step,
        message=message,
        start_time=before.start_time or (timestamp(ctx.now) if at > 0 else None),
        soak_started_at=((before.soak_started_at or timestamp(ctx.now)) if at > _DRAIN else None),
        forced=progress.forced,
    )


def _phase(progress: Progress) -> Phase:
    if progress.reason == "RolledBack":
        return Phase.ROLLED_BACK
    return Phase.STALLED if progress.state == "refused" else Phase.RUNNING


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


def _domain(ctx: Context, at: int, progress: Progress) -> list[Draft]:
    refused_first = at == 0 and progress.state == "refused"
    late = progress.reason in {"DrainTimedOut", "DrainForced", "RolledBack"}
    blockers = [each for each in ctx.plan.blockers if each.blocks] if ctx.seen.world_ready else []
    blocked = at <= _DRAIN and (late or bool(blockers))
    why = progress.message if late else "; ".join(str(each) for each in blockers[:3])
    cause = progress.reason if late else blockers[0].cause.value if blockers else "NotBlocked"
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
            cause if blocked else "NotBlocked",
            why if blocked else "",
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
    forced: int = 0,
) -> MigrationStatus:
    before = ctx.migration.status
    finished = phase is Phase.SUCCEEDED
    batch = _batch(ctx, position(step))
    conditions: tuple[Condition, ...] = merge(before, drafts, ctx.migration.generation, ctx.now)
    return MigrationStatus(
        observed_generation=ctx.migration.generation,
        phase=phase,
        step=step,
        message=message[:2000],
        target_pool=ctx.migration.target,
        nodes=_nodes(ctx, position(step), finished=finished),
        pods=_pods(ctx, forced) if ctx.seen.world_ready else before.pods,
        batch=batch,
        blockers=() if finished else _blockers(ctx),
        timing=_timing(ctx, position(step), batch, finished=finished),
        start_time=start_time,
        soak_started_at=soak_started_at,
        completion_time=completion_time,
        conditions=conditions,
    )


def _nodes(ctx: Context, at: int, *, finished: bool) -> NodeCounts:
    before = ctx.migration.status.nodes
    if not ctx.seen.world_ready:
        return before
    total = max(before.total, len(ctx.loads))
    gone = total - len(ctx.loads) if at > _DRAIN or finished else 0
    drained = ctx.loads.drained + gone if at >= _DRAIN or finished else 0
    return NodeCounts(
        total=total,
        cordoned=ctx.loads.cordoned,
        drained=drained,
        target_ready=ctx.seen.world.ready_nodes(ctx.migration.target),
        progress=f"{drained}/{total}",
    )


def _pods(ctx: Context, forced: int) -> PodCounts:
    return PodCounts(
        remaining=ctx.loads.remaining,
        terminating=ctx.loads.terminating,
        waiting=ctx.plan.waiting,
        skipped=ctx.loads.skipped,
        forced=ctx.migration.status.pods.forced + forced,
    )


def _blockers(ctx: Context) -> tuple[BlockerStatus, ...]:
    """Sorted and capped; since when is kept from the last status."""
    before = ctx.migration.status.blockers
    if not ctx.seen.world_ready:
        return before
    known = {(each.cause, each.kind, each.namespace, each.name): each.since for each in before}
    return tuple(
        BlockerStatus(
            cause=each.cause.value,
            kind=each.kind,
            namespace=each.key.namespace,
            name=each.key.name,
            pods=each.pods,
            message=each.message[:1024],
            remedy=each.remedy[:512],
            since=known.get((each.cause.value, each.kind, *each.key)) or timestamp(ctx.now),
        )
        for each in ctx.plan.blockers
    )


def _timing(ctx: Context, at: int, batch: BatchProgress, *, finished: bool) -> Timing:
    """Before: an estimate. During: when it should be over. After: how near it came to the bound."""
    before = ctx.migration.status
    timing = before.timing
    if not ctx.seen.world_ready or (at < _CORDON and not finished):
        return timing
    if batch.drained_at and (batch.index, batch.drained_at) != (
        before.batch.index,
        before.batch.drained_at,
    ):
        return _after(ctx, timing, batch)
    if at != _DRAIN:
        return timing
    estimate = timing.estimate_seconds
    changed = before.pods.remaining != ctx.loads.remaining or timing.eta is None
    soaks = max(0, batch.of - max(batch.index, 1)) * seconds(ctx.migration.spec.strategy.batch.soak)
    return timing.model_copy(
        update={
            "estimate_seconds": round(ctx.plan.rest + soaks) if estimate is None else estimate,
            "limited_by": timing.limited_by or ctx.plan.limited_by[:320],
            "eta": timestamp(ctx.now + ctx.plan.rest + soaks) if changed else timing.eta,
        }
    )


def _after(ctx: Context, timing: Timing, batch: BatchProgress) -> Timing:
    spent = timing.drain_seconds + ctx.now - (since_epoch(batch.started_at) or ctx.now)
    bound, budget = ctx.seen.world.slot_times.bound()
    return timing.model_copy(
        update={
            "drain_seconds": round(spent, 1),
            "bound_seconds": round(bound, 1) if bound else None,
            "ratio": round(spent / bound, 2) if bound else None,
            "limited_by": f"PodDisruptionBudget {budget}" if budget else timing.limited_by,
        }
    )


def _batch(ctx: Context, at: int) -> BatchProgress:
    before = ctx.migration.status.batch
    if at != _DRAIN or not ctx.seen.world_ready:
        return before
    index = batch_index(ctx)
    if index == 0:
        return BatchProgress(index=0, of=batches(ctx, 0))
    fresh = index != before.index
    drained = ctx.loads.undrained_admitted == 0
    return BatchProgress(
        index=index,
        of=batches(ctx, index),
        started_at=timestamp(ctx.now) if fresh or not before.started_at else before.started_at,
        drained_at=(
            ((None if fresh else before.drained_at) or timestamp(ctx.now)) if drained else None
        ),
    )
