"""decide(): the whole migration as one pure function of what is wanted and what is seen.

The same function serves the operator, the simulator and the forecast. It is level-based: called
again with the same arguments it answers the same, and a crash between two calls loses nothing.
"""

from dataclasses import replace
from functools import cache, partial

from azure_linux_migrator.api.conditions import ConditionType
from azure_linux_migrator.api.names import APPROVE, TAG_AUTOSCALER
from azure_linux_migrator.api.names import ROLLBACK as ROLLBACK_TOKEN
from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.api.spec import FailurePolicy, SourcePool
from azure_linux_migrator.api.spec_drain import TimeoutPolicy
from azure_linux_migrator.api.status import (
    BatchProgress,
    MigrationStatus,
    Phase,
    RollbackStatus,
    SourceRecord,
    since_epoch,
    timestamp,
)
from azure_linux_migrator.api.steps import Step
from azure_linux_migrator.core.drain.scope import Scope
from azure_linux_migrator.core.preflight.findings import Finding
from azure_linux_migrator.core.reconcile.status import (
    report_back,
    report_done,
    report_releasing,
    report_step,
)
from azure_linux_migrator.core.state.results import Decision
from azure_linux_migrator.core.steps import autoscaler
from azure_linux_migrator.core.steps.approvals import TOKEN_LIMIT
from azure_linux_migrator.core.steps.drain import HOLDS, TIMED_OUT, scales_to_restore
from azure_linux_migrator.core.steps.external_changes import stopped, watched
from azure_linux_migrator.core.steps.forecast import current_forecast, forecast
from azure_linux_migrator.core.steps.observation import Observation
from azure_linux_migrator.core.steps.progress import DONE, Context, Progress, refused, working
from azure_linux_migrator.core.steps.routes import FINAL, route_of
from azure_linux_migrator.model.actions import READS, Action, ReadPools, ReleaseNode
from azure_linux_migrator.model.migration import Migration


def decide(migration: Migration, observation: Observation, now: float) -> Decision:
    """What to do now, what to tell, and when to look again (`now`: seconds since the epoch)."""
    if not migration.status.step and not migration.status.conditions:
        migration = _without_old_tokens(migration)
    if migration.status.rollback is not None and not migration.deleting:
        migration = replace(migration, backwards=True)
    ctx = context_of(migration, observation, now)
    if migration.deleting:
        return _release(ctx)
    if migration.status.phase == Phase.ROLLED_BACK:
        if migration.status.observed_generation == migration.generation:
            return _walk_back(ctx) if _appeared(ctx) else _rolled_back(ctx)
        migration = _begin_again(migration)
        ctx = context_of(migration, observation, now)
    if migration.backwards:
        return _walk_back(ctx)
    if migration.status.is_true(ConditionType.SUCCEEDED):
        observation.memory.forget()
        return Decision((), report_done(ctx, _kept_message(migration.status)))
    if _already_migrated(ctx):
        return _already_there(ctx)
    if (status := _asked_back(ctx)) is not None:
        return _turn_back(ctx, status)
    return _walk(ctx)


def context_of(migration: Migration, observation: Observation, now: float) -> Context:
    """What steps look at."""
    scope = Scope(
        migration.name,
        migration.source,
        migration.target,
        migration.spec.drain,
        observation.own_pod,
        migration.spec.target.os_sku if migration.in_place else "",
        migration.uid,
    )
    # Which pods came after that is told by those that are there: not before all of them are read.
    began = since_epoch(migration.status.batch.started_at) if observation.world_ready else None
    # No pod of the second in which the resource was made replaces one that it moved, whatever the
    # clock said by which the start was recorded.
    start = since_epoch(migration.status.start_time)
    since = 0.0 if start is None else max(start, migration.created + 1.0)
    planner = observation.memory.planner(observation.world, scope, began=began or 0.0, since=since)
    make_plan = cache(partial(planner.plan, now, migration.uid))
    return Context(migration, observation, planner, make_plan, now)


def _without_old_tokens(migration: Migration) -> Migration:
    """A resource that was created with tokens was exported with them: they were meant for another
    attempt. New words are asked for."""
    tokens = {
        "handled_approval": migration.annotations.get(APPROVE, "")[:TOKEN_LIMIT],
        "handled_rollback": migration.annotations.get(ROLLBACK_TOKEN, "")[:TOKEN_LIMIT],
    }
    given = {field: token for field, token in tokens.items() if token}
    return (
        replace(migration, status=migration.status.model_copy(update=given)) if given else migration
    )


def _begin_again(migration: Migration) -> Migration:
    """A changed spec ends a rollback: the batches begin again."""
    fresh = migration.status.model_copy(
        update={
            "phase": Phase.RUNNING,
            "batch": BatchProgress(),
            "rollback": None,
            "approved": "",
            "handled_approval": migration.annotations.get(APPROVE, "")[:TOKEN_LIMIT],
            "source": SourceRecord(),
            **({"step": ""} if migration.backwards else {}),
        }
    )
    return replace(migration, status=fresh, backwards=False)


