"""decide(): the whole migration as one pure function of what is wanted and what is seen.

The same function serves the operator, the simulator and the forecast. It is level-based: called
again with the same arguments it answers the same, and a crash between two calls loses nothing.
"""

from dataclasses import replace

from azure_linux_migrator.api.conditions import ConditionType
from azure_linux_migrator.api.elapsed import Elapsed
from azure_linux_migrator.api.names import ABORT, APPROVE, RETRY
from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.api.status import (
    Phase,
    RollbackStatus,
    SourceRecord,
    since_epoch,
)
from azure_linux_migrator.api.status_drain import BatchProgress
from azure_linux_migrator.api.steps import Step
from azure_linux_migrator.core.preflight.findings import Finding
from azure_linux_migrator.core.reconcile.accounting import accounted
from azure_linux_migrator.core.reconcile.context import context_of
from azure_linux_migrator.core.reconcile.intents import (
    ended,
    remembering,
    token,
    tries_again,
    used,
    with_intents,
    with_stop_mark,
    without_old_tokens,
)
from azure_linux_migrator.core.reconcile.release import leave, release, releases
from azure_linux_migrator.core.reconcile.status import (
    report_aborted,
    report_back,
    report_done,
    report_step,
)
from azure_linux_migrator.core.reconcile.turning_back import asked_back, gives_up, rollback_because
from azure_linux_migrator.core.reconcile.unused_tokens import with_unused_tokens
from azure_linux_migrator.core.state.results import Decision
from azure_linux_migrator.core.steps.drain_reports import drain_reports
from azure_linux_migrator.core.steps.external_changes import stopped, watched
from azure_linux_migrator.core.steps.forecast import current_forecast, forecast
from azure_linux_migrator.core.steps.observation import Observation
from azure_linux_migrator.core.steps.progress import Context, Progress, refused, working
from azure_linux_migrator.core.steps.routes import FINAL, route_of
from azure_linux_migrator.model.actions import READS
from azure_linux_migrator.model.migration import Migration


def decide(migration: Migration, observation: Observation, now: float) -> Decision:
    """What to do now, what to report, and when to look again (`now`: seconds since the epoch)."""
    decision = _decide(migration, observation, now)
    status = remembering(migration, decision.status)
    return replace(decision, status=accounted(migration.status, status, now))


def _decide(migration: Migration, observation: Observation, now: float) -> Decision:
    migration = with_intents(without_old_tokens(migration), now)
    if observation.pools is not None and not migration.deleting:
        source = observation.pools.pools.get(migration.old_pool)
        migration = with_stop_mark(migration, source, now)
    if migration.status.rollback is not None and not migration.deleting:
        migration = replace(migration, backwards=True)
    ctx = context_of(migration, observation, now)
    if migration.deleting:
        return release(ctx)
    if ended(migration.status):
        if not tries_again(migration):
            decision = _ended(ctx)
            return replace(decision, status=with_unused_tokens(migration, decision.status))
        migration = _begin_again(migration)
        ctx = context_of(migration, observation, now)
    if _asks_to_abort(ctx):
        return Decision((), report_aborted(ctx), ctx.now)
    if migration.backwards:
        return _walk_back(ctx)
    if migration.status.is_true(ConditionType.SUCCEEDED):
        observation.memory.forget()
        done = report_done(ctx, migration.status.message)
        return Decision((), with_unused_tokens(migration, done))
    if _already_migrated(ctx):
        return _already_there(ctx)
    if (status := asked_back(ctx)) is not None:
        return _turn_back(ctx, status)
    return _walk(ctx)


def _begin_again(migration: Migration) -> Migration:
    """Another attempt: the batches begin again."""
    fresh = used(migration.status, migration, RETRY, APPROVE, ABORT).model_copy(
        update={
            "phase": Phase.RUNNING,
            "batch": BatchProgress(),
            "elapsed": Elapsed(),
            "rollback": None,
            "aborted_at": None,
            "approved": "",
            "source": SourceRecord(),
            "step": "",
        }
    )
    return replace(migration, status=fresh, backwards=False)


def _ended(ctx: Context) -> Decision:
    """A migration that was rolled back or aborted: nothing of it stays, and nothing begins."""
    if ctx.migration.status.aborted_at is not None:
        return leave(ctx)
    return _walk_back(ctx) if _appeared(ctx) else _rolled_back(ctx)


