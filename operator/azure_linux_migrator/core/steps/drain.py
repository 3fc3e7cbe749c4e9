"""Drain: batch after batch, with a soak between two, until nothing is left to move."""

from dataclasses import replace

from azure_linux_migrator.api.quantities import seconds, share
from azure_linux_migrator.api.spec_drain import TimeoutPolicy
from azure_linux_migrator.api.status import since_epoch
from azure_linux_migrator.core.actions import Action, MarkNode, ReleaseNode
from azure_linux_migrator.core.drain.admission import earliest_finish
from azure_linux_migrator.core.progress import DONE, Context, Progress, refused, working

LOST_EVENT_SECONDS = 30.0
"""A drain looks again after this even if nothing happens: only against lost events."""


def batch_index(ctx: Context) -> int:
    """The batch being drained: the highest that a node carries, or that was recorded."""
    return max([ctx.migration.status.batch.index, *ctx.loads.batches])


def batches(ctx: Context, index: int) -> int:
    """How many batches there will have been at the end."""
    size = share(ctx.migration.batch_size, len(ctx.loads))
    joining = size - len(ctx.loads.batches.get(index, ())) if index else 0
    later = max(0, len(ctx.loads.unmarked) - max(0, joining))
    return index + -(-later // size)


def drain(ctx: Context) -> Progress:
    """Evict what can be from the admitted nodes; admit the next batch when they are empty."""
    if ctx.loads.undrained_admitted:
        return evict(ctx)
    if not ctx.loads.unmarked:
        return DONE
    index = batch_index(ctx)
    if index and (soaking := batch_soak(ctx, index)) is not None:
        return soaking
    size = share(ctx.migration.batch_size, len(ctx.loads))
    return admit(ctx, index + 1, earliest_finish(ctx.planner, size))


def batch_soak(ctx: Context, index: int) -> Progress | None:
    """Wait between two batches; None once the wait is over."""
    drained_at = since_epoch(ctx.migration.status.batch.drained_at)
    soak = ctx.migration.batch_soak
    rest = soak if drained_at is None else drained_at + soak - ctx.now
    if rest <= 0:
        return None
    return working(
        "BatchSoak",
        f"batch {index} of {batches(ctx, index)} is drained; soaking before the next",
        wake_at=ctx.now + rest,
    )


def admit(ctx: Context, index: int, chosen: list[str]) -> Progress:
    """Let these nodes join the batch."""
    attempts = [
        ctx.attempt(
            MarkNode(name, ctx.migration.batch_mark(index)),
            "AdmittingBatch",
            f"admitting batch {index}: {len(chosen)} nodes",
        )
        for name in chosen
    ]
    actions = tuple(action for each in attempts for action in each.actions)
    worst = next((each for each in attempts if each.reason != "AdmittingBatch"), attempts[0])
    return replace(worst, actions=actions)


def evict(ctx: Context) -> Progress:
    """Move what may move now."""
    plan = ctx.plan
    if not ctx.seen.world.ready_nodes(ctx.migration.target):
        return working(
            "TargetNotReady",
            f"no node of target pool {ctx.migration.target} is Ready; nothing is evicted until "
            "there is one",
        )
    if _overdue(ctx):
        return _timed_out(ctx)
    wake_at = _wake_at(ctx)
    actions: tuple[Action, ...] = (*_surges(ctx), *plan.evictions)
    left = f"{_count(ctx.loads.remaining)} left to move"
    throttled = ctx.seen.world.ledger.throttled_until
    if ctx.now < throttled:
        text = f"{left}; the apiserver asked for a pause"
        return working("Draining", text, wake_at=min(wake_at, throttled))
    if plan.unplaced:
        first = plan.unplaced[0]
        return working(
            "ReplacementsUnschedulable",
            f"nothing more is evicted while {_count(len(plan.unplaced))} evicted before cannot be "
            f"placed: {first.key}: {first.unschedulable}",
            *_surges(ctx),
            wake_at=wake_at,
        )
    if plan.blocker_count:
        return working("DrainBlocked", _blocked(ctx), *actions, wake_at=wake_at)
    return working("Draining", left, *actions, wake_at=wake_at)


def _surges(ctx: Context) -> tuple[Action, ...]:
    """Surge actions whose last failure does not say to wait, and that were not made just now."""
    return tuple(
        action
        for action in ctx.plan.surges
        if ctx.echo_at(action) is None
        if (problem := ctx.seen.problems.get(action.key)) is None or ctx.now >= problem.retry_at
    )


def _blocked(ctx: Context) -> str:
    """The first blockers in words, and how many more there are."""
    lines = [str(each) for each in ctx.plan.blockers if each.blocks]
    more = ctx.plan.blocker_count - len(lines[:3])
    return "; ".join(lines[:3]) + (f" and {more} more" if more > 0 else "")


def _count(pods: int) -> str:
    return f"{pods} pod" if pods == 1 else f"{pods} pods"


def _limit(ctx: Context) -> float:
    """Seconds that a batch may take, 0 for any; the way back takes what it takes."""
    return 0.0 if ctx.migration.backwards else seconds(ctx.migration.spec.drain.timeout)


def _overdue(ctx: Context) -> bool:
    limit = _limit(ctx)
    started = since_epoch(ctx.migration.status.batch.started_at)
    return limit > 0 and started is not None and ctx.now > started + limit


def _timed_out(ctx: Context) -> Progress:
    """The batch took too long: do what spec.drain.onTimeout says."""
    policy = ctx.migration.spec.drain
    why = _blocked(ctx) or f"{_count(ctx.loads.remaining)} still there"
    told = f"the batch was not drained within spec.drain.timeout ({policy.timeout}): {why}"
    match policy.on_timeout:
        case TimeoutPolicy.FORCE:
            forced = ctx.planner.forced()
            text = f"{told}. What is left is deleted (spec.drain.onTimeout is Force)"
            due = [
                each
                for each in forced
                if (problem := ctx.seen.problems.get(each.key)) is None
                or ctx.now >= problem.retry_at
            ]
            answer = working("DrainForced", text, *due, wake_at=ctx.now + LOST_EVENT_SECONDS)
            return replace(answer, forced=len(due))
        case TimeoutPolicy.ROLLBACK:
            ours = [
                ReleaseNode(name, ctx.migration.name)
                for name, load in sorted(ctx.loads.by_node.items())
                if load.node.cordoned_by == ctx.migration.name or load.batch
            ]
            text = f"{told}. The source is uncordoned again; mend that and change the spec to retry"
            return refused("RolledBack", text, *ours)
    return refused(
        "DrainTimedOut",
        f"{told}. Nothing more is evicted; mend that, or raise the timeout to go on",
    )


def _wake_at(ctx: Context) -> float:
    """When to look again although nothing happened."""
    times = [ctx.now + LOST_EVENT_SECONDS]
    if ctx.plan.wake_at is not None:
        times.append(ctx.plan.wake_at)
    started = since_epoch(ctx.migration.status.batch.started_at)
    limit = _limit(ctx)
    if limit and started is not None:
        times.append(started + limit + 1)
    return min(times)
