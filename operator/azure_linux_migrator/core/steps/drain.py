"""Drain: batch after batch, with a soak between two, until nothing is left to move."""

from dataclasses import replace

from azure_linux_migrator.api.conditions import ConditionType
from azure_linux_migrator.api.quantities import LONGEST_HOURS
from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.api.spec_drain import TimeoutPolicy
from azure_linux_migrator.api.status import Phase, since_epoch, timestamp
from azure_linux_migrator.core.drain.batches import select_nodes
from azure_linux_migrator.core.drain.blocker import of_held
from azure_linux_migrator.core.steps.node_agents import node_agents_not_ready
from azure_linux_migrator.core.steps.progress import DONE, Context, Progress, refused, working
from azure_linux_migrator.core.steps.surge_records import forget_yielded, restore_scales
from azure_linux_migrator.core.steps.target_health import (
    counted,
    no_usable_node,
    unsound_replacements,
    watch_stale,
)
from azure_linux_migrator.core.steps.waits import bounded, drain_timeout, may_be_longer
from azure_linux_migrator.model.actions import Action, MarkNode

TIMED_OUT = Reason.DRAIN_TIMED_OUT
HOLDS = frozenset(
    (
        Reason.WATCH_STALE,
        Reason.TARGET_NOT_READY,
        Reason.REPLACEMENTS_UNSCHEDULABLE,
        Reason.REPLACEMENTS_UNHEALTHY,
    )
)
"""Reasons for which nothing is evicted from a batch, whatever its budgets allow."""
LOST_EVENT_SECONDS = 30.0
"""A drain looks again after this even if nothing happens: only against lost events."""


def batch_index(ctx: Context) -> int:
    """The batch being drained: the highest that a node carries, or that was recorded."""
    return max([ctx.migration.status.batch.index, *ctx.pool_progress.batches])


