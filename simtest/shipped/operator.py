"""One process of the operator that ships, in virtual time: everything from the handlers that Kopf
calls to the bytes of its requests."""

import logging
import random
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from msgspec import Struct

from azure_linux_migrator.api.spec import ClusterRef
from azure_linux_migrator.azure.client import open_pools
from azure_linux_migrator.controller.leadership import LEASE, Leadership
from azure_linux_migrator.controller.metrics import Telemetry
from azure_linux_migrator.controller.process import Operator
from azure_linux_migrator.controller.settings import Settings
from azure_linux_migrator.core.state.results import Decision
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.kube.cluster_watch import ClusterWatch
from azure_linux_migrator.kube.credentials import Credentials
from azure_linux_migrator.model.cluster import NamespacedName
from azure_linux_migrator.simulator.aks.rest_api import ArmAnswer, RestApi
from azure_linux_migrator.simulator.assembly.simulated_cluster import SimulatedCluster
from simtest.custom_resource import Body, CustomResource
from simtest.faults.fault_hook import FaultHook
from simtest.invariants.registry import Judge
from simtest.process import SimulatedProcess
from simtest.rival import NAME as RIVAL
from simtest.rival import Rival
from simtest.shipped.api_server import SimulatedApiServer
from simtest.shipped.arm_transport import ENDPOINT, SimulatedTransport
from simtest.shipped.event_loop import VirtualLoop
from simtest.shipped.flights import Flights
from simtest.shipped.handlers import Handlers
from simtest.shipped.lease import LeaseTimes, SimulatedElector
from simtest.shipped.network import SERVER, KubernetesNetwork
from simtest.shipped.network_faults import NetworkFaults
from simtest.shipped.retry_after import AskedWaits

log = logging.getLogger(__name__)

NAMESPACE = "azlm-system"


class ProcessSetup(Struct, frozen=True):
    """What a process starts with. `identity` is the holder of its Lease, `own_pod` the pod that it
    runs in, if that is in the simulated cluster. From `settled_at` on (virtual seconds since the
    epoch) no fault strikes. The functions tell and get what faults change;
    `own_call` surrounds every call of Azure, `compute` does the work of another process."""

    cluster: SimulatedCluster
    server: SimulatedApiServer
    arm: RestApi
    resource: CustomResource
    rival: Rival | None
    rng: random.Random
    hook: FaultHook
    judge: Judge
    network_faults: NetworkFaults
    identity: str
    own_pod: NamespacedName | None
    lease: LeaseTimes
    settled_at: float
    status_fails: Callable[[], KubernetesError | None]
    kubernetes_down_until: Callable[[], float]
    azure_down_until: Callable[[], float]
    own_call: Callable[[Callable[[], ArmAnswer]], ArmAnswer]
    compute: Callable[..., Any]
    on_decision: Callable[[Decision], None]
    on_end: Callable[[], None]
    on_exception: Callable[[dict[str, Any]], None]


