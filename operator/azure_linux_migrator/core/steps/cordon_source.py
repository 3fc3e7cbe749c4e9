"""CordonSource: every source node takes no new pods, so that each pod moves exactly once."""

from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.core.steps.autoscaler import hold
from azure_linux_migrator.core.steps.drain import batch_index
from azure_linux_migrator.core.steps.external_changes import cordon_begun
from azure_linux_migrator.core.steps.progress import DONE, FRESH_SECONDS, Context, Progress, refused
from azure_linux_migrator.model.actions import CordonNode, MarkNode, ReleaseNode

"""The pools were read so lately when the first node is cordoned."""


def taken_back(ctx: Context) -> list[str]:
    """Nodes of the drained pool that somebody uncordoned during the soak, by name."""
    if not ctx.migration.status.soak_started_at:
        return []
    nodes = (ctx.pool_progress.by_node[name].node for name in sorted(ctx.pool_progress.open))
    return [
        node.name
        for node in nodes
        if node.cordoned_by == ctx.migration.name or ctx.migration.batch_of(node)
    ]


def _open_target(ctx: Context) -> Progress | None:
    """Uncordon target nodes that carry this migration's own cordon: of an interrupted rollback."""
    migration = ctx.migration
    closed = [
        node.name
        for node in ctx.seen.world.pool_nodes(migration.target)
        if node.unschedulable and node.cordoned_by == migration.name
    ]
    if migration.in_place or migration.backwards or not closed:
        return None
    text = f"uncordoning {len(closed)} nodes of pool {migration.target}, left by a rollback"
    releases = (ReleaseNode(name, migration.name) for name in sorted(closed))
    return ctx.attempt_all(releases, Reason.CORDONING, text)


def cordon_source(ctx: Context) -> Progress:
    """Cordon what is not cordoned; a node that someone uncordoned during the soak is theirs.

    Marks of a former migration of this name, whose clean-up was incomplete, are cleared first.
    """
    pool_progress = ctx.pool_progress
    leftovers = [
        node.name
        for node in ctx.seen.world.pool_nodes(ctx.migration.source)
        if ctx.migration.left_mark(node) and not ctx.migration.batch_of(node)
    ]
    if leftovers:
        return ctx.attempt_all(
            (MarkNode(name, "") for name in sorted(leftovers)),
            Reason.CORDONING,
            f"removing batch marks of a former migration from {len(leftovers)} nodes",
        )
    if (opening := _open_target(ctx)) is not None:
        return opening
    open_nodes = [pool_progress.by_node[name].node for name in sorted(pool_progress.open)]
    if not open_nodes:
        return DONE
    if nodes := taken_back(ctx):
        return refused(
            Reason.NODE_UNCORDONED,
            f"node {nodes[0]} was uncordoned during the soak; cordon it again to go on, or "
            "delete this migration to keep the pool",
        )
    if not ctx.migration.backwards and not cordon_begun(ctx):
        if not ctx.pools_newer_than(FRESH_SECONDS):
            # Somebody may have deleted the target while an approval was waited for.
            text = "reading the pools before the first cordon"
            return ctx.refresh_pools(Reason.READING_POOLS, text)
        # Somebody may have turned the autoscaler on meanwhile, or an older azlm did not hold it.
        if not ctx.migration.in_place and (holding := hold(ctx)).state != "done":
            return holding
    total = len(pool_progress)
    everything_at_once = batch_index(ctx) <= 1 and ctx.migration.batch_nodes(1, total) >= total
    batch = ctx.migration.batch_mark(1) if everything_at_once else ""
    text = (
        f"cordoning {len(open_nodes)} of {len(pool_progress)} nodes of pool {ctx.migration.source}"
    )
    return ctx.attempt_all(
        (
            CordonNode(node.name, ctx.migration.name, "" if node.held else batch)
            for node in open_nodes
        ),
        Reason.CORDONING,
        text,
    )
