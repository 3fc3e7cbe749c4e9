"""The way back: the source as it was, the workloads on it again, the target gone.

Moving the pods is the drain itself with source and target exchanged; here is the rest.
"""

from azure_linux_migrator.core.actions import DeletePool, ReleaseNode, UpdatePool
from azure_linux_migrator.core.progress import DONE, Context, Progress, refused, working
from azure_linux_migrator.core.sizing import old_count
from azure_linux_migrator.core.steps.autoscaler import update

FRESH_SECONDS = 15.0
SHOWS_SECONDS = 30.0
"""How long Azure may hide a pool that it was asked for."""
AGAIN_SECONDS = 60.0
"""An operation that failed or was canceled on the way back is asked for again after this."""


def release_source(ctx: Context) -> Progress:
    """Undo our cordons and marks on the old pool; a user's own cordon stays."""
    name = ctx.migration.name
    ours = sorted(
        node.name
        for node in ctx.seen.world.pool_nodes(ctx.migration.old_pool)
        if node.cordoned_by == name or ctx.migration.batch_of(node)
    )
    if not ours:
        return DONE
    text = f"uncordoning {len(ours)} nodes of pool {ctx.migration.old_pool}"
    attempts = [ctx.attempt(ReleaseNode(node, name), "ReleasingSource", text) for node in ours]
    worst = next((each for each in attempts if each.reason != "ReleasingSource"), attempts[0])
    actions = tuple(action for each in attempts for action in each.actions)
    return working(worst.reason, worst.message, *actions, wake_at=worst.wake_at)


def restore_size(ctx: Context) -> Progress:
    """Give the old pool its nodes back, where Rolling took some."""
    if not ctx.pools_newer_than(FRESH_SECONDS):
        return ctx.reread("RestoringSource", "reading the cluster's node pools")
    pool = ctx.pool(ctx.migration.old_pool)
    if pool is None:
        return refused(
            "SourcePoolGone",
            f"node pool {ctx.migration.old_pool} is gone, so there is nothing to go back to; the "
            f"workloads stay on {ctx.migration.new_pool}",
        )
    wanted = old_count(ctx)
    text = f"growing node pool {pool.name} back to {wanted} nodes"
    ready = ctx.seen.world.ready_nodes(pool.name)
    if pool.count >= wanted and ready >= wanted:
        return DONE
    if pool.count >= wanted and pool.state == "Succeeded":
        told = f"{ready} of {wanted} nodes of pool {pool.name} are Ready"
        return working("RestoringSource", told, wake_at=ctx.now + FRESH_SECONDS)
    due = ctx.seen.asked.get(pool.name, 0.0) + AGAIN_SECONDS
    if pool.count >= wanted and pool.settled and ctx.now < due:
        told = f"{text}: AKS left it in state {pool.state}; it is asked again"
        return working("RestoringSource", told, wake_at=due)
    action = UpdatePool(pool.name, (("count", wanted),), pool.etag)
    return update(ctx, action, "RestoringSource", text)


def remove_target(ctx: Context) -> Progress:
    """Delete the pool that this migration created, and no other."""
    if not ctx.pools_newer_than(FRESH_SECONDS):
        return ctx.reread("RemovingTarget", "reading the cluster's node pools")
    pool = ctx.pool(ctx.migration.new_pool)
    left = sum(1 for _ in ctx.seen.world.pool_nodes(ctx.migration.new_pool))
    text = f"deleting node pool {ctx.migration.new_pool}"
    if pool is None:
        if f"CreatePool/{ctx.migration.new_pool}" in ctx.seen.running:
            return working("RemovingTarget", "waiting for Azure's answer about the new pool")
        asked = ctx.seen.asked.get(ctx.migration.new_pool, 0.0)
        if ctx.now - asked < SHOWS_SECONDS:
            # Azure may take a while to show a pool that it has just accepted.
            return ctx.reread("RemovingTarget", "looking whether the new pool appears")
        return DONE if not left else working("RemovingTarget", f"waiting for {left} nodes to go")
    if not ctx.migration.owns(pool):
        return DONE
    if pool.state == "Deleting":
        return ctx.reread("RemovingTarget", text, pool.name)
    if not pool.settled:
        # A pool that is still being created is deleted as soon as Azure lets go of it.
        return ctx.reread("RemovingTarget", f"{text} once Azure is done with it", pool.name)
    busy = ctx.loads.undrained()
    if busy:
        text = f"node {busy[0].node.name} of the target still holds {busy[0].remaining} pods"
        return working("RemovingTarget", text)
    return ctx.attempt(DeletePool(pool.name, pool.etag), "RemovingTarget", text)
