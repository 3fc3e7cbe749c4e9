"""A wait has an end: what is waited for longer than spec.drain.timeout becomes a refusal.

The step keeps its reason, so that a condition names what is missing; spec.drain.onTimeout decides
what follows (core/reconcile/decide.py). Since when something is waited for is known to this process
only: after a restart of the operator the wait begins again.
"""

from dataclasses import replace

from azure_linux_migrator.api.quantities import LONGEST_HOURS, seconds
from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.core.steps.progress import Context, Progress, refused

FORGOTTEN_SECONDS = 120.0
"""A wait that was not met for so long has ended meanwhile; what is waited for is looked at at least
twice as often."""

UNBOUNDED = frozenset({Reason.WATCH_STALE})
"""Waits for the operator's own watches: they say nothing about the cluster, and have no end."""


def drain_timeout(ctx: Context) -> float:
    """Seconds that a batch or a wait may take, 0 for any; the way back takes what it takes."""
    return 0.0 if ctx.migration.backwards else seconds(ctx.migration.spec.drain.timeout)


def bounded(
    ctx: Context, key: str, waiting: Progress | None, limit: float | None = None
) -> Progress | None:
    """The wait, or its refusal once it has lasted for longer than `limit` seconds, by default
    spec.drain.timeout.

    `key` separates the waits of one pass; None ends this one.
    """
    waits = ctx.seen.memory.waits
    if waiting is None or waiting.reason in UNBOUNDED or ctx.migration.paused:
        waits.pop(key, None)
        return waiting
    since, met = waits.get(key, (ctx.now, ctx.now))
    since = since if 0 <= ctx.now - met <= FORGOTTEN_SECONDS else ctx.now
    waits[key] = since, ctx.now
    length = drain_timeout(ctx) if limit is None else limit
    ends = since + length
    if not length:
        return waiting
    if ctx.now <= ends:
        return replace(waiting, wake_at=min(ends + 1, waiting.wake_at or ends + 1))
    text = (
        f"{waiting.message}. This has lasted longer than {limit:.0f} s"
        if limit
        else (
            f"{waiting.message}. This has lasted longer than spec.drain.timeout "
            f"({ctx.migration.spec.drain.timeout}); fix it{_or_wait_on(ctx)}"
        )
    )
    return refused(waiting.reason, text, *waiting.actions, wake_at=waiting.wake_at)


def _or_wait_on(ctx: Context) -> str:
    return ", or raise the timeout to wait on" if may_be_longer(ctx) else ""


def may_be_longer(ctx: Context) -> bool:
    """Whether spec.drain.timeout can be raised: it has a maximum."""
    return seconds(ctx.migration.spec.drain.timeout) < LONGEST_HOURS * 3600


def waited(ctx: Context, key: str) -> float:
    """For how many seconds a wait has lasted; 0 where nothing is waited for."""
    since, _ = ctx.seen.memory.waits.get(key, (ctx.now, ctx.now))
    return max(0.0, ctx.now - since)
