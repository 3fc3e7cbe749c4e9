"""spec.mode Plan: after the preflight comes a forecast, and nothing else."""

from dataclasses import replace

from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.api.status import since_epoch
from azure_linux_migrator.api.status_checks import ForecastStatus
from azure_linux_migrator.core.steps.progress import Context, Progress
from azure_linux_migrator.model.actions import Action, ReadAzureFacts, ReadPools, RunForecast

BLOCKED_SECONDS = 300.0
"""A forecast that says "blocked" is made again after this: somebody may have fixed the cause."""
CLEAR_SECONDS = 24 * 3600.0
"""Any other after this: the cluster is another one tomorrow."""
READINGS_SECONDS = 300.0
"""Older readings of the pools and of Azure are made again before a forecast."""


def current_forecast(ctx: Context) -> ForecastStatus | None:
    """The newest forecast of this generation, however old."""
    forecasts = (ctx.seen.forecast, ctx.migration.status.forecast)
    return next((f for f in forecasts if f and f.generation == ctx.migration.generation), None)


def forecast(ctx: Context) -> Progress:
    """Forecast each generation, and now and then again; the last forecast is shown meanwhile."""
    status = current_forecast(ctx)
    if status is None:
        text = "forecasting what the migration would do; nothing is changed"
        return ctx.attempt(RunForecast(ctx.migration.generation), Reason.FORECASTING, text)
    due = (since_epoch(status.at) or 0.0) + (BLOCKED_SECONDS if status.blocked else CLEAR_SECONDS)
    progress = _blocked(status) if status.blocked else _clear(status)
    if ctx.now < due:
        return replace(progress, wake_at=due)
    refresh = ctx.attempt(_next_action(ctx), "", "")
    return replace(progress, actions=refresh.actions, wake_at=refresh.wake_at)


def _next_action(ctx: Context) -> Action:
    """A new forecast needs new readings first."""
    source, azure_facts = ctx.pool(ctx.migration.source), ctx.seen.azure_facts
    if not ctx.pools_newer_than(READINGS_SECONDS):
        return ReadPools()
    if source is not None and (azure_facts is None or ctx.now - azure_facts.at >= READINGS_SECONDS):
        return ReadAzureFacts(source)
    return RunForecast(ctx.migration.generation)


def _blocked(status: ForecastStatus) -> Progress:
    reasons = "; ".join(status.blocked_by[:3]) or "see status.forecast"
    return Progress(
        "refused", Reason.FORECAST_BLOCKED, f"the migration would be blocked: {reasons}"
    )


def _clear(status: ForecastStatus) -> Progress:
    hours, rest = divmod(status.seconds, 3600)
    text = (
        f"the migration would take {hours} h {rest // 60:02d} min {rest % 60:02d} s and move "
        f"{status.pods_moving} pods in {status.batches} batches, with at most {status.extra_nodes} "
        "additional nodes; set spec.mode to Run to begin"
    )
    return Progress("planned", Reason.PLANNED, text)
