"""An operation of AKS that failed for a cause which passes by itself: asked again after a while."""

from azure_linux_migrator.core.steps.progress import Context, Progress, working
from azure_linux_migrator.model.actions import UpdatePool
from azure_linux_migrator.model.pool import Failure

FRESH_SECONDS = 15.0


def once_more(ctx: Context, failure: Failure, action: UpdatePool, text: str) -> Progress:
    """Send the update again, `failure.delay` seconds after it was sent last.

    A PUT of what the pool already shows has AKS bring the pool to that. `text` says what AKS could
    not do.
    """
    due = ctx.seen.asked.get(action.pool, 0.0) + failure.delay
    text = f"{text}; it is asked again"
    if ctx.now < due:
        return working(failure.reason, text, wake_at=due)
    if not ctx.pools_newer_than(FRESH_SECONDS):
        return ctx.refresh_pools(failure.reason, text)
    return ctx.attempt(action, failure.reason, text)
