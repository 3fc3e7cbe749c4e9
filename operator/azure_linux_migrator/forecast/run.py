"""One forecast run: a migration of a snapshot, to its end or until it is blocked."""

import random
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from msgspec import Struct

from azure_linux_migrator.api.conditions import ConditionType
from azure_linux_migrator.api.names import APPROVE
from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.api.status import MigrationStatus, Phase
from azure_linux_migrator.api.status_checks import FindingStatus
from azure_linux_migrator.api.status_drain import BlockerStatus
from azure_linux_migrator.core.state.results import Decision
from azure_linux_migrator.errors import SettingsError
from azure_linux_migrator.forecast.build_cluster import Assumptions, build_cluster
from azure_linux_migrator.model.cluster import Pod
from azure_linux_migrator.model.cluster_snapshot import ClusterSnapshot
from azure_linux_migrator.simulator.assembly.simulated_cluster import SimulatedCluster
from azure_linux_migrator.simulator.cluster.store import NullWatcher
from azure_linux_migrator.simulator.controller.simulated_operator import SimulatedOperator

LONGEST_SECONDS = 30 * 24 * 3600.0
STUCK_SECONDS = 2 * 3600.0
"""A run in which no pod, node or step changes for so many seconds is blocked, except during
soaks. If the drain waits for Jobs, their assumed time is added."""
STALLED_SECONDS = 300.0
POINTS = 400


class StepTime(Struct):
    """A step of the migration. Times in seconds after its beginning."""

    name: str
    began: float
    ended: float = 0.0


class BatchTime(Struct):
    """A batch of nodes that was drained."""

    index: int
    of: int
    began: float
    ended: float = 0.0


class Point(Struct):
    """The state at a time (seconds after the beginning)."""

    at: float
    remaining: int
    source: int
    target: int


class RunResult(Struct):
    """The result of one run. `node_hours` are those beyond what the source alone would have
    used; `moving_seconds` is the time from the first pod that leaves to the end of the last,
    without the `pause_seconds` between batches; `ideal_seconds` and `floor_seconds` are what it had
    to take (core/drain/batch_times.py)."""

    seconds: float
    succeeded: bool
    ending: str
    message: str
    steps: list[StepTime]
    batches: list[BatchTime]
    points: list[Point]
    evictions: int
    extra_nodes: int
    node_hours: float
    moving_seconds: float
    pause_seconds: float
    ideal_seconds: float | None
    floor_seconds: float | None
    limited_by: str
    blockers: tuple[BlockerStatus, ...]
    findings: tuple[FindingStatus, ...]
    notes: tuple[str, ...] = ()


class _Leaving(NullWatcher):
    """When the first pod began to leave the source, and when the last one was gone; 0 for never."""

    def __init__(self, simulation: SimulatedCluster, source: str) -> None:
        self._simulation = simulation
        self._source = source
        self.first = self.last = 0.0
        simulation.store.watchers.append(self)

    def pod(self, old: Pod | None, new: Pod | None) -> None:
        """A pod that is gone has left its node."""
        if old is None or (new is not None and (old.terminating or not new.terminating)):
            return
        node = self._simulation.store.nodes.get(old.node)
        if node is None or node.pool != self._source or not node.unschedulable:
            return
        if new is not None:
            self.first = self.first or self._simulation.kernel.now
        elif old.terminating:
            self.last = self._simulation.kernel.now


