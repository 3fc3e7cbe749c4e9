"""The way back: the source as it was, the workloads on it again, the target gone.

Moving the pods is the drain itself with source and target exchanged; here is the rest. A pool that
this migration did not create is left alone whatever its name is.
"""

from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.api.steps import Step
from azure_linux_migrator.core.steps.autoscaler import hold, update
from azure_linux_migrator.core.steps.cordon_source import cordon_source
from azure_linux_migrator.core.steps.drain import drain
from azure_linux_migrator.core.steps.pool_size import old_count
from azure_linux_migrator.core.steps.progress import (
    DONE,
    FRESH_SECONDS,
    Context,
    Progress,
    refused,
    working,
)
from azure_linux_migrator.core.steps.target_health import target_not_ready
from azure_linux_migrator.model.actions import DeletePool, ReleaseNode, UpdatePool
from azure_linux_migrator.model.pool import Pool
from azure_linux_migrator.model.provisioning_state import ProvisioningState

AGAIN_SECONDS = 60.0
"""An operation that failed or was canceled on the way back is asked for again after this."""


def release_source(ctx: Context) -> Progress:
    """Undo our cordons and marks on the old pool; a user's own cordon stays."""
    name = ctx.migration.name
    ours = sorted(
        node.name
        for node in ctx.seen.world.pool_nodes(ctx.migration.old_pool)
        if node.cordoned_by == name or ctx.migration.left_mark(node)
    )
    if not ours:
        return DONE
    text = f"uncordoning {len(ours)} nodes of pool {ctx.migration.old_pool}"
    return ctx.attempt_all(
        (ReleaseNode(node, name) for node in ours), Reason.RELEASING_SOURCE, text
    )


def restore_size(ctx: Context) -> Progress:
    """Give the old pool its nodes back, where Rolling took some."""
    restored = ctx.migration.status.step not in {"", Step.RELEASE_SOURCE, Step.RESTORE_SOURCE}
    entering = ctx.migration.status.step in {"", Step.RELEASE_SOURCE}
    pool = ctx.pool(ctx.migration.old_pool)
    current = ctx.pools_newer_than(FRESH_SECONDS) or not entering
    if pool is not None and pool.power != "Running" and current:
        text = f"node pool {pool.name} is {pool.power}, so that nothing can go back to it; start it"
        refresh = ctx.refresh_pools(Reason.SOURCE_STOPPED, text, interval=FRESH_SECONDS)
        return refused(Reason.SOURCE_STOPPED, text, *refresh.actions, wake_at=refresh.wake_at)
    if ctx.seen.pools is None or not (restored or ctx.pools_newer_than(FRESH_SECONDS)):
        return ctx.refresh_pools(Reason.RESTORING_SOURCE, "reading the cluster's node pools")
    if pool is None:
        return refused(
            Reason.SOURCE_POOL_GONE,
            f"node pool {ctx.migration.old_pool} is gone, so there is nothing to go back to; the "
            f"workloads stay on {ctx.migration.new_pool}",
        )
    count = old_count(ctx)
    text = f"growing node pool {pool.name} back to {count} nodes"
    ready = ctx.seen.world.ready_nodes(pool.name)
    if (pool.count >= count and ready >= count) or (pool.autoscaling and ready):
        return DONE  # an autoscaler that somebody has turned on gives it the nodes it needs
    if pool.count >= count and pool.succeeded:
        # A node that never answered is not waited for: what has no room elsewhere holds the drain
        # up by itself.
        return DONE if ready else _none_ready(ctx, pool)
    due = ctx.seen.asked.get(pool.name, 0.0) + AGAIN_SECONDS
    if pool.count >= count and pool.settled and ctx.now < due:
        message = f"{text}: AKS left it in state {pool.state}; it is asked again"
        return working(Reason.RESTORING_SOURCE, message, wake_at=due)
    action = UpdatePool(pool.name, (("count", count),), pool.etag)
    return update(ctx, action, Reason.RESTORING_SOURCE, text)


def _none_ready(ctx: Context, pool: Pool) -> Progress:
    text = f"no node of pool {pool.name} is Ready, so that nothing can go back to it; fix that"
    return ctx.refresh_pools(Reason.SOURCE_NODES_NOT_READY, text, pool.name)


def hold_target(ctx: Context) -> Progress:
    """The autoscaler of the pool that is left again adds no nodes to it."""
    return hold(ctx) if ctx.seen.pools is None or _ours(ctx) else DONE


def cordon_target(ctx: Context) -> Progress:
    """No more pods go to the pool that is left again."""
    return cordon_source(ctx) if _ours(ctx) else DONE


def drain_target(ctx: Context) -> Progress:
    """Everything goes back."""
    return drain(ctx) if _ours(ctx) else DONE


def _ours(ctx: Context) -> bool:
    pool = ctx.pool(ctx.migration.new_pool)
    return pool is not None and ctx.migration.owns(pool)


def remove_target(ctx: Context) -> Progress:
    """Delete the pool that this migration created, and no other."""
    if not ctx.pools_newer_than(FRESH_SECONDS):
        refresh = ctx.refresh_pools(Reason.REMOVING_TARGET, "reading the cluster's node pools")
        return ctx.keep_refusal(refresh, f"DeletePool/{ctx.migration.new_pool}")
    pool = ctx.pool(ctx.migration.new_pool)
    nodes_left = sum(1 for _ in ctx.seen.world.pool_nodes(ctx.migration.new_pool))
    text = f"deleting node pool {ctx.migration.new_pool}"
    if pool is None:
        if f"CreatePool/{ctx.migration.new_pool}" in ctx.seen.running:
            return working(Reason.REMOVING_TARGET, "waiting for Azure's answer about the new pool")
        if ctx.hidden(ctx.migration.new_pool):
            # Azure may take a while to show a pool that it has just accepted.
            return ctx.refresh_pools(Reason.REMOVING_TARGET, "looking whether the new pool appears")
        return (
            DONE
            if not nodes_left
            else working(Reason.REMOVING_TARGET, f"waiting for {nodes_left} nodes to go")
        )
    if not ctx.migration.owns(pool):
        return DONE
    if pool.state == ProvisioningState.DELETING:
        return ctx.refresh_pools(Reason.REMOVING_TARGET, text, pool.name)
    if not pool.settled:
        # A pool that is still being created is deleted as soon as Azure accepts it.
        return ctx.refresh_pools(
            Reason.REMOVING_TARGET, f"{text} once Azure is done with it", pool.name
        )
    if (reason := target_not_ready(ctx) or _in_use(ctx)) is not None:
        return reason
    removal = DeletePool(pool.name, pool.etag, ctx.planner.tracker.lost())
    return ctx.attempt(removal, Reason.REMOVING_TARGET, text)


def _in_use(ctx: Context) -> Progress | None:
    busy = ctx.pool_progress.undrained()
    if not busy:
        return None
    text = f"node {busy[0].node.name} of the target still holds {busy[0].remaining} pods"
    return working(Reason.REMOVING_TARGET, text)
