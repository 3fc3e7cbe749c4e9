"""A model of one AKS cluster's agent pools: the calls of its API, without HTTP and without a clock.

A discrete-event simulator and a wall-clock server drive the same model: both pass in the time in
seconds, call `next_event_at()` and collect the events from `advance()`. Calls take effect at once;
between calls, only `advance()` changes the state.

Sources: the AKS REST API 2026-08-01, recorded exchanges of azure-cli's tests, and the AKS pages on
system node pools, node taints, quotas and aborting operations.
"""

import copy
from collections.abc import Sequence
from typing import Any

import msgspec

from azure_linux_migrator.simulator.aks import checks, errors, pools, views
from azure_linux_migrator.simulator.aks import operations as ops
from azure_linux_migrator.simulator.aks.base import ArmReply
from azure_linux_migrator.simulator.aks.operation_plan import growth, plan
from azure_linux_migrator.simulator.aks.pool import AgentPool
from azure_linux_migrator.simulator.aks.reads import Reads


class ManagedCluster(Reads):
    """One managed cluster. A refused call raises `ArmError`, a lost answer `ResponseLost`."""

    # Writes --------------------------------------------------------------------------------------

    def put(
        self,
        pool: str,
        body: dict[str, Any],
        now: float,
        *,
        if_match: str = "",
        if_none_match: str = "",
    ) -> ArmReply:
        """Create the pool (201) or change it (200). Headers are taken with or without quotes."""
        effect = self._enter("PutPool", pool, now)
        present = self._engine.pools.get(pool)
        checks.check_etag(present, if_match, if_none_match, self.limits)
        self._may_change(present, nodes=False)
        if present is None and len(self._engine.pools) >= self.limits.pools:
            raise errors.too_many_pools(self.limits.pools)
        before = present.properties if present else None
        after = pools.applied(pool, before, copy.deepcopy(body), self.shape, self.limits)
        if before and before["mode"] == "System" and after["mode"] != "System":
            checks.check_system_pool_remains(pool, self._engine.pools)
        checks.check_capacity(pool, after, self._engine.pools, self.shape, self.limits)

        target = present or AgentPool(pool, {})
        planned = msgspec.structs.replace(target, properties=after)
        state, steps = plan(planned, before, self.setting, self._engine.timings)
        if self.region.node_group_locks and any(not isinstance(step, ops.Wait) for step in steps):
            raise errors.resource_group_locked(self.setting.node_resource_group)
        target.properties = after
        self._engine.pools[pool] = target
        reply = self._start(target, state, steps, now, effect)
        body = views.pool(self.shape, target, answers_write=True)
        after["count"] = max(int(after["count"]), pools.wanted_nodes(after))
        reply = ArmReply(200 if present else 201, body, reply.operation)
        return self._answer(reply, effect)

    def delete(
        self,
        pool: str,
        now: float,
        *,
        if_match: str = "",
        ignore_disruption_budgets: bool = False,
    ) -> ArmReply:
        """Delete the pool (202), or do nothing if there is none (204)."""
        effect = self._enter("DeletePool", pool, now)
        present = self._engine.pools.get(pool)
        if present is None:
            return self._answer(ArmReply(204), effect)
        checks.check_etag(present, if_match, "", self.limits)
        if self.region.locks:
            raise errors.scope_locked(views.cluster_id(self.shape), "delete")
        self._may_change(present, nodes=True)
        if present.properties["mode"] == "System":
            checks.check_system_pool_remains(pool, self._engine.pools)
        evicts = ops.Evicts.NONE if ignore_disruption_budgets else ops.Evicts.ALL
        steps: list[ops.Step] = [
            ops.Remove(tuple(sorted(present.nodes)), evicts),
            ops.Wait(self._engine.timings.delete / 10),
        ]
        reply = self._start(present, "Deleting", steps, now, effect, deletes_pool=True)
        return self._answer(reply, effect)

    def delete_machines(self, pool: str, names: Sequence[str], now: float) -> ArmReply:
        """End these machines and lower the pool's count by as many (202).

        Nothing is cordoned or evicted; on a System pool, AKS's add-ons are moved within their
        budgets first.
        """
        effect = self._enter("DeleteMachines", pool, now)
        present = self._visible(pool, now)
        self._may_change(present, nodes=True)
        unique = tuple(dict.fromkeys(names))
        for name in unique:
            if name not in present.nodes:
                raise errors.machine_not_found(pool, name)
        if not unique:
            raise errors.invalid("machineNames")
        running = {node.name for node in present.machines_running}
        left = len(running - set(unique))
        system = present.properties["mode"] == "System"
        if system and left < 1:
            raise errors.invalid("count")
        present.properties["count"] = left
        step = ops.Remove(unique, ops.Evicts.ADD_ONS if system else ops.Evicts.NONE)
        reply = self._start(present, "Scaling", [step], now, effect)
        return self._answer(reply, effect)

    def abort(self, pool: str, now: float) -> ArmReply:
        """Abort the operation that runs on the pool (202). The operation and the pool end
        `Canceled`."""
        effect = self._enter("Abort", pool, now)
        present = self._visible(pool, now)
        running = present.running
        if running is None or running.leaves == "Canceled":
            raise errors.nothing_to_abort(pool)
        body = views.pool(self.shape, present, answers_write=True)
        if running.state == "Stopping":
            present.properties["powerState"] = {"code": "Running"}
        self._engine.end(running, "Canceled", now)
        wait = [ops.Wait(self._engine.timings.abort)]
        reply = self._start(present, "Canceling", wait, now, effect, leaves="Canceled")
        reply = msgspec.structs.replace(reply, body=body)
        return self._answer(reply, effect)

    # The autoscaler's own ------------------------------------------------------------------------

    def pool_names(self) -> list[str]:
        """The pools that exist."""
        return sorted(self._engine.pools)

    def properties(self, pool: str) -> dict[str, Any]:
        """The properties of a pool, without a call; empty if there is no such pool."""
        present = self._engine.pools.get(pool)
        return present.properties if present else {}

    def autoscaled(self, pool: str) -> tuple[int, int] | None:
        """The bounds of a pool's autoscaler; None if it is off."""
        properties = self._engine.pools[pool].properties
        if not properties.get("enableAutoScaling"):
            return None
        return int(properties["minCount"]), int(properties["maxCount"])

    def coming(self, pool: str) -> int:
        """The number of nodes that a running operation of a pool has yet to add."""
        present = self._engine.pools[pool]
        count = int(present.properties.get("count") or 0)
        return max(0, count - len(present.machines_running)) if present.running else 0

    def autoscale(self, pool: str, count: int, now: float) -> None:
        """Grow a pool as the cluster autoscaler does: without a call of azlm; the pool is busy."""
        present = self._engine.pools[pool]
        checks.check_idle(present, self._engine.cluster_operation)
        present.properties["count"] = count
        steps = growth(present, max(0, count - len(present.machines_running)))
        self._start(present, "Scaling", steps, now)
