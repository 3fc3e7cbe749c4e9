"""Sends the actions of the core to the simulated cluster; controller/executor.py sends them to the
real one."""

import random
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace

from azure_linux_migrator.api.status import timestamp
from azure_linux_migrator.api.status_checks import ForecastStatus
from azure_linux_migrator.core.reconcile.loop import CONCURRENCY
from azure_linux_migrator.core.state.eviction_response import (
    EvictionResponse,
    EvictionResult,
    classify,
)
from azure_linux_migrator.core.state.outcomes import Outcomes
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.errors import AzlmError, KubernetesError
from azure_linux_migrator.model.actions import (
    AZURE,
    Action,
    CreatePool,
    DeleteMachines,
    DeletePod,
    DeletePool,
    EvictPod,
    ReadAzureFacts,
    ReadPools,
    ReviewAccess,
    RunForecast,
    UpdatePool,
)
from azure_linux_migrator.model.cluster import NamespacedName
from azure_linux_migrator.model.pool import Pool
from azure_linux_migrator.simulator.assembly.simulated_cluster import SimulatedCluster
from azure_linux_migrator.simulator.cluster.api_server import CONFLICT_SECONDS
from azure_linux_migrator.simulator.controller.effects import perform


class ActionRunner:
    """Runs the actions of one migration. A request takes effect half-way, and is always answered.
    `evicted` are the pods that it was asked to evict, in order."""

    def __init__(
        self,
        cluster: SimulatedCluster,
        world: World,
        rng: random.Random,
        on_result: Callable[[], None],
    ) -> None:
        self._cluster, self._kernel = cluster, cluster.kernel
        self._rng = rng
        self._on_result = on_result
        self._under_way: set[str] = set()
        self._waiting: deque[Action] = deque()
        self.outcomes = Outcomes(world, lambda: rng.uniform(1.0, 1.25))
        self.evicted: list[NamespacedName] = []

    @property
    def running(self) -> frozenset[str]:
        """Keys of the actions under way."""
        return frozenset(self._under_way)

    def submit(self, actions: Iterable[Action]) -> None:
        """Start the actions that do not run already."""
        for action in actions:
            if action.key in self._under_way:
                continue
            self.outcomes.began(action, self._kernel.now)
            self._under_way.add(action.key)
            if len(self._under_way) > CONCURRENCY:
                self._waiting.append(action)
            else:
                self._send(action)

    def _send(self, action: Action) -> None:
        pace = self._cluster.pace
        way = (pace.azure if isinstance(action, AZURE) else pace.request).draw(self._rng) / 2
        since = self.outcomes.changes
        self._kernel.after(way, lambda: self._arrives(action, way, since))

    def _arrives(self, action: Action, way: float, since: int) -> None:
        cluster = self._cluster
        if isinstance(action, EvictPod):
            if cluster.api.conflicts(action.pod):
                delay = CONFLICT_SECONDS * self._rng.uniform(1.0, 1.1)
                self._kernel.after(delay, lambda: self._arrives(action, way, since))
                return
            self.evicted.append(action.pod)
        error: AzlmError | None = None
        pools: dict[str, Pool] = {}
        try:
            if isinstance(action, ReadPools):
                pools = cluster.arm.list_pools(self._kernel.now)
            perform(cluster, action)
        except AzlmError as refused:
            error = refused
        self._kernel.after(way, lambda: self._answered(action, error, pools, since))

    def _answered(
        self, action: Action, error: AzlmError | None, pools: dict[str, Pool], since: int
    ) -> None:
        self._under_way.remove(action.key)
        if self._waiting:
            self._send(self._waiting.popleft())
        now, outcomes = self._kernel.now, self.outcomes
        if isinstance(action, EvictPod | DeletePod):
            outcomes.eviction_answered(action, _response(error), now)
        elif error is not None:
            outcomes.failed(action, error, now)
        else:
            self._note(action, pools, since, now)
        self._on_result()

    def _note(self, action: Action, pools: dict[str, Pool], since: int, now: float) -> None:
        outcomes = self.outcomes
        match action:
            case CreatePool() | UpdatePool() | DeleteMachines() | DeletePool():
                outcomes.pool_changed(action, now)
            case ReadPools():
                outcomes.pools_listed(action, pools, since=since, now=now)
            case ReviewAccess():
                outcomes.access_reviewed(action, (), now)
            case ReadAzureFacts():
                outcomes.azure_facts_read(action, replace(self._cluster.azure_facts, at=now))
            case RunForecast(generation):
                at = timestamp(now)
                outcomes.forecast_finished(action, ForecastStatus(generation=generation, at=at))
            case _:
                outcomes.wrote(action, now)


def _response(error: AzlmError | None) -> EvictionResponse:
    """As kube/eviction.py answers. The only conflict is another uid: a pod of the same name."""
    if not isinstance(error, KubernetesError):
        return EvictionResponse(EvictionResult.GRANTED)
    answer = classify(error)
    successor = answer.result is EvictionResult.CONFLICT
    return EvictionResponse(EvictionResult.SUCCESSOR) if successor else answer
