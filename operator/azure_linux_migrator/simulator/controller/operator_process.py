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
from azure_linux_migrator.simulator.controller.backend import Backend
from azure_linux_migrator.simulator.controller.custom_resource import CustomResource
from azure_linux_migrator.simulator.controller.fault_hook import FaultHook, NoFaults
from azure_linux_migrator.simulator.controller.informer import Informer
from azure_linux_migrator.simulator.controller.process import SimulatedProcess
from azure_linux_migrator.simulator.kernel import Timer

AZURE = (ReadPools, ReadAzureFacts, CreatePool, UpdatePool, DeleteMachines, DeletePool)
"""Actions that Azure answers, not Kubernetes."""


class Pace(Struct, frozen=True):
    """How fast things are, in seconds. `coalesce` is how long a wake-up waits for more events."""

    request: Span = Span(0.004, 0.02)
    azure: Span = Span(0.2, 0.8)
    watch: Span = Span(0.002, 0.02)
    coalesce: float = 0.003


def _status_write_succeeds() -> KubernetesError | None:
    return None


def _ignore(_decision: Decision) -> None:
    pass


class OperatorSetup(Struct, frozen=True):
    """What a process starts with. `own_pod` is the pod that it runs in, if that is in the simulated
    cluster. `status_fails` gives the error of a status write, if it fails; `on_decision` is called
    with every decision. `reports_drain` tells whether it may write the conditions of nodes."""

    resource: CustomResource
    backend: Backend
    rng: random.Random
    pace: Pace
    fault_hook: FaultHook = NoFaults()
    own_pod: NamespacedName | None = None
    status_fails: Callable[[], KubernetesError | None] = _status_write_succeeds
    on_decision: Callable[[Decision], None] = _ignore
    reports_drain: bool = False


class OperatorProcess:
    """What the loops of a process share. `skew` is how far its clock is ahead of the kernel's, in
    seconds; `leads` is whether it believes that it holds the Lease (kube/lease.py)."""

    def __init__(self, setup: OperatorSetup) -> None:
        self.setup = setup
        self.resource = setup.resource
        self.kernel = setup.backend.kernel
        self.rng = setup.rng
        self.process = SimulatedProcess(self.kernel)
        self.skew = 0.0
        self.began = self.kernel.now
        self.alive = self.leads = True
        self.world = World()
        self.informer = Informer(
            setup.backend.api.store, self.process, self.world, self.watch_seconds, self.wake
        )
        self._watching = False

    def wake(self) -> None:
        """The watches brought something new."""

    def clock(self) -> float:
        """The time by the clock of this process."""
        return self.kernel.now + self.skew

    def watch(self, *, on: bool) -> None:
        """Start the watches, or end them and forget what they delivered."""
        if self._watching == on:
            return
        self._watching = on
        if on:
            self.informer.start()
        else:
            self.informer.stop()
            self.world.clear()

    def way(self, action: Action | None = None) -> float:
        """Draw the seconds of a request in one direction: to Azure for an action that Azure
        answers, otherwise to the API server."""
        pace = self.setup.pace
        return (pace.azure if isinstance(action, AZURE) else pace.request).draw(self.rng) / 2

    def abandon(self, request: Timer | None, *, late: float | None) -> None:
        """The process ends while a request is on its way: it arrives so many seconds later, or with
        None as usual or never."""
        if request is None or not request.live:
            return
        if late is not None:
            self.kernel.after(late, request.fire)
        elif self.rng.random() < 0.5:
            request.cancel()

    def watch_seconds(self) -> float:
        """Draw the seconds of a watch event on its way."""
        return self.setup.pace.watch.draw(self.rng)
