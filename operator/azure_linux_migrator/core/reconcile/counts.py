"""The numbers of a status: nodes, pods, blockers, batches, times."""

from collections.abc import Sequence

from azure_linux_migrator.api.conditions import ConditionType
from azure_linux_migrator.api.spec_strategy import StrategyType
from azure_linux_migrator.api.status import Phase, since_epoch, timestamp
from azure_linux_migrator.api.status_checks import FindingStatus, PreflightStatus
from azure_linux_migrator.api.status_drain import (
    BatchProgress,
    BlockerStatus,
    NodeCounts,
    PodCounts,
    Timing,
)
from azure_linux_migrator.core.preflight.findings import Finding, Severity
from azure_linux_migrator.core.steps.drain import batch_index, batches, resumes
from azure_linux_migrator.core.steps.progress import Context
from azure_linux_migrator.core.steps.step_position import StepPosition

SHOWN_FINDINGS = 20

ETA_SECONDS = 30.0
"""A time that has passed is reported anew this far ahead at least, so that it is not written at
each decision."""


def nodes_of(ctx: Context, step_position: StepPosition) -> NodeCounts:
    """The nodes that are emptied, by what has happened to them."""
    before = ctx.migration.status.nodes
    if not ctx.seen.world_ready:
        return before
    total = max(before.total, len(ctx.pool_progress))
    rolling = ctx.migration.spec.strategy.type is not StrategyType.BLUE_GREEN
    shrinks = rolling and (step_position.moving or step_position.moved)
    removed_nodes = total - len(ctx.pool_progress) if step_position.moved or shrinks else 0
    begun = step_position.moving or step_position.moved or ctx.migration.status.batch.index > 0
    drained = ctx.pool_progress.drained + removed_nodes if begun else 0
    ready = _ready(ctx)
    beyond = 0 if ctx.migration.in_place else len(ctx.pool_progress) + ready - total
    return NodeCounts(
        total=total,
        cordoned=ctx.pool_progress.cordoned,
        draining=ctx.pool_progress.undrained_admitted if step_position.moving else 0,
        drained=drained,
        target_ready=ready,
        extra=max(0, beyond),
        progress=f"{drained}/{total}",
    )


def resting_nodes(ctx: Context) -> NodeCounts:
    """The nodes of a migration that was rolled back or aborted: its cordons go, and no node stays
    drained."""
    if not ctx.seen.world_ready:
        return ctx.migration.status.nodes
    world, migration = ctx.seen.world, ctx.migration
    total = sum(1 for _ in world.pool_nodes(migration.old_pool))
    ready = 0 if migration.in_place else world.ready_nodes(migration.new_pool)
    return NodeCounts(total=total, target_ready=ready, extra=ready, progress=f"0/{total}")


def _ready(ctx: Context) -> int:
    nodes = ctx.seen.world.pool_nodes(ctx.migration.target)
    if ctx.migration.in_place:
        return sum(node.ready and ctx.planner.tracker.scope.stays(node) for node in nodes)
    return ctx.seen.world.ready_nodes(ctx.migration.target)


def pods_of(ctx: Context) -> PodCounts:
    """What is left to move."""
    if not ctx.seen.world_ready:
        return ctx.migration.status.pods
    return PodCounts(
        remaining=ctx.pool_progress.remaining,
        terminating=ctx.pool_progress.terminating,
        waiting=ctx.plan.waiting,
        skipped=ctx.pool_progress.skipped,
        forced=max(ctx.migration.status.pods.forced, ctx.seen.forced),
    )


def blockers_of(ctx: Context) -> tuple[BlockerStatus, ...]:
    """Sorted and capped; since when is kept from the last status."""
    before = ctx.migration.status.blockers
    if not ctx.seen.world_ready:
        return before
    first_seen = {
        (blocker.cause, blocker.kind, blocker.namespace, blocker.name): blocker.since
        for blocker in before
    }
    return tuple(
        BlockerStatus(
            cause=blocker.cause.value,
            kind=blocker.kind,
            namespace=blocker.key.namespace,
            name=blocker.key.name,
            pods=blocker.pods,
            message=blocker.message[:1024],
            remedy=blocker.remedy[:512],
            since=first_seen.get((blocker.cause.value, blocker.kind, *blocker.key))
            or timestamp(ctx.now),
        )
        for blocker in ctx.plan.blockers
    )


def timing_of(ctx: Context, step_position: StepPosition, batch: BatchProgress) -> Timing:
    """Before: an estimate. During: when it should be over. After: what it took, and had to."""
    before = ctx.migration.status
    timing = before.timing
    if not ctx.seen.world_ready or not step_position.watching:
        return timing
    if batch.drained_at and (batch.index, batch.drained_at) != (
        before.batch.index,
        before.batch.drained_at,
    ):
        return _after(ctx, timing, batch)
    if not step_position.moving:
        return timing.model_copy(update={"eta": None}) if step_position.moved else timing
    estimate = timing.estimate_seconds
    soaks = sum(
        ctx.migration.batch_soak(index, len(ctx.pool_progress))
        for index in range(max(batch.index, 1), batch.of)
    )
    return timing.model_copy(
        update={
            "estimate_seconds": round(ctx.plan.rest + soaks) if estimate is None else estimate,
            "limited_by": timing.limited_by or ctx.plan.limited_by[:320],
            "eta": _eta(ctx, ctx.plan.rest + soaks),
        }
    )


