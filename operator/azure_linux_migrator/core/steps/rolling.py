"""Rolling: grow the target, drain as many source nodes, delete their machines, and again.

Source and target together never have more than maxSurge nodes beyond what the source had. The
last batch is left to RetireSource, so that the source pool exists until its final soak is over.
Each round costs one PUT of the target; AKS allows a burst of 20 and then one a minute per pool,
and its Retry-After is honoured.
"""

from collections import Counter

from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.core.drain.batches import select_nodes
from azure_linux_migrator.core.steps.autoscaler import not_ours, update
from azure_linux_migrator.core.steps.create_target import failed
from azure_linux_migrator.core.steps.drain import (
    admit,
    batch_index,
    before_next,
    between,
    evict,
    marking,
)
from azure_linux_migrator.core.steps.pool_size import final_count, old_count, surge
from azure_linux_migrator.core.steps.progress import (
    DONE,
    FRESH_SECONDS,
    Context,
    Progress,
    refused,
    working,
)
from azure_linux_migrator.core.steps.surge_records import forget_yielded
from azure_linux_migrator.core.steps.target_health import target_not_ready
from azure_linux_migrator.model.actions import DeleteMachines, UpdatePool
from azure_linux_migrator.model.pool import Pool
from azure_linux_migrator.model.provisioning_state import UNFINISHED


def roll(ctx: Context) -> Progress:
    """What the round needs next."""
    if ctx.pool_progress.undrained_admitted:
        return evict(ctx)
    if (unfinished := between(ctx)) is not None:
        return unfinished
    index = batch_index(ctx)
    if not ctx.pool_progress.unmarked:
        return forget_yielded(ctx) or DONE
    if (joining := marking(ctx)) is not None:
        return joining
    if (waiting := before_next(ctx, index)) is not None:
        return waiting
    source, target = ctx.pool(ctx.migration.source), ctx.pool(ctx.migration.target)
    if target is not None and target.state in UNFINISHED and _short(ctx, target):
        return failed(ctx, target)
    if not ctx.pools_newer_than(FRESH_SECONDS):
        refresh = ctx.refresh_pools(Reason.READING_POOLS, "reading the cluster's node pools")
        keys = f"DeleteMachines/{ctx.migration.source}", f"UpdatePool/{ctx.migration.target}"
        return ctx.keep_refusal(refresh, *keys)
    if source is None or target is None:
        return refused(Reason.POOL_GONE, "one of the two pools is gone; nothing more is moved")
    return _shrink(ctx, source) or _grow(ctx, target) or admit(ctx, index + 1, balanced(ctx))


def complete(ctx: Context) -> Progress:
    """What the target lacks of its final size in the end, because the last batch was a large one,
    it gets when the source is gone."""
    if ctx.seen.pools is None or ctx.hidden(ctx.migration.target):
        return ctx.refresh_pools(Reason.GROWING_TARGET, "reading the cluster's node pools")
    target = ctx.pool(ctx.migration.target)
    if target is None or target.autoscaling:
        return DONE
    final = final_count(ctx)
    if target.count >= final:
        return DONE
    text = f"growing node pool {target.name} from {target.count} to {final} nodes"
    if not ctx.migration.owns(target):
        return not_ours(ctx, f"node pool {target.name} stays at {target.count} nodes")
    action = UpdatePool(target.name, (("count", final),), target.etag)
    return update(ctx, action, Reason.GROWING_TARGET, text)


def _short(ctx: Context, target: Pool) -> bool:
    return ctx.seen.world.ready_nodes(target.name) < target.count


def _shrink(ctx: Context, source: Pool) -> Progress | None:
    """Delete the machines of drained nodes, and wait until they are gone."""
    drained_nodes = sorted(
        name
        for name, progress in ctx.pool_progress.by_node.items()
        if progress.batch > 0 and progress.drained
    )
    if not drained_nodes:
        return None
    text = f"deleting {len(drained_nodes)} drained nodes of pool {source.name}"
    vanishing = source.succeeded and source.count < len(ctx.pool_progress)
    if not source.settled or vanishing:
        return ctx.refresh_pools(Reason.SHRINKING_SOURCE, text, source.name)
    if (loose := target_not_ready(ctx)) is not None:
        return loose
    if not source.succeeded:
        text += f" again: AKS left the pool in state {source.state}"
    machines = DeleteMachines(
        source.name, tuple(drained_nodes), ctx.planner.tracker.lost(drained_nodes)
    )
    return ctx.attempt(machines, Reason.SHRINKING_SOURCE, text)


def _grow(ctx: Context, target: Pool) -> Progress | None:
    """Grow the target by what the source lost, and wait until its nodes are Ready."""
    count = min(final_count(ctx), old_count(ctx) - len(ctx.pool_progress) + surge(ctx))
    if target.count < count:
        text = f"growing node pool {target.name} from {target.count} to {count} nodes"
        action = UpdatePool(target.name, (("count", count),), target.etag)
        return update(ctx, action, Reason.GROWING_TARGET, text)
    ready = ctx.seen.world.ready_nodes(target.name)
    if not target.settled or ready < count:
        text = f"{ready} of {count} nodes of pool {target.name} are Ready"
        answer = ctx.refresh_pools(Reason.TARGET_NODES_NOT_READY, text, target.name)
        return answer if not target.settled else working(Reason.TARGET_NODES_NOT_READY, text)
    return None


def balanced(ctx: Context) -> list[str]:
    """The next batch: the nodes that can be empty first, taken so that no zone runs short.

    Each is taken from the zone that has the most nodes of both pools left, so that what remains is
    as even as AKS spreads what it adds.
    """
    size = min(surge(ctx), ctx.migration.batch_nodes(batch_index(ctx) + 1, old_count(ctx)))
    order = select_nodes(ctx.planner.tracker, len(ctx.pool_progress.unmarked))
    zones = {name: ctx.pool_progress.by_node[name].node.zone for name in order}
    if len(set(zones.values())) < 2:
        return order[:size]
    counter = Counter(zones.values())
    counter.update(
        node.zone for node in ctx.seen.world.pool_nodes(ctx.migration.target) if node.ready
    )
    chosen: list[str] = []
    while order and len(chosen) < size:
        fullest = max({zones[name] for name in order}, key=lambda zone: (counter[zone], zone))
        name = next(node for node in order if zones[node] == fullest)
        order.remove(name)
        chosen.append(name)
        counter[fullest] -= 1
    return chosen
