"""The ratio of a drain on a simulated cluster whose replacements have fixed start times: it shows
when evictions are late and when they hold each other up."""

import random
from collections import deque
from typing import Any

import pytest

from azure_linux_migrator.api.spec import MigrationSpec
from azure_linux_migrator.core.drain.list_schedule import last_eviction
from azure_linux_migrator.forecast.build_cluster import Assumptions
from azure_linux_migrator.forecast.forecast import as_run
from azure_linux_migrator.forecast.run import ForecastRun
from azure_linux_migrator.model.cluster import BudgetRule
from azure_linux_migrator.model.cluster_snapshot import ClusterSnapshot
from azure_linux_migrator.simulator.assembly.simulated_cluster import Pace
from azure_linux_migrator.simulator.cluster.workload import Span
from testbed.fill.snapshot import cluster_snapshot

CALM: dict[str, Any] = {
    "canary": {"nodes": 0},
    "batch": {"size": "100%", "soak": "0s"},
    "finalSoak": "0s",
}
STOP = 0.5
QUICK, LATE = Span(0.01, 0.02), Span(2.0, 2.0)
"""How long a request and its answer take: it takes effect half-way."""
PAGE = MigrationSpec.model_validate({"source": {"nodePool": "workers"}, "strategy": CALM})


def _snapshot(slots: int) -> ClusterSnapshot:
    """Deployments alone, each with a budget of so many slots."""
    snapshot = cluster_snapshot(8, 200)
    keys = {c.key for c in snapshot.controllers if c.kind == "Deployment"}
    pairs = [
        (budget, BudgetRule(max_unavailable=slots))
        for budget in snapshot.budgets
        if budget.key in keys
    ]
    snapshot.budgets = [budget for budget, _ in pairs]
    snapshot.rules = [rule for _, rule in pairs]
    sets = {c.uid for c in snapshot.controllers if c.kind == "StatefulSet"}
    snapshot.pods = [p for p in snapshot.pods if p.owner is None or p.owner.uid not in sets]
    snapshot.controllers = [c for c in snapshot.controllers if c.uid not in sets]
    return snapshot


def _drain(
    slots: int, *, request: Span = QUICK, write_seconds: float = 0.0
) -> tuple[float, float, float, float]:
    """The ratio, the ideal and the floor that status shows, and the ideal by the start times."""
    snapshot = _snapshot(slots)
    run = ForecastRun(snapshot, "m", as_run(PAGE), Assumptions(stop=STOP, node_boot=5.0), 1)
    simulation = run.simulation
    simulation.pace = Pace(request=request)
    simulation.api.write_seconds = write_seconds
    on_source = {node.name for node in snapshot.nodes if node.pool == "workers"}
    ideal = 0.0
    for budget in snapshot.budgets:
        moving = [p for p in snapshot.pods if p.node in on_source and p.labels == _app(budget)]
        rng = random.Random(str(budget.key))
        starts = [rng.uniform(1.0, 4.0) for _ in moving]
        workload = next(w for w in simulation.workloads.by_uid.values() if w.key == budget.key)
        simulation.kubelets.start_times[workload.uid] = deque(starts)
        ideal = max(ideal, last_eviction(slots, starts, len(moving)))
    run.go()
    timing = run.timing
    assert timing.ratio is not None
    assert timing.ideal_seconds is not None
    assert timing.floor_seconds is not None
    return timing.ratio, timing.ideal_seconds, timing.floor_seconds, ideal


def _app(budget: Any) -> tuple[tuple[str, str], ...]:
    return (("app", budget.key.name),)


def test_the_ideal_in_status_is_that_of_the_start_times() -> None:
    ratio, reported, floor, ideal = _drain(1)
    assert reported == pytest.approx(ideal + STOP, rel=0.06)
    assert reported < floor < reported * ratio
    assert 1.0 < ratio < 1.15


def test_the_ratio_shows_evictions_that_are_a_second_late() -> None:
    good, bad = _drain(1), _drain(1, request=LATE)
    assert bad[3] == good[3]
    assert bad[1] == pytest.approx(good[1], rel=0.06), "the ideal is not the drain's own"
    assert bad[0] > 1.3 > good[0]


def test_the_ratio_shows_evictions_that_hold_each_other_up() -> None:
    """Evictions of one budget at once: the API server tries each again after half a second."""
    good, bad = _drain(5), _drain(5, write_seconds=0.4)
    assert bad[1] == pytest.approx(good[1], rel=0.06)
    assert bad[2] < good[2] * 1.1, "the floor is that of one eviction at a time"
    assert bad[0] > good[0] + 0.15
