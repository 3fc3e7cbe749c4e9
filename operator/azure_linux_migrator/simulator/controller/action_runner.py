"""Sends the actions of the core to the simulated cluster; controller/executor.py sends them to the
real one. A request is sent, takes effect, and is answered; a fault can strike each of these."""

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
from azure_linux_migrator.errors import AzlmError, KubernetesError
from azure_linux_migrator.model.actions import (
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
from azure_linux_migrator.model.pool import Pool
from azure_linux_migrator.simulator.aks.port import NoAnswerError
from azure_linux_migrator.simulator.cluster.api_server import CONFLICT_SECONDS
from azure_linux_migrator.simulator.controller.backend import Effect
from azure_linux_migrator.simulator.controller.fault_hook import InjectedFault
from azure_linux_migrator.simulator.controller.operator_process import OperatorProcess
from azure_linux_migrator.simulator.kernel import Timer


class ActionRunner:
    """Runs the actions of one migration in one operator process."""

    def __init__(self, operator: OperatorProcess, on_result: Callable[[], None]) -> None:
        self._operator = operator
        self._backend = operator.setup.backend
        self._fault_hook = operator.setup.fault_hook
        self._process = operator.process
        self._rng = rng = operator.rng
        self._on_result = on_result
        self._under_way: dict[str, Timer | None] = {}
        self._waiting: deque[Action] = deque()
        self._dead = self._retired = False
        self.outcomes = Outcomes(operator.world, lambda: rng.uniform(1.0, 1.25))

    @property
    def running(self) -> frozenset[str]:
        """Keys of the actions under way."""
        return frozenset(self._under_way)

    def submit(self, actions: Iterable[Action]) -> None:
        """Start the actions that do not run already; none after the leadership is lost."""
        for action in actions:
            key = action.key
            if key in self._under_way or self._dead or self._retired or not self._operator.leads:
                continue
            self.outcomes.began(action, self._operator.clock())
            self._under_way[key] = None
            if len(self._under_way) > CONCURRENCY:
                self._waiting.append(action)
            else:
                self._send(action, 0)

    def retire(self) -> None:
        """Start no more actions; those under way continue to their end."""
        self._retired = True

    def die(self, *, late: float | None = None) -> None:
        """The process ends: answers are ignored. See OperatorProcess.abandon for the requests."""
        if self._dead:
            return
        self._dead = True
        for timer in self._under_way.values():
            self._operator.abandon(timer, late=late)

    def delay(self, seconds: float) -> None:
        """Requests that were sent arrive so many seconds later."""
        for key, timer in tuple(self._under_way.items()):
            if timer is not None and timer.live:
                self._under_way[key] = timer.postpone(self._backend.kernel, seconds)

    def _send(self, action: Action, part: int) -> None:
        way = self._operator.way(action)
        since = self.outcomes.changes
        self._under_way[action.key] = self._backend.kernel.after(
            way, lambda: self._arrives(action, part, way, since)
        )

    def _arrives(self, action: Action, part: int, way: float, since: int) -> None:
        if isinstance(action, EvictPod) and self._backend.api.conflicts(action.pod):
            self._under_way[action.key] = self._backend.kernel.after(
                CONFLICT_SECONDS * self._rng.uniform(1.0, 1.1),
                lambda: self._arrives(action, part, way, since),
            )
            return
        self._under_way[action.key] = None
        injected_fault = self._fault_hook.injected_fault(action, part)
        if injected_fault is None or not (injected_fault.lost or injected_fault.late):
            self._commit(action, part, way, since, injected_fault)
        elif injected_fault.late:
            self._backend.kernel.after(
                injected_fault.late, lambda: self._commit(action, part, way, since, None)
            )

    def _commit(
        self,
        action: Action,
        part: int,
        way: float,
        since: int,
        injected_fault: InjectedFault | None,
    ) -> None:
        if part == 0:
            self._fault_hook.begins(action)
        error: AzlmError | None = injected_fault.error if injected_fault else None
        effect = Effect()
        if injected_fault is None or injected_fault.error is None or injected_fault.committed:
            try:
                effect = self._backend.perform(action, part)
            except AzlmError as raised:
                error = error or raised
            self._fault_hook.ends(action)
        delay = way + (injected_fault.delay if injected_fault else 0.0)
        delay += error.seconds if isinstance(error, NoAnswerError) else 0.0
        if error is None and effect.more:
            self._process.after(delay, lambda: self._go_on(action))
        else:
            self._process.after(delay, lambda: self._answer(action, error, effect, since))

    def _go_on(self, action: Action) -> None:
        """Send the second request of an action, unless the process ended between the two."""
        if not self._dead:
            self._send(action, 1)

    def _answer(self, action: Action, error: AzlmError | None, effect: Effect, since: int) -> None:
        if self._dead:
            return
        self._under_way.pop(action.key, None)
        if self._waiting:
            self._send(self._waiting.popleft(), 0)
        now, outcomes = self._operator.clock(), self.outcomes
        if isinstance(action, EvictPod | DeletePod) and not isinstance(error, NoAnswerError):
            outcomes.eviction_answered(action, self._response(action, error), now)
        elif error is not None:
            outcomes.failed(action, error, now)
        else:
            self._noted(action, effect.pools, since, now)
        self._on_result()

    def _noted(self, action: Action, pools: dict[str, Pool] | None, since: int, now: float) -> None:
        outcomes = self.outcomes
        match action:
            case CreatePool() | UpdatePool() | DeleteMachines() | DeletePool():
                outcomes.pool_changed(action, now)
            case ReadPools():
                outcomes.pools_listed(action, pools or {}, since=since, now=now)
            case ReviewAccess():
                outcomes.access_reviewed(action, self._backend.missing, now)
            case ReadAzureFacts():
                outcomes.azure_facts_read(action, replace(self._backend.azure_facts, at=now))
            case RunForecast(generation):
                at = timestamp(now)
                outcomes.forecast_finished(action, ForecastStatus(generation=generation, at=at))
            case _:
                outcomes.wrote(action, now)

    def _response(self, action: EvictPod | DeletePod, error: AzlmError | None) -> EvictionResponse:
        if not isinstance(error, KubernetesError):
            return EvictionResponse(EvictionResult.GRANTED)
        answer = classify(error)
        if answer.result is EvictionResult.CONFLICT:
            pod = self._backend.api.store.pods.get(action.pod)
            if pod is None:
                return EvictionResponse(EvictionResult.GONE)
            if pod.uid != action.uid:
                return EvictionResponse(EvictionResult.SUCCESSOR)
        return answer
