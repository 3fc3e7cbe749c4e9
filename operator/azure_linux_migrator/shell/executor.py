"""Gives every action of the core its meaning in the real world, and remembers what failed.

Of two actions with the same key only one runs at a time. What an action brings back (pools read,
access reviewed, an eviction's verdict) is kept here until the next decision looks at it.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
from typing import Any

from azure_linux_migrator.aks.errors import Verdict as AzureVerdict
from azure_linux_migrator.aks.errors import verdict as azure_verdict
from azure_linux_migrator.aks.port import PoolPort
from azure_linux_migrator.core.actions import (
    Action,
    CordonNode,
    CreatePool,
    DeleteMachines,
    DeletePod,
    DeletePool,
    EvictPod,
    MarkNode,
    MarkVictim,
    ReadPools,
    ReleaseNode,
    RestartRollout,
    RestoreScale,
    ReviewAccess,
    SurgeReplica,
    SurveyAzure,
    UpdatePool,
    YieldScale,
)
from azure_linux_migrator.core.drain.blockers import Cause
from azure_linux_migrator.core.migration import PoolsRead, Problem
from azure_linux_migrator.core.preflight.survey import Survey
from azure_linux_migrator.core.world import World
from azure_linux_migrator.errors import AzlmError, AzureError, KubernetesError, SettingsError
from azure_linux_migrator.kube import cordon, surge
from azure_linux_migrator.kube.access import missing_access
from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.kube.evict import EvictionResult, Verdict, delete, evict
from azure_linux_migrator.kube.services import dual_stack_services
from azure_linux_migrator.telemetry.metrics import Telemetry

log = logging.getLogger(__name__)

CONCURRENCY = 64
RECHECK_SECONDS = 60.0
RETRY_SECONDS = 1.0
RETRY_LONGEST = 30.0

_EVICTION_DELAY = {
    EvictionResult.CONFLICT: 1.0,
    EvictionResult.BUDGET: 2.0,
    EvictionResult.THROTTLED: 2.0,
    EvictionResult.TWO_BUDGETS: 60.0,
    EvictionResult.WEBHOOK: 10.0,
    EvictionResult.NAMESPACE_TERMINATING: 5.0,
    EvictionResult.FORBIDDEN: 30.0,
    EvictionResult.NEGATIVE: 30.0,
    EvictionResult.SERVER: 2.0,
}
"""Seconds until an eviction that was refused for that reason is tried again."""

_CAUSES = {
    EvictionResult.TWO_BUDGETS: Cause.TWO_BUDGETS,
    EvictionResult.WEBHOOK: Cause.WEBHOOK,
    EvictionResult.NAMESPACE_TERMINATING: Cause.NAMESPACE_TERMINATING,
    EvictionResult.FORBIDDEN: Cause.FORBIDDEN,
    EvictionResult.NEGATIVE: Cause.NEGATIVE,
    EvictionResult.SERVER: Cause.SERVER,
}
"""Refusals that are told as blockers; the others pass by themselves."""


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
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._client = client
        self._world = world
        self._pools = pools
        self._telemetry = telemetry
        self._may_act = may_act
        self._on_result = on_result
        self._running: dict[str, asyncio.Task[None]] = {}
        self._failures: dict[str, int] = {}
        self._gate = asyncio.Semaphore(CONCURRENCY)
        self.problems: dict[str, Problem] = {}
        self.pools_read: PoolsRead | None = None
        self.missing_access: tuple[str, ...] | None = None
        self.survey: Survey | None = None
        self.asked: dict[str, float] = {}
        self._changes = 0
        """Changes of pools that Azure has answered: a list begun before one may not show it."""

    def submit(self, actions: Iterable[Action]) -> None:
        """Start what is not running already; nothing at all once the leadership is lost."""
        for action in actions:
            if action.key in self._running or not self._may_act():
                continue
            if isinstance(action, EvictPod | DeletePod):
                self._world.evicting(action, self._clock())
            task = asyncio.create_task(self._run(action), name=action.key)
            self._running[action.key] = task

    @property
    def running(self) -> frozenset[str]:
        """Keys of the actions under way."""
        return frozenset(self._running)

    def forget_verdicts(self) -> None:
        """The spec changed: what was refused for good is worth another try."""
        self.problems = {key: p for key, p in self.problems.items() if p.retryable}
        self.missing_access = None
        self.survey = None

    async def stop(self) -> None:
        """Wait for what is under way: a request that was sent cannot be unsent."""
        while self._running:
            await asyncio.wait(list(self._running.values()), timeout=10.0)

    async def _run(self, action: Action) -> None:
        try:
            async with self._gate:
                await self._perform(action)
        except AzlmError as error:
            self._note(action, error)
        except Exception as error:
            log.exception("action %s failed unexpectedly", action.key)
            self._fail(action, "InternalError", f"{type(error).__name__}: {error}", delay=10.0)
        finally:
            self._running.pop(action.key, None)
            self._on_result()

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
            case SurveyAzure():
                return self._survey(action)
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
            case RestartRollout(deployment, stamp):
                await surge.restart(self._client, deployment, stamp)
            case SurgeReplica(deployment, replicas, by):
                await surge.surge(self._client, deployment, replicas, by)
            case MarkVictim(pod, uid):
                await surge.mark_victim(self._client, pod, uid)
            case RestoreScale(deployment, replicas):
                await surge.restore(self._client, deployment, replicas)
            case YieldScale(deployment, by):
                await surge.yield_scale(self._client, deployment, by)
        self._succeed(action)

    async def _change_pools(
        self, action: CreatePool | UpdatePool | DeleteMachines | DeletePool
    ) -> None:
        log.info("%s", action)
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
        self.pools_read = None
        self._changes += 1
        self.asked[action.target if isinstance(action, CreatePool) else action.pool] = self._clock()
        self._succeed(action)

    async def _read_pools(self, action: Action) -> None:
        changes = self._changes
        pools = await self._pools().list_pools()
        if changes == self._changes:
            self.pools_read = PoolsRead(pools, self._clock())
        self._succeed(action)

    async def _survey(self, action: SurveyAzure) -> None:
        found = await self._pools().survey(action.source)
        services = await dual_stack_services(self._client)
        self.survey = replace(found, services=services, at=self._clock())
        self._succeed(action)

    async def _review_access(self, action: ReviewAccess) -> None:
        self.missing_access = await missing_access(
            self._client, force=action.force, surge=action.surge
        )
        self._succeed(action)
        if self.missing_access:
            again = self._clock() + RECHECK_SECONDS
            text = "waiting to ask Kubernetes again"
            self.problems[action.key] = Problem("KubernetesForbidden", text, False, again)

    async def _evict(self, action: EvictPod | DeletePod) -> None:
        send = evict if isinstance(action, EvictPod) else delete
        answer: Verdict = await send(self._client, action.pod, action.uid)
        self._telemetry.eviction(answer.result.value)
        if answer.result is EvictionResult.GRANTED:
            return
        if answer.result in {EvictionResult.GONE, EvictionResult.SUCCESSOR}:
            self._world.eviction_needless(action)
            return
        log.warning("eviction of pod %s: %s: %s", action.pod, answer.result, answer.message)
        delay = max(answer.retry_after or 0.0, _EVICTION_DELAY[answer.result])
        until = self._clock() + delay * random.uniform(1.0, 1.25)  # noqa: S311 - jitter, no secret
        cause = _CAUSES.get(answer.result)
        if answer.result is EvictionResult.THROTTLED:
            self._world.ledger.throttled_until = until
        self._world.eviction_refused(
            action,
            reason=cause.value if cause else answer.result.value,
            message=answer.message,
            until=until,
        )

    def _succeed(self, action: Action) -> None:
        self.problems.pop(action.key, None)
        self._failures.pop(action.key, None)

    def _note(self, action: Action, error: AzlmError) -> None:
        if isinstance(action, EvictPod | DeletePod):
            until = self._clock() + RETRY_SECONDS
            reason = Cause.SERVER.value
            self._world.eviction_refused(action, reason=reason, message=str(error), until=until)
            return
        match error:
            case AzureError():
                found = azure_verdict(error)
                if found.retryable:
                    self._changes += 1
                    self.pools_read = None
                    self._fail(action, found.reason, _told(error, found), delay=found.delay)
                else:
                    self._refuse(action, found.reason, _told(error, found), found.delay)
            case SettingsError():
                self._refuse(action, "ClusterUnknown", str(error), RECHECK_SECONDS)
            case KubernetesError(status=403):
                self._refuse(action, "KubernetesForbidden", str(error), RECHECK_SECONDS)
            case _:
                self._fail(action, "KubernetesUnavailable", str(error), delay=RETRY_SECONDS)

    def _fail(self, action: Action, reason: str, message: str, *, delay: float) -> None:
        """Retry later; the delay doubles from failure to failure, up to RETRY_LONGEST."""
        count = self._failures[action.key] = self._failures.get(action.key, 0) + 1
        wait = max(delay, min(RETRY_SECONDS * 2 ** min(count - 1, 10), RETRY_LONGEST))
        log.warning("%s: %s: %s; again in %.0f s", action.key, reason, message, wait)
        self.problems[action.key] = Problem(reason, message, True, self._clock() + wait)

    def _refuse(self, action: Action, reason: str, message: str, delay: float) -> None:
        log.error("%s: %s: %s", action.key, reason, message)
        self.problems[action.key] = Problem(reason, message, False, self._clock() + delay)


def _told(error: AzureError, found: AzureVerdict) -> str:
    """Azure's own words, then what can be done about it."""
    return f"{error.message} ({error.code})" + (f"; {found.remedy}" if found.remedy else "")