def batches(ctx: Context, index: int) -> int:
    """How many batches there will have been at the end."""
    total = len(ctx.pool_progress)
    unmarked = len(ctx.pool_progress.unmarked)
    first = max(1, index)
    joining = ctx.migration.batch_nodes(first, total)
    joining -= len(ctx.pool_progress.batches.get(index, ())) if index else 0
    later = max(0, unmarked - max(0, joining))
    begun = first if index or unmarked else 0
    return begun + -(-later // ctx.migration.batch_nodes(first + 1, total))


def drain(ctx: Context) -> Progress:
    """Evict what can be from the admitted nodes; admit the next batch when they are empty."""
    if ctx.pool_progress.undrained_admitted:
        return evict(ctx)
    if (unfinished := between(ctx)) is not None:
        return unfinished
    if not ctx.pool_progress.unmarked:
        return forget_yielded(ctx) or DONE
    if (joining := marking(ctx)) is not None:
        return joining
    index = batch_index(ctx)
    if (waiting := before_next(ctx, index)) is not None:
        return waiting
    size = ctx.migration.batch_nodes(index + 1, len(ctx.pool_progress))
    return admit(ctx, index + 1, select_nodes(ctx.planner.tracker, size))


def before_next(ctx: Context, index: int) -> Progress | None:
    """What has to pass between a batch and the next: its soak, and marks on all nodes left."""
    return (batch_soak(ctx, index) if index else None) or nodes_held(ctx)


def nodes_held(ctx: Context) -> Progress | None:
    """All nodes that are left are marked as not to be upgraded now: wait for their labels."""
    unmarked = [ctx.pool_progress.by_node[name] for name in sorted(ctx.pool_progress.unmarked)]
    held_nodes = [progress for progress in unmarked if progress.node.held]
    if not held_nodes or len(held_nodes) < len(unmarked):
        return bounded(ctx, "held", None)
    blockers = "; ".join(
        str(of_held(progress.node, progress.remaining)) for progress in held_nodes[:3]
    )
    more = f" and {len(held_nodes) - 3} more" if len(held_nodes) > 3 else ""
    wait = working(Reason.NODES_HELD, blockers + more, wake_at=ctx.now + LOST_EVENT_SECONDS)
    return bounded(ctx, "held", wait)


def between(ctx: Context) -> Progress | None:
    """What has to be in order before the next batch, and before the drain is over."""
    return restore_scales(ctx) or bounded(ctx, "placed", unsound_replacements(ctx))


def marking(ctx: Context) -> Progress | None:
    """Nodes that are joining the batch, which the watch does not show yet: the first of them may be
    empty before the last is seen, and the next batch must not take that one."""
    for name in ctx.pool_progress.unmarked:
        key = MarkNode(name, "").key
        last_write = ctx.seen.written.get(key)
        due = ctx.pending_write(last_write[0]) if last_write is not None else None
        if key in ctx.seen.running or due is not None:
            text = f"node {name} joins the batch"
            return working(Reason.ADMITTING_BATCH, text, wake_at=due)
    return None


def batch_soak(ctx: Context, index: int) -> Progress | None:
    """Wait between two batches; None once the wait is over."""
    batch = ctx.migration.status.batch
    # A batch that ended while nobody looked has its whole soak before it.
    drained_at = since_epoch(batch.drained_at) if batch.index == index else None
    soak = ctx.migration.batch_soak(index, len(ctx.pool_progress))
    rest = soak if drained_at is None else drained_at + soak - ctx.now
    if rest <= 0:
        return node_agents_not_ready(ctx)
    return working(
        Reason.BATCH_SOAK,
        f"batch {index} of {batches(ctx, index)} is drained; the next begins at "
        f"{timestamp(ctx.now + rest)}, after its soak",
        wake_at=ctx.now + rest,
    )


def admit(ctx: Context, index: int, chosen: list[str]) -> Progress:
    """Let these nodes join the batch."""
    return ctx.attempt_all(
        (MarkNode(name, ctx.migration.batch_mark(index)) for name in chosen),
        Reason.ADMITTING_BATCH,
        f"admitting batch {index}: {len(chosen)} nodes",
    )


def evict(ctx: Context) -> Progress:
    """Move what may move now."""
    if (hold := bounded(ctx, "usable", _unseen_or_nowhere(ctx))) is not None:
        return hold
    force = ctx.migration.spec.drain.on_timeout is TimeoutPolicy.FORCE
    expired = _deadline_passed(ctx)
    held_until_now = resumes(ctx) or ctx.migration.paused or (expired and not force)
    ctx.planner.surges.update(ctx.now, ctx.migration.uid, afresh=held_until_now)
    plan = ctx.plan
    if expired and not force:
        return _timed_out(ctx)
    wake_at = _wake_at(ctx)
    remaining_pods = _left(ctx)
    throttled = ctx.seen.world.inflight.throttled_until
    if ctx.now < throttled:
        text = f"{remaining_pods}; the apiserver asked for a pause"
        return working(Reason.DRAINING, text, wake_at=min(wake_at, throttled))
    if (waiting := unsound_replacements(ctx)) is not None:
        if expired:
            return _timed_out(ctx)
        return replace(waiting, actions=_surges(ctx), wake_at=wake_at)
    if expired and ((last := _forced(ctx)).actions or not plan.blocker_count):
        return last
    actions: tuple[Action, ...] = (*_surges(ctx), *plan.evictions)
    if plan.blocker_count:
        return working(Reason.DRAIN_BLOCKED, _blocked(ctx), *actions, wake_at=wake_at)
    return working(Reason.DRAINING, remaining_pods, *actions, wake_at=wake_at)


def _unseen_or_nowhere(ctx: Context) -> Progress | None:
    """Nothing may be evicted: the cluster is not seen, or no node could take a pod."""
    if (stale := watch_stale(ctx)) is not None:
        return stale
    return no_usable_node(ctx)


def _surges(ctx: Context) -> tuple[Action, ...]:
    """Surge actions that were not sent just now."""
    return tuple(action for action in ctx.plan.surges if ctx.pending_write(action) is None)


def _left(ctx: Context) -> str:
    """How many pods are left, and how many of them nobody moves: they run to completion."""
    text = f"{counted(ctx.pool_progress.remaining)} left to move"
    waited = sum(progress.waiting for progress in ctx.pool_progress.by_node.values())
    return f"{text}, {waited} of which are waited for until they end" if waited else text


def _blocked(ctx: Context) -> str:
    """The first blockers in words, and how many more there are."""
    lines = [str(blocker) for blocker in ctx.plan.blockers if blocker.blocks]
    more = ctx.plan.blocker_count - len(lines[:3])
    return "; ".join(lines[:3]) + (f" and {more} more" if more > 0 else "")


def resumes(ctx: Context) -> bool:
    """Whether something other than the drain itself has held the batch up until now."""
    before = ctx.migration.status
    stalled = before.condition(ConditionType.STALLED)
    if stalled is not None and stalled.status == "True":
        return stalled.reason != TIMED_OUT
    if before.phase == Phase.PAUSED:
        return not ctx.migration.paused
    ready = before.condition(ConditionType.READY)
    held = ready is not None and ready.reason in HOLDS
    return held and _unseen_or_nowhere(ctx) is None and unsound_replacements(ctx) is None


def _deadline(ctx: Context) -> float | None:
    """When the batch has taken too long; None for never, or while there is none to judge.

    Time in which evictions were not allowed does not count: after a pause and after HOLDS the batch
    has its full timeout again (status.batch.countedFrom), and so it has after a start of the
    operator. While replacements find no node the time runs: that wait has an end, too.
    """
    limit = drain_timeout(ctx)
    batch = ctx.migration.status.batch
    if limit and resumes(ctx):
        return ctx.now + limit
    started = since_epoch(batch.counted_from or batch.started_at)
    if not limit or started is None or batch.drained_at or ctx.migration.paused:
        return None
    return max(started, ctx.seen.began) + limit


def _deadline_passed(ctx: Context) -> bool:
    deadline = _deadline(ctx)
    return deadline is not None and ctx.now > deadline


def _too_late(ctx: Context) -> str:
    policy = ctx.migration.spec.drain
    why = _blocked(ctx) or f"{counted(ctx.pool_progress.remaining)} still there"
    return f"the batch was not drained within spec.drain.timeout ({policy.timeout}): {why}"


def _timed_out(ctx: Context) -> Progress:
    """Nothing more is evicted; with onTimeout: Rollback this refusal begins the way back."""
    longer = f", or raise the timeout (at most {LONGEST_HOURS}h)" if may_be_longer(ctx) else ""
    go_on = f"fix that and run kubectl azlm retry {ctx.migration.name}{longer}, to go on"
    text = f"{_too_late(ctx)}. Nothing more is evicted; {go_on}"
    return refused(TIMED_OUT, text)


def _forced(ctx: Context) -> Progress:
    """What has a slot is evicted still; what has none is deleted against its budget."""
    text = f"{_too_late(ctx)}. What is left is deleted (spec.drain.onTimeout is Force)"
    granted = {eviction.uid for eviction in ctx.plan.evictions}
    due = [
        deletion
        for deletion in ctx.planner.forced()
        if deletion.uid not in granted
        and (
            (problem := ctx.seen.problems.get(deletion.key)) is None or ctx.now >= problem.retry_at
        )
    ]
    actions = (*_surges(ctx), *ctx.plan.evictions, *due)
    return working(Reason.DRAIN_FORCED, text, *actions, wake_at=ctx.now + LOST_EVENT_SECONDS)


def _wake_at(ctx: Context) -> float:
    """When to look again although nothing happened."""
    times = [ctx.now + LOST_EVENT_SECONDS]
    if ctx.plan.wake_at is not None:
        times.append(ctx.plan.wake_at)
    if (deadline := _deadline(ctx)) is not None and ctx.now <= deadline:
        times.append(deadline + 1)
    return min(times)
