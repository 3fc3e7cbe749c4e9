"""A model of one AKS cluster's agent pools: the calls of its API, without HTTP and without a clock.

A discrete-event simulator and a wall-clock server drive the same model: both pass the time in,
in seconds, ask `next_event_at()` and collect what happened from `advance()`. Calls take effect at
once; nothing happens by itself between calls but through `advance()`.

Sources: the AKS REST API 2026-08-01, recorded exchanges of azure-cli's tests, and the AKS pages on
system node pools, node taints, quotas and aborting operations.
"""

import copy
import random
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from . import aks_checks as checks
from . import aks_errors as errors
from . import aks_operations as ops
from . import aks_pools as pools
from . import aks_region as surroundings
from . import aks_views as views
from .aks_engine import Engine, Pool
from .aks_faults import (
    Effect,
    EndOperation,
    Fault,
    FaultBook,
    Hide,
    LoseResponse,
    MissingNodes,
    Refuse,
    Stall,
    refusal,
)
from .aks_limits import ClusterShape, Limits, Timings, TokenBuckets
from .aks_nodes import NodeRecord, NodeSetting
from .aks_plan import plan
from .aks_region import Region


class Reply(msgspec.Struct, frozen=True):
    """What a call answered. `operation` is the id that the asynchronous headers point to."""

    status: int
    body: dict[str, Any] | None = None
    operation: str = ""
    location: bool = False
    """Whether the answer names `operationresults` too, beside `Azure-AsyncOperation`."""


