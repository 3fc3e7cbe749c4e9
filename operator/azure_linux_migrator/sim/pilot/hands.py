"""Gives every action of the core its meaning in the simulated world, as shell/executor.py does in
the real one: a request is on its way, takes effect, and is answered; each of these can go wrong.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Protocol

from msgspec import Struct

from azure_linux_migrator.api.status import ForecastStatus, timestamp
from azure_linux_migrator.core.actions import (
    Action,
    CordonNode,
    CreatePool,
    DeleteMachines,
    DeletePod,
    DeletePool,
    EvictPod,
    Foretell,
    MarkNode,
    MarkVictim,
    ReadPools,
    ReleaseNode,
    RestartRollout,
    RestoreScale,
    ReviewAccess,
    SurgeReplica,
    SurveyAzure,
    UpdatePool,
    YieldScale,
)
from azure_linux_migrator.core.drain.answers import EvictionResult, Verdict, classify
from azure_linux_migrator.core.drain.singletons import VICTIM_COST, YIELDED
from azure_linux_migrator.core.outcomes import Outcomes
from azure_linux_migrator.core.preflight.survey import Survey
from azure_linux_migrator.core.records import Pool
from azure_linux_migrator.core.world import World
from azure_linux_migrator.errors import AzlmError, KubernetesError
from azure_linux_migrator.sim.arm import Arm, NoAnswerError
from azure_linux_migrator.sim.cluster.api import Api
from azure_linux_migrator.sim.cluster.fleet import Fleet
from azure_linux_migrator.sim.cluster.workloads import Workloads
from azure_linux_migrator.sim.kernel import Kernel, Timer


class Mishap(Struct, frozen=True):
    """What befalls a request: an error instead of its effect, or in spite of it (`committed`), and
    how much later than usual the answer comes."""

    error: AzlmError | None = None
    committed: bool = False
    delay: float = 0.0


class Fate(Protocol):
    """What a fault schedule decides; `begins` and `ends` surround an action's effect."""

    def mishap(self, action: Action) -> Mishap | None:
        """What befalls this request."""

    def begins(self, action: Action) -> None:
        """It is about to take effect."""

    def ends(self, action: Action) -> None:
        """It has taken effect; nobody was told yet."""


class Calm:
    """Nothing goes wrong."""

    def mishap(self, _action: Action) -> Mishap | None:
        """Nothing."""
        return None

    def begins(self, action: Action) -> None:
        """Nothing."""

    def ends(self, action: Action) -> None:
        """Nothing."""


class Backend(Struct):
    """What actions work on."""

    kernel: Kernel
    api: Api
    workloads: Workloads
    fleet: Fleet
    arm: Arm
    survey: Survey = Survey()


