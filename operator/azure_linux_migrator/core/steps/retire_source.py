"""RetireSource: delete the drained pool, scale it to zero, or leave it cordoned."""

from azure_linux_migrator.api.spec import SourcePool
from azure_linux_migrator.core.actions import Action, DeletePool, UpdatePool
from azure_linux_migrator.core.progress import DONE, Context, Progress, refused, working
from azure_linux_migrator.core.records import Pool

FRESH_SECONDS = 15.0


def retire_source(ctx: Context) -> Progress:
    """Never touches a pool that is not drained, nor one whose target does not stand."""
    if ctx.migration.spec.source_pool is SourcePool.KEEP:
        return DONE
    if not ctx.pools_newer_than(FRESH_SECONDS):
        return ctx.reread("RetiringSource", _telling(ctx))
    source = ctx.pool(ctx.migration.source)
    nodes = len(ctx.loads)
    emptied = source is not None and source.count == 0 and source.state == "Succeeded"
    if source is None or (emptied and ctx.migration.spec.source_pool is SourcePool.SCALE_TO_ZERO):
        if nodes == 0:
            return DONE
        return working("RetiringSource", f"waiting for {nodes} nodes of the old pool to go")
    if source.state in {"Deleting", "Scaling", "Updating", "Canceling"}:
        return ctx.reread("RetiringSource", _telling(ctx), source.name)
    text = _telling(ctx)
    if source.state in {"Failed", "Canceled"}:
        why = source.failure.message if source.failure else "see az aks nodepool show"
        text += f" again: AKS left it in state {source.state}: {why}"
    return _unsafe(ctx) or ctx.attempt(_action(ctx, source), "RetiringSource", text)


def _action(ctx: Context, source: Pool) -> Action:
    if ctx.migration.spec.source_pool is SourcePool.SCALE_TO_ZERO:
        return UpdatePool(source.name, (("count", 0),), source.etag)
    return DeletePool(source.name, source.etag)


def _telling(ctx: Context) -> str:
    verb = "scaling" if ctx.migration.spec.source_pool is SourcePool.SCALE_TO_ZERO else "deleting"
    return f"{verb} node pool {ctx.migration.source}"


def _unsafe(ctx: Context) -> Progress | None:
    target = ctx.pool(ctx.migration.target)
    if target is None or not ctx.migration.owns(target):
        return refused(
            "TargetMissing",
            f"target pool {ctx.migration.target} is gone; {ctx.migration.source} is kept. Delete "
            "this migration and create another",
        )
    if not ctx.seen.world_ready:
        return working("ReadingCluster", "waiting for the first lists of nodes, pods and budgets")
    busy = ctx.loads.undrained()
    if busy:
        return refused(
            "SourceInUse",
            f"node {busy[0].node.name} holds {busy[0].remaining} pods or is not cordoned; pool "
            f"{ctx.migration.source} is not touched before it is drained again",
        )
    return None
