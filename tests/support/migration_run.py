"""Whole migrations in virtual time: the real decisions, executor and SDK, a modelled AKS over HTTP.

The nodes are those of the model; changes that azlm makes to nodes take effect at once. There are no
pods: these tests are about Azure.
"""

import random
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from azure_linux_migrator.api.spec import ClusterRef
from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.azure.client import open_pools
from azure_linux_migrator.controller.executor import Executor
from azure_linux_migrator.controller.metrics import Telemetry
from azure_linux_migrator.core.reconcile.loop import Loop
from azure_linux_migrator.core.reconcile.messages import (
    Now,
    ResourceSeen,
    StatusWritten,
    Submit,
    WriteAnswer,
    WriteStatus,
)
from azure_linux_migrator.core.reconcile.observer import Observer
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.model.actions import (
    Action,
    CordonNode,
    MarkNode,
    ReadAzureFacts,
    ReleaseNode,
    ReviewAccess,
)
from azure_linux_migrator.model.azure_facts import AzureFacts
from azure_linux_migrator.model.cluster import Node
from azure_linux_migrator.simulator.aks import operations as ops
from azure_linux_migrator.simulator.aks.limits import Limits, Timings
from azure_linux_migrator.simulator.aks.managed_cluster import ManagedCluster
from azure_linux_migrator.simulator.aks.nodes import NodeRecord, make_node
from simtest.faults.azure_calls import CallFault, inject
from testbed.aks.server import ArmServer

NOW = 1_800_000_000.0
ZERO = "00000000-0000-0000-0000-000000000000"
NODES = 4
POOL: dict[str, Any] = {
    "count": NODES,
    "vmSize": "Standard_D4s_v5",
    "osSKU": "Ubuntu",
    "mode": "User",
    "type": "VirtualMachineScaleSets",
}
CALM = {
    "canary": {"nodes": 0},
    "batch": {"size": "50%", "soak": "0s"},
    "finalSoak": "0s",
    "maxSurge": 2,
}


class Nobody:
    """A Kubernetes without pods, for the check before machines are deleted."""

    async def request(self, *_: Any, **__: Any) -> bytes:
        """An empty list for every request."""
        return b'{"items": []}'


