"""Gives every action of the core its meaning in the real world, and notes what came of it.

Of two actions with the same key only one runs at a time. What an action brings back (pools read,
access reviewed, an eviction's answer) is in `outcomes` until the next decision looks at it.
"""

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import replace
from typing import Any

from azure_linux_migrator.api.status_checks import ForecastStatus
from azure_linux_migrator.azure.port import PoolPort
from azure_linux_migrator.controller.log_setup import bound, subject_of
from azure_linux_migrator.controller.metrics import Telemetry
from azure_linux_migrator.controller.operation_log import OperationLog
from azure_linux_migrator.core.drain.predelete_check import (
    EndsNodes,
    check_nodes_are_empty,
    ends_nodes,
)
from azure_linux_migrator.core.reconcile.loop import CONCURRENCY
from azure_linux_migrator.core.state.eviction_response import EvictionResponse, EvictionResult
from azure_linux_migrator.core.state.outcomes import ChangesPool, Outcomes
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.errors import AzlmError, NotLeadingError, SettingsError
from azure_linux_migrator.kube import cordon, node_conditions, surge
from azure_linux_migrator.kube.access import missing_access
from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.kube.eviction import delete, evict
from azure_linux_migrator.kube.pods_on_nodes import nodes_of, pods_on
from azure_linux_migrator.kube.services import with_kubernetes
from azure_linux_migrator.model.actions import (
    Action,
    CordonNode,
    CreatePool,
    DeleteMachines,
    DeletePod,
    DeletePool,
    EvictPod,
    ForgetSurge,
    MarkNode,
    ReadAzureFacts,
    ReadPools,
    ReleaseNode,
    RelinquishScale,
    ReportDrain,
    RestartRollout,
    RestoreScale,
    ReviewAccess,
    RunForecast,
    SetDeletionCost,
    SurgeReplica,
    UpdatePool,
)
from azure_linux_migrator.model.azure_facts import AzureFacts
from azure_linux_migrator.model.cluster import Node, Pod

log = logging.getLogger(__name__)

_NEEDLESS = frozenset((EvictionResult.GONE, EvictionResult.SUCCESSOR))


Forecaster = Callable[[int, AzureFacts | None], Awaitable[ForecastStatus]]
"""Forecasts a generation of the migration, with the Azure facts that were read for it."""


async def _no_forecasts(_generation: int, _facts: AzureFacts | None) -> ForecastStatus:
    raise SettingsError("forecasts are not made here")