def _eta(ctx: Context, rest: float) -> str | None:
    """When the drain should be over; None while something blocks it. Kept while nothing leaves and
    it has not passed."""
    before = ctx.migration.status
    if ctx.plan.blocker_count or rest <= 0:
        return None
    recorded_eta = since_epoch(before.timing.eta)
    moves = before.pods.remaining != ctx.pool_progress.remaining
    if recorded_eta is None or moves:
        return timestamp(ctx.now + rest)
    return (
        before.timing.eta if ctx.now < recorded_eta else timestamp(ctx.now + max(rest, ETA_SECONDS))
    )


def _after(ctx: Context, timing: Timing, batch: BatchProgress) -> Timing:
    spent = timing.drain_seconds + ctx.now - (since_epoch(batch.started_at) or ctx.now)
    after = timing.model_copy(update={"drain_seconds": round(spent, 1), "eta": None})
    seen = ctx.planner.batch_time(ctx.now, (batch.index, batch.counted_from))
    if seen is None or _was_blocked(ctx, batch):
        return after
    measured = round((timing.measured_seconds or 0.0) + seen.seconds, 2)
    ideal = round((timing.ideal_seconds or 0.0) + seen.ideal, 2)
    return after.model_copy(
        update={
            "measured_seconds": measured,
            "ideal_seconds": ideal,
            "floor_seconds": round((timing.floor_seconds or 0.0) + seen.floor, 2),
            "ratio": round(measured / ideal, 2) if ideal else None,
            "limited_by": f"PodDisruptionBudget {seen.budget}",
        }
    )


def _was_blocked(ctx: Context, batch: BatchProgress) -> bool:
    """Whether something held the batch up for a time: that does not count for the drain's pace."""
    blocked = ctx.migration.status.condition(ConditionType.DRAIN_BLOCKED)
    if blocked is None:
        return False
    changed, started = since_epoch(blocked.last_transition_time), since_epoch(batch.started_at)
    return blocked.status == "True" or (changed or 0.0) > (started or 0.0)


def batch_of(ctx: Context, step_position: StepPosition, phase: Phase) -> BatchProgress:
    """The batch being drained, and when it began and ended."""
    before = ctx.migration.status.batch
    if step_position.moved and before.index and not before.drained_at and ctx.seen.world_ready:
        # The last batch: nothing was left to wait for in the drain itself.
        return before.model_copy(update={"drained_at": timestamp(ctx.now)})
    resumed = phase in {Phase.RUNNING, Phase.BLOCKED} and resumes(ctx)
    if not step_position.moving or ctx.migration.in_place or not ctx.seen.world_ready:
        # A pause may end while a node that somebody uncordoned meanwhile is cordoned again.
        open_ = before.started_at is not None and before.drained_at is None
        restarted = {"counted_from": timestamp(ctx.now)} if open_ and resumed else {}
        return before.model_copy(update=restarted) if restarted else before
    index = batch_index(ctx)
    if index == 0:
        return BatchProgress(index=0, of=batches(ctx, 0))
    fresh = index != before.index
    drained = ctx.pool_progress.undrained_admitted == 0
    # Pods that come to a batch that was drained already give it its time again, as a pause does.
    restarts = fresh or (before.drained_at is not None and not drained)
    restarts = restarts or resumed
    return BatchProgress(
        index=index,
        of=batches(ctx, index),
        started_at=timestamp(ctx.now) if fresh or not before.started_at else before.started_at,
        counted_from=timestamp(ctx.now)
        if restarts or not before.counted_from
        else before.counted_from,
        drained_at=(
            ((None if fresh else before.drained_at) or timestamp(ctx.now)) if drained else None
        ),
    )


def preflight_of(findings: Sequence[Finding]) -> PreflightStatus:
    """What a preflight found, the gravest SHOWN_FINDINGS in full."""

    def count(severity: Severity) -> int:
        return sum(
            finding.severity is severity and not finding.acknowledged for finding in findings
        )

    return PreflightStatus(
        blocked=sum(finding.blocks for finding in findings),
        warnings=count(Severity.WARN),
        unchecked=count(Severity.UNCHECKED),
        findings=tuple(
            FindingStatus(
                rule=finding.rule,
                severity=finding.severity,
                subject=finding.subject[:320],
                message=finding.message[:1024],
                remedy=finding.remedy[:512],
                acknowledged=finding.acknowledged,
            )
            for finding in findings[:SHOWN_FINDINGS]
        ),
    )
