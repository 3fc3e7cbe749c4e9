"""Faults put into the core on purpose: the simulation has to find each of them.

A mutation replaces one function of azlm by a wrong one for the length of a run.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any
from unittest.mock import patch

from azure_linux_migrator.core import decide as deciding
from azure_linux_migrator.core.actions import CordonNode, DeletePod, EvictPod
from azure_linux_migrator.core.drain import (
    bars,
    breaker,
    budgets,
    filters,
    lanes,
    ledger,
    loads,
    owners,
    planner,
    roster,
    singletons,
)
from azure_linux_migrator.core.migration import Decision, Problem
from azure_linux_migrator.core.outcomes import Outcomes
from azure_linux_migrator.core.progress import DONE, Context, Progress, working
from azure_linux_migrator.core.report import report_step
from azure_linux_migrator.core.steps import (
    BLUE_GREEN,
    ROLLBACK,
    ROLLING,
    Route,
    gates,
)

creating = import_module("azure_linux_migrator.core.steps.create_target")
retiring = import_module("azure_linux_migrator.core.steps.retire_source")
routes_of = import_module("azure_linux_migrator.core.steps")
piloting = import_module("azure_linux_migrator.sim.pilot.pilot")

Patches = list[tuple[Any, str, Any]]


@dataclass(frozen=True, slots=True)
class Mutation:
    """A deliberate fault: `what` in words, and what is replaced by what."""

    name: str
    what: str
    patches: Callable[[], Patches]

    @contextmanager
    def applied(self) -> Iterator[None]:
        """azlm with that fault."""
        entered = [patch.object(target, name, new) for target, name, new in self.patches()]
        for each in entered:
            each.start()
        try:
            yield
        finally:
            for each in entered:
                each.stop()


def _off_by_one() -> Patches:
    real = budgets.slots
    return [(lanes, "slots", lambda world, budget: real(world, budget) + 1)]


def _no_ledger() -> Patches:
    return [
        (ledger.Ledger, "unshown", lambda _self, _budget: 0),
        (ledger.Ledger, "unseen", lambda _self, _budget: 0),
        (ledger.Ledger, "unseen_of_owner", lambda _self, _owner: 0),
    ]


def _no_virtual_budget() -> Patches:
    return [(owners.Owners, "slots", lambda *_: 100)]


def _virtual_budget_unseen() -> Patches:
    real = owners.Owners.slots
    return [(owners.Owners, "slots", lambda self, uid, _unseen, c: real(self, uid, 0, c))]


def _without(route: Route, step: str) -> Route:
    return replace(
        route,
        steps=tuple((n, (lambda _ctx: DONE) if n == step else s) for n, s in route.steps),
    )


def _skipping(*steps: str) -> Callable[[], Patches]:
    def patches() -> Patches:
        routes = {"BLUE_GREEN": BLUE_GREEN, "ROLLING": ROLLING, "ROLLBACK": ROLLBACK}
        for step in steps:
            routes = {name: _without(route, step) for name, route in routes.items()}
        return [(routes_of, name, route) for name, route in routes.items()]

    return patches


def _forgotten_uncordon() -> Patches:
    return [(deciding, "_releases", lambda _ctx: ((), None))]


def _takes_over_cordons() -> Patches:
    def cordon_all(ctx: Context) -> Progress:
        missing = [
            load.node.name
            for load in ctx.loads.by_node.values()
            if load.node.cordoned_by != ctx.migration.name
        ]
        if not missing:
            return DONE
        return working("Cordoning", "", *(CordonNode(name, ctx.migration.name) for name in missing))

    changed = {
        name: replace(
            route,
            steps=tuple(
                (n, cordon_all if n in {"CordonSource", "CordonTarget"} else s)
                for n, s in route.steps
            ),
        )
        for name, route in (
            ("BLUE_GREEN", BLUE_GREEN),
            ("ROLLING", ROLLING),
            ("ROLLBACK", ROLLBACK),
        )
    }
    return [(routes_of, name, route) for name, route in changed.items()]


def _no_gate() -> Patches:
    return [(gates, "_gate", lambda *_: DONE)]


def _retire_unlooked() -> Patches:
    return [
        (retiring, "_unsafe", lambda _ctx: None),
        (loads.NodeLoad, "drained", property(lambda _self: True)),
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
            piloting,
            "decide",
            lambda m, seen, now: real_decide(m, replace(seen, world_ready=True), now),
        ),
        (deciding, "context_of", ready),
    ]


def _surge_not_restored() -> Patches:
    real = singletons.next_action

    def never(standing: singletons.Standing) -> Any:
        found = real(standing)
        return None if type(found).__name__ == "RestoreScale" else found

    return [(planner, "next_action", never)]


def _surge_restored_early() -> Patches:
    real = singletons.next_action

    def early(standing: singletons.Standing) -> Any:
        return real(replace(standing, healthy=1000) if standing.controller.surge else standing)

    return [(planner, "next_action", early)]


def _evicts_daemons() -> Patches:
    chosen = tuple(each for each in filters.PIPELINE if each.__name__ != "_daemon")
    return [(filters, "PIPELINE", chosen)]


def _evicts_jobs() -> Patches:
    chosen = tuple(each for each in filters.PIPELINE if each.__name__ != "_job")
    return [(filters, "PIPELINE", chosen)]


def _always_prefetches() -> Patches:
    real = lanes.evaluate
    return [
        (
            planner,
            "evaluate",
            lambda lane, w, weight, prefetch: real(lane, w, weight, prefetch=True),
        )
    ]


def _ignores_pause() -> Patches:
    def report(ctx: Context, name: str, progress: Progress, found: Any = None) -> Any:
        told = report_step(ctx, name, progress, found)
        return Decision(progress.actions, told, progress.wake_at)

    return [(deciding, "_report", report)]


def _no_backoff() -> Patches:
    def fail(self: Outcomes, action: Any, reason: str, message: str, _d: float, now: float) -> Any:
        noted = self.problems[action.key] = Problem(reason, message, True, now)
        return noted

    return [(Outcomes, "_fail", fail)]


def _forces() -> Patches:
    real = planner.Planner.plan

    def plan(self: planner.Planner, now: float, stamp: str = "") -> planner.Plan:
        found = real(self, now, stamp)
        forced = tuple(
            DeletePod(each.pod, each.uid, each.budget, each.owner) for each in found.evictions
        )
        return replace(found, evictions=forced)  # type: ignore[arg-type]

    return [(planner.Planner, "plan", plan)]


def _evicts_twice() -> Patches:
    return [
        (ledger.Ledger, "under_way", lambda *_: False),
        (roster.Roster, "may_wait", lambda _self, _pod: True),
    ]


def _refused_at_once() -> Patches:
    return [
        (ledger.Ledger, "barred", lambda *_: False),
        (bars.Bars, "holds", lambda *_: False),
        (breaker.Breaker, "admits", lambda *_: True),
    ]


def _target_not_awaited() -> Patches:
    return [(creating, "_created", lambda *_: DONE)]


def _drained_too_early() -> Patches:
    def drained(self: loads.NodeLoad) -> bool:
        return self.moving - self.terminating <= 0 and self.waiting == 0

    return [(loads.NodeLoad, "drained", property(drained))]


def _any_budget() -> Patches:
    def evict(pod: Any, _budget: Any) -> EvictPod:
        return EvictPod(pod.key, pod.uid, None, pod.owner.uid if pod.owner else "")

    return [(lanes, "_evict", evict)]


MUTATIONS: tuple[Mutation, ...] = (
    Mutation("slot-off-by-one", "a budget grants one eviction too many", _off_by_one),
    Mutation("no-ledger", "evictions under way are not counted", _no_ledger),
    Mutation("uncharged", "evictions are booked on no budget", _any_budget),
    Mutation("no-owner-budget", "replicas without a budget leave at once", _no_virtual_budget),
    Mutation(
        "owner-off-by-lag", "their evictions under way are not counted", _virtual_budget_unseen
    ),
    Mutation("evicts-twice", "a pod that was evicted is evicted again", _evicts_twice),
    Mutation("no-patience", "a refused eviction is sent again at once", _refused_at_once),
    Mutation("daemons", "DaemonSet pods are evicted", _evicts_daemons),
    Mutation("jobs", "Jobs are not waited for", _evicts_jobs),
    Mutation("prefetch", "nodes outside the batch are drained", _always_prefetches),
    Mutation("force", "pods are deleted instead of evicted", _forces),
    Mutation("no-cordon", "the source is not cordoned", _skipping("CordonSource")),
    Mutation("no-target-cordon", "on the way back it is not cordoned", _skipping("CordonTarget")),
    Mutation("forgotten-uncordon", "deletion leaves our cordons", _forgotten_uncordon),
    Mutation("foreign-cordons", "others' cordons are taken for ours", _takes_over_cordons),
    Mutation("no-soak", "the source is retired without its soak", _skipping("Soak")),
    Mutation("no-approval", "nobody's word is waited for", _no_gate),
    Mutation("retired-full", "the source is retired whatever is on it", _retire_unlooked),
    Mutation("early-drained", "a node whose pods still end is drained", _drained_too_early),
    Mutation("not-retired", "the source stays", _skipping("RetireSource")),
    Mutation("no-hold", "the source's autoscaler is not held", _skipping("HoldAutoscaler")),
    Mutation("no-hand-over", "the target does not get it", _skipping("HandOverAutoscaler")),
    Mutation("no-give-back", "a rollback keeps it", _skipping("RestoreAutoscaler")),
    Mutation("target-left", "a rollback leaves the target", _skipping("RemoveTarget")),
    Mutation("no-restart-point", "after a crash it begins anew", _resumes_at_start),
    Mutation("believes-empty", "a world not read yet is taken for empty", _believes_empty),
    Mutation("surge-kept", "a surged Deployment keeps its extra pod", _surge_not_restored),
    Mutation("surge-early", "the extra pod is not awaited", _surge_restored_early),
    Mutation("unpaused", "spec.paused is ignored", _ignores_pause),
    Mutation("no-backoff", "what failed is tried again at once", _no_backoff),
    Mutation("target-unready", "the target's nodes are not awaited", _target_not_awaited),
)
