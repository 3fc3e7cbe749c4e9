"""One operator process in virtual time: its watches, its clock, and how fast its requests are."""

import random
from collections.abc import Callable

from msgspec import Struct

from azure_linux_migrator.core.state.results import Decision
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.model.actions import (
    Action,
    CreatePool,
    DeleteMachines,
    DeletePool,
    ReadAzureFacts,
    ReadPools,
    UpdatePool,
)
from azure_linux_migrator.model.cluster import NamespacedName
from azure_linux_migrator.simulator.cluster.workload import Span
from azure_linux_migrator.simulator.controller.action_runner import ActionRunner
from azure_linux_migrator.simulator.controller.backend import Backend
from azure_linux_migrator.simulator.controller.custom_resource import CustomResource
from azure_linux_migrator.simulator.controller.fault_hook import FaultHook
from azure_linux_migrator.simulator.controller.informer import Informer
from azure_linux_migrator.simulator.controller.process import SimulatedProcess

AZURE = (ReadPools, ReadAzureFacts, CreatePool, UpdatePool, DeleteMachines, DeletePool)
"""Actions that Azure answers, not Kubernetes."""


class Pace(Struct, frozen=True):
    """How fast things are, in seconds. `coalesce` is how long a wake-up waits for more events."""

    request: Span = Span(0.004, 0.02)
    azure: Span = Span(0.2, 0.8)
    watch: Span = Span(0.002, 0.02)
    coalesce: float = 0.003


class OperatorProcess:
    """What the loops of a process share. `skew` is how far its clock is ahead of the world's;
    `leads` whether it takes itself for the holder of the Lease (kube/lease.py)."""

    def __init__(
        self,
        resource: CustomResource,
        backend: Backend,
        rng: random.Random,
        *,
        pace: Pace,
        fault_hook: FaultHook,
        own_pod: NamespacedName | None = None,
        status_fails: Callable[[], KubernetesError | None] = lambda: None,
    ) -> None:
        self.resource = resource
        self.kernel = backend.kernel
        self.rng = rng
        self.pace = pace
        self.own_pod = own_pod
        self.status_fails = status_fails
        self._backend = backend
        self._fault_hook = fault_hook
        self.process = SimulatedProcess(backend.kernel)
        self.skew = 0.0
        self.began = backend.kernel.now
        self.alive = self.leads = True
        self.world = World()
        self.on_decision: Callable[[Decision], None] | None = None
        self.informer = Informer(
            backend.api.store, self.process, self.world, self.watch_seconds, self.wake
        )
        self._watching = False

    def wake(self) -> None:
        """The watches brought something new."""

    def clock(self) -> float:
        """What this process takes for the time."""
        return self.kernel.now + self.skew

    def decided(self, decision: Decision) -> None:
        """A loop has decided."""
        if self.on_decision is not None:
            self.on_decision(decision)

    def watch(self, *, on: bool) -> None:
        """Start the watches, or end them and forget what they have told."""
        if self._watching == on:
            return
        self._watching = on
        if on:
            self.informer.start()
        else:
            self.informer.stop()
            self.world.clear()

    def new_runner(self, on_result: Callable[[], None]) -> ActionRunner:
        """What runs the actions of one loop."""
        return ActionRunner(
            self._backend,
            self.world,
            self.rng,
            self.process,
            clock=self.clock,
            latency=self._latency,
            fault_hook=self._fault_hook,
            may_act=lambda: self.leads,
            on_result=on_result,
        )

    def way(self) -> float:
        """Seconds of a request to the apiserver in one direction."""
        return self.pace.request.draw(self.rng) / 2

    def watch_seconds(self) -> float:
        """Seconds of a watch event on its way."""
        return self.pace.watch.draw(self.rng)

    def _latency(self, action: Action) -> float:
        pace = self.pace.azure if isinstance(action, AZURE) else self.pace.request
        return pace.draw(self.rng)
