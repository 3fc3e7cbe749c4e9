"""The cluster autoscaler: held on the source before the target is made, given back or handed over.
The target may grow once it stands.

AKS counts the maxCount of every pool against the subnet, so the source must not scale when the
target is made; and a source that is half empty beside its target would be drained by the
autoscaler before an approval. It would refill a pool that is being drained
(terraform-provider-azurerm issue 31324). Its bounds
are kept in a tag of the source that is set by the very request that holds it, in a tag of the
target from its creation on, since the source and its tags go, and in the status.
"""

from azure_linux_migrator.api.names import TAG_AUTOSCALER
from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.core.steps.external_changes import untagged
from azure_linux_migrator.core.steps.progress import DONE, Context, Progress, refused, working
from azure_linux_migrator.model.actions import UpdatePool
from azure_linux_migrator.model.pool import Pool

_READING = "reading the cluster's node pools"


def hold(ctx: Context) -> Progress:
    """Turn the source's autoscaler off."""
    if ctx.seen.pools is None:
        return ctx.refresh_pools(Reason.HOLDING_AUTOSCALER, _READING)
    pool = ctx.pool(ctx.migration.source)
    if pool is None or not pool.autoscaling:
        return DONE
    least, most = pool.bounds
    off: tuple[tuple[str, bool | None], ...] = (
        ("enableAutoScaling", False),
        ("minCount", None),
        ("maxCount", None),
    )
    text = f"holding the cluster autoscaler of node pool {pool.name} ({least} to {most} nodes)"
    tags = ((TAG_AUTOSCALER, f"{least}-{most}"),)
    return update(ctx, UpdatePool(pool.name, off, pool.etag, tags), Reason.HOLDING_AUTOSCALER, text)


def scale_target(ctx: Context) -> Progress:
    """Let the cluster autoscaler add nodes to the target while pods are moved: the workloads may
    grow, and the source's autoscaler is held.

    Nothing is removed before the hand-over, because nodes that wait for their pods look unused.
    What Azure refuses does not hold the migration up: TargetNotElastic reports it.
    """
    if ctx.seen.pools is None or ctx.hidden(ctx.migration.new_pool):
        return ctx.refresh_pools(Reason.SCALING_TARGET, _READING)
    pool, bounds = ctx.pool(ctx.migration.new_pool), wanted_bounds(ctx)
    if pool is None or bounds is None or pool.autoscaling or not ctx.migration.owns(pool):
        return DONE
    most = max(bounds[1], pool.count)
    text = (
        f"turning on the cluster autoscaler of {pool.name} for the time of the drain "
        f"({pool.count} to {most} nodes)"
    )
    action = _switched_on(pool, (pool.count, most), ())
    progress = update(ctx, action, Reason.SCALING_TARGET, text)
    return DONE if progress.state == "refused" else progress


def restore(ctx: Context) -> Progress:
    """Give the old pool its autoscaler back, as it was."""
    if ctx.seen.pools is None:
        return ctx.refresh_pools(Reason.RESTORING_AUTOSCALER, _READING)
    pool = ctx.pool(ctx.migration.old_pool)
    bounds = held_bounds(ctx, pool)
    if pool is None or bounds is None:
        return DONE
    if holding(ctx):
        return working(Reason.RESTORING_AUTOSCALER, "waiting for Azure's answer about the source")
    if pool.autoscaling and not pool.tag(TAG_AUTOSCALER) and pool.settled:
        return DONE
    if pool.autoscaling:
        bounds = pool.bounds  # somebody has turned it on again with other bounds
    text = f"giving node pool {pool.name} its autoscaler back ({bounds[0]} to {bounds[1]} nodes)"
    action = _switched_on(pool, bounds, ((TAG_AUTOSCALER, None),))
    return update(ctx, action, Reason.RESTORING_AUTOSCALER, text)


def holding(ctx: Context) -> bool:
    """Whether a request that changes the old pool is under way: what was read may be old."""
    return f"UpdatePool/{ctx.migration.old_pool}" in ctx.seen.running


def hand_over(ctx: Context) -> Progress:
    """Give the new pool the bounds of the spec, else those the old pool had.

    Only now: AKS counts every pool's maxCount against the subnet, so both at once may not fit.
    """
    if ctx.seen.pools is None or ctx.hidden(ctx.migration.new_pool):
        return ctx.refresh_pools(Reason.HANDING_OVER_AUTOSCALER, _READING)
    pool = ctx.pool(ctx.migration.new_pool)
    bounds = wanted_bounds(ctx)
    if pool is None or bounds is None:
        return DONE
    over = pool.bounds == bounds and not pool.tag(TAG_AUTOSCALER)
    if pool.autoscaling and over and pool.settled:
        return DONE
    if not ctx.migration.owns(pool):
        return not_ours(ctx, f"node pool {pool.name} gets no autoscaler")
    text = f"turning on the cluster autoscaler of {pool.name} ({bounds[0]} to {bounds[1]} nodes)"
    action = _switched_on(pool, bounds, ((TAG_AUTOSCALER, None),))
    return update(ctx, action, Reason.HANDING_OVER_AUTOSCALER, text)


def not_ours(ctx: Context, text: str) -> Progress:
    """The target has lost its tags: it is changed once they are back."""
    text = f"{text}: {untagged(ctx.migration)}"
    refresh = ctx.refresh_pools(Reason.TARGET_TAGS_CHANGED, text, interval=60.0)
    return refused(Reason.TARGET_TAGS_CHANGED, text, *refresh.actions, wake_at=refresh.wake_at)


def wanted_bounds(ctx: Context) -> tuple[int, int] | None:
    """The bounds that the new pool gets; None where nothing scales."""
    autoscaling = ctx.migration.spec.target.autoscaling
    if autoscaling is not None:
        return autoscaling.min, autoscaling.max
    recorded = ctx.migration.status.source.autoscaler
    if recorded is not None:
        return recorded.min, recorded.max
    return tagged_bounds(ctx.pool(ctx.migration.new_pool))


def tagged_bounds(pool: Pool | None) -> tuple[int, int] | None:
    """The bounds in a pool's tag."""
    least, _, most = (pool.tag(TAG_AUTOSCALER) if pool else "").partition("-")
    return (int(least), int(most)) if least.isdecimal() and most.isdecimal() else None


def held_bounds(ctx: Context, pool: Pool | None) -> tuple[int, int] | None:
    """The bounds that were held: by the pool's own tag, else as recorded."""
    if (tagged := tagged_bounds(pool)) is not None:
        return tagged
    recorded = ctx.migration.status.source.autoscaler
    return (recorded.min, recorded.max) if recorded else None


def update(ctx: Context, action: UpdatePool, reason: Reason, text: str) -> Progress:
    """Change a pool once no operation is under way on it, and see that it came about."""
    pool = ctx.pool(action.pool)
    if pool is None or not pool.settled:
        return ctx.refresh_pools(reason, text, action.pool)
    if not ctx.pools_newer_than(15.0):
        return ctx.keep_refusal(ctx.refresh_pools(reason, text), action.key)
    return ctx.attempt(action, reason, text)


def _switched_on(
    pool: Pool, bounds: tuple[int, int], tags: tuple[tuple[str, str | None], ...]
) -> UpdatePool:
    least, most = bounds
    changes: tuple[tuple[str, int | bool], ...] = (
        ("enableAutoScaling", True),
        ("minCount", least),
        ("maxCount", most),
        ("count", min(max(pool.count, least), most)),
    )
    return UpdatePool(pool.name, changes, pool.etag, tags)
