"""Forecasts and the operator that ships take the same decisions: the small driver of the loop that
forecasts use, and the operator's processes on the simulated API server, migrate equal clusters."""

import random
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pytest

from azure_linux_migrator.api.names import APPROVE
from azure_linux_migrator.core.state.results import Decision
from azure_linux_migrator.model.actions import EvictPod, MarkNode, CordonNode
from azure_linux_migrator.simulator.controller.simulated_operator import SimulatedOperator
from azure_linux_migrator.simulator.simulated_cluster import SimulatedCluster
from simtest.invariants.audit import OperatorUnderTest
from simtest.invariants.context import ObservedProcess
from simtest.run import Run
from simtest.scenario import NAME, NOW, scenario
from simtest.scenario_draw import draw_scenario

READING = frozenset(("ReadingPools", "ReadingCluster"))
"""Reasons that say that a read is under way: when that is depends on how long requests take."""
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
                case EvictPod(pod, _, budget):
                    self.evictions[str(budget)][str(pod)] = None
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
        _even(self.scenario.simulation)

    def _observe(
        self, process: ObservedProcess, operator: OperatorUnderTest, decision: Decision
    ) -> None:
        self.decisions.add(decision)
        super()._observe(process, operator, decision)


def _even(cluster: SimulatedCluster) -> None:
    """Make every duration its mean, and times those of the API: both runs meet the same cluster."""
    rng: Any = cluster.rng
    rng.uniform = lambda low, high: (low + high) / 2
    rng.choice = lambda options: options[0]
    rng.random = lambda: 0.5
    for key, pod in tuple(cluster.store.pods.items()):
        cluster.store.change_pod(key, created=float(int(pod.created)))


def _forecast(seed: str) -> Decisions:
    built = scenario(seed)
    cluster, decisions = built.simulation, Decisions()
    cluster.kernel.run(lambda: False, end=NOW + 5.0)
    _even(cluster)

    def decided(decision: Decision) -> None:
        decisions.add(decision)
        if decisions.reasons[-1:] and decisions.reasons[-1].endswith(":AwaitingApproval"):
            operator.annotate(APPROVE, built.spec["approval"])

    operator = SimulatedOperator(cluster, NAME, built.spec, random.Random(seed), decided)
    operator.start()
    cluster.kernel.run(lambda: decisions.succeeded, end=END)
    return decisions


@pytest.mark.parametrize("seed", range(40))
def test_both(seed: int) -> None:
    drawn = draw_scenario(str(seed))
    if drawn.spec["mode"]=="Plan" or drawn.name_taken or drawn.crowded or drawn.operator_inside: pytest.skip()
    print(drawn.spec)
    run = RecordedRun(str(seed))
    result = run.go()
    assert not result.failure
    a = run.decisions
    if a.stalled: pytest.skip("stalled")
    b = _forecast(str(seed))
    print(a.reasons); print(b.reasons)
    print(a.order); print(b.order)
    print(dict(a.batches)); print(dict(b.batches))
    assert a.reasons == b.reasons
    assert a.batches == b.batches
    assert a.order == b.order