def _rolled_back(ctx: Context) -> Decision:
    """What was cordoned by us is released again and again, until the spec changes; and a target
    that was asked for by a process that is gone, and only appears now, is removed too."""
    if ctx.migration.spec.paused:
        return Decision((), ctx.migration.status)
    actions, wake_at = _releases(ctx)
    ended = ctx.migration.status.condition(ConditionType.STALLED)
    since = since_epoch(ended.last_transition_time if ended else None) or 0.0
    if ctx.migration.backwards and ctx.now < since + LATE_SECONDS:
        look = ctx.refresh_pools(Reason.ROLLED_BACK, "", interval=LATE_LOOK_SECONDS)
        wakes = [each for each in (wake_at, look.wake_at) if each is not None]
        actions, wake_at = (*actions, *look.actions), min(wakes, default=None)
    return Decision(actions, ctx.migration.status, wake_at)


LATE_SECONDS = 600.0
LATE_LOOK_SECONDS = 60.0
"""How long, and how often, a target is looked for that may appear after a rollback."""


def _appeared(ctx: Context) -> bool:
    pool = ctx.pool(ctx.migration.new_pool)
    late = pool is not None and ctx.migration.owns(pool) and not ctx.migration.in_place
    return late and ctx.migration.backwards and not ctx.migration.spec.paused


def _walk(ctx: Context) -> Decision:
    if ctx.migration.only_plans and current_forecast(ctx) is not None:
        return _report(ctx, Step.PREFLIGHT, forecast(ctx))
    route = route_of(ctx.migration)
    start = route.resumes_at(ctx.migration.status.step)
    if start > 1 and not ctx.seen.world_ready:
        # An empty world looks drained: after a restart nothing is concluded before it is full.
        return _report(ctx, ctx.migration.status.step, _READING)
    found: tuple[Finding, ...] | None = None
    for name, step in route.steps[start:]:
        progress = step(ctx)
        found = progress.findings if progress.findings is not None else found
        if name in route.guarded:
            progress = stopped(ctx) or progress
        if progress.state == "done" and not (ctx.migration.only_plans and name == Step.PREFLIGHT):
            continue
        if progress.state == "done":
            progress = forecast(ctx)
        if progress.state == "refused" and _gives_up(ctx, name, progress.reason):
            return _turn_back(ctx, _back(ctx, progress.reason, progress.message))
        progress = watched(ctx, progress) if name in route.guarded else progress
        return _report(ctx, name, progress, found)
    return Decision((), report_done(ctx, _moved(ctx.migration), findings=found))


_READING = working(Reason.READING_CLUSTER, "waiting for the first lists of nodes and pods")


def _moved(migration: Migration) -> str:
    if migration.in_place:
        return f"node pool {migration.source} runs {migration.spec.target.os_sku}"
    return f"node pool {migration.source} moved to {migration.target}"


_NO_WAY_BACK = frozenset(
    (Reason.TARGET_POOL_EXISTS, Reason.SOURCE_POOL_GONE, Reason.POOL_GONE, Reason.NODE_UNCORDONED)
)
"""Refusals that a rollback would make worse: there is no pool to go back to, none of ours to leave,
or an admin has just said what he wants."""


_LATE = frozenset((TIMED_OUT, *HOLDS, Reason.TARGET_NODES_NOT_READY))
"""Refusals that spec.drain.onTimeout is about: a batch, or a wait, lasted too long."""


def _gives_up(ctx: Context, step: str, reason: str) -> bool:
    """Whether a refused step is a failure that spec.onFailure turns into a rollback."""
    spec = ctx.migration.spec
    late = reason in _LATE and spec.drain.on_timeout is TimeoutPolicy.ROLLBACK
    return (
        (late or spec.on_failure is FailurePolicy.ROLLBACK)
        and not spec.paused
        and not ctx.migration.in_place
        and step != Step.PREFLIGHT
        and route_of(ctx.migration).before(step, FINAL)
        and reason not in _NO_WAY_BACK
    )


def _asked_back(ctx: Context) -> RollbackStatus | None:
    """An admin's word to go back: taken once, and until the source is being retired."""
    token = ctx.migration.annotations.get(ROLLBACK_TOKEN, "")
    route, step = route_of(ctx.migration), ctx.migration.status.step
    begun = route.position(step) > 0 and not ctx.migration.in_place
    if not token or token[:TOKEN_LIMIT] == ctx.migration.status.handled_rollback or not begun:
        return None
    if not route.before(step, FINAL):
        return None
    return _back(
        ctx, Reason.REQUESTED, f"asked for by the annotation {ROLLBACK_TOKEN}={token[:64]}"
    )


