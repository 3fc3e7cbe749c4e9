"""Mutations of steps: left out, too early, or in the wrong order.

If one check is behind another, a mutation removes both: removing one would change nothing.
"""

from dataclasses import replace
from typing import Any

from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.core.drain import node_progress, pod_tracker
from azure_linux_migrator.core.reconcile import context, loop
from azure_linux_migrator.core.reconcile import decide as deciding
from azure_linux_migrator.core.reconcile.status import report_step
from azure_linux_migrator.core.state.results import Decision
from azure_linux_migrator.core.steps import (
    approvals,
    create_target,
    drain,
    pool_size,
    retire_source,
    rolling,
    soak,
)
from azure_linux_migrator.core.steps.cordon_source import cordon_source
from azure_linux_migrator.core.steps.progress import DONE, Context, Progress, refused, working
from azure_linux_migrator.core.steps.routes import Route
from azure_linux_migrator.model.migration import Migration
from simtest.faults.fault import Fault
from simtest.mutations.mutation import Mutation, Patches
from simtest.mutations.route_changes import change_routes, replace_steps, skipping
from simtest.mutations.source import rewritten


def _no_gate() -> Patches:
    return [(approvals, "_gate", lambda *_: DONE)]


def _retire_unlooked() -> Patches:
    return [
        (retire_source, "_unsafe", lambda _ctx: None),
        (node_progress.NodeProgress, "drained", property(lambda _self: True)),
    ]


def _resumes_at_start() -> Patches:
    return [(Route, "resumes_at", lambda _self, _recorded: 0)]


def _believes_empty() -> Patches:
    real = context.context_of

    def ready(migration: Any, seen: Any, now: float) -> Context:
        return real(migration, replace(seen, world_ready=True), now)

    real_decide = deciding.decide
    return [
        (
            loop,
            "decide",
            lambda m, seen, now: real_decide(m, replace(seen, world_ready=True), now),
        ),
        (deciding, "context_of", ready),
    ]


def _ignores_pause() -> Patches:
    def report(ctx: Context, name: str, progress: Progress, refusal: Any = None) -> Any:
        status = report_step(ctx, name, progress, refusal)
        return Decision(progress.actions, status, progress.wake_at)

    return [(deciding, "_report", report)]


def _target_not_awaited() -> Patches:
    return [(create_target, "_created", lambda *_: DONE)]


def _drained_too_early() -> Patches:
    def drained(self: node_progress.NodeProgress) -> bool:
        return self.moving - self.terminating <= 0 and self.waiting == 0

    return [(node_progress.NodeProgress, "drained", property(drained))]


def _deadline_ignored() -> Patches:
    return [(drain, "_deadline_passed", lambda _ctx: False)]


def _retires_open() -> Patches:
    """A node that is uncordoned in the soak has no effect, and counts as drained."""

    def drained(self: node_progress.NodeProgress) -> bool:
        return self.remaining == 0 and not self.detaching

    def cordon_once(ctx: Context) -> Progress:
        return DONE if ctx.migration.status.soak_started_at else cordon_source(ctx)

    cordoning = change_routes(lambda route: replace_steps(route, ("CordonSource",), cordon_once))
    return [*cordoning, (node_progress.NodeProgress, "drained", property(drained))]


def _never_detaching() -> Patches:
    return [(pod_tracker.PodTracker, "update_detaching", lambda *_: None)]


def _all_at_once() -> Patches:
    return [(Migration, "batch_size", property(lambda _self: "100%"))]


def _no_batch_soak() -> Patches:
    return [(Migration, "batch_soak", lambda _self, _index, _total: 0.0)]


def _no_surge_bound() -> Patches:
    return [(rolling, "surge", lambda _ctx: 100)]


def _one_node_short() -> Patches:
    real = pool_size.initial_count
    return [(create_target, "initial_count", lambda ctx: max(1, real(ctx) - 1))]


def _always_ready() -> Patches:
    count = "ready = ctx.seen.world.ready_nodes(target.name)"
    return [rewritten(create_target, "_created", count, "ready = 99")]


def _retires_alone() -> Patches:
    """Only whether the source is empty is checked, and not whether the target is ready."""

    def unsafe(ctx: Context) -> Progress | None:
        if not ctx.seen.world_ready:
            return working(Reason.READING_CLUSTER, "")
        return refused(Reason.POOL_NOT_DRAINED, "") if ctx.pool_progress.undrained() else None

    return [
        (retire_source, "_unsafe", unsafe),
        *((step, "target_not_ready", lambda _ctx: None) for step in (soak, retire_source)),
        (deciding, "stopped", lambda _ctx: None),
    ]


def _unrecorded() -> Patches:
    return [(Decision, "enters_new_step", lambda *_: False)]


STEPS: tuple[Mutation, ...] = (
    Mutation(
        "before-drain-approval-skipped",
        "the drain does not wait for its approval",
        "approved-before-drain",
        skipping("AwaitDrainApproval"),
    ),
    Mutation("no-approval", "no approval is waited for", "approved-before-retire", _no_gate),
    Mutation("no-soak", "the source is retired without its soak", "final-soak", skipping("Soak")),
    Mutation("batch-size-ignored", "all nodes join the first batch", "batch-size", _all_at_once),
    Mutation(
        "batch-soak-skipped", "the next batch begins without a soak", "batch-soak", _no_batch_soak
    ),
    Mutation("timeout-ignored", "spec.drain.timeout is ignored", "timeout-kept", _deadline_ignored),
    Mutation(
        "rolling-surge-unbounded",
        "spec.strategy.maxSurge is ignored",
        "surge-bounded",
        _no_surge_bound,
    ),
    Mutation(
        "target-one-node-short",
        "the target is created with one node less",
        "target-as-asked",
        _one_node_short,
    ),
    Mutation(
        "target-unready",
        "the nodes of the target are not awaited",
        "target-first",
        _target_not_awaited,
    ),
    Mutation(
        "target-ready-check-dropped",
        "all nodes of the target count as Ready when it is created",
        "target-first",
        _always_ready,
        faults=(Fault("azure-missing", 0.0, pick=512, on="CreateTarget"),),
    ),
    Mutation(
        "retired-full", "the source is retired with pods on it", "retired-empty", _retire_unlooked
    ),
    Mutation(
        "early-drained",
        "a node counts as drained while its pods are terminating",
        "retired-empty",
        _drained_too_early,
    ),
    Mutation(
        "retired-while-open",
        "the source is retired although a node was uncordoned in its soak",
        "retired-cordoned",
        _retires_open,
        faults=(Fault("foreign-uncordon", 1.0, on="Soak"),),
    ),
    Mutation("detach-ignored", "volumes are not waited for", "retired-detached", _never_detaching),
    Mutation(
        "retire-without-target",
        "the source is retired although the target is gone",
        "retired-with-target",
        _retires_alone,
        faults=(Fault("pool-deleted", 0.5, pick=1, on="Soak"),),
    ),
    Mutation(
        "not-retired", "the source is not retired", "source-retired", skipping("RetireSource")
    ),
    Mutation(
        "no-restart-point",
        "after a crash the migration starts from the beginning",
        "step-forward",
        _resumes_at_start,
    ),
    Mutation(
        "status-not-before-act",
        "a step is recorded after its actions",
        "recorded-first",
        _unrecorded,
    ),
    Mutation(
        "believes-empty",
        "a world that is not read yet counts as empty",
        "daemons-stay",
        _believes_empty,
    ),
    Mutation("unpaused", "spec.paused is ignored", "paused-means-paused", _ignores_pause),
)
