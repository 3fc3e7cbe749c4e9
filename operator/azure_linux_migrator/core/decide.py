"""decide(): the whole migration as one pure function of what is wanted and what is seen.

The same function serves the operator, the simulator and the forecast. It is level-based: called
again with the same arguments it answers the same, and a crash between two calls loses nothing.
"""

from dataclasses import replace

from azure_linux_migrator.api.status import BatchProgress, MigrationStatus, Phase, since_epoch
from azure_linux_migrator.core.actions import READS, Action, ReleaseNode, RestoreScale
from azure_linux_migrator.core.drain.planner import Planner
from azure_linux_migrator.core.drain.roster import Scope
from azure_linux_migrator.core.migration import Decision, Migration, Observation
from azure_linux_migrator.core.progress import DONE, Context, Progress, working
from azure_linux_migrator.core.report import report_done, report_releasing, report_step
from azure_linux_migrator.core.steps import BLUE_GREEN, position, resumes_at


def decide(migration: Migration, seen: Observation, now: float) -> Decision:
    """What to do now, what to tell, and when to look again (`now`: seconds since the epoch)."""
    ctx = _context(migration, seen, now)
    if migration.deleting:
        return _release(ctx)
    if migration.status.phase == Phase.ROLLED_BACK:
        if migration.status.observed_generation == migration.generation:
            return _rolled_back(ctx)
        migration = _begin_again(migration)
        ctx = _context(migration, seen, now)
    if migration.status.is_true("Succeeded"):
        seen.world.listeners.pop(migration.name, None)
        return Decision((), report_done(ctx, _kept_message(migration.status)))
    if _already_migrated(ctx):
        return Decision((), report_done(ctx, _already(migration), reason="AlreadyMigrated"))
    return _walk(ctx)


def _context(migration: Migration, seen: Observation, now: float) -> Context:
    scope = Scope(
        migration.name, migration.source, migration.target, migration.spec.drain, seen.own_pod
    )
    planner = Planner.of(seen.world, scope)
    planner.began = since_epoch(migration.status.batch.started_at) or 0.0
    return Context(migration, seen, planner, planner.plan(now, migration.uid), now)


def _begin_again(migration: Migration) -> Migration:
    """A changed spec ends a rollback: the batches begin anew."""
    fresh = migration.status.model_copy(update={"phase": Phase.RUNNING, "batch": BatchProgress()})
    return replace(migration, status=fresh)


def _rolled_back(ctx: Context) -> Decision:
    """What was cordoned by us is released again and again, until the spec changes."""
    actions, wake_at = _releases(ctx)
    return Decision(actions, ctx.migration.status, wake_at)


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
    actions, wake_at = _releases(ctx)
    if not actions and wake_at is None and ctx.seen.world_ready:
        ctx.seen.world.listeners.pop(ctx.migration.name, None)
        return Decision((), report_releasing(ctx, DONE), released=True)
    return Decision(actions, report_releasing(ctx, Progress("working")), wake_at)


def _releases(ctx: Context) -> tuple[tuple[Action, ...], float | None]:
    """Undo our cordons, our marks and our surges; with the time to try again, if one failed."""
    name = ctx.migration.name
    undo: list[Action] = [
        ReleaseNode(node.name, name)
        for node in ctx.seen.world.pool_nodes(ctx.migration.source)
        if node.cordoned_by == name or ctx.migration.batch_of(node)
    ]
    for each in ctx.seen.world.catalog.surged_by(name):
        original = each.surge.rpartition("/")[2]
        if original.isdecimal():
            undo.append(RestoreScale(each.key, int(original)))
    attempts = [ctx.attempt(action, "Releasing", "undoing") for action in undo]
    wakes = [each.wake_at for each in attempts if each.wake_at is not None]
    actions = tuple(action for each in attempts for action in each.actions)
    return actions, min(wakes, default=None)