def _rolled_back(ctx: Context) -> Decision:
    """What was cordoned by us is released again and again, until the spec changes; and a target
    that was asked for by a process that is gone, and only appears now, is removed too."""
    if ctx.migration.paused:
        return Decision((), ctx.migration.status)
    actions, wake_at = releases(ctx)
    ended = ctx.migration.status.condition(ConditionType.STALLED)
    since = since_epoch(ended.last_transition_time if ended else None) or 0.0
    if ctx.migration.backwards and ctx.now < since + LATE_SECONDS:
        refresh = ctx.refresh_pools(Reason.ROLLED_BACK, "", interval=LATE_CHECK_SECONDS)
        wakes = [wake for wake in (wake_at, refresh.wake_at) if wake is not None]
        actions, wake_at = (*actions, *refresh.actions), min(wakes, default=None)
    return Decision(actions, ctx.migration.status, wake_at)


LATE_SECONDS = 600.0
LATE_CHECK_SECONDS = 60.0
"""How long, and how often, a target is looked for that may appear after a rollback."""


def _appeared(ctx: Context) -> bool:
    pool = ctx.pool(ctx.migration.new_pool)
    late = pool is not None and ctx.migration.owns(pool) and not ctx.migration.in_place
    return late and ctx.migration.backwards and not ctx.migration.paused


def _walk(ctx: Context) -> Decision:
    if ctx.migration.only_plans and current_forecast(ctx) is not None:
        return _report(ctx, Step.PREFLIGHT, forecast(ctx))
    route = route_of(ctx.migration)
    start = route.resumes_at(ctx.migration.status.step)
    if start > 1 and not ctx.seen.world_ready:
        # An empty world looks drained: after a restart nothing is concluded before it is full.
        return _report(ctx, ctx.migration.status.step, _READING)
    findings: tuple[Finding, ...] | None = None
    for name, step in route.steps[start:]:
        progress = step(ctx)
        findings = progress.findings if progress.findings is not None else findings
        if name in route.guarded:
            progress = stopped(ctx) or progress
        if progress.state == "done" and not (ctx.migration.only_plans and name == Step.PREFLIGHT):
            continue
        if progress.state == "done":
            progress = forecast(ctx)
        if progress.state == "refused" and gives_up(ctx, name, progress.reason):
            return _turn_back(ctx, rollback_because(ctx, progress.reason, progress.message))
        progress = watched(ctx, progress) if name in route.guarded else progress
        return _report(ctx, name, progress, findings)
    return Decision((), report_done(ctx, _moved(ctx.migration), findings=findings))


_READING = working(Reason.READING_CLUSTER, "waiting for the first lists of nodes and pods")


def _moved(migration: Migration) -> str:
    if migration.in_place:
        return f"node pool {migration.source} runs {migration.spec.target.os_sku}"
    return f"node pool {migration.source} moved to {migration.target}"


def _asks_to_abort(ctx: Context) -> bool:
    """An admin asks to stop for good: this acts once, and until the source is being retired, or is
    changed by AKS itself (InPlace)."""
    migration, step = ctx.migration, ctx.migration.status.step
    if migration.status.is_true(ConditionType.SUCCEEDED):
        return False
    last = Step.UPDATE_IN_PLACE if migration.in_place else FINAL
    early = not step or route_of(migration).before(step, last)
    return bool(token(migration, ABORT)) and (migration.backwards or early)


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
            # Somebody may delete the pool that everything goes back to.
            progress = watched(ctx, progress) if name in route.guarded else progress
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
    actions = (*progress.actions, *drain_reports(ctx))
    if ctx.migration.paused or ctx.migration.only_plans:
        actions = tuple(action for action in actions if isinstance(action, READS))
    status = with_unused_tokens(ctx.migration, report_step(ctx, name, progress, findings))
    return Decision(actions, status, progress.wake_at)


def _already_migrated(ctx: Context) -> bool:
    """A re-created resource, or one applied twice: the tags show that the work is done.

    The source pool is gone, and the pool that carries this migration's tags stands.
    """
    if ctx.seen.pools is None or ctx.migration.status.step not in {"", Step.PREFLIGHT}:
        return False
    target = ctx.pool(ctx.migration.target)
    return (
        not ctx.migration.in_place
        and ctx.pool(ctx.migration.source) is None
        and target is not None
        and target.succeeded
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