class Executor:
    """Runs the actions of one migration."""

    def __init__(
        self,
        *,
        client: Client,
        world: World,
        pools: Callable[[], PoolPort],
        telemetry: Telemetry,
        may_act: Callable[[], bool],
        on_result: Callable[[], None],
        clock: Callable[[], float] | None = None,
        forecaster: Forecaster | None = None,
    ) -> None:
        self._clock = clock or time.time
        self._forecaster = forecaster or _no_forecasts
        self._client = client
        self._world = world
        self._pools = pools
        self._telemetry = telemetry
        self._may_act = may_act
        self._on_result = on_result
        self._running: dict[str, asyncio.Task[None]] = {}
        self._operations = OperationLog()
        self.evictions: Counter[tuple[str, str]] = Counter()
        """Answers to evictions and deletions of pods, by method and result."""
        self._gate = asyncio.Semaphore(CONCURRENCY)
        self.outcomes = Outcomes(world, lambda: random.uniform(1.0, 1.25))  # noqa: S311 - jitter

    def submit(self, actions: Iterable[Action]) -> None:
        """Start what is not running already; nothing at all once the leadership is lost."""
        for action in actions:
            if action.key in self._running or not self._may_act():
                continue
            self.outcomes.began(action, self._clock())
            task = asyncio.create_task(self._run(action), name=action.key)
            self._running[action.key] = task

    @property
    def running(self) -> frozenset[str]:
        """Keys of the actions under way."""
        return frozenset(self._running)

    async def stop(self) -> None:
        """Wait for what is under way: a request that was sent cannot be unsent."""
        while self._running:
            await asyncio.wait(list(self._running.values()), timeout=10.0)

    async def _run(self, action: Action) -> None:
        with bound(**subject_of(action)):
            await self._attempt(action)

    async def _attempt(self, action: Action) -> None:
        try:
            async with self._gate:
                self._require_lease()
                await self._perform(action)
        except AzlmError as error:
            noted = self.outcomes.failed(action, error, self._clock())
            if noted is not None:
                level = logging.WARNING if noted.retryable else logging.ERROR
                log.log(level, "%s: %s: %s", action.key, noted.reason, noted.message)
        except Exception as error:
            log.exception("action %s failed unexpectedly", action.key)
            self._telemetry.unexpected_error("action")
            self.outcomes.broke(action, f"{type(error).__name__}: {error}", self._clock())
        finally:
            self._running.pop(action.key, None)
            self._on_result()

    def _require_lease(self) -> None:
        """An action may have waited for its turn since it was submitted."""
        if not self._may_act():
            raise NotLeadingError

    def _perform(self, action: Action) -> Coroutine[Any, Any, None]:
        match action:
            case EvictPod() | DeletePod():
                return self._evict(action)
            case CreatePool() | UpdatePool() | DeleteMachines() | DeletePool():
                return self._change_pools(action)
            case ReadPools():
                return self._read_pools(action)
            case ReviewAccess():
                return self._review_access(action)
            case ReadAzureFacts():
                return self._read_azure_facts(action)
            case RunForecast():
                return self._run_forecast(action)
            case _:
                return self._write(action)

    async def _write(self, action: Action) -> None:
        log.info("%s", action)
        match action:
            case CordonNode(node, by, batch):
                await cordon.cordon(self._client, node, by=by, batch=batch or None)
            case MarkNode(node, batch):
                await cordon.mark(self._client, node, batch)
            case ReleaseNode(node, by):
                await cordon.uncordon(self._client, node, by=by)
            case ReportDrain(node, by, condition):
                now = self._clock()
                await node_conditions.report(
                    self._client, node, by=by, condition=condition, now=now
                )
            case RestartRollout(deployment, stamp):
                await surge.restart(self._client, deployment, stamp)
            case SurgeReplica(deployment, replicas, by):
                await surge.surge(self._client, deployment, replicas, by)
            case SetDeletionCost(pod, uid, first):
                await surge.set_deletion_cost(self._client, pod, uid, first=first)
            case RestoreScale(deployment, replicas):
                await surge.restore(self._client, deployment, replicas)
            case RelinquishScale(deployment, by, by_uid):
                await surge.relinquish_scale(self._client, deployment, by, by_uid)
            case ForgetSurge(deployment, mark):
                await surge.forget(self._client, deployment, mark)
        self.outcomes.wrote(action, self._clock())

    async def _change_pools(self, action: ChangesPool) -> None:
        if ends_nodes(action):
            check_nodes_are_empty(action, await self._pods_on_nodes(action))
        asked_at = self._clock()
        log.info("Azure is asked for %s", action)
        match action:
            case CreatePool(source, target, os_sku, count, overrides, tags):
                await self._pools().create_target(
                    source, target, os_sku=os_sku, count=count, overrides=overrides, tags=dict(tags)
                )
            case UpdatePool(pool, changes, etag, tags):
                await self._pools().update(pool, dict(changes), tags=dict(tags), etag=etag)
            case DeleteMachines(pool, nodes):
                await self._pools().delete_machines(pool, nodes)
            case DeletePool(pool, etag):
                await self._pools().delete(pool, etag=etag)
        self.outcomes.pool_changed(action, self._clock())
        self._operations.accepted(action, asked_at, self._clock())

    async def _pods_on_nodes(self, action: EndsNodes) -> list[Pod]:
        """The pods on the nodes that an action would end, read for it: the watch may be behind."""
        if isinstance(action, DeleteMachines):
            return await pods_on(self._client, action.nodes)
        names = {node.name for node in self._world.pool_nodes(action.pool)}
        return await pods_on(self._client, names | await nodes_of(self._client, action.pool))

    async def _read_pools(self, action: Action) -> None:
        since = self.outcomes.changes
        pools = await self._pools().list_pools()
        if since == self.outcomes.changes:
            self._operations.listed(pools, self._clock())
        self.outcomes.pools_listed(action, pools, since=since, now=self._clock())

    async def _read_azure_facts(self, action: ReadAzureFacts) -> None:
        facts = await self._pools().azure_facts(action.source)
        facts = await with_kubernetes(self._client, facts)
        self.outcomes.azure_facts_read(action, replace(facts, at=self._clock()))

    async def _run_forecast(self, action: RunForecast) -> None:
        forecast = await self._forecaster(action.generation, self.outcomes.azure_facts)
        self.outcomes.forecast_finished(action, forecast)

    async def _review_access(self, action: ReviewAccess) -> None:
        missing = await missing_access(self._client, force=action.force, surge=action.surge)
        self.outcomes.access_reviewed(action, missing, self._clock())

    async def _evict(self, action: EvictPod | DeletePod) -> None:
        pod = self._world.pods.get(action.pod)
        node = self._world.nodes.get(pod.node) if pod is not None else None
        send = evict if isinstance(action, EvictPod) else delete
        answer = await send(self._client, action.pod, action.uid)
        method = "evict" if isinstance(action, EvictPod) else "delete"
        self.evictions[method, answer.result.value] += 1
        with bound(**_place(node), reason=answer.result.value):
            _log_answer(action, answer)
        self.outcomes.eviction_answered(action, answer, self._clock())


def _place(node: Node | None) -> dict[str, str]:
    """The node of a pod, and the batch that the node is drained in."""
    return {} if node is None else {"node": node.name, "batch": node.batch.rpartition(".")[2]}


def _log_answer(action: EvictPod | DeletePod, answer: EvictionResponse) -> None:
    what = "eviction" if isinstance(action, EvictPod) else "deletion against its budget"
    if answer.result is EvictionResult.GRANTED:
        log.info("%s of pod %s is granted", what, action.pod)
    elif answer.result in _NEEDLESS:
        log.info("%s of pod %s is not needed: it is gone", what, action.pod)
    else:
        log.warning("%s of pod %s is refused: %s", what, action.pod, answer.message)
