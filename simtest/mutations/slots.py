"""Mutations of the number of pods that may leave at a time, and of what the operator remembers."""

from dataclasses import replace
from typing import Any

from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.core.drain import (
    disruption_budgets,
    eviction_queue,
    planner,
    pod_tracker,
)
from azure_linux_migrator.core.state import implicit_budgets, inflight
from azure_linux_migrator.core.state.outcomes import Outcomes
from azure_linux_migrator.core.state.results import ActionProblem
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.model.actions import DeletePod, EvictPod
from azure_linux_migrator.model.cluster import Budget, NamespacedName, Pod
from azure_linux_migrator.simulator.cluster import api_server
from simtest.faults.fault import Fault
from simtest.mutations.mutation import Mutation, Patches


def _off_by_one() -> Patches:
    real = disruption_budgets.slots
    return [(eviction_queue, "slots", lambda world, budget: real(world, budget) + 1)]


def _inflight_ignored() -> Patches:
    return [
        (inflight.InflightEvictions, "unshown", lambda _self, _budget: 0),
        (inflight.InflightEvictions, "unseen", lambda _self, _budget: 0),
        (inflight.InflightEvictions, "unseen_of_owner", lambda _self, _owner: 0),
    ]


def _no_virtual_budget() -> Patches:
    return [(implicit_budgets.ImplicitBudgets, "slots", lambda *_: 100)]


def _virtual_budget_unseen() -> Patches:
    real = implicit_budgets.ImplicitBudgets.slots
    return [
        (
            implicit_budgets.ImplicitBudgets,
            "slots",
            lambda self, uid, _unseen, c: real(self, uid, 0, c),
        )
    ]


def _always_prefetches() -> Patches:
    real = eviction_queue.evaluate
    return [
        (
            planner,
            "evaluate",
            lambda queue, w, weight, **more: real(queue, w, weight, **{**more, "prefetch": True}),
        )
    ]


def _no_backoff() -> Patches:
    def fail(
        self: Outcomes, action: Any, reason: Reason, message: str, _d: float, now: float
    ) -> Any:
        noted = self.problems[action.key] = ActionProblem(reason, message, True, now)
        return noted

    return [(Outcomes, "_fail", fail)]


def _forces() -> Patches:
    real = planner.Planner.plan

    def plan(self: planner.Planner, now: float, *more: Any) -> planner.Plan:
        drain_plan = real(self, now, *more)
        forced = tuple(
            DeletePod(eviction.pod, eviction.uid, eviction.budget, eviction.owner)
            for eviction in drain_plan.evictions
        )
        return replace(drain_plan, evictions=forced)  # type: ignore[arg-type]

    return [(planner.Planner, "plan", plan)]


def _evicts_twice() -> Patches:
    return [
        (inflight.InflightEvictions, "under_way", lambda *_: False),
        (pod_tracker.PodTracker, "may_wait", lambda _self, _pod: True),
    ]


def _refused_at_once() -> Patches:
    return [(inflight.InflightEvictions, "backs_off", lambda *_: False)]


def _any_budget() -> Patches:
    def evict(pod: Pod, _budget: NamespacedName | None) -> EvictPod:
        return EvictPod(pod.key, pod.uid, None, pod.owner.uid if pod.owner else "")

    return [(eviction_queue, "_evict", evict)]


def _grants_everything() -> Patches:
    """The API server does not check; only the audit finds one eviction too many."""

    def charge(self: Any, pod: Pod, budget: Budget) -> None:
        self._disruption.charge(budget.key, pod.key)

    return [*_off_by_one(), (api_server.ApiServer, "_charge", charge)]


def _no_precondition() -> Patches:
    """Without a uid the API server evicts whichever pod has the name."""
    return [
        (api_server.ApiServer, "_expect", lambda *_: None),
        (api_server.ApiServer, "delete", _deletes_any),
    ]


