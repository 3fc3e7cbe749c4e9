"""Drain: batch after batch, with a soak between two, until nothing is left to move."""

from dataclasses import replace

from azure_linux_migrator.api.quantities import seconds, share
from azure_linux_migrator.api.status import since_epoch
from azure_linux_migrator.core.actions import EvictPod, MarkNode
from azure_linux_migrator.core.drain.planner import Plan, plan
from azure_linux_migrator.core.drain.survey import NodeLoad
from azure_linux_migrator.core.progress import DONE, Context, Progress, refused, working

LOST_EVENT_SECONDS = 30.0
"""A drain looks again after this even if nothing happens: only against lost events."""


def batch_index(ctx: Context) -> int:
    """The batch being drained: the highest that a node carries, or that was recorded."""
    marks = [ctx.migration.batch_of(load.node) for load in ctx.survey.loads]
    return max([ctx.migration.status.batch.index, *marks])


def batches(ctx: Context, index: int) -> int:
    """How many batches there will have been at the end."""
    marks = [ctx.migration.batch_of(load.node) for load in ctx.survey.loads]
    size = share(ctx.migration.spec.strategy.batch.size, len(marks))
    joining = size - marks.count(index) if index else 0
    later = max(0, marks.count(0) - max(0, joining))
    return index + -(-later // size)


def admitted(ctx: Context) -> list[NodeLoad]:
    """The nodes whose pods may be evicted now."""
    return [load for load in ctx.survey.loads if ctx.migration.batch_of(load.node)]


def drain(ctx: Context) -> Progress:
    """Evict what can be from the admitted nodes; admit the next batch when they are empty."""
    open_loads = [load for load in admitted(ctx) if not load.drained]
    if open_loads:
        return _evict(ctx, open_loads)
    unmarked = [load for load in ctx.survey.loads if not ctx.migration.batch_of(load.node)]
    if not unmarked:
        return DONE
    index = batch_index(ctx)
    if index:
        rest = _soak_left(ctx)
        if rest > 0:
            return working(
                "BatchSoak",
                f"batch {index} of {batches(ctx, index)} is drained; soaking before the next",
                wake_at=ctx.now + rest,
            )
    return _admit(ctx, unmarked, index + 1)


def _soak_left(ctx: Context) -> float:
    drained_at = since_epoch(ctx.migration.status.batch.drained_at)
    soak = seconds(ctx.migration.spec.strategy.batch.soak)
    return soak if drained_at is None else drained_at + soak - ctx.now


def _admit(ctx: Context, unmarked: list[NodeLoad], index: int) -> Progress:
    size = share(ctx.migration.spec.strategy.batch.size, len(ctx.survey.loads))
    chosen = sorted(unmarked, key=lambda load: (load.remaining, load.node.name))[:size]
    attempts = [
        ctx.attempt(
            MarkNode(load.node.name, ctx.migration.batch_mark(index)),
            "AdmittingBatch",
            f"admitting batch {index}: {len(chosen)} nodes",
        )
        for load in chosen
    ]
    actions = tuple(action for each in attempts for action in each.actions)
    worst = next((each for each in attempts if each.reason != "AdmittingBatch"), attempts[0])
    return replace(worst, actions=actions)


def _evict(ctx: Context, loads: list[NodeLoad]) -> Progress:
    blocked = sorted(f"pod {pod.key}: {why}" for load in loads for pod, why in load.blocked)
    if not any(node.ready for node in ctx.seen.world.pool_nodes(ctx.migration.target)):
        return working(
            "TargetNotReady",
            f"no node of target pool {ctx.migration.target} is Ready; nothing is evicted until "
            "there is one",
        )
    overdue = _overdue(ctx)
    planned = plan(ctx.seen.world, loads)
    remaining = sum(load.remaining for load in loads)
    if overdue:
        why = "; ".join((planned.blockers + blocked)[:3]) or f"{_count(remaining)} still there"
        return refused(
            "DrainTimedOut",
            f"the batch was not drained within spec.drain.timeout "
            f"({ctx.migration.spec.drain.timeout}): {why}. Nothing more is evicted; mend that, or "
            "raise the timeout to go on",
        )
    evictions, wake_at = _due(ctx, planned)
    if planned.blockers or blocked:
        lines = planned.blockers + blocked
        more = f" and {len(lines) - 3} more" if len(lines) > 3 else ""
        return working("DrainBlocked", "; ".join(lines[:3]) + more, *evictions, wake_at=wake_at)
    return working("Draining", f"{_count(remaining)} left to move", *evictions, wake_at=wake_at)


def _count(pods: int) -> str:
    return f"{pods} pod" if pods == 1 else f"{pods} pods"


def _overdue(ctx: Context) -> bool:
    limit = seconds(ctx.migration.spec.drain.timeout)
    started = since_epoch(ctx.migration.status.batch.started_at)
    return limit > 0 and started is not None and ctx.now > started + limit


def _due(ctx: Context, planned: Plan) -> tuple[list[EvictPod], float]:
    """Evictions whose last refusal does not say to wait, and when the next wait is over."""
    due: list[EvictPod] = []
    waits = [ctx.now + LOST_EVENT_SECONDS]
    for eviction in planned.evictions:
        problem = ctx.seen.problems.get(eviction.key)
        if problem is None or ctx.now >= problem.retry_at:
            due.append(eviction)
        else:
            waits.append(problem.retry_at)
    started = since_epoch(ctx.migration.status.batch.started_at)
    limit = seconds(ctx.migration.spec.drain.timeout)
    if limit and started is not None:
        waits.append(started + limit + 1)
    return due, min(waits)
