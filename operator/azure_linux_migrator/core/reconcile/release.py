"""What a migration leaves behind when it is deleted or aborted: no cordon, mark or surge of its
own, and the source with its autoscaler."""

from azure_linux_migrator.api.names import TAG_AUTOSCALER, TAG_STOP
from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.api.spec import SourcePool
from azure_linux_migrator.core.reconcile.intents import stop_mark
from azure_linux_migrator.core.reconcile.status import report_releasing
from azure_linux_migrator.core.state.results import Decision
from azure_linux_migrator.core.steps import autoscaler
from azure_linux_migrator.core.steps.drain_reports import reports_to_clear
from azure_linux_migrator.core.steps.progress import DONE, Context, Progress
from azure_linux_migrator.core.steps.surge_records import scales_to_restore, surges_to_forget
from azure_linux_migrator.model.actions import Action, ReadPools, ReleaseNode, UpdatePool


def release(ctx: Context) -> Decision:
    """The resource is being deleted: undo our cordons and marks, start nothing, delete nothing.

    A source that a finished migration has kept is cordoned, too.
    """
    actions, wake_at = releases(ctx)
    if not actions and wake_at is None and ctx.seen.world_ready:
        given_back = _gives_back(ctx)
        if given_back.state == "working":
            return Decision(
                given_back.actions, report_releasing(ctx, given_back), given_back.wake_at
            )
        marked = _marks(ctx)
        if marked.state == "working":
            return Decision(marked.actions, report_releasing(ctx, marked), marked.wake_at)
        # What Azure refuses for good is reported, and does not keep the resource from going.
        ctx.seen.memory.forget()
        reason = f"{given_back.message}. " if given_back.message else ""
        last = Progress("working", message=reason + _left(ctx))
        return Decision((), report_releasing(ctx, last, Reason.DELETED), released=True)
    return Decision(actions, report_releasing(ctx, Progress("working")), wake_at)


def _left(ctx: Context) -> str:
    """Which pools stay, how to resume, and how to remove what is not needed."""
    migration = ctx.migration
    old, new = (_standing(ctx, name) for name in (migration.old_pool, migration.new_pool))
    stay = " and ".join(dict.fromkeys(text for text in (old, new) if text)) or "no pool of it"
    if migration.in_place or not new:
        return f"deleted; what stays: {stay}"
    remove = "az aks nodepool delete --name"
    if migration.status.completion_time:
        also = f". To remove {migration.old_pool}: {remove} {migration.old_pool}" if old else ""
        return f"deleted; what stays: {stay}{also}"
    return (
        f"deleted; what stays: {stay}. To resume, apply the migration again. To go back instead, "
        f"kubectl cordon and drain the nodes of {migration.new_pool}, then {remove} "
        f"{migration.new_pool}"
    )


def _standing(ctx: Context, name: str) -> str:
    """A pool with the number of its nodes; empty where it is not there."""
    nodes = sum(node.pool == name for node in ctx.seen.world.nodes.values())
    stands = bool(nodes) or ctx.pool(name) is not None
    return f"node pool {name} ({nodes} node{'' if nodes == 1 else 's'})" if stands else ""


def leave(ctx: Context) -> Decision:
    """The migration was aborted: undo our cordons and marks again and again, and give the source
    its autoscaler back. Both pools stay."""
    actions, wake_at = releases(ctx)
    given_back = _gives_back(ctx) if not actions and ctx.seen.world_ready else DONE
    wakes = [wake for wake in (wake_at, given_back.wake_at) if wake is not None]
    status = ctx.migration.status
    return Decision((*actions, *given_back.actions), status, min(wakes, default=None))


def _gives_back(ctx: Context) -> Progress:
    """A pool that stays gets its autoscaler back; one that was emptied for good does not."""
    retired = ctx.migration.status.completion_time and (
        ctx.migration.spec.source_pool is not SourcePool.KEEP
    )
    if retired:
        return DONE
    if ctx.seen.pools is None:
        # Without a record of them, there is nothing to wait for.
        if ctx.migration.status.source.autoscaler is None:
            return DONE
        return ctx.attempt(ReadPools(), Reason.RELEASING, "reading the cluster's node pools")
    pool = ctx.pool(ctx.migration.old_pool)
    if pool is None or not (pool.tag(TAG_AUTOSCALER) or autoscaler.holding(ctx)):
        return DONE
    return autoscaler.restore(ctx)


def _marks(ctx: Context) -> Progress:
    """Leave to a successor of the same name, in a tag of the source, that it was paused or stopped
    and what was approved: a GitOps tool may apply the resource again at once."""
    mark, text = stop_mark(ctx.migration), "recording in a tag of the source that it was stopped"
    if not mark and not ctx.migration.status.handled_stop:
        return DONE
    if ctx.seen.pools is None:
        return ctx.attempt(ReadPools(), Reason.RELEASING, text)
    pool = ctx.pool(ctx.migration.old_pool)
    if pool is None or pool.tag(TAG_STOP) == mark:
        return DONE
    action = UpdatePool(pool.name, (), pool.etag, ((TAG_STOP, mark or None),))
    return autoscaler.update(ctx, action, Reason.RELEASING, text)


def releases(ctx: Context) -> tuple[tuple[Action, ...], float | None]:
    """Undo our cordons, marks, surges and conditions of nodes; with the time to try again, if one
    failed."""
    name = ctx.migration.name
    undo: list[Action] = [
        ReleaseNode(node.name, name)
        for node in ctx.seen.world.nodes.values()
        if node.cordoned_by == name or ctx.migration.left_mark(node)
    ]
    undo += scales_to_restore(ctx) + surges_to_forget(ctx) + reports_to_clear(ctx)
    if not undo:
        return (), None
    undone = ctx.attempt_all(undo, Reason.RELEASING, "undoing")
    return undone.actions, undone.wake_at
