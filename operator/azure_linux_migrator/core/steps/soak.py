"""Soak: the drained source pool is kept for a while, so that going back is one uncordon away."""

from azure_linux_migrator.api.quantities import seconds
from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.api.status import since_epoch, timestamp
from azure_linux_migrator.core.steps.node_agents import node_agents_not_ready
from azure_linux_migrator.core.steps.progress import DONE, Context, Progress, working
from azure_linux_migrator.core.steps.target_health import target_not_ready


def soak(ctx: Context) -> Progress:
    """Wait out spec.strategy.finalSoak, counted from the moment the last node was drained and
    everything that was moved is placed. It begins again where that ceases to be so for longer than
    BLIP_SECONDS, and does not end before it is so."""
    if (loose := target_not_ready(ctx)) is not None:
        return loose
    length = seconds(ctx.migration.spec.strategy.final_soak)
    started = since_epoch(ctx.migration.status.soak_started_at)
    ends = (ctx.now if started is None else started) + length
    if length == 0 or (started is not None and ctx.now >= ends):
        return node_agents_not_ready(ctx) or DONE
    return working(
        Reason.SOAKING,
        f"node pool {ctx.migration.source} is drained and kept until {timestamp(ends)} "
        f"(spec.strategy.finalSoak is {ctx.migration.spec.strategy.final_soak})",
        wake_at=ends,
    )
