"""How many nodes: of the source as it was, of the target at first and in the end, beside both."""

import math

from azure_linux_migrator.api.names import TAG_COUNT, TAG_TARGET_COUNT
from azure_linux_migrator.api.quantities import share
from azure_linux_migrator.api.spec_strategy import StrategyType
from azure_linux_migrator.core.drain.node_estimate import nodes_needed
from azure_linux_migrator.core.steps.progress import Context


def old_count(ctx: Context) -> int:
    """Nodes of the source pool before anything was changed.

    Recorded in the status, and as a tag of the target pool for a resource that was re-created.
    """
    recorded = ctx.migration.status.source.count
    if recorded is not None:
        return recorded
    tagged = (new.tag(TAG_COUNT) if (new := ctx.pool(ctx.migration.new_pool)) else "") or ""
    if tagged.isdecimal():
        return int(tagged)
    old = ctx.pool(ctx.migration.old_pool)
    return old.count if old else 0


def surge(ctx: Context) -> int:
    """Nodes that may stand beside the source's under Rolling."""
    return share(ctx.migration.spec.strategy.max_surge, old_count(ctx))


def final_count(ctx: Context) -> int:
    """Nodes that the target has in the end."""
    count = ctx.migration.spec.target.count
    if count == "Auto":
        # Once pods have begun to leave, what is left on the source needs less.
        chosen = new.tag(TAG_TARGET_COUNT) if (new := ctx.pool(ctx.migration.new_pool)) else ""
        return int(chosen) if chosen.isdecimal() else nodes_needed(ctx.planner.tracker).count
    return count if count is not None else max(1, old_count(ctx))


def initial_count(ctx: Context) -> int:
    """Nodes that the target is created with."""
    final = final_count(ctx)
    if ctx.migration.spec.strategy.type is StrategyType.ROLLING:
        return min(final, surge(ctx))
    return final


def most_extra(ctx: Context) -> int:
    """The most nodes beside the source's at any time: what quota and subnet must hold."""
    kind = ctx.migration.spec.strategy.type
    if kind is StrategyType.BLUE_GREEN:
        return final_count(ctx)
    if kind is StrategyType.IN_PLACE:
        pool = ctx.pool(ctx.migration.source)
        return pool.surge(old_count(ctx)) if pool is not None else 0
    return min(surge(ctx), max(1, math.ceil(final_count(ctx))))