class MigrationRun:
    """One migration `m` of pool `src`, of NODES nodes, to `srcazl`: drives the reconcile loop."""

    problem = staticmethod(str)
    synced = True

    def __init__(self, cluster: ManagedCluster, url: str, **spec: Any) -> None:
        self.cluster = cluster
        self.now = NOW
        self.world = World()
        self.annotations: dict[str, str] = {}
        raw = {"source": {"nodePool": "src"}, "strategy": CALM} | spec
        self.resource = ResourceSeen("m", "uid-m", 1, 1, raw, MigrationStatus(), self.annotations)
        """The resource as it is recorded."""
        self.trail: list[str] = []
        self.most_nodes = 0
        self.node_seconds = 0.0
        self.url = url
        self.log: list[dict[str, Any]] = []
        """Requests that Azure was sent: method, path, status (0 where the answer was lost)."""
        self.executor = self._executor()
        self.loop = self._loop()
        for node in cluster.nodes():
            self.world.put_node(_node(node))

    def _loop(self) -> Loop:
        return Loop(self.resource, Observer(self, self.executor, began=self.now), coalesce=0.2)

    def _executor(self) -> Executor:
        nobody: Any = Nobody()
        where = ClusterRef(subscription_id=ZERO, resource_group="demo-rg", name="demo")
        pools = open_pools(where, endpoint=self.url, cloud="public", on_request=lambda *_: None)
        self._pools = pools
        return Executor(
            client=nobody,
            world=self.world,
            pools=lambda: pools,
            telemetry=Telemetry(),
            may_act=lambda: True,
            on_result=lambda: self.loop.changed(self._time()),
            clock=lambda: self.now,
        )

    async def restart(self, status: MigrationStatus | None = None) -> None:
        """The operator is killed and starts again with the recorded status, or with the given
        one."""
        await self._pools.close()
        if status is not None:
            self.resource = replace(self.resource, status=status)
        self.executor = self._executor()
        self.loop = self._loop()

    async def close(self) -> None:
        """Close the connections."""
        await self._pools.close()

    @property
    def status(self) -> MigrationStatus:
        """The status as last decided."""
        return self.loop.status

    @property
    def reason(self) -> str:
        """The reason of Ready."""
        condition = self.status.condition("Ready")
        return condition.reason if condition else ""

    @property
    def pools(self) -> dict[str, Any]:
        """What AKS holds, by name."""
        return {name: pool.properties for name, pool in self.cluster._engine.pools.items()}

    def change(self, **spec: Any) -> None:
        """The admin changes the spec."""
        self.resource = replace(
            self.resource,
            spec={**self.resource.spec, **spec},
            generation=self.resource.generation + 1,
            version=self.resource.version + 1,
        )
        self.loop.seen(self.resource, self._time())

    async def run(
        self,
        until: Callable[["MigrationRun"], bool] = lambda migration_run: (
            migration_run.status.is_true("Succeeded")
        ),
        *,
        passes: int = 600,
        hours: float = 12.0,
    ) -> bool:
        """Continue until the condition holds; False if it does not within the passes or the
        hours."""
        end = self.now + hours * 3600
        self.loop.changed(self._time())
        while passes > 0:
            self._happen()
            decisions = self.loop.decisions
            actions = self._tick()
            passes -= self.loop.decisions > decisions
            self._log()
            if until(self):
                return True
            await self._perform(actions)
            due = [self.loop.wake_at, self.cluster.next_event_at()]
            following = min((time for time in due if time is not None), default=self.now + 60)
            self._pass_to(max(following, self.now + (0.2 if actions else 0.5)))
            if self.now > end:
                return False
        return False

    def _time(self) -> Now:
        return Now(self.now, self.now)

    def _tick(self) -> list[Action]:
        """The actions that the loop submits; every status is recorded at once."""
        actions: list[Action] = []
        outputs = self.loop.tick(self._time())
        while outputs:
            match outputs.pop(0):
                case WriteStatus(status):
                    version = self.resource.version + 1
                    self.resource = replace(self.resource, status=status, version=version)
                    taken = StatusWritten(WriteAnswer.TAKEN, version)
                    outputs += self.loop.written(taken, self._time())
                case Submit(_, decision):
                    rest = [action for action in decision.actions if not self._knows(action)]
                    actions += rest
                    if len(rest) < len(decision.actions):
                        self.now += 0.2
                        outputs += self.loop.tick(self._time())
        return actions

    def _knows(self, action: Action) -> bool:
        """Answer at once what the preflight reads beside the pools."""
        match action:
            case ReadAzureFacts():
                self.executor.outcomes.azure_facts_read(action, AzureFacts(at=self.now))
            case ReviewAccess():
                self.executor.outcomes.access_reviewed(action, (), self.now)
            case _:
                return False
        self.loop.changed(self._time())
        return True

    def _pass_to(self, then: float) -> None:
        self.node_seconds += (then - self.now) * len(self.cluster.nodes())
        self.now = then

    def _happen(self) -> None:
        for event in self.cluster.advance(self.now):
            self.loop.changed(self._time())
            match event:
                case ops.NodeAppears():
                    self.world.put_node(_node(event.node))
                case ops.NodeChanges():
                    self.world.put_node(_node(event.new))
                case ops.NodeStops():
                    self._put(self.world.nodes[event.name], ready=False)
                case ops.NodeStarts():
                    self.world.put_node(_node(event.node))
                case ops.NodeVanishes():
                    self.world.remove_node(event.name)
        ours = [node for node in self.cluster.nodes() if node.pool.startswith("src")]
        self.most_nodes = max(self.most_nodes, len(ours))

    async def _perform(self, actions: Iterable[Action]) -> None:
        for action in actions:
            match action:
                case CordonNode(name, by, batch):
                    node = self.world.nodes[name]
                    self._put(node, unschedulable=True, cordoned_by=by, batch=batch or node.batch)
                case MarkNode(name, batch):
                    self._put(self.world.nodes[name], batch=batch)
                case ReleaseNode(name, by):
                    node = self.world.nodes[name]
                    ours = node.cordoned_by == by
                    mine = node.unschedulable and not ours
                    self._put(node, unschedulable=mine, cordoned_by="", batch="")
                case _:
                    self.executor.submit([action])
                    continue
            self.loop.changed(self._time())
        await self.executor.stop()

    def _put(self, node: Node, **changes: Any) -> None:
        fields = {name: getattr(node, name) for name in node.__struct_fields__}
        self.world.put_node(Node(**(fields | changes)))

    def _log(self) -> None:
        line = f"{self.status.step}:{self.reason}"
        if not self.trail or self.trail[-1] != line:
            self.trail.append(line)


def _node(record: NodeRecord) -> Node:
    return Node(
        name=record.name,
        pool=record.pool,
        os_sku=record.labels["kubernetes.azure.com/os-sku"],
        zone=record.zone,
    )


@asynccontextmanager
async def migration_run(
    faults: Iterable[CallFault] = (), *, pool: dict[str, Any] | None = None, **spec: Any
) -> AsyncIterator[MigrationRun]:
    """A cluster with a System pool and the pool `src`, and a migration of it about to begin."""
    cluster = ManagedCluster(
        random.Random(1), timings=Timings(boot=90, delete=60), limits=Limits(), digits="12345678"
    )
    system = POOL | {"mode": "System", "count": 1, "osSKU": "AzureLinux"}
    full = POOL | (pool or {})
    for name, properties in (("system", system), ("src", full)):
        described = {"currentOrchestratorVersion": "1.37.2", **properties}
        described |= {"nodeImageVersion": "AKS-1-1"}
        nodes = [
            make_node(cluster.setting, name, described, index)
            for index in range(properties["count"])
        ]
        cluster.adopt(name, properties, nodes)
    travelling: list[MigrationRun] = []
    server = ArmServer(cluster, None, clock=lambda: travelling[0].now if travelling else NOW)
    url = await server.start(0)
    travelling.append(MigrationRun(cluster, url, **spec))
    travelling[0].log = server.log
    inject(cluster, *faults)
    try:
        yield travelling[0]
    finally:
        await travelling[0].close()
        await server.stop()