class ShippedOperator:
    """A process from its start to its end. `alive` is whether it has not ended; `watches` and
    `requests` are what they say, for the faults that strike them."""

    def __init__(self, setup: ProcessSetup) -> None:
        self._setup = setup
        cluster = setup.cluster
        self._kernel, self._pace = cluster.kernel, cluster.pace
        self.alive = True
        self.process = SimulatedProcess(self._kernel)
        self.loop = VirtualLoop(  # type: ignore[abstract]
            self.process, setup.on_exception, self._look
        )
        self.loop.compute = setup.compute
        self.requests = Flights(
            self._kernel,
            self.process,
            setup.rng,
            setup.hook,
            lambda: setup.server.kept.lease_holder(LEASE) == setup.identity,
            setup.judge,
            setup.network_faults.overtake,
        )
        waits = AskedWaits(setup.judge, self._kernel, lambda: self.loop.skew)
        self._waits = waits
        self.watches = KubernetesNetwork(
            setup.server,
            self.requests,
            self._pace,
            setup.kubernetes_down_until,
            setup.status_fails,
            setup.network_faults,
            waits,
        )
        self._operator = self._assemble()
        self._handlers: dict[CustomResource, Handlers] = {}
        self._decisions: dict[int, int] = {}
        self._resources = [setup.resource, *((setup.rival.resource,) if setup.rival else ())]
        self._watchers = [
            (resource, partial(self._written, resource)) for resource in self._resources
        ]
        for resource, watcher in self._watchers:
            resource.watchers.append(watcher)

    def _assemble(self) -> Operator:
        """As controller/process.py does in `serve`, with other connections and another end."""
        setup, shape = self._setup, self._setup.cluster.aks.shape
        served = ClusterRef(
            subscription_id=shape.subscription,
            resource_group=shape.resource_group,
            name=shape.name,
        )
        own_pod = setup.own_pod
        settings = Settings(
            cluster=served,
            namespace=own_pod.namespace if own_pod else NAMESPACE,
            identity=own_pod.name if own_pod else "",
        )
        client = Client(Credentials(SERVER), cast("Any", self.watches))
        operator = Operator(settings, client, ClusterWatch(client), Telemetry())
        elector = SimulatedElector(
            client,
            settings.namespace,
            LEASE,
            setup.identity,
            on_lost=self._lease_lost,
            times=setup.lease,
            settled_at=setup.settled_at,
        )
        operator.leadership = Leadership(client, settings, elector)
        transport = SimulatedTransport(
            setup.arm,
            self.requests,
            self._pace.azure,
            own=setup.own_call,
            touched=setup.cluster.node_lifecycle.touched,
            down_until=setup.azure_down_until,
            faults=setup.network_faults,
            asked_waits=self._waits,
        )
        operator.connect_pools(
            served,
            open_pools(
                served,
                endpoint=ENDPOINT,
                cloud=settings.cloud,
                on_request=operator.telemetry.azure_request,
                before_change=operator.leadership.require,
                transport=transport,
            ),
        )
        return operator

    def start(self) -> None:
        """The process starts to work: it waits for the Lease, and then serves the resource."""
        self.loop.create_task(self._lead())

    async def _lead(self) -> None:
        try:
            await self._operator.leadership.gain()
            for resource in self._resources:
                name = None if resource is self._setup.resource else RIVAL
                handlers = Handlers(self._operator, resource, self._request_seconds, name)
                self._handlers[resource] = handlers
                handlers.seen(resource.body)
        except Exception:
            log.exception("the process cannot serve its resource")

    def _written(self, resource: CustomResource, body: Body | None) -> None:
        delay = self._pace.watch.draw(self._setup.rng)
        self.process.after(delay, lambda: self._tell(resource, body))

    def _tell(self, resource: CustomResource, body: Body | None) -> None:
        if (handlers := self._handlers.get(resource)) is not None:
            self.loop.call_soon(handlers.seen, body)

    def _request_seconds(self) -> float:
        return self._pace.request.draw(self._setup.rng)

    def _look(self) -> None:
        """After each callback: whether a worker has decided."""
        for worker in self._operator.workers:
            loop = worker._loop  # noqa: SLF001 - the decisions are what is judged
            before = self._decisions.get(id(worker), 0)
            if loop.decisions == before or loop.last is None:
                continue
            self._decisions[id(worker)] = loop.decisions
            if loop.decisions != before + 1:
                raise AssertionError("two decisions in one callback: one would not be judged")
            if worker.name == RIVAL:
                if self._setup.rival is not None:
                    self._setup.rival.decided(loop.last)
                continue
            for action in loop.last.actions:
                self.requests.actions[action.key] = action
            self._setup.on_decision(loop.last)

    # What faults need

    @property
    def world(self) -> World:
        """What the process knows of the cluster."""
        return self._operator.cluster_watch.world

    @property
    def skew(self) -> float:
        """How far its wall clock is ahead, in seconds."""
        return self.loop.skew

    @skew.setter
    def skew(self, seconds: float) -> None:
        self.loop.skew = seconds

    def kill(self, *, late: float | None = None) -> None:
        """The process ends at once, between two callbacks; see Flights.abandon."""
        if not self.alive:
            return
        self.alive = False
        self.loop.kill()
        self.watches.cut()
        self.requests.abandon(late)
        for resource, watcher in self._watchers:
            resource.watchers.remove(watcher)

    def _lease_lost(self) -> None:
        self.kill()
        self._setup.on_end()

    def dispose(self) -> None:
        """Free what the process holds, after the run."""
        self.kill()
        self.loop.dispose()
