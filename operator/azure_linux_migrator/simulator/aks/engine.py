"""Runs the operations of a modelled AKS: from steps to nodes that are added and removed.

Owns the pools of a cluster, their operations and the agenda. Knows nothing of calls, bodies or
refusals.
"""

import random
import uuid
from collections.abc import Iterable
from typing import Any

from azure_linux_migrator.simulator.aks import operations as ops
from azure_linux_migrator.simulator.aks.drain_failures import drain_failure
from azure_linux_migrator.simulator.aks.limits import Timings
from azure_linux_migrator.simulator.aks.nodes import NodeSetting, make_node, relabelled
from azure_linux_migrator.simulator.aks.pool import AgentPool

_FIRST_NODE, _LAST_NODE = 0.6, 0.95
"""Fractions of the boot time after which nodes join: all before the end of the operation."""
_FIRST_GONE, _LAST_GONE = 0.3, 0.9


class Engine:
    """The pools of one cluster and the operations on them."""

    def __init__(
        self,
        setting: NodeSetting,
        timings: Timings,
        rng: random.Random,
        *,
        wait_for_drains: bool = False,
    ) -> None:
        self.setting = setting
        self.timings = timings
        self.pools: dict[str, AgentPool] = {}
        self.operations: dict[str, ops.Operation] = {}
        self.cluster_operation: ops.Operation | None = None
        self._rng = rng
        self._wait_for_drains = wait_for_drains
        self._agenda = ops.Agenda()
        self._events: list[ops.Event] = []

    # Driving -------------------------------------------------------------------------------------

    def next_event_at(self) -> float | None:
        """The time of the next event without further calls; None if there is none."""
        at = self._agenda.next_at()
        if self._events:
            first = self._events[0].at
            return first if at is None else min(at, first)
        return at

    def advance(self, now: float) -> list[ops.Event]:
        """Process everything that is due by `now` and return the events in order."""
        while (at := self._agenda.next_at()) is not None and at <= now:
            _, operation, task = self._agenda.pop()
            self._perform(at, operation, task)
        events, self._events = self._events, []
        return events

    def drained(self, name: str, now: float) -> None:
        """Report that no pod is left to evict on a node that `NodeDrains` named."""
        for pool in self.pools.values():
            operation = pool.running
            if operation is not None and name in operation.draining:
                self._take_away(operation, name, now, operation.draining.pop(name))
                self._task_done(operation, now)
                return

    def draining(self, name: str) -> bool:
        """Whether an operation waits for the end of a node's drain."""
        running = (pool.running for pool in self.pools.values())
        return any(operation is not None and name in operation.draining for operation in running)

    # Operations ----------------------------------------------------------------------------------

    def begin(
        self, pool: AgentPool, state: str, steps: Iterable[ops.Step], now: float, **traits: Any
    ) -> ops.Operation:
        """Start an operation on an idle pool; `traits` are further fields of `Operation`."""
        operation = ops.Operation(self.new_id(), pool.name, state, now, **traits)
        operation.steps.extend(steps)
        boots = (step.count for step in operation.steps if isinstance(step, ops.Boot))
        operation.nodes_wanted = sum(boots)
        if operation.ending is not None and operation.ending.nodes == 0:
            operation.steps.clear()
            operation.steps.append(ops.Wait(self.timings.update))
        self.operations[operation.id] = operation
        pool.operation = operation
        pool.properties.pop("status", None)
        self._show(pool, state)
        self._next_step(operation, now)
        return operation

    def begin_on_cluster(self, state: str, seconds: float, now: float) -> ops.Operation:
        """Start an operation on the whole cluster, as another client would."""
        operation = ops.Operation(self.new_id(), "", state, now)
        operation.steps.append(ops.Wait(seconds))
        self.operations[operation.id] = self.cluster_operation = operation
        self._next_step(operation, now)
        return operation

    def end(
        self, operation: ops.Operation, status: str, now: float, error: dict[str, Any] | None = None
    ) -> None:
        """End an operation and show its outcome on the pool."""
        operation.status, operation.ended, operation.error = status, now, error
        kept = tuple(sorted(operation.draining)) if operation.state == "Upgrading" else ()
        operation.draining.clear()
        operation.steps.clear()
        self._events.append(ops.OperationEnds(now, operation.id, operation.pool, status, kept))
        pool = self.pools.get(operation.pool)
        if pool is None or pool.operation is not operation:
            return
        if status == "Succeeded" and operation.deletes_pool:
            del self.pools[pool.name]
            return
        if error is not None:
            pool.properties["status"] = {"provisioningError": error}
        self._show(pool, operation.leaves if status == "Succeeded" else status)

    def new_id(self) -> str:
        """A new identifier in the form of a UUID."""
        return str(uuid.UUID(int=self._rng.getrandbits(128), version=4))

    def _show(self, pool: AgentPool, state: str) -> None:
        pool.properties["provisioningState"] = state
        pool.properties["eTag"] = self.new_id()

    # Steps ---------------------------------------------------------------------------------------

    def _next_step(self, operation: ops.Operation, now: float) -> None:
        while operation.running and operation.outstanding == 0:
            if operation.steps:
                self._begin_step(operation, operation.steps.popleft(), now)
            elif operation.ending is not None:
                self._fail(operation, operation.ending, now)
            else:
                self.end(operation, "Succeeded", now)

    def _fail(self, operation: ops.Operation, ending: ops.Ending, now: float) -> None:
        error: dict[str, Any] = {"code": ending.code, "message": ending.message}
        if ending.details:
            error["details"] = [dict(detail) for detail in ending.details]
        self.end(operation, ending.status, now, error if ending.status == "Failed" else None)

    def _begin_step(self, operation: ops.Operation, step: ops.Step, now: float) -> None:
        add = self._agenda.add
        match step:
            case ops.Boot():
                self._boot(operation, step, now)
            case ops.Remove():
                self._remove(operation, step.nodes, now, evicts=step.evicts)
            case ops.RemoveSurge():
                self._remove(operation, tuple(operation.surge_nodes), now)
            case ops.Deallocate():
                self._remove(operation, step.nodes, now, then=ops.Then.STOPPED)
            case ops.Reimage():
                self._remove(operation, step.nodes, now, then=ops.Then.REIMAGED)
            case ops.Restart():
                for name in step.nodes:
                    self._agenda.add(self._booted(now), operation, ops.AppearTask(name=name))
            case ops.Relabel():
                add(now + self.timings.update, operation, ops.RelabelTask())
            case ops.Wait(seconds=None):
                operation.outstanding += 1
            case ops.Wait(seconds=float() | int() as seconds):
                add(now + seconds, operation, ops.TickTask())

    def _boot(self, operation: ops.Operation, step: ops.Boot, now: float) -> None:
        count = max(0, step.count - operation.missing)
        operation.missing -= step.count - count
        for _ in range(count):
            self._agenda.add(self._booted(now), operation, ops.AppearTask(surge=step.surge))
        self._agenda.add(now + self.timings.boot, operation, ops.TickTask())

    def _booted(self, now: float) -> float:
        """When a machine that starts now joins."""
        return now + self.timings.boot * self._rng.uniform(_FIRST_NODE, _LAST_NODE)

    def _remove(
        self,
        operation: ops.Operation,
        names: tuple[str, ...],
        now: float,
        *,
        evicts: ops.Evicts = ops.Evicts.ALL,
        then: ops.Then = ops.Then.GONE,
    ) -> None:
        if evicts is ops.Evicts.NONE:
            for name in names:
                self._take_away(operation, name, now, then)
            return
        for name in names:
            self._agenda.add(now, operation, ops.DrainTask(name, evicts))
            operation.draining[name] = then
        if names:
            deadline = now + self.timings.drain_timeout
            self._agenda.add(deadline, operation, ops.DrainDeadlineTask(names))

    def _take_away(self, operation: ops.Operation, name: str, now: float, then: ops.Then) -> None:
        at = now + self.timings.delete * self._rng.uniform(_FIRST_GONE, _LAST_GONE)
        self._agenda.add(at, operation, ops.VanishTask(name, then))

    # Tasks ---------------------------------------------------------------------------------------

    def _perform(self, at: float, operation: ops.Operation, task: ops.Task) -> None:
        pool = self.pools.get(operation.pool)
        if pool is not None:
            match task:
                case ops.AppearTask():
                    self._appear(at, operation, pool, task)
                case ops.DrainTask(name, evicts):
                    drains = ops.NodeDrains(at, name, pool.name, operation.id, evicts)
                    self._events.append(drains)
                    if self._wait_for_drains:
                        return  # the task is done when the drain ends
                    self._take_away(operation, name, at, operation.draining.pop(name))
                case ops.VanishTask():
                    self._vanish(at, operation, pool, task)
                case ops.RelabelTask():
                    self._relabel(at, pool)
                case ops.DrainDeadlineTask(nodes=names):
                    self._give_up(at, operation, names)
                    return
                case ops.TickTask():
                    pass
        if operation.running:
            self._task_done(operation, at)

    def _task_done(self, operation: ops.Operation, now: float) -> None:
        operation.outstanding -= 1
        self._next_step(operation, now)

    def _appear(
        self, at: float, operation: ops.Operation, pool: AgentPool, task: ops.AppearTask
    ) -> None:
        if task.name in pool.deallocated:
            pool.deallocated.discard(task.name)
            node = relabelled(pool.nodes[task.name], self.setting, pool.properties)
            pool.nodes[node.name] = node
            self._events.append(ops.NodeStarts(at, node))
            self._node_done(operation, at)
            return
        index = pool.free_index(self.setting)
        zone = pool.emptiest_zone(self.setting.location)
        if task.name:
            old = operation.reimaging.pop(task.name)
            index, zone = old.index, old.zone
        node = make_node(self.setting, pool.name, pool.properties, index, name=task.name, zone=zone)
        pool.nodes[node.name] = node
        if task.surge:
            operation.surge_nodes.append(node.name)
        self._events.append(ops.NodeAppears(at, node))
        self._node_done(operation, at)

    def _vanish(
        self, at: float, operation: ops.Operation, pool: AgentPool, task: ops.VanishTask
    ) -> None:
        if task.then is ops.Then.STOPPED:
            pool.deallocated.add(task.name)
            self._events.append(ops.NodeStops(at, task.name, pool.name))
            self._node_done(operation, at)
            return
        self._events.append(ops.NodeVanishes(at, task.name, pool.name))
        gone = pool.nodes.pop(task.name)
        pool.deallocated.discard(task.name)
        if task.then is ops.Then.REIMAGED:
            operation.reimaging[gone.name] = gone
            self._agenda.add(self._booted(at), operation, ops.AppearTask(name=task.name))
            return
        self._node_done(operation, at)

    def _node_done(self, operation: ops.Operation, now: float) -> None:
        operation.nodes_done += 1
        ending = operation.ending
        if ending and ending.nodes is not None and operation.nodes_done >= ending.nodes:
            self._fail(operation, ending, now)

    def _relabel(self, at: float, pool: AgentPool) -> None:
        for old in list(pool.nodes.values()):
            new = relabelled(old, self.setting, pool.properties)
            if new != old:
                pool.nodes[old.name] = new
                self._events.append(ops.NodeChanges(at, old, new))

    def _give_up(self, now: float, operation: ops.Operation, names: tuple[str, ...]) -> None:
        left = sorted(set(names) & operation.draining.keys())
        if not left:
            return
        error = drain_failure(operation, left[0], self.timings.drain_timeout)
        self.end(operation, "Failed", now, error)