def _back(ctx: Context, reason: str, message: str) -> RollbackStatus:
    return RollbackStatus(reason=reason, message=message[:1024], requested_at=timestamp(ctx.now))


def _turn_back(ctx: Context, why: RollbackStatus) -> Decision:
    """Record that everything is moved back; the way back begins with the next decision."""
    return Decision((), report_back(ctx, why), ctx.now)


def _walk_back(ctx: Context) -> Decision:
    route = route_of(ctx.migration)
    if not ctx.seen.world_ready:
        return _report(ctx, ctx.migration.status.step, _READING)
    for name, step in route.steps[route.resumes_at(ctx.migration.status.step) :]:
        progress = step(ctx)
        if progress.state != "done":
            return _report(ctx, name, progress)
    why = ctx.migration.status.rollback
    pool = ctx.pool(ctx.migration.new_pool)
    left = "is gone" if pool is None else "stands, since it is not this migration's"
    reason, message = (why.reason, why.message) if why else (Reason.REQUESTED, "")
    text = (
        f"everything is on node pool {ctx.migration.old_pool} again and {ctx.migration.new_pool} "
        f"{left} ({reason}: {message}); change the spec to try again"
    )
    return _report(ctx, route.steps[-1][0], refused(Reason.ROLLED_BACK, text))


def _report(
    ctx: Context, name: str, progress: Progress, findings: tuple[Finding, ...] | None = None
) -> Decision:
    actions = progress.actions
    if ctx.migration.spec.paused or ctx.migration.only_plans:
        actions = tuple(action for action in actions if isinstance(action, READS))
    return Decision(actions, report_step(ctx, name, progress, findings), progress.wake_at)


def _already_migrated(ctx: Context) -> bool:
    """A re-created resource, or one applied twice: the tags tell that the work is done.

    The source pool is gone, and the pool that carries this migration's tags stands.
    """
    if ctx.seen.pools is None or ctx.migration.status.step not in {"", Step.PREFLIGHT}:
        return False
    target = ctx.pool(ctx.migration.target)
    return (
        not ctx.migration.in_place
        and ctx.pool(ctx.migration.source) is None
        and target is not None
        and target.state == "Succeeded"
        and ctx.migration.owns(target)
    )


def _already_there(ctx: Context) -> Decision:
    """What may be left to do is what comes after the source is gone."""
    route = route_of(ctx.migration)
    for name, step in route.steps[route.position(FINAL) + 1 :]:
        progress = step(ctx)
        if progress.state != "done":
            return _report(ctx, name, progress)
    return Decision((), report_done(ctx, _already(ctx.migration), reason=Reason.ALREADY_MIGRATED))


def _already(migration: Migration) -> str:
    return f"node pool {migration.source} is gone and {migration.target}, which replaced it, stands"


def _kept_message(status: MigrationStatus) -> str:
    return status.message


def _release(ctx: Context) -> Decision:
    """The resource is being deleted: undo our cordons and marks, start nothing, delete nothing.

    A source that a finished migration has kept is cordoned, too.
    """
    actions, wake_at = _releases(ctx)
    if not actions and wake_at is None and ctx.seen.world_ready:
        given_back = _gives_back(ctx)
        if given_back.state == "working":
            return Decision(
                given_back.actions, report_releasing(ctx, given_back), given_back.wake_at
            )
        # What Azure refuses for good is told, and does not keep the resource from going.
        ctx.seen.memory.forget()
        return Decision((), report_releasing(ctx, given_back), released=True)
    return Decision(actions, report_releasing(ctx, Progress("working")), wake_at)


def _gives_back(ctx: Context) -> Progress:
    """A pool that stays gets its autoscaler back; one that was emptied for good does not."""
    retired = ctx.migration.status.completion_time and (
        ctx.migration.spec.source_pool is not SourcePool.KEEP
    )
    if ctx.migration.status.source.autoscaler is None or retired:
        return DONE
    if ctx.seen.pools is None:
        return ctx.attempt(ReadPools(), Reason.RELEASING, "reading the cluster's node pools")
    pool = ctx.pool(ctx.migration.old_pool)
    if pool is None or not pool.tag(TAG_AUTOSCALER):
        return DONE
    return autoscaler.restore(ctx)


def _releases(ctx: Context) -> tuple[tuple[Action, ...], float | None]:
    """Undo our cordons, our marks and our surges; with the time to try again, if one failed."""
    name = ctx.migration.name
    undo: list[Action] = [
        ReleaseNode(node.name, name)
        for node in ctx.seen.world.nodes.values()
        if node.cordoned_by == name or ctx.migration.left_mark(node)
    ]
    undo += scales_to_restore(ctx)
    if not undo:
        return (), None
    undone = ctx.attempt_all(undo, Reason.RELEASING, "undoing")
    return undone.actions, undone.wake_at