class Hands:
    """Runs the actions of one migration in one operator process."""

    def __init__(
        self,
        backend: Backend,
        world: World,
        rng: random.Random,
        *,
        clock: Callable[[], float],
        latency: Callable[[Action], float],
        fate: Fate,
        on_result: Callable[[], None],
    ) -> None:
        self._backend = backend
        self._clock = clock
        self._latency = latency
        self._fate = fate
        self._rng = rng
        self._on_result = on_result
        self._under_way: dict[str, Timer | None] = {}
        self._dead = False
        self.outcomes = Outcomes(world, lambda: rng.uniform(1.0, 1.25))

    @property
    def running(self) -> frozenset[str]:
        """Keys of the actions under way."""
        return frozenset(self._under_way)

    def submit(self, actions: Iterable[Action]) -> None:
        """Start what is not running already."""
        for action in actions:
            if action.key in self._under_way or self._dead:
                continue
            self.outcomes.began(action, self._clock())
            self._send(action)

    def die(self, *, late: float | None = None) -> None:
        """The process ends: nobody hears the answers. Of what is on its way some arrives still;
        with `late` all of it does, so many seconds later."""
        self._dead = True
        for timer in self._under_way.values():
            if timer is None or not timer.live:
                continue
            if late is not None:
                self._backend.kernel.after(late, timer.fire)
            elif self._rng.random() < 0.5:
                timer.cancel()

    def _send(self, action: Action) -> None:
        way = self._latency(action) / 2
        since = self.outcomes.changes
        self._under_way[action.key] = self._backend.kernel.after(
            way, lambda: self._commit(action, way, since)
        )

    def _commit(self, action: Action, way: float, since: int) -> None:
        self._under_way[action.key] = None
        mishap = self._fate.mishap(action)
        self._fate.begins(action)
        error: AzlmError | None = mishap.error if mishap else None
        found: dict[str, Pool] | None = None
        if mishap is None or mishap.error is None or mishap.committed:
            try:
                found = self._perform(action)
            except AzlmError as raised:
                error = error or raised
            self._fate.ends(action)
        delay = way + (mishap.delay if mishap else 0.0)
        delay += error.seconds if isinstance(error, NoAnswerError) else 0.0
        self._backend.kernel.after(delay, lambda: self._answer(action, error, found, since))

    def _answer(
        self, action: Action, error: AzlmError | None, found: dict[str, Pool] | None, since: int
    ) -> None:
        if self._dead:
            return
        self._under_way.pop(action.key, None)
        now, outcomes = self._clock(), self.outcomes
        if isinstance(action, EvictPod | DeletePod) and not isinstance(error, NoAnswerError):
            outcomes.eviction_answered(action, self._verdict(action, error), now)
        elif error is not None:
            outcomes.failed(action, error, now)
        else:
            self._noted(action, found, since, now)
        self._on_result()

    def _noted(self, action: Action, found: dict[str, Pool] | None, since: int, now: float) -> None:
        outcomes = self.outcomes
        match action:
            case CreatePool() | UpdatePool() | DeleteMachines() | DeletePool():
                outcomes.pool_changed(action, now)
            case ReadPools():
                outcomes.pools_listed(action, found or {}, since=since, now=now)
            case ReviewAccess():
                outcomes.access_reviewed(action, (), now)
            case SurveyAzure():
                outcomes.surveyed(action, replace(self._backend.survey, at=now))
            case Foretell(generation):
                at = timestamp(now)
                outcomes.foretold(action, ForecastStatus(generation=generation, at=at))
            case _:
                outcomes.wrote(action, now)

    def _verdict(self, action: EvictPod | DeletePod, error: AzlmError | None) -> Verdict:
        if not isinstance(error, KubernetesError):
            return Verdict(EvictionResult.GRANTED)
        answer = classify(error)
        if answer.result is EvictionResult.CONFLICT:
            pod = self._backend.api.store.pods.get(action.pod)
            if pod is None:
                return Verdict(EvictionResult.GONE)
            if pod.uid != action.uid:
                return Verdict(EvictionResult.SUCCESSOR)
        return answer

    def _perform(self, action: Action) -> dict[str, Pool] | None:
        backend = self._backend
        match action:
            case ReadPools():
                return backend.arm.list_pools(backend.kernel.now)
            case CreatePool() | UpdatePool() | DeleteMachines() | DeletePool():
                try:
                    backend.arm.change(action, backend.kernel.now)
                finally:
                    backend.fleet.touched()
            case EvictPod(pod, uid):
                backend.api.evict(pod, uid)
            case DeletePod(pod, uid):
                backend.api.delete(pod, uid)
            case CordonNode(node, by, batch):
                backend.api.cordon(node, by, batch)
            case MarkNode(node, batch):
                backend.api.mark(node, batch)
            case ReleaseNode(node, by):
                backend.api.uncordon(node, by)
            case _:
                self._scale(action)
        return None

    def _scale(self, action: Action) -> None:
        """As kube/surge.py does: every patch tests what it changes."""
        workloads = self._backend.workloads
        match action:
            case MarkVictim(pod, uid):
                self._backend.api.mark_victim(pod, uid, VICTIM_COST)
            case RestartRollout(deployment, stamp):
                workloads.restart(deployment, stamp)
            case SurgeReplica(deployment, replicas, by):
                if workloads.replicas(deployment) == replicas:
                    workloads.scale(deployment, replicas + 1, surge=f"{by}/{replicas}")
            case RestoreScale(deployment, replicas):
                if workloads.replicas(deployment) == replicas + 1:
                    workloads.scale(deployment, replicas, surge="")
                else:
                    workloads.note(deployment, "")
            case YieldScale(deployment, by):
                workloads.note(deployment, f"{by}/{YIELDED}")