def _deletes_any(self: Any, key: NamespacedName, _uid: str) -> None:
    pod = self.store.pods.get(key)
    if pod is not None:
        _REAL_DELETE(self, key, pod.uid)


_REAL_DELETE = api_server.ApiServer.delete


def _free_unready() -> Patches:
    return [(eviction_queue, "unready_are_free", lambda _budget: True)]


def _by_status() -> Patches:
    def slots(world: World, budget: Budget) -> int:
        if budget.observed_generation < budget.generation:
            return 0
        return budget.allowed - world.inflight.unshown(budget.key)

    return [(eviction_queue, "slots", slots)]


def _any_generation() -> Patches:
    real = disruption_budgets.slots

    def slots(world: World, budget: Budget) -> int:
        seen = max(budget.generation, budget.observed_generation)
        return real(world, _seen(budget, seen))

    return [(eviction_queue, "slots", slots)]


def _seen(budget: Budget, generation: int) -> Budget:
    fields = {name: getattr(budget, name) for name in Budget.__struct_fields__}
    return Budget(**(fields | {"observed_generation": generation}))


def _expires_at_once() -> Patches:
    return [(inflight, "EXPIRY_SECONDS", 1.0)]


def _one_tier() -> Patches:
    class Flat:
        """All pods have the same order."""

        def __init__(self, _policy: object) -> None:
            """Regardless of the policy."""

        def tier(self, _pod: Pod) -> int:
            """The same for all pods."""
            return 0

    return [(pod_tracker, "Order", Flat)]


SLOTS: tuple[Mutation, ...] = (
    Mutation(
        "slot-off-by-one", "a budget grants one eviction too many", "slot-known-free", _off_by_one
    ),
    Mutation(
        "grants-everything",
        "a budget grants one eviction too many, and so does the API server",
        "budget-kept",
        _grants_everything,
    ),
    Mutation(
        "inflight-ignored",
        "evictions under way are not counted",
        "slot-known-free",
        _inflight_ignored,
    ),
    Mutation("uncharged", "evictions take no slot of a budget", "calm-unrefused", _any_budget),
    Mutation(
        "no-owner-budget",
        "replicas without a budget are evicted all at once",
        "slot-known-free",
        _no_virtual_budget,
    ),
    Mutation(
        "owner-off-by-lag",
        "evictions under way of replicas without a budget are not counted",
        "slot-known-free",
        _virtual_budget_unseen,
    ),
    Mutation(
        "unready-always-free",
        "evictions of pods that are not Ready take no slot",
        "slot-known-free",
        _free_unready,
        faults=(
            Fault("pods-unready", 2.0, 30.0, 0, "Drain"),
            Fault("pods-unready", 12.0, 30.0, 1, "Drain"),
        ),
    ),
    Mutation("slots-status-only", "only the budget's status counts", "slot-known-free", _by_status),
    Mutation(
        "slots-ignore-generation",
        "a budget's status counts although it is of an older generation",
        "slot-known-free",
        _any_generation,
    ),
    Mutation(
        "expiry-at-once",
        "evictions are forgotten after a second",
        "evicted-once",
        _expires_at_once,
        faults=(Fault("watch-held", 0.0, 15.0, 1, "Drain"),),
    ),
    Mutation(
        "evicts-twice", "a pod that was evicted is evicted again", "evicted-once", _evicts_twice
    ),
    Mutation("no-precondition", "evictions have no precondition", "right-pod", _no_precondition),
    Mutation(
        "no-patience",
        "a refused eviction is sent again at once",
        "retry-due",
        _refused_at_once,
        faults=(Fault("evictions-denied", 0.0, 20.0, on="Drain"),),
    ),
    Mutation("no-backoff", "a failed action is repeated at once", "in-measure", _no_backoff),
    Mutation("prefetch", "nodes outside the batch are drained", "in-batch", _always_prefetches),
    Mutation("tiers-ignored", "spec.drain.order is ignored", "in-order", _one_tier),
    Mutation("force", "pods are deleted instead of evicted", "only-force-deletes", _forces),
)
