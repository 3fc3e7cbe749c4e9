"""Gives every action of the core its meaning in the simulated cluster (controller/executor.py: in
the real one). A request is on its way, takes effect, and is answered; each of these can go wrong.
"""

import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from msgspec import Struct

from azure_linux_migrator.api.names import VICTIM_COST, YIELDED
from azure_linux_migrator.api.status import ForecastStatus, timestamp
from azure_linux_migrator.core.drain.predelete_check import (
    EndsNodes,
    check_nodes_are_empty,
    ends_nodes,
)
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
    Action,
    CordonNode,
    CreatePool,
    DeleteMachines,
    DeletePod,
    DeletePool,
    EvictPod,
    MarkNode,
    ReadAzureFacts,
    ReadPools,
    ReleaseNode,
    RelinquishScale,
    RestartRollout,
    RestoreScale,
    ReviewAccess,
    RunForecast,
    SetDeletionCost,
    SurgeReplica,
    UpdatePool,
)
from azure_linux_migrator.model.azure_facts import AzureFacts
from azure_linux_migrator.model.cluster import NamespacedName, Pod
from azure_linux_migrator.model.pool import Pool
from azure_linux_migrator.simulator.aks.port import NoAnswerError, SimulatedArm
from azure_linux_migrator.simulator.cluster.api_server import CONFLICT_SECONDS, ApiServer
from azure_linux_migrator.simulator.cluster.node_lifecycle import NodeLifecycle
from azure_linux_migrator.simulator.cluster.workloads import Workloads
from azure_linux_migrator.simulator.controller.fault_hook import FaultHook, InjectedFault
from azure_linux_migrator.simulator.controller.process import SimulatedProcess
from azure_linux_migrator.simulator.kernel import Kernel, Timer


class Backend(Struct):
    """What actions work on. `missing` is what Kubernetes does not allow the operator."""

    kernel: Kernel
    api: ApiServer
    workloads: Workloads
    node_lifecycle: NodeLifecycle
    arm: SimulatedArm
    azure_facts: AzureFacts = AzureFacts()
    missing: tuple[str, ...] = ()


class Effect(Struct, frozen=True):
    """What a request brought about: the pools it read, and whether another one is to follow."""

    pools: dict[str, Pool] | None = None
    more: bool = False


