"""What every call of the modelled AKS shares: its state, its clock, and throttling."""

import random
from collections.abc import Sequence
from typing import Any

import msgspec

from azure_linux_migrator.simulator.aks import checks, errors, pools
from azure_linux_migrator.simulator.aks import operations as ops
from azure_linux_migrator.simulator.aks.call_hook import UNCHANGED, CallEffect, CallHook, NoCallHook
from azure_linux_migrator.simulator.aks.engine import Engine
from azure_linux_migrator.simulator.aks.limits import ClusterShape, Limits, Timings, TokenBuckets
from azure_linux_migrator.simulator.aks.nodes import NodeRecord, NodeSetting
from azure_linux_migrator.simulator.aks.pool import AgentPool
from azure_linux_migrator.simulator.aks.region import Region


class ArmReply(msgspec.Struct, frozen=True):
    """The answer to a call. `operation` is the id that the asynchronous headers point to."""

    status: int
    body: dict[str, Any] | None = None
    operation: str = ""
    location: bool = False
    """Whether the answer has a `Location` header with `operationresults`, beside
    `Azure-AsyncOperation`."""


class Base:
    """The state of one managed cluster."""

    def __init__(
        self,
        rng: random.Random,
        *,
        shape: ClusterShape | None = None,
        timings: Timings | None = None,
        limits: Limits | None = None,
        digits: str = "",
        wait_for_drains: bool = False,
        region: Region | None = None,
    ) -> None:
        """`digits` are the eight digits in the names of the cluster's nodes; random if empty.

        With `wait_for_drains` a node stays until `drained()` is called or the drain times out;
        without it, draining takes no time.
        """
        self.shape = shape or ClusterShape()
        self.limits = limits or Limits()
        self.call_hook: CallHook = NoCallHook()
        self.region = region or Region()
        setting = NodeSetting(
            self.shape.subscription,
            self.shape.resource_group,
            self.shape.name,
            self.shape.location,
            digits or str(rng.randrange(10_000_000, 100_000_000)),
        )
        self._engine = Engine(setting, timings or Timings(), rng, wait_for_drains=wait_for_drains)
        self._buckets = TokenBuckets()
        self._etag = self._engine.new_id()
        self._conflicts = random.Random(self._etag)  # noqa: S311 - a simulation's dice

    # Time ----------------------------------------------------------------------------------------

    def next_event_at(self) -> float | None:
        """The time of the next event, or None if only a call causes one."""
        return self._engine.next_event_at()

    def advance(self, now: float) -> list[ops.Event]:
        """Process everything that is due by `now`; return the events in the order of time."""
        return self._engine.advance(now)

    def drained(self, node: str, now: float) -> None:
        """Report the end of a drain that `NodeDrains` announced; other nodes are ignored."""
        self._engine.drained(node, now)

    def draining(self, node: str) -> bool:
        """Whether an operation still waits for a drain that `NodeDrains` announced."""
        return self._engine.draining(node)

    def nodes(self, pool: str | None = None) -> list[NodeRecord]:
        """The nodes that exist now, of one pool or of all."""
        pools = [self._engine.pools[pool]] if pool else list(self._engine.pools.values())
        return [node for pool in pools for node in pool.nodes.values()]

    @property
    def setting(self) -> NodeSetting:
        """The settings from which the cluster's nodes are made."""
        return self._engine.setting

    # Starting state ------------------------------------------------------------------------------

    def adopt(
        self,
        name: str,
        properties: dict[str, Any],
        nodes: Sequence[NodeRecord] = (),
        *,
        made_with_cluster: bool = False,
    ) -> None:
        """Add a pool that exists already, with its nodes, without an operation.

        One that was made together with its cluster shows a maxSurge and no scaleDownMode.
        Raises ArmError if AKS does not accept the pool.
        """
        body = {"properties": properties}
        full = pools.applied(name, None, body, self.shape, self.limits, exists=True)
        if version := properties.get("currentOrchestratorVersion"):
            full["currentOrchestratorVersion"] = version
        if made_with_cluster:
            del full["scaleDownMode"]
            full["upgradeSettings"] = {"maxSurge": "10%"} | full["upgradeSettings"]
        full |= {"provisioningState": "Succeeded", "eTag": self._engine.new_id()}
        pool = self._engine.pools[name] = AgentPool(name, full)
        pool.nodes = {node.name: node for node in nodes}

    def occupy(self, state: str, seconds: float, now: float) -> str:
        """Start another client's operation on the whole cluster; return its id."""
        return self._engine.begin_on_cluster(state, seconds, now).id

    # Rules ---------------------------------------------------------------------------------------

    def _enter(self, call: str, pool: str | None, now: float) -> CallEffect:
        """Count the call. Raises ArmError or ResponseLost if the call has no effect."""
        if self.limits.throttling and (wait := self._buckets.take(call, pool, now)) > 0:
            raise errors.throttled(wait)
        effect = self.call_hook.called(call, pool)
        if not call.startswith(("Put", "Delete", "Abort")):
            self._answer(ArmReply(200), effect)
        return effect

    def _answer(self, reply: ArmReply, effect: CallEffect) -> ArmReply:
        if effect.answer_lost_after is not None:
            raise errors.ResponseLost(committed=True, hang_seconds=effect.answer_lost_after)
        return reply

    def _start(
        self,
        pool: AgentPool,
        state: str,
        steps: Sequence[ops.Step],
        now: float,
        effect: CallEffect = UNCHANGED,
        **traits: Any,
    ) -> ArmReply:
        """Begin an operation; `traits` are further fields of `Operation`."""
        if effect.hidden_seconds:
            pool.hidden_until = now + effect.hidden_seconds
        operation = self._engine.begin(
            pool,
            state,
            [*map(ops.Wait, effect.waits), *steps],
            now,
            ending=effect.ending,
            missing=effect.missing_nodes,
            **traits,
        )
        return ArmReply(202, None, operation.id, location=True)

    def _may_change(self, pool: AgentPool | None, *, nodes: bool) -> None:
        """Raise ArmError if the pool, another one or the cluster is busy, or if a lock is on what
        the change of nodes would change."""
        checks.check_idle(pool, self._engine.cluster_operation)
        if nodes and self.region.node_group_locks:
            raise errors.resource_group_locked(self.setting.node_resource_group)
        running = [other.running for other in self._engine.pools.values() if other is not pool]
        states = [operation.state for operation in running if operation is not None]
        if states and self._conflicts.random() < self.limits.refused_beside_others:
            raise errors.cluster_busy(states[0])

    def _visible(self, name: str, now: float) -> AgentPool:
        pool = self._engine.pools.get(name)
        if pool is None or pool.hidden_until > now:
            raise errors.pool_not_found(name)
        return pool