class ForecastRun:
    """A run of one spec on one snapshot."""

    def __init__(
        self,
        snapshot: ClusterSnapshot,
        name: str,
        spec: Mapping[str, Any],
        assumed: Assumptions,
        seed: int,
    ) -> None:
        rng = random.Random(seed)  # noqa: S311 - a simulation's dice
        self.simulation: SimulatedCluster = build_cluster(snapshot, assumed, rng)
        self._began = self.simulation.kernel.now
        self._source = str(spec["source"]["nodePool"])
        if self._source not in self.simulation.aks.pool_names():
            raise SettingsError(
                f"node pool {self._source} cannot be modelled: {self.simulation.notes}"
            )
        self._before = sum(node.pool == self._source for node in snapshot.nodes)
        self.operator = SimulatedOperator(self.simulation, name, dict(spec), rng, self._decided)
        self._steps: list[StepTime] = []
        self._batches: list[BatchTime] = []
        self._points: list[Point] = []
        self._patience = STUCK_SECONDS + assumed.job
        self._leaving = _Leaving(self.simulation, self._source)
        self._moved_at = self._began
        self._mark: tuple[object, ...] = ()
        self._stalled_at: float | None = None
        self._stalled: tuple[str, str] | None = None
        self._most = 0
        self._node_seconds = 0.0
        self._counted_at = self._began
        self._status = MigrationStatus()
        self.timing = MigrationStatus().timing
        """That of the last batch which ended."""

    def go(self) -> RunResult:
        """Run to the end."""
        kernel = self.simulation.kernel
        self.simulation.node_lifecycle.touched()
        if any(self.simulation.aks.autoscaled(name) for name in self.simulation.aks.pool_names()):
            kernel.after(10.0, self.simulation.autoscaler.scan)
        self.operator.start()
        self._run(self._over)
        self._count()
        return self._run_result()

    def _run(self, over: Callable[[], bool]) -> None:
        kernel = self.simulation.kernel
        while not over():
            due = kernel.next_at()
            if due is None or due > self._began + LONGEST_SECONDS:
                return
            kernel.step()

    def _over(self) -> bool:
        now = self.simulation.kernel.now
        if self._status.is_true(ConditionType.SUCCEEDED) or self._status.phase == Phase.ROLLED_BACK:
            return True
        if self._stalled_at is not None and now - self._stalled_at > STALLED_SECONDS:
            return True
        return now - self._moved_at > self._patience

    def _decided(self, decision: Decision) -> None:
        status = self._status = decision.status
        now = self.simulation.kernel.now
        at = now - self._began
        if not self._steps or self._steps[-1].name != status.step:
            if self._steps:
                self._steps[-1].ended = at
            self._steps.append(StepTime(status.step, at))
        self._batch(status, at)
        if status.timing.ideal_seconds is not None:
            self.timing = status.timing
        mark = (status.step, status.pods.remaining, status.nodes.target_ready, status.batch.index)
        if mark != self._mark or (decision.wake_at is not None and _soaks(status)):
            self._mark, self._moved_at = mark, now
            self._stalled_at = None
            self._count()
            self._points.append(self._point(status, at))
        ready = status.condition(ConditionType.READY)
        if status.is_true(ConditionType.STALLED) and ready is not None:
            self._stalled_at = self._stalled_at or now
            self._stalled = (ready.reason, status.message)
        if ready is not None and ready.reason == Reason.AWAITING_APPROVAL:
            approval = str(self.operator.resource.spec.get("approval", ""))
            self.operator.annotate(APPROVE, approval)

    def _batch(self, status: MigrationStatus, at: float) -> None:
        batch = status.batch
        if batch.index == 0:
            return
        if not self._batches or self._batches[-1].index != batch.index:
            self._batches.append(BatchTime(batch.index, batch.of, at))
        if not batch.drained_at:
            self._batches[-1].ended = 0.0
        elif not self._batches[-1].ended:
            self._batches[-1].ended = at

    def _point(self, status: MigrationStatus, at: float) -> Point:
        nodes = self.simulation.store.nodes.values()
        old = sum(node.pool == self._source for node in nodes)
        new = sum(node.pool == status.target_pool for node in nodes)
        same = status.target_pool == self._source
        return Point(at, status.pods.remaining, old, 0 if same else new)

    def _count(self) -> None:
        """Add node-seconds since the last time, beyond those of the source."""
        now = self.simulation.kernel.now
        if self._points:
            last = self._points[-1]
            extra = last.source + last.target - self._before
            self._node_seconds += extra * (now - self._counted_at)
            self._most = max(self._most, extra)
        self._counted_at = now

    def _run_result(self) -> RunResult:
        status = self._status
        # The wait until a run counts as blocked is no part of the migration.
        at = (self._stalled_at or self.simulation.kernel.now) - self._began
        if self._steps and not self._steps[-1].ended:
            self._steps[-1].ended = at
        done = status.is_true(ConditionType.SUCCEEDED)
        ready = status.condition(ConditionType.READY)
        why, message = self._stalled or (ready.reason if ready else "", status.message)
        pauses = _pauses(self._batches, 0.0, at)
        first, last = self._leaving.first - self._began, self._leaving.last - self._began
        moving = last - first - _pauses(self._batches, first, last)
        return RunResult(
            seconds=self._steps[-1].began if done and self._steps else at,
            succeeded=done,
            ending=ConditionType.SUCCEEDED if done else why,
            message=status.message if done else message,
            steps=[step for step in self._steps if step.name],
            batches=self._batches,
            points=_thinned(self._points),
            evictions=len(self.operator.runner.evicted),
            extra_nodes=self._most,
            node_hours=max(0.0, self._node_seconds) / 3600,
            moving_seconds=max(0.0, moving),
            pause_seconds=pauses,
            ideal_seconds=self.timing.ideal_seconds,
            floor_seconds=self.timing.floor_seconds,
            limited_by=self.timing.limited_by,
            blockers=status.blockers,
            findings=status.preflight.findings,
            notes=tuple(self.simulation.notes),
        )


def _pauses(batches: list[BatchTime], since: float, until: float) -> float:
    """Seconds between batches, as far as they lie between two times."""
    return sum(
        max(0.0, min(after.began, until) - max(before.ended, since))
        for before, after in pairwise(batches)
        if before.ended
    )


def _soaks(status: MigrationStatus) -> bool:
    ready = status.condition(ConditionType.READY)
    return ready is not None and ready.reason in {Reason.SOAKING, Reason.BATCH_SOAK}


def _thinned(points: list[Point]) -> list[Point]:
    """At most POINTS points, including the first and the last."""
    if len(points) <= POINTS:
        return points
    stride = (len(points) - 1) / (POINTS - 1)
    return [points[round(at * stride)] for at in range(POINTS)]