class ActionRunner:
    """Runs the actions of one migration in one operator process."""

    def __init__(
        self,
        backend: Backend,
        world: World,
        rng: random.Random,
        process: SimulatedProcess,
        *,
        clock: Callable[[], float],
        latency: Callable[[Action], float],
        fault_hook: FaultHook,
        may_act: Callable[[], bool],
        on_result: Callable[[], None],
    ) -> None:
        self._backend = backend
        self._process = process
        self._clock = clock
        self._latency = latency
        self._fault_hook = fault_hook
        self._rng = rng
        self._may_act = may_act
        self._on_result = on_result
        self._under_way: dict[str, Timer | None] = {}
        self._waiting: deque[Action] = deque()
        self._dead = self._retired = False
        self.outcomes = Outcomes(world, lambda: rng.uniform(1.0, 1.25))

    @property
    def running(self) -> frozenset[str]:
        """Keys of the actions under way."""
        return frozenset(self._under_way)

    def submit(self, actions: Iterable[Action]) -> None:
        """Start what is not running already; nothing at all once the leadership is lost."""
        for action in actions:
            key = action.key
            if key in self._under_way or self._dead or self._retired or not self._may_act():
                continue
            self.outcomes.began(action, self._clock())
            self._under_way[key] = None
            if len(self._under_way) > CONCURRENCY:
                self._waiting.append(action)
            else:
                self._send(action, 0)

    def retire(self) -> None:
        """Start nothing more; what is under way goes on to its end."""
        self._retired = True

    def die(self, *, late: float | None = None) -> None:
        """The process ends: nobody hears the answers. Of what is on its way some arrives still;
        with `late` all of it does, so many seconds later."""
        if self._dead:
            return
        self._dead = True
        for timer in self._under_way.values():
            if timer is None or not timer.live:
                continue
            if late is not None:
                self._backend.kernel.after(late, timer.fire)
            elif self._rng.random() < 0.5:
                timer.cancel()

    def delay(self, seconds: float) -> None:
        """What is on its way arrives so much later."""
        for key, timer in tuple(self._under_way.items()):
            if timer is not None and timer.live:
                self._under_way[key] = timer.postpone(self._backend.kernel, seconds)

    def _send(self, action: Action, part: int) -> None:
        way = self._latency(action) / 2
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
                effect = self._perform(action, part)
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
        """The second request of an action, unless the process died between the two."""
        if not self._dead:
            self._send(action, 1)

    def _answer(self, action: Action, error: AzlmError | None, effect: Effect, since: int) -> None:
        if self._dead:
            return
        self._under_way.pop(action.key, None)
        if self._waiting:
            self._send(self._waiting.popleft(), 0)
        now, outcomes = self._clock(), self.outcomes
        if isinstance(action, EvictPod | DeletePod) and not isinstance(error, NoAnswerError):
            outcomes.eviction_answered(action, self._verdict(action, error), now)
        elif error is not None:
            outcomes.failed(action, error, now)
        else:
            self._noted(action, effect.pools, since, now)
        self._on_result()

    def _noted(self, action: Action, found: dict[str, Pool] | None, since: int, now: float) -> None:
        outcomes = self.outcomes
        match action:
            case CreatePool() | UpdatePool() | DeleteMachines() | DeletePool():
                outcomes.pool_changed(action, now)
            case ReadPools():
                outcomes.pools_listed(action, found or {}, since=since, now=now)
            case ReviewAccess():
                outcomes.access_reviewed(action, self._backend.missing, now)
            case ReadAzureFacts():
                outcomes.azure_facts_read(action, replace(self._backend.azure_facts, at=now))
            case RunForecast(generation):
                at = timestamp(now)
                outcomes.forecast_made(action, ForecastStatus(generation=generation, at=at))
            case _:
                outcomes.wrote(action, now)

    def _verdict(self, action: EvictPod | DeletePod, error: AzlmError | None) -> EvictionResponse:
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

    def _perform(self, action: Action, part: int) -> Effect:
        backend = self._backend
        match action:
            case ReadPools():
                return Effect(backend.arm.list_pools(backend.kernel.now))
            case CreatePool() | UpdatePool() | DeleteMachines() | DeletePool():
                if ends_nodes(action):
                    check_nodes_are_empty(action, self._occupants(action))
                try:
                    backend.arm.change(action, backend.kernel.now)
                finally:
                    backend.node_lifecycle.touched()
            case EvictPod(pod, uid):
                backend.api.evict(pod, uid)
            case DeletePod(pod, uid):
                backend.api.delete(pod, uid)
            case CordonNode(node, by, batch):
                backend.api.cordon(node, by, batch)
            case MarkNode(node, batch):
                backend.api.mark(node, batch)
            case ReleaseNode(node, by):
                # As kube/cordon.py does: the cordon in one request, the batch mark in another.
                if part == 0:
                    backend.api.uncordon(node, by)
                    return Effect(more=True)
                backend.api.mark(node, "")
            case RestoreScale(deployment, replicas):
                return self._restore(deployment, replicas, part)
            case _:
                self._scale(action)
        return Effect()

    def _occupants(self, action: EndsNodes) -> Iterator[Pod]:
        """The pods on the nodes that an action would end, as they are now."""
        store = self._backend.api.store
        if isinstance(action, DeleteMachines):
            nodes: Iterable[str] = action.nodes
        else:
            nodes = (node.name for node in store.nodes.values() if node.pool == action.pool)
        return (pod for node in nodes for pod in store.pods_on.get(node, {}).values())

    def _scale(self, action: Action) -> None:
        """As kube/surge.py does: every patch tests what it changes."""
        workloads = self._backend.workloads
        match action:
            case SetDeletionCost(pod, uid):
                self._backend.api.mark_victim(pod, uid, VICTIM_COST)
            case RestartRollout(deployment, stamp):
                workloads.restart(deployment, stamp)
            case SurgeReplica(deployment, replicas, by):
                if workloads.replicas(deployment) == replicas:
                    workloads.scale(deployment, replicas + 1, surge=f"{by}/{replicas}")
            case RelinquishScale(deployment, by):
                workloads.note(deployment, f"{by}/{YIELDED}")

    def _restore(self, deployment: NamespacedName, replicas: int, part: int) -> Effect:
        """The scale and the record of it in one request; where the scale is not ours any more,
        the record alone in another."""
        workloads = self._backend.workloads
        if part == 1:
            workloads.note(deployment, "")
        elif workloads.replicas(deployment) == replicas + 1:
            workloads.scale(deployment, replicas, surge="")
        else:
            return Effect(more=True)
        return Effect()
