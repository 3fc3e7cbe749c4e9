"""An operation of AKS that failed for a cause which passes by itself: asked again after a while.

How often it has failed is known to this process only, as waits are (core/steps/waits.py).
"""

from azure_linux_migrator.core.state.retry_delay import RetryDelay
from azure_linux_migrator.core.steps.decision_memory import FailedOperation
from azure_linux_migrator.core.steps.progress import (
    CHECK_SECONDS,
    FRESH_SECONDS,
    Context,
    Progress,
    working,
)
from azure_linux_migrator.model.actions import UpdatePool
from azure_linux_migrator.model.pool import Failure

LONGEST_SECONDS = 1800.0
"""The longest delay between two attempts, where Azure itself asks for no longer one."""


def failed_operation(ctx: Context, pool: str) -> FailedOperation:
    """The operation that left a pool in a failed state, and when that was seen first."""
    operations, asked_at = ctx.seen.memory.failed_operations, ctx.seen.asked.get(pool, 0.0)
    failed = operations.get(pool)
    if failed is None or failed.asked_at != asked_at:
        times = 1 if failed is None else failed.times + 1
        failed = operations[pool] = FailedOperation(asked_at, ctx.now, times)
    failed.since = min(failed.since, ctx.now)  # a clock that was set back prolongs no wait
    return failed


def once_more(ctx: Context, failure: Failure, action: UpdatePool, text: str) -> Progress:
    """Send the update again, `failure.delay` seconds after the failure was seen; twice as late with
    every further one.

    A PUT of what the pool already shows has AKS bring the pool to that. `text` says what AKS could
    not do.
    """
    failed = failed_operation(ctx, action.pool)
    delay = RetryDelay(failure.delay, max(failure.delay, LONGEST_SECONDS)).after(failed.times)
    due = failed.since + delay
    text = f"{text}; it is asked again"
    if ctx.now < due:
        reads, wake_at = ctx.pool_reads(CHECK_SECONDS), min(due, ctx.now + CHECK_SECONDS)
        return working(failure.reason, text, *reads, wake_at=wake_at)
    if not ctx.pools_newer_than(FRESH_SECONDS):
        return ctx.refresh_pools(failure.reason, text)
    return ctx.attempt(action, failure.reason, text)
