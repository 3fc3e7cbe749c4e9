"""Forecasts and the operator that ships take the same decisions: the small driver of the loop that
forecasts use, and the operator's processes on the simulated API server, migrate equal clusters."""

import random
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pytest

from azure_linux_migrator.api.names import APPROVE
from azure_linux_migrator.core.state.results import Decision
from azure_linux_migrator.model.actions import CordonNode, EvictPod, MarkNode
from azure_linux_migrator.simulator.assembly.simulated_cluster import Pace
from azure_linux_migrator.simulator.cluster.workload import Span
from azure_linux_migrator.simulator.controller.simulated_operator import SimulatedOperator
from simtest.invariants.audit import OperatorUnderTest
from simtest.invariants.process import ObservedProcess
from simtest.run import Run
from simtest.scenario import NAME, NOW, Scenario, scenario
from simtest.scenario_draw import draw_scenario

READING = frozenset(("ReadingPools", "ReadingCluster"))
"""Reasons that say that a read is under way: when that is depends on how long requests take."""
SEEDS = ("1", "2", "3", "5", "9", "11", "13", "14", "16", "18", "22", "24", "32", "44")
"""Seeds whose migrations end without an admin, except for approvals."""
END = NOW + 4 * 3600.0


class Decisions:
    """What one operator has decided, in order: the steps with their reasons, the evictions of each
    budget, and the nodes of each batch."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.evictions: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self.batches: defaultdict[str, set[str]] = defaultdict(set)
        self.stalled = self.succeeded = False

    def add(self, decision: Decision) -> None:
        """Add one decision."""
        status = decision.status
        ready = status.condition("Ready")
        reason = ready.reason if ready is not None else ""
        line = f"{status.step}:{reason}"
        if reason not in READING and self.reasons[-1:] != [line]:
            self.reasons.append(line)
        for action in decision.actions:
            match action:
                case EvictPod(pod, _, budget, owner):
                    self.evictions[str(budget or owner)][str(pod)] = None
                case MarkNode(node, batch) | CordonNode(node, _, batch) if batch:
                    self.batches[batch].add(node)
        self.stalled = self.stalled or status.is_true("Stalled")
        self.succeeded = status.is_true("Succeeded")

    @property
    def order(self) -> Mapping[str, list[str]]:
        """The evictions of each budget, in order."""
        return {budget: list(pods) for budget, pods in self.evictions.items()}


class RecordedRun(Run):
    """A run without faults that records its decisions."""

    def __init__(self, seed: str) -> None:
        self.decisions = Decisions()
        super().__init__(seed, ())

    def _observe(
        self, process: ObservedProcess, operator: OperatorUnderTest, decision: Decision
    ) -> None:
        self.decisions.add(decision)
        super()._observe(process, operator, decision)


def _even_scenario(seed: str) -> Scenario:
    """The scenario of a seed in which every duration is its mean, and times are those of the API:
    both operators meet the same cluster."""
    built = scenario(seed)
    cluster = built.simulation
    cluster.pace = Pace(Span(0.01, 0.01), Span(0.5, 0.5), Span(0.01, 0.01))
    rng: Any = cluster.rng
    rng.uniform = lambda low, high: (low + high) / 2
    rng.choice = lambda options: options[0]
    rng.random = lambda: 0.5
    for key, pod in tuple(cluster.store.pods.items()):
        cluster.store.change_pod(key, created=float(int(pod.created)))
    return built


def _forecast(seed: str) -> Decisions:
    built = _even_scenario(seed)
    cluster, decisions = built.simulation, Decisions()
    cluster.kernel.run(lambda: False, end=NOW + 5.0)

    def decided(decision: Decision) -> None:
        decisions.add(decision)
        if decisions.reasons[-1:] and decisions.reasons[-1].endswith(":AwaitingApproval"):
            operator.annotate(APPROVE, built.spec["approval"])

    operator = SimulatedOperator(cluster, NAME, built.spec, random.Random(seed), decided)
    operator.start()
    cluster.kernel.run(lambda: decisions.succeeded, end=END)
    return decisions


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_reasons_batches_and_evictions(seed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simtest.run.scenario", _even_scenario)
    run = RecordedRun(seed)
    result = run.go()
    shipped, forecast = run.decisions, _forecast(seed)
    assert not result.failure
    assert not shipped.stalled, "an admin repairs it, which a forecast does not show"
    assert forecast.reasons == shipped.reasons
    assert forecast.batches == shipped.batches
    assert forecast.order == shipped.order


def test_these_are_migrations_of_every_kind() -> None:
    specs = [draw_scenario(seed).spec for seed in SEEDS]
    assert {spec["strategy"]["type"] for spec in specs} == {"BlueGreen", "Rolling", "InPlace"}
    assert {spec["approval"] for spec in specs} == {"Automatic", "BeforeDrain", "BeforeRetire"}
    assert {spec["drain"]["singletons"] for spec in specs} == {"Evict", "SurgeFirst"}
    assert any("order" in spec["drain"] for spec in specs)
