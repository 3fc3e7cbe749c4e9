"""Whether what was moved is placed: before anything is done that cannot be taken back."""

from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.core.steps.progress import Context, Progress, working
from azure_linux_migrator.core.steps.waits import bounded, waited
from azure_linux_migrator.model.cluster import Node

CHECK_SECONDS = 30.0
"""Looked at again after this even if nothing happens: only against lost events."""

BLIP_SECONDS = 300.0
"""Nodes that are NotReady for less than this do not make a soak begin again."""


def target_not_ready(ctx: Context) -> Progress | None:
    """Why the pool that was filled cannot be relied on now; None where it can. A refusal once that
    has lasted longer than spec.drain.timeout.

    All its nodes answer, and the scheduler has found a node for every pod that replaces a moved
    one. On the way back one node is enough: a node of the old pool that never answered is not
    ours to wait for.
    """
    return bounded(ctx, "target", _not_ready(ctx))


def blip(ctx: Context) -> bool:
    """Whether the target has not been ready for so short a time that a soak goes on."""
    return waited(ctx, "target") < BLIP_SECONDS


def _not_ready(ctx: Context) -> Progress | None:
    if (stale := watch_stale(ctx)) is not None:
        return stale
    name = ctx.migration.target
    nodes = list(ctx.seen.world.pool_nodes(name))
    ready = sum(node.ready for node in nodes)
    least = 1 if ctx.migration.backwards else max(len(nodes), 1)
    if ready < least:
        text = f"{ready} of {len(nodes)} nodes of pool {name} are Ready"
        return working(Reason.TARGET_NODES_NOT_READY, text, wake_at=ctx.now + CHECK_SECONDS)
    return unsound_replacements(ctx)


def watch_stale(ctx: Context) -> Progress | None:
    """A watch that has delivered nothing for long: what it does not show proves nothing."""
    if not ctx.seen.watch_problem:
        return None
    text = f"nothing is moved or removed while {ctx.seen.watch_problem}"
    return working(Reason.WATCH_STALE, text, wake_at=ctx.now + CHECK_SECONDS)


def no_usable_node(ctx: Context) -> Progress | None:
    """No node of the pool that is filled could take a pod: they are NotReady, cordoned or tainted.
    None where one could."""
    name = ctx.migration.target
    nodes = list(ctx.seen.world.pool_nodes(name))
    ready = [node for node in nodes if node.ready]
    usable = [node for node in ready if not node.unschedulable and not strange_taints(ctx, node)]
    if usable:
        return None
    text = f"no node of target pool {name} is Ready"
    if ready and all(node.unschedulable for node in ready):
        text = f"all Ready nodes of target pool {name} are cordoned: kubectl uncordon one"
    elif ready and (taints := strange_taints(ctx, ready[0])):
        text = f"the nodes of target pool {name} are tainted {taints[0]}"
    text += "; nothing is evicted until there is a node that takes pods"
    return working(Reason.TARGET_NOT_READY, text, wake_at=ctx.now + CHECK_SECONDS)


def strange_taints(ctx: Context, node: Node) -> list[str]:
    """Taints of a target node that keep pods away, and that neither the nodes of the source have
    nor the spec asks for: startup taints that nobody has removed."""
    if not node.taints:
        return []
    usual = {
        _key(taint)
        for other in ctx.seen.world.pool_nodes(ctx.migration.source)
        for taint in other.taints
    }
    usual |= {_key(taint) for taint in ctx.migration.spec.target.taints or ()}
    return [taint for taint in node.taints if _key(taint) not in usual]


def _key(taint: str) -> str:
    return taint.partition(":")[0].partition("=")[0]


def counted(pods: int) -> str:
    """So many pods, in words."""
    return f"{pods} pod" if pods == 1 else f"{pods} pods"


def unsound_replacements(ctx: Context) -> Progress | None:
    """What was moved and has not come back: without a node, not made, or not Ready."""
    return unschedulable_replacements(ctx) or unrecovered_workloads(ctx)


def unrecovered_workloads(ctx: Context) -> Progress | None:
    """Replacements that are not made, or do not become Ready; on the way back they hold nothing
    up: it leads away from the OS that may be the cause."""
    blockers = ctx.plan.unrecovered
    if not blockers or ctx.migration.backwards:
        return None
    more = f" and {len(blockers) - 1} more" if len(blockers) > 1 else ""
    return working(
        Reason.REPLACEMENTS_UNHEALTHY,
        f"nothing more is moved or removed while moved pods do not come back: "
        f"{blockers[0].message}{more}",
        wake_at=ctx.now + CHECK_SECONDS,
    )


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
        wake_at=ctx.now + CHECK_SECONDS,
    )
