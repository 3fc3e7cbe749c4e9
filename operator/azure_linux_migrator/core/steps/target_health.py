"""Whether what was moved stands: before anything is done that cannot be taken back."""

from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.core.steps.progress import Context, Progress, working

LOOK_SECONDS = 30.0
"""Looked at again after this even if nothing happens: only against lost events."""


def target_not_ready(ctx: Context) -> Progress | None:
    """Why the pool that was filled cannot be relied on now; None where it can.

    All its nodes answer, and the scheduler has found a node for every pod that replaces a moved
    one. On the way back one node is enough: a node of the old pool that never answered is not
    ours to wait for.
    """
    if (stale := watch_stale(ctx)) is not None:
        return stale
    name = ctx.migration.target
    nodes = list(ctx.seen.world.pool_nodes(name))
    ready = sum(node.ready for node in nodes)
    wanted = 1 if ctx.migration.backwards else max(len(nodes), 1)
    if ready < wanted:
        text = f"{ready} of {len(nodes)} nodes of pool {name} are Ready"
        return working(Reason.TARGET_NODES_NOT_READY, text, wake_at=ctx.now + LOOK_SECONDS)
    return unschedulable_replacements(ctx)


def watch_stale(ctx: Context) -> Progress | None:
    """A watch that has told nothing for long: what it does not show proves nothing."""
    if not ctx.seen.watch_problem:
        return None
    text = f"nothing is moved or removed while {ctx.seen.watch_problem}"
    return working(Reason.WATCH_STALE, text, wake_at=ctx.now + LOOK_SECONDS)


def counted(pods: int) -> str:
    """So many pods, in words."""
    return f"{pods} pod" if pods == 1 else f"{pods} pods"


def unschedulable_replacements(ctx: Context) -> Progress | None:
    """Pods that replace moved ones and that no node has room for."""
    pods = ctx.plan.unschedulable_replacements
    if not pods:
        return None
    first = pods[0]
    return working(
        Reason.REPLACEMENTS_UNSCHEDULABLE,
        f"nothing more is moved or removed while {counted(len(pods))} moved before cannot be "
        f"placed: {first.key}: {first.unschedulable}",
        wake_at=ctx.now + LOOK_SECONDS,
    )
