"""CordonSource: every source node takes no new pods, so that each pod moves exactly once."""

from azure_linux_migrator.api.quantities import share
from azure_linux_migrator.core.actions import CordonNode
from azure_linux_migrator.core.progress import DONE, Context, Progress, refused, working


def cordon_source(ctx: Context) -> Progress:
    """Cordon what is not cordoned; a node that someone uncordoned during the soak is theirs."""
    loads = ctx.loads
    open_nodes = [loads.by_node[name].node for name in sorted(loads.open)]
    if not open_nodes:
        return DONE
    taken_back = [node.name for node in open_nodes if node.cordoned_by == ctx.migration.name]
    if taken_back and ctx.migration.status.soak_started_at:
        return refused(
            "SourceInUse",
            f"node {taken_back[0]} was uncordoned during the soak; cordon it again to go on, or "
            "delete this migration to keep the pool",
        )
    everything_at_once = share(ctx.migration.batch_size, len(loads)) >= len(loads)
    batch = ctx.migration.batch_mark(1) if everything_at_once else ""
    attempts = [
        ctx.attempt(
            CordonNode(node.name, ctx.migration.name, batch),
            "Cordoning",
            f"cordoning {len(open_nodes)} of {len(loads)} nodes of pool {ctx.migration.source}",
        )
        for node in open_nodes
    ]
    worst = next((each for each in attempts if each.reason != "Cordoning"), attempts[0])
    actions = tuple(action for each in attempts for action in each.actions)
    answer = refused if worst.state == "refused" else working
    return answer(worst.reason, worst.message, *actions, wake_at=worst.wake_at)
