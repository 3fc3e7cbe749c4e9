"""The operator's processes: which one is at work, and when the next one starts (kube/lease.py)."""

import random
from collections.abc import Callable
from typing import Literal, Protocol, get_args

from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.model.cluster import NamespacedName, Pod
from azure_linux_migrator.simulator.cluster.store import NullWatcher
from simtest.custom_resource import CustomResource
from simtest.process import SimulatedProcess
from simtest.scenario import Scenario

RETRY_SECONDS = 2.0
"""The interval at which the leader renews its Lease, and other processes try to take it."""

STANDBY_SKEWS = (0.0, 0.0, 45.0, -45.0)
"""How far the clock of a second process may be ahead, in seconds."""

WatchKind = Literal[
    "node",
    "pod",
    "budget",
    "Deployment",
    "ReplicaSet",
    "StatefulSet",
    "DaemonSet",
    "volume",
    "attachment",
]
WATCHES: tuple[WatchKind, ...] = get_args(WatchKind)


class ProcessWatches(Protocol):
    """The watches of a process."""

    def hold(self, kind: WatchKind, until: float, *, broken: bool = False) -> None:
        """Events of a kind do not arrive before that time; the connection stays, or is `broken`."""

    def lose(self, kind: WatchKind, seconds: float) -> None:
        """A watch loses its place, and begins again after so many seconds."""


class Requests(Protocol):
    """The requests of a process that are on their way."""

    @property
    def running(self) -> frozenset[str]:
        """Keys of their actions."""

    def delay(self, seconds: float) -> None:
        """They arrive so many seconds later."""


class OperatorProcess(Protocol):
    """What faults need of a process. `skew` is how far its clock is ahead, in seconds."""

    alive: bool
    skew: float

    @property
    def process(self) -> SimulatedProcess:
        """Its time."""

    @property
    def watches(self) -> ProcessWatches:
        """Its watches."""

    @property
    def requests(self) -> Requests:
        """Its requests."""

    def start(self) -> None:
        """It starts to work."""

    def kill(self, *, late: float | None = None) -> None:
        """It ends at once. Its requests arrive so many seconds later, or with None as usual or
        never."""


class OperatorProcesses(NullWatcher):
    """One process works at a time, except where a fault starts a second one. Watches the pods of
    the operator's own Deployment if that runs on the source; `on_eviction` is called when the pod
    of the process at work ends."""

    operator: OperatorProcess
    """The process at work, or the last one."""

    def __init__(
        self,
        scenario: Scenario,
        resource: CustomResource,
        new_operator: Callable[[], OperatorProcess],
        seed: str,
        on_eviction: Callable[[], None],
    ) -> None:
        self._own = scenario.own
        self._simulation = scenario.simulation
        self._kernel = scenario.simulation.kernel
        self._resource = resource
        self._new_operator = new_operator
        self._on_eviction = on_eviction
        self._generation = 0
        self._needs_pod = False
        self.beside = 0
        """How many processes have started although the one before was alive."""
        self.rng = random.Random(f"{seed}/processes")
        self._standby_clocks = random.Random(f"{seed}/standby")
        self.status_error: KubernetesError | None = None
        """The answer to writes of the status, where they fail."""
        self.kubernetes_down_until = 0.0
        self.own_pod: NamespacedName | None = None
        if self._own is not None:
            self.own_pod = next(iter(self._simulation.workloads.pods_of[self._own.uid]))
            self._simulation.store.watchers.append(self)

    def create(self) -> None:
        """Make the next process; it does not work before its `start`."""
        self.operator = self._new_operator()

    def lead(self) -> None:
        """A new process takes the Lease and starts, as soon as the API server answers and the
        operator has a Ready pod."""
        if self._resource.body is None:
            return
        now = self._kernel.now
        if now < self.kubernetes_down_until:
            self._kernel.after(self.kubernetes_down_until - now + 0.1, self.lead_if_none)
            return
        if self._own is not None and self.own_pod is None:
            self._needs_pod = True
            return
        self.create()
        self.operator.start()

    def lead_if_none(self) -> None:
        """As `lead`, if no process is alive."""
        if not self.operator.alive:
            self.lead()

    def lead_beside(self) -> None:
        """Start another process although the one at work is alive. It waits for the Lease, by a
        clock of its own. Successors that were planned before do not start."""
        self._generation += 1
        self.beside += 1
        before = self.operator
        self.lead()
        if self.operator is not before:
            self.operator.skew = self._standby_clocks.choice(STANDBY_SKEWS)

    def replace(self, seconds: float) -> bool:
        """End the process; a successor starts so many seconds later, if no other did. Some of its
        requests still take effect. False if no process is alive."""
        if not self.operator.alive:
            return False
        self.operator.kill()
        self._generation += 1
        generation = self._generation
        self._kernel.after(seconds, lambda: self._lead_as(generation))
        return True

    def _lead_as(self, generation: int) -> None:
        if generation == self._generation:
            self.lead_if_none()

    def restore_status_writes(self) -> None:
        """Writes of the status work again, unless the API server is still down."""
        if self._kernel.now >= self.kubernetes_down_until:
            self.status_error = None

    def pod(self, old: Pod | None, new: Pod | None) -> None:
        """A pod changed. When the operator's pod is evicted, SIGTERM ends the process and its
        requests take effect; another pod of the Deployment continues when it is Ready."""
        pod, own = new or old, self._own
        if own is None or pod is None or pod.owner is None or not pod.owner.uid.startswith(own.uid):
            return
        if (new is None or new.terminating) and pod.key == self.own_pod:
            self.own_pod = None
            self._on_eviction()
            if self.operator.alive:
                self.operator.kill(late=0.0)
                self._needs_pod = True
        if self.own_pod is None:
            self._choose_pod(own.uid)

    def _choose_pod(self, owner: str) -> None:
        simulation = self._simulation
        pods = [simulation.store.pods[key] for key in simulation.workloads.pods_of[owner]]
        ready = [pod.key for pod in pods if pod.ready and not pod.terminating]
        self.own_pod = min(ready, default=None)
        if ready and self._needs_pod and not self.operator.alive:
            self._needs_pod = False
            self._kernel.after(self.rng.uniform(0.1, RETRY_SECONDS), self.lead)
