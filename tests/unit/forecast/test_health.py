"""Pods that were not Ready in the snapshot, and pods with finalizers."""

from typing import Any

import pytest
from msgspec import structs

from azure_linux_migrator.forecast.build_cluster import Assumptions
from azure_linux_migrator.forecast.run import ForecastRun
from azure_linux_migrator.model.cluster import Budget, BudgetRule, NamespacedName
from azure_linux_migrator.model.selectors import Selector
from tests.support.snapshots import NOW, add, after, cluster, delete, names, pods_of, ready, staged

CASES: dict[str, tuple[dict[str, Any], float, bool]] = {
    "an image that is not there": ({"phase": "Pending", "created": NOW - 3600}, 4.0, False),
    "a crash loop": ({"unready_since": NOW - 3600}, 4.0, False),
    "not known since when": ({}, 4.0, False),
    "just started": ({"phase": "Pending", "created": NOW - 20}, 4.0, True),
    "runs, not Ready yet": ({"created": NOW - 20}, 4.0, True),
    "not Ready for a moment": ({"unready_since": NOW - 20}, 4.0, True),
    "slow starters have more time": ({"created": NOW - 200}, 50.0, True),
    "but not for ever": ({"created": NOW - 300}, 50.0, False),
}


@pytest.mark.parametrize("name", CASES)
def test_what_was_not_ready_for_long_stays_so(name: str) -> None:
    changes, usual, heals = CASES[name]
    snapshot = cluster()
    well = {"started_in": usual}
    add(snapshot, "Deployment", "web", 4, per_pod=[well, well, well, {"ready": False, **changes}])
    simulation = staged(snapshot)
    after(simulation, 600.0)
    assert ready(simulation, "web") == (4 if heals else 3)


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "StrimziPodSet"])
@pytest.mark.parametrize("phase", ["Pending", "Running"])
def test_its_successors_are_not_ready_either_and_those_of_others_are(kind: str, phase: str) -> None:
    snapshot = cluster()
    sick = {"ready": False, "phase": phase}
    add(snapshot, kind, "web", 3, per_pod=[{}, sick, {}])
    simulation = staged(snapshot)
    for _ in range(2):
        (unready,) = (pod for pod in pods_of(simulation, "web") if not pod.ready)
        assert unready.phase == phase
        well = next(pod.key.name for pod in pods_of(simulation, "web") if pod.ready)
        delete(simulation, unready.key.name)
        after(simulation, 600.0)
        delete(simulation, well)
        after(simulation, 600.0)
        assert len(names(simulation, "web")) == 3
        assert ready(simulation, "web") == 2


def test_where_names_are_kept_the_same_one_stays_unhealthy() -> None:
    snapshot = cluster()
    add(snapshot, "StatefulSet", "db", 3, per_pod=[{}, {"ready": False}, {}])
    simulation = staged(snapshot)
    for name in ("db-1", "db-0"):
        simulation.store.remove_pod(
            NamespacedName("default", name)
        )  # at once, as a node's end does
    after(simulation, 600.0)
    assert [pod.ready for pod in pods_of(simulation, "db")] == [True, False, True]


def test_where_all_are_unhealthy_new_ones_are_too() -> None:
    snapshot = cluster()
    add(snapshot, "Deployment", "web", 2, ready=False)
    simulation = staged(snapshot)
    simulation.workloads.scale(NamespacedName("default", "web"), 4)
    after(simulation, 600.0)
    assert len(names(simulation, "web")) == 4
    assert ready(simulation, "web") == 0


def test_pods_of_a_node_that_does_not_answer_are_well_elsewhere() -> None:
    snapshot = cluster()
    snapshot.nodes[1] = structs.replace(snapshot.nodes[1], ready=False)
    add(snapshot, "Deployment", "web", 3, per_pod=[{"ready": False}, {}, {}])
    simulation = staged(snapshot)
    delete(simulation, "web-0")
    after(simulation, 60.0)
    assert ready(simulation, "web") == 3


def test_a_budget_that_an_unhealthy_pod_uses_up_blocks() -> None:
    snapshot = cluster()
    add(snapshot, "Deployment", "web", 3, per_pod=[{"ready": False}, {}, {}])
    selector = Selector((("app", "web"),))
    snapshot.budgets.append(
        Budget(NamespacedName("default", "web"), selector, healthy=2, desired=2, expected=3)
    )
    snapshot.rules.append(BudgetRule(max_unavailable=1))
    strategy = {"batch": {"size": "100%", "soak": "0s"}, "finalSoak": "0s"}
    spec = {"source": {"nodePool": "workers"}, "strategy": strategy}
    run_result = ForecastRun(snapshot, "workers", spec, Assumptions(), 1).go()
    assert not run_result.succeeded
    assert any(
        "PodDisruptionBudget default/web" in blocker.message for blocker in run_result.blockers
    )


def test_a_finalizer_goes_shortly_after_its_pod_has_ended() -> None:
    snapshot = cluster()
    add(snapshot, "Deployment", "web", 2, finalizers=True)
    simulation = staged(snapshot, stop=2.0)
    delete(simulation, "web-0")
    after(simulation, 2.0 / 2 + 0.5)
    assert NamespacedName("default", "web-0") in simulation.store.pods
    after(simulation, 10.0)
    assert NamespacedName("default", "web-0") not in simulation.store.pods
    assert all(pod.finalizers for pod in pods_of(simulation, "web"))


@pytest.mark.parametrize(
    ("deadline", "finalizers", "stuck"),
    [(NOW - 300, True, True), (NOW - 300, False, False), (NOW + 20, True, False)],
)
def test_a_finalizer_that_nobody_removed_for_long_stays(
    deadline: float, finalizers: bool, stuck: bool
) -> None:
    snapshot = cluster()
    leaving = {"terminating": True, "deadline": deadline, "finalizers": finalizers}
    add(snapshot, "Deployment", "web", 2, per_pod=[leaving, {}])
    simulation = staged(snapshot)
    after(simulation, 3600.0)
    assert (NamespacedName("default", "web-0") in simulation.store.pods) is stuck
