"""CreateTarget: the whole Azure Linux pool stands, Ready, before anything moves."""

from azure_linux_migrator.api.status import since_epoch
from azure_linux_migrator.core.actions import CreatePool
from azure_linux_migrator.core.progress import DONE, Context, Progress, refused, working


def create_target(ctx: Context) -> Progress:
    """Create the pool once, then wait for AKS and for its nodes."""
    migration = ctx.migration
    target = ctx.pool(migration.target)
    since = since_epoch(migration.status.start_time)
    if target is None:
        if not ctx.pools_newer_than(5.0):
            return ctx.reread("ReadingPools", "reading the cluster's node pools", since)
        wanted = migration.spec.target
        return ctx.attempt(
            CreatePool(
                migration.source,
                migration.target,
                wanted.os_sku,
                wanted.count,
                wanted.vm_size,
                migration.tags,
            ),
            "CreatingTarget",
            f"creating node pool {migration.target} with OS SKU {wanted.os_sku}",
        )
    if not migration.owns(target):
        return refused(
            "TargetPoolExists",
            f"node pool {migration.target} exists and was not created by this migration; set "
            "spec.target.nodePool to a free name or delete that pool",
            wake_at=ctx.now + 60.0,
        )
    if target.state in {"Failed", "Canceled"}:
        waiting = ctx.reread("", "", None if ctx.seen.pools is None else ctx.seen.pools.at - 150)
        return refused(
            "TargetFailed",
            f"AKS left node pool {target.name} in state {target.state}; look at its error with az "
            f"aks nodepool show --name {target.name} … and delete it: it is then created again",
            *waiting.actions,
            wake_at=waiting.wake_at,
        )
    if target.state != "Succeeded":
        return ctx.reread("CreatingTarget", f"AKS creates node pool {target.name}", since)
    ready = sum(node.ready for node in ctx.seen.world.pool_nodes(target.name))
    if ready < max(target.count, 1):
        return working(
            "TargetNodesNotReady",
            f"{ready} of {max(target.count, 1)} nodes of pool {target.name} are Ready",
        )
    return DONE
