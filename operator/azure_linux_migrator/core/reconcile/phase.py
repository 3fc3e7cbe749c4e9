"""The one word for tables, while a migration is at work: status.phase."""

from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.api.status import Phase, since_epoch
from azure_linux_migrator.core.steps.drain import HOLDS
from azure_linux_migrator.core.steps.progress import Context, Progress

STANDSTILL_SECONDS = 60.0
"""A drain with blockers that has moved no pod for so long is blocked, whatever it tries again."""

_STANDS = HOLDS | {Reason.NODES_HELD, Reason.NODE_AGENTS_NOT_READY}
"""Reasons for which no pod is moved at all."""


def phase_of(ctx: Context, progress: Progress) -> Phase:
    """The phase of a migration that is neither paused nor over."""
    if progress.reason == Reason.ROLLED_BACK:
        return Phase.ROLLED_BACK
    if progress.state == "refused":
        return Phase.STALLED
    if progress.state == "planned":
        return Phase.PLANNED
    if ctx.migration.backwards:
        return Phase.ROLLING_BACK
    return Phase.BLOCKED if _blocked(ctx, progress) else Phase.RUNNING


def _blocked(ctx: Context, progress: Progress) -> bool:
    """Whether no pod moves until something is mended, though it is looked at again and again."""
    if progress.reason in _STANDS:
        return True
    if progress.reason != Reason.DRAIN_BLOCKED:
        return False
    return ctx.plan.deadlocked or _stands_still(ctx)


def _stands_still(ctx: Context) -> bool:
    before = ctx.migration.status
    progress_at = since_epoch(before.last_progress_time)
    moved = before.pods.remaining != ctx.pool_progress.remaining
    if progress_at is None or moved or before.phase == Phase.PAUSED or _moves(ctx):
        return False
    return ctx.now - progress_at >= STANDSTILL_SECONDS


def _moves(ctx: Context) -> bool:
    """Whether something is under way that has not been refused."""
    surges = any(action.key not in ctx.seen.problems for action in ctx.plan.surges)
    return surges or ctx.planner.moves(ctx.plan)
