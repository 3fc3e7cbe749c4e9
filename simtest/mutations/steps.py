"""Mutations of steps: left out, too early, or in the wrong order.

If one check is behind another, a mutation removes both: removing one would change nothing.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.core.drain import node_progress, pod_filters, pod_tracker
from azure_linux_migrator.core.reconcile import decide as deciding
from azure_linux_migrator.core.reconcile import loop
from azure_linux_migrator.core.reconcile.status import report_step
from azure_linux_migrator.core.state.results import Decision
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.core.steps import (
    approvals,
    create_target,
    drain,
    pool_size,
    retire_source,
    rolling,
    routes,
)
from azure_linux_migrator.core.steps.cordon_source import cordon_source
from azure_linux_migrator.core.steps.progress import DONE, Context, Progress, refused, working
from azure_linux_migrator.core.steps.routes import BLUE_GREEN, IN_PLACE, ROLLBACK, ROLLING, Route
from azure_linux_migrator.model.actions import CordonNode
from azure_linux_migrator.model.migration import Migration
from azure_linux_migrator.simulator.cluster import api_server
from simtest.mutations.mutation import Mutation, Patches

ROUTES = {"BLUE_GREEN": BLUE_GREEN, "ROLLING": ROLLING, "IN_PLACE": IN_PLACE, "ROLLBACK": ROLLBACK}


def _with(change: Callable[[Route], Route]) -> Patches:
    return [(routes, name, change(route)) for name, route in ROUTES.items()]


def skipping(*names: str) -> Callable[[], Patches]:
    def without(route: Route) -> Route:
        return _replaced(route, names, lambda _ctx: DONE)

    return lambda: _with(without)


def _replaced(route: Route, names: tuple[str, ...], step: Callable[[Context], Progress]) -> Route:
    return replace(route, steps=tuple((n, step if n in names else s) for n, s in route.steps))


def _takes_over_cordons() -> Patches:
    def cordon_all(ctx: Context) -> Progress:
        missing = [
            load.node.name
            for load in ctx.pool_progress.by_node.values()
            if load.node.cordoned_by != ctx.migration.name
        ]
        if not missing:
            return DONE
        return working(
            Reason.CORDONING, "", *(CordonNode(name, ctx.migration.name) for name in missing)
        )

    def cordon(self: api_server.ApiServer, node: str, by: str, batch: str) -> None:
        marks = {"batch": batch} if batch else {}
        self.store.change_node(node, unschedulable=True, cordoned_by=by, **marks)

    cordoning = _with(lambda route: _replaced(route, ("CordonSource", "CordonTarget"), cordon_all))
    return [*cordoning, (api_server.ApiServer, "cordon", cordon)]


def _recordons() -> Patches:
    def unsoaked(ctx: Context) -> Progress:
        status = ctx.migration.status.model_copy(update={"soak_started_at": None})
        return cordon_source(replace(ctx, migration=replace(ctx.migration, status=status)))

    return _with(lambda route: _replaced(route, ("CordonSource",), unsoaked))


def _cordons_first() -> Patches:
    def early(route: Route) -> Route:
        steps = dict(route.steps)
        if "CreateTarget" not in steps:
            return route
        cordon = ("CordonSource", steps.pop("CordonSource"))
        rest = list(steps.items())
        return replace(route, steps=(rest[0], cordon, *rest[1:]))

    return _with(early)


def _forgotten_uncordon() -> Patches:
    return [(deciding, "_releases", lambda _ctx: ((), None))]


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
    real = deciding.context_of

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


def _without_filter(name: str) -> Callable[[], Patches]:
    chosen = tuple(pod_filter for pod_filter in pod_filters.PIPELINE if pod_filter.__name__ != name)
    return lambda: [(pod_filters, "PIPELINE", chosen)]


def _not_overdue() -> Patches:
    return [(drain, "_overdue", lambda _ctx: False)]


def _retires_open() -> Patches:
    """A node that is uncordoned in the soak has no effect, and counts as drained."""

    def drained(self: node_progress.NodeProgress) -> bool:
        return self.remaining == 0 and not self.detaching

    def cordon_once(ctx: Context) -> Progress:
        return DONE if ctx.migration.status.soak_started_at else cordon_source(ctx)

    cordoning = _with(lambda route: _replaced(route, ("CordonSource",), cordon_once))
    return [*cordoning, (node_progress.NodeProgress, "drained", property(drained))]


def _never_detaching() -> Patches:
    return [(pod_tracker.PodTracker, "update_detaching", lambda *_: None)]


def _all_at_once() -> Patches:
    return [(Migration, "batch_size", property(lambda _self: "100%"))]


def _no_batch_soak() -> Patches:
    return [(Migration, "batch_soak", property(lambda _self: 0.0))]


def _no_surge_bound() -> Patches:
    return [(rolling, "surge", lambda _ctx: 100)]


def _one_node_short() -> Patches:
    real = pool_size.initial_count
    return [(create_target, "initial_count", lambda ctx: max(1, real(ctx) - 1))]


def _always_ready() -> Patches:
    return [(World, "ready_nodes", lambda *_: 99)]


def _retires_alone() -> Patches:
    """Only whether the source is empty is checked, and not whether the target is ready."""

    def unsafe(ctx: Context) -> Progress | None:
        if not ctx.seen.world_ready:
            return working(Reason.READING_CLUSTER, "")
        return refused(Reason.POOL_NOT_DRAINED, "") if ctx.pool_progress.undrained() else None

    return [
        (retire_source, "_unsafe", unsafe),
        (retire_source, "target_not_ready", lambda _ctx: None),
        (deciding, "stopped", lambda _ctx: None),
    ]


def _unrecorded() -> Patches:
    return [(Decision, "enters_new_step", lambda *_: False)]


STEPS: tuple[Mutation, ...] = (
    Mutation("daemons", "DaemonSet pods are evicted", "daemons-stay", _without_filter("_daemon")),
    Mutation("jobs", "Jobs are not waited for", "jobs-wait", _without_filter("_job")),
    Mutation(
        "empty-dir",
        "spec.drain.emptyDir is ignored",
        "empty-dir-stays",
        _without_filter("_empty_dir"),
    ),
    Mutation(
        "unmanaged",
        "spec.drain.unmanagedPods is ignored",
        "unmanaged-stays",
        _without_filter("_unmanaged"),
    ),
    Mutation(
        "local-volume",
        "pods with local volumes are evicted",
        "local-volume-stays",
        _without_filter("_local_volume"),
    ),
    Mutation(
        "volume-zone",
        "pods whose volume the target cannot attach are evicted",
        "volume-reached",
        _without_filter("_volume_zone"),
    ),
    Mutation("no-cordon", "the source is not cordoned", "cordoned-first", skipping("CordonSource")),
    Mutation(
        "no-target-cordon",
        "a rollback does not cordon the target",
        "cordoned-first",
        skipping("CordonTarget"),
    ),
    Mutation(
        "cordon-before-target",
        "the source is cordoned before the target is ready",
        "target-first",
        _cordons_first,
    ),
    Mutation(
        "recordon-in-soak",
        "a node that is uncordoned in the soak is cordoned again",
        "no-recordon-in-soak",
        _recordons,
    ),
    Mutation(
        "forgotten-uncordon", "a deletion leaves cordons of azlm", "released", _forgotten_uncordon
    ),
    Mutation(
        "foreign-cordons",
        "cordons of others count as those of azlm",
        "foreign-cordon-kept",
        _takes_over_cordons,
    ),
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
    Mutation("timeout-ignored", "spec.drain.timeout is ignored", "timeout-kept", _not_overdue),
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
        "target-ready-check-dropped", "all nodes count as Ready", "target-first", _always_ready
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
    ),
    Mutation("detach-ignored", "volumes are not waited for", "retired-detached", _never_detaching),
    Mutation(
        "retire-without-target",
        "the source is retired although the target is gone",
        "retired-with-target",
        _retires_alone,
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
