"""decide(): the whole migration as one pure function of what is wanted and what is seen.

The same function serves the operator, the simulator and the forecast. It is level-based: called
again with the same arguments it answers the same, and a crash between two calls loses nothing.
"""

from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.core.actions import READS, ReleaseNode
from azure_linux_migrator.core.drain.survey import survey
from azure_linux_migrator.core.migration import Decision, Migration, Observation
from azure_linux_migrator.core.progress import DONE, Context, Progress, working
from azure_linux_migrator.core.report import report_done, report_releasing, report_step
from azure_linux_migrator.core.steps import BLUE_GREEN, position, resumes_at


def decide(migration: Migration, seen: Observation, now: float) -> Decision:
    """What to do now, what to tell, and when to look again (`now`: seconds since the epoch)."""
    seen.world.ledger.expire(now)
    ctx = Context(migration, seen, survey(seen.world, migration.source, migration.spec.drain), now)
    if migration.deleting:
        return _release(ctx)
    if migration.status.is_true("Succeeded"):
        return Decision((), report_done(ctx, _kept_message(migration.status)))
    if _already_migrated(ctx):
        return Decision((), report_done(ctx, _already(migration), reason="AlreadyMigrated"))
    return _walk(ctx)


def _walk(ctx: Context) -> Decision:
    start = resumes_at(ctx.migration.status.step)
    if start >= position("CordonSource") and not ctx.seen.world_ready:
        # An empty world looks drained: after a restart nothing is concluded before it is full.
        waiting = working("ReadingCluster", "waiting for the first lists of nodes and pods")
        return _report(ctx, ctx.migration.status.step, waiting)
    for name, step in BLUE_GREEN[start:]:
        progress = step(ctx)
        if progress.state != "done":
            return _report(ctx, name, progress)
    return Decision(
        (), report_done(ctx, f"node pool {ctx.migration.source} moved to {ctx.migration.target}")
    )


def _report(ctx: Context, name: str, progress: Progress) -> Decision:
    actions = progress.actions
    if ctx.migration.spec.paused:
        actions = tuple(action for action in actions if isinstance(action, READS))
    return Decision(actions, report_step(ctx, name, progress), progress.wake_at)


def _already_migrated(ctx: Context) -> bool:
    """A re-created resource, or one applied twice: the tags tell that the work is done.

    The source pool is gone, and the pool that carries this migration's tags stands.
    """
    if ctx.seen.pools is None or ctx.migration.status.step not in {"", "Preflight"}:
        return False
    target = ctx.pool(ctx.migration.target)
    return (
        ctx.pool(ctx.migration.source) is None
        and target is not None
        and target.state == "Succeeded"
        and ctx.migration.owns(target)
    )


def _already(migration: Migration) -> str:
    return f"node pool {migration.source} is gone and {migration.target}, which replaced it, stands"


def _kept_message(status: MigrationStatus) -> str:
    return status.message


def _release(ctx: Context) -> Decision:
    """The resource is being deleted: undo our cordons and marks, start nothing, delete nothing."""
    if ctx.migration.status.is_true("Succeeded"):
        return Decision((), report_releasing(ctx, DONE), released=True)
    ours = [
        node
        for node in ctx.seen.world.pool_nodes(ctx.migration.source)
        if node.cordoned_by == ctx.migration.name or ctx.migration.batch_of(node)
    ]
    if not ours and ctx.seen.world_ready:
        return Decision((), report_releasing(ctx, DONE), released=True)
    attempts = [
        ctx.attempt(ReleaseNode(node.name, ctx.migration.name), "Releasing", "uncordoning")
        for node in ours
    ]
    actions = tuple(action for each in attempts for action in each.actions)
    wakes = [each.wake_at for each in attempts if each.wake_at is not None]
    return Decision(actions, report_releasing(ctx, Progress("working")), min(wakes, default=None))
