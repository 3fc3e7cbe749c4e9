"""spec.mode Plan: after the preflight comes a forecast, and nothing else."""

from azure_linux_migrator.api.status import ForecastStatus, since_epoch
from azure_linux_migrator.core.actions import Foretell
from azure_linux_migrator.core.progress import Context, Progress

AGAIN_SECONDS = 300.0
"""A forecast that says "blocked" is made again after this: somebody may have mended the cause."""


def foretold(ctx: Context) -> ForecastStatus | None:
    """The forecast of this generation, if there is one that need not be made again."""
    found = ctx.seen.forecast or ctx.migration.status.forecast
    if found is None or found.generation != ctx.migration.generation:
        return None
    return None if found.blocked and ctx.now >= _again_at(found) else found


def foretell(ctx: Context) -> Progress:
    """Forecast each generation once."""
    found = foretold(ctx)
    if found is None:
        text = "forecasting what the migration would do; nothing is changed"
        return ctx.attempt(Foretell(ctx.migration.generation), "Foretelling", text)
    if found.blocked:
        told = "; ".join(found.blocked_by[:3]) or "see status.forecast"
        text = f"the migration would be blocked: {told}"
        return Progress("refused", "ForecastBlocked", text, wake_at=_again_at(found))
    hours, rest = divmod(found.seconds, 3600)
    text = (
        f"the migration would take {hours} h {rest // 60:02d} min {rest % 60:02d} s and move "
        f"{found.pods_moving} pods in {found.batches} batches, with {found.extra_nodes} nodes more "
        "at the most; set spec.mode to Run to begin"
    )
    return Progress("planned", "Planned", text)


def _again_at(found: ForecastStatus) -> float:
    return (since_epoch(found.at) or 0.0) + AGAIN_SECONDS