class ManagedCluster:
    """One managed cluster. Every refused call raises `ArmError`, a lost answer `ResponseLost`."""

    def __init__(
        self,
        rng: random.Random,
        *,
        shape: ClusterShape | None = None,
        timings: Timings | None = None,
        limits: Limits | None = None,
        faults: Iterable[Fault] = (),
        digits: str = "",
        wait_for_drains: bool = False,
        region: Region | None = None,
    ) -> None:
        """`digits` are the eight in the names of the cluster's nodes; random where empty.

        With `wait_for_drains` a node stays until `drained()` is called or the drain times out;
        without it, draining takes no time.
        """
        self.shape = shape or ClusterShape()
        self.limits = limits or Limits()
        self.faults = FaultBook(faults)
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

    # Time ----------------------------------------------------------------------------------------

    def next_event_at(self) -> float | None:
        """When something happens next, or None if nothing will without a call."""
        return self._engine.next_event_at()

    def advance(self, now: float) -> list[ops.Event]:
        """Let happen what is due by `now`; return it in the order of time."""
        return self._engine.advance(now)

    def drained(self, node: str, now: float) -> None:
        """Report the end of a drain that `NodeDrains` announced; others are ignored."""
        self._engine.drained(node, now)

    def nodes(self, pool: str | None = None) -> list[NodeRecord]:
        """The nodes that exist now, of one pool or of all."""
        found = [self._engine.pools[pool]] if pool else list(self._engine.pools.values())
        return [node for each in found for node in each.nodes.values()]

    @property
    def setting(self) -> NodeSetting:
        """What the cluster's nodes are made with."""
        return self._engine.setting

    # Starting state ------------------------------------------------------------------------------

    def adopt(
        self, name: str, properties: dict[str, Any], nodes: Sequence[NodeRecord] = ()
    ) -> None:
        """Take in a pool that exists with its nodes, without an operation.

        Raises ArmError where AKS would not have let the pool exist.
        """
        free = msgspec.structs.replace(self.limits, vcpus_per_family=None, pod_addresses=None)
        full = pools.applied(name, None, {"properties": properties}, self.shape, free)
        full |= {"provisioningState": "Succeeded", "eTag": self._engine.new_id()}
        pool = self._engine.pools[name] = Pool(name, full)
        pool.nodes = {node.name: node for node in nodes}

    def occupy(self, state: str, seconds: float, now: float) -> str:
        """Start a foreign operation on the whole cluster; return its id."""
        return self._engine.begin_on_cluster(state, seconds, now).id

    # Reads ---------------------------------------------------------------------------------------

    def cluster(self, now: float) -> dict[str, Any]:
        """The managed cluster."""
        self._enter("GetCluster", None, now)
        running = self._engine.cluster_operation
        state = running.state if running and running.running else "Succeeded"
        seen = [pool for pool in self._engine.pools.values() if pool.hidden_until <= now]
        return views.cluster(self.setting, self.shape, state, self._etag, seen)

    def get(self, pool: str, now: float) -> dict[str, Any]:
        """One pool."""
        self._enter("GetPool", pool, now)
        return views.pool(self.shape, self._visible(pool, now))

    def list_pools(self, now: float) -> list[dict[str, Any]]:
        """All pools, by name."""
        self._enter("ListPools", None, now)
        found = sorted(self._engine.pools.items())
        return [views.pool(self.shape, pool) for _, pool in found if pool.hidden_until <= now]

    def machines(self, pool: str, now: float) -> list[dict[str, Any]]:
        """The pool's machines, by name."""
        self._enter("ListMachines", pool, now)
        nodes = self._visible(pool, now).nodes
        return [views.machine(self.shape, pool, nodes[name]) for name in sorted(nodes)]

    def machine(self, pool: str, name: str, now: float) -> dict[str, Any]:
        """One machine of the pool."""
        self._enter("GetMachine", pool, now)
        node = self._visible(pool, now).nodes.get(name)
        if node is None:
            raise errors.machine_not_found(pool, name)
        return views.machine(self.shape, pool, node)

    def upgrade_profile(self, pool: str, now: float) -> dict[str, Any]:
        """Versions and image that the pool can go to. The image is that of the pool's own OS."""
        self._enter("UpgradeProfile", pool, now)
        return views.upgrade_profile(self.shape, self._visible(pool, now))

    def available_versions(self, now: float) -> dict[str, Any]:
        """Kubernetes versions for new pools."""
        self._enter("AvailableVersions", None, now)
        return views.available_versions(self.shape)

    def operation(self, op_id: str, now: float) -> dict[str, Any]:
        """The state of an operation, as its `Azure-AsyncOperation` URL gives it."""
        self._enter("GetOperation", None, now)
        found = self._engine.operations.get(op_id)
        if found is None:
            raise errors.operation_not_found(op_id)
        return found.body()

    def operation_result(self, op_id: str, now: float) -> int:
        """The status of `operationresults`: 202 while the operation runs, then 204."""
        self._enter("GetOperationResult", None, now)
        found = self._engine.operations.get(op_id)
        if found is None:
            raise errors.operation_not_found(op_id)
        return 202 if found.running else 204

    # Around it -----------------------------------------------------------------------------------

    def usages(self, now: float) -> list[dict[str, Any]]:
        """The region's vCPU quotas."""
        self._enter("Usages", None, now)
        return surroundings.usages(self.region, self.limits, self._engine.pools)

    def skus(self, now: float) -> list[dict[str, Any]]:
        """The region's VM sizes."""
        self._enter("Skus", None, now)
        return surroundings.skus(self.region, self.shape)

    def subnet(self, resource_id: str, now: float) -> dict[str, Any]:
        """A subnet by its resource id, which is taken in any case."""
        self._enter("Subnet", None, now)
        prefix = self.region.subnets.get(resource_id.lower())
        if prefix is None:
            raise errors.ArmError(404, "NotFound", f"Resource {resource_id} not found.")
        return surroundings.subnet(prefix, len(self.nodes()))

    def locks(self, now: float) -> list[dict[str, Any]]:
        """Management locks on the cluster or its node resource group."""
        self._enter("Locks", None, now)
        return surroundings.locks(self.region)

    def maintenance_configurations(self, now: float) -> list[dict[str, Any]]:
        """Maintenance windows."""
        self._enter("MaintenanceConfigurations", None, now)
        return surroundings.windows(self.region)

    def scale_sets(self, now: float) -> list[dict[str, Any]]:
        """Scale sets of the node resource group."""
        self._enter("ScaleSets", None, now)
        return surroundings.scale_sets(self.region, self._engine.pools)

    # Writes --------------------------------------------------------------------------------------

    def put(
        self,
        pool: str,
        body: dict[str, Any],
        now: float,
        *,
        if_match: str = "",
        if_none_match: str = "",
    ) -> Reply:
        """Create the pool (201) or change it (200). Headers are taken with or without quotes."""
        effects = self._enter("PutPool", pool, now)
        present = self._engine.pools.get(pool)
        checks.check_etag(present, if_match, if_none_match, self.limits)
        checks.check_idle(present, self._engine.cluster_operation)
        if present is None and len(self._engine.pools) >= self.limits.pools:
            raise errors.too_many_pools(self.limits.pools)
        before = present.properties if present else None
        after = pools.applied(pool, before, copy.deepcopy(body), self.shape, self.limits)
        if before and before["mode"] == "System" and after["mode"] != "System":
            checks.check_system_pool_remains(pool, self._engine.pools)
        checks.check_room(pool, after, self._engine.pools, self.shape, self.limits)

        target = present or Pool(pool, {})
        target.properties = after
        self._engine.pools[pool] = target
        state, steps = plan(target, before, self.setting, self._engine.timings)
        reply = self._start(target, state, steps, effects, now)
        reply = Reply(200 if present else 201, views.pool(self.shape, target), reply.operation)
        return self._answer(reply, effects)

    def delete(
        self,
        pool: str,
        now: float,
        *,
        if_match: str = "",
        ignore_disruption_budgets: bool = False,
    ) -> Reply:
        """Delete the pool (202), or do nothing where there is none (204)."""
        effects = self._enter("DeletePool", pool, now)
        present = self._engine.pools.get(pool)
        if present is None:
            return self._answer(Reply(204), effects)
        checks.check_etag(present, if_match, "", self.limits)
        checks.check_idle(present, self._engine.cluster_operation)
        if present.properties["mode"] == "System":
            checks.check_system_pool_remains(pool, self._engine.pools)
        steps: list[ops.Step] = [
            ops.Remove(tuple(sorted(present.nodes)), drain=not ignore_disruption_budgets),
            ops.Wait(self._engine.timings.delete / 10),
        ]
        reply = self._start(present, "Deleting", steps, effects, now, deletes_pool=True)
        return self._answer(reply, effects)

    def delete_machines(self, pool: str, names: Sequence[str], now: float) -> Reply:
        """Take these machines out of the pool and lower its count by as many (202)."""
        effects = self._enter("DeleteMachines", pool, now)
        present = self._visible(pool, now)
        checks.check_idle(present, self._engine.cluster_operation)
        unique = tuple(dict.fromkeys(names))
        for name in unique:
            if name not in present.nodes:
                raise errors.machine_not_found(pool, name)
        if not unique:
            raise errors.invalid("machineNames")
        left = max(0, len(present.nodes) - len(unique))
        if present.properties["mode"] == "System" and left < 1:
            raise errors.invalid("count")
        present.properties["count"] = left
        reply = self._start(present, "Scaling", [ops.Remove(unique)], effects, now)
        return self._answer(reply, effects)

    def abort(self, pool: str, now: float) -> Reply:
        """Abort the operation that runs on the pool (202); it ends `Canceled`, the pool too."""
        effects = self._enter("Abort", pool, now)
        present = self._visible(pool, now)
        running = present.running
        if running is None or running.leaves == "Canceled":
            raise errors.nothing_to_abort(pool)
        body = views.pool(self.shape, present)
        if running.state == "Stopping":
            present.properties["powerState"] = {"code": "Running"}
        self._engine.end(running, "Canceled", now)
        wait = [ops.Wait(self._engine.timings.abort)]
        reply = self._start(present, "Canceling", wait, effects, now, leaves="Canceled")
        reply = msgspec.structs.replace(reply, body=body)
        return self._answer(reply, effects)

    # The autoscaler's own ------------------------------------------------------------------------

    def pool_names(self) -> list[str]:
        """The pools that exist."""
        return sorted(self._engine.pools)

    def properties(self, pool: str) -> dict[str, Any]:
        """A pool as it is, without a call; empty where there is none."""
        found = self._engine.pools.get(pool)
        return found.properties if found else {}

    def autoscaled(self, pool: str) -> tuple[int, int] | None:
        """The autoscaler's bounds of a pool; None where it does not scale."""
        found = self._engine.pools[pool].properties
        if not found.get("enableAutoScaling"):
            return None
        return int(found["minCount"]), int(found["maxCount"])

    def autoscale(self, pool: str, count: int, now: float) -> None:
        """Grow a pool as the cluster autoscaler does: no call of ours, but the pool is busy."""
        present = self._engine.pools[pool]
        checks.check_idle(present, self._engine.cluster_operation)
        present.properties["count"] = count
        steps = [ops.Boot(max(0, count - len(present.nodes)))]
        self._start(present, "Scaling", steps, [], now)

    # Rules ---------------------------------------------------------------------------------------

    def _enter(self, call: str, pool: str | None, now: float) -> list[Effect]:
        """Count the call; raise what keeps it from having any effect."""
        if self.limits.throttling and (wait := self._buckets.take(call, pool, now)) > 0:
            raise errors.throttled(wait)
        effects = self.faults.met(call, pool)
        for effect in effects:
            if isinstance(effect, Refuse):
                raise refusal(effect, call, pool, self.shape)
            if isinstance(effect, LoseResponse) and not effect.committed:
                raise errors.ResponseLost(committed=False, hang_seconds=effect.hang_seconds)
        if not call.startswith(("Put", "Delete", "Abort")):
            self._answer(Reply(200), effects)
        return effects

    def _answer(self, reply: Reply, effects: Sequence[Effect]) -> Reply:
        for effect in effects:
            if isinstance(effect, LoseResponse) and effect.committed:
                raise errors.ResponseLost(committed=True, hang_seconds=effect.hang_seconds)
        return reply

    def _start(
        self,
        pool: Pool,
        state: str,
        steps: Sequence[ops.Step],
        effects: Sequence[Effect],
        now: float,
        **traits: Any,
    ) -> Reply:
        """Begin an operation with the faults that befall it."""
        planned = [*steps]
        for effect in effects:
            match effect:
                case Stall(seconds=seconds):
                    planned.insert(0, ops.Wait(seconds))
                case EndOperation():
                    traits["ending"] = effect
                case MissingNodes(count=count):
                    traits["missing"] = count
                case Hide(seconds=seconds):
                    pool.hidden_until = now + seconds
                case _:
                    pass
        operation = self._engine.begin(pool, state, planned, now, **traits)
        return Reply(202, None, operation.id, location=True)

    def _visible(self, name: str, now: float) -> Pool:
        pool = self._engine.pools.get(name)
        if pool is None or pool.hidden_until > now:
            raise errors.pool_not_found(name)
        return pool
