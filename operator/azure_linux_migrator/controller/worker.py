"""Drives the reconcile loop of one migration with asyncio: performs its outputs, and wakes it.

Decides nothing: when a decision is made, recorded or repeated is core/reconcile/loop.py's.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from azure_linux_migrator.api.spec import ClusterRef, MigrationSpec
from azure_linux_migrator.api.status import ForecastStatus, MigrationStatus
from azure_linux_migrator.azure.port import PoolPort
from azure_linux_migrator.controller.change_log import log_changes
from azure_linux_migrator.controller.decision_metrics import DecisionMetrics
from azure_linux_migrator.controller.event_recorder import EventRecorder
from azure_linux_migrator.controller.executor import Executor
from azure_linux_migrator.controller.interest import PoolInterest
from azure_linux_migrator.controller.log_setup import bound
from azure_linux_migrator.controller.metrics import Telemetry
from azure_linux_migrator.core.reconcile.lenient_parsing import readable_spec, resource_seen
from azure_linux_migrator.core.reconcile.loop import Loop
from azure_linux_migrator.core.reconcile.messages import (
    Answer,
    Closed,
    Now,
    Outputs,
    Overtaken,
    ReadResource,
    Released,
    StatusWritten,
    Submit,
    Watch,
    WriteStatus,
    answer_of,
)
from azure_linux_migrator.core.reconcile.observer import Observer
from azure_linux_migrator.errors import KubernetesError, NotLeadingError, SettingsError
from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.kube.cluster_watch import ClusterWatch
from azure_linux_migrator.kube.migrations import Migrations
from azure_linux_migrator.model.azure_facts import AzureFacts
from azure_linux_migrator.model.cluster import NamespacedName
from azure_linux_migrator.model.migration import Migration

log = logging.getLogger(__name__)


class Worker:
    """One migration at work. `body` is the resource as last seen; a `releasing` worker undoes what
    a deleted one did."""

    def __init__(
        self,
        body: Mapping[str, Any],
        *,
        client: Client,
        feed: ClusterWatch,
        pools: Callable[[ClusterRef | None], PoolPort],
        telemetry: Telemetry,
        may_act: Callable[[], bool],
        conflict: Callable[["Worker"], str],
        own_pod: NamespacedName | None,
        releasing: bool = False,
    ) -> None:
        resource = resource_seen(body, time.time())
        if resource.lost:
            what = ", ".join(resource.lost)
            log.warning("status of %s: %s cannot be read, and is rebuilt", resource.name, what)
        self.name, self.uid = resource.name, resource.uid
        self.created = str(body["metadata"].get("creationTimestamp") or "")
        self.beat_at = time.monotonic()
        self._client = client
        self._resources = Migrations(client)
        self._pools = pools
        self._feed = feed
        self._may_act = may_act
        self._wake = asyncio.Event()
        self._request: asyncio.Task[None] | None = None
        self._outputs: Outputs = []
        self._watching = self._released = self._closed = False
        self._executor = Executor(
            client=client,
            world=feed.world,
            pools=lambda: pools(self.spec.cluster if self.spec else None),
            telemetry=telemetry,
            may_act=may_act,
            on_result=self.wake,
            forecaster=self._forecast,
        )
        observer = Observer(
            feed,
            self._executor,
            began=time.time(),
            releasing=releasing,
            own_pod=own_pod,
            conflict=lambda: conflict(self),
        )
        self._loop = Loop(resource, observer)
        self._interest = PoolInterest(feed.world)
        self._telemetry = telemetry
        self._metrics = DecisionMetrics(telemetry, self.name)
        self._events = EventRecorder(client, feed.world, self.name, self.uid)

    @property
    def spec(self) -> MigrationSpec | None:
        """The spec, or None while it cannot be read."""
        return self._loop.observer.spec

    def claim(self) -> tuple[MigrationSpec, tuple[str, ...]]:
        """The spec as far as it can be read, and the fields that cannot be."""
        return readable_spec(self._loop.resource.spec)

    @property
    def status(self) -> MigrationStatus:
        """The status as last decided."""
        return self._loop.status

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return self._loop.finished

    @property
    def evictions(self) -> Mapping[tuple[str, str], int]:
        """Answers to evictions and deletions of pods, by method and result."""
        return self._executor.evictions

    @property
    def busy(self) -> bool:
        """Whether an action is under way."""
        return bool(self._executor.running)

    def observe(self, body: Mapping[str, Any]) -> None:
        """The resource was seen."""
        self._take(self._loop.seen(resource_seen(body, time.time()), _now()))

    def wake(self) -> None:
        """Look again soon."""
        wake_at = self._loop.wake_at
        self._loop.changed(_now())
        if self._loop.wake_at != wake_at:
            self._wake.set()

    async def run(self, stopped: asyncio.Event) -> None:
        """Work until stopped, or until the resource is released."""
        with bound(migration=self.name):
            try:
                await self._run(stopped)
            except Exception:
                self._telemetry.unexpected_error("loop")
                raise

    async def _run(self, stopped: asyncio.Event) -> None:
        try:
            while not self._released and (self._loop.recording or not stopped.is_set()):
                self.beat_at = time.monotonic()
                if not stopped.is_set():
                    self._outputs += self._loop.tick(_now())
                await self._perform()
                await self._sleep(stopped)
        finally:
            await self._end()

    async def settled(self) -> None:
        """Wait until no action is under way, though the loop may have been cancelled."""
        await self._executor.stop()

    async def _end(self) -> None:
        """Write the last status, and stop everything; cancelled meanwhile, it does the rest."""
        try:
            self._outputs = self._loop.close(_now())
            await self._perform()
            while not self._closed:
                self._wake.clear()
                await self._wake.wait()
                await self._perform()
        finally:
            try:
                if self._request is not None:
                    self._request.cancel()
                await self._executor.stop()
            finally:
                if self._watching:
                    await self._watch(on=False)

    async def _sleep(self, stopped: asyncio.Event) -> None:
        if self._outputs or self._released or (stopped.is_set() and not self._loop.recording):
            return
        wake_at = None if stopped.is_set() else self._loop.wake_at
        left = None if wake_at is None else max(0.0, wake_at - time.monotonic())
        with suppress(TimeoutError):
            async with asyncio.timeout(left):
                await self._wake.wait()
        self._wake.clear()

    def _take(self, outputs: Outputs) -> None:
        self._outputs += outputs
        self._wake.set()

    async def _perform(self) -> None:
        while self._outputs:
            match self._outputs.pop(0):
                case Watch(on):
                    await self._watch(on=on)
                case WriteStatus() as write:
                    self._request = asyncio.create_task(self._write(write))
                case ReadResource():
                    self._request = asyncio.create_task(self._read())
                case Submit(before, decision):
                    self._measure(before, decision.status)
                    self._interest.follow(self._pools_followed())
                    with bound(step=decision.status.step):
                        log_changes(before, decision.status)
                        self._events.tell(before, decision)
                        self._executor.submit(decision.actions)
                case Overtaken():
                    log.warning("the status of %s was written by another process", self.name)
                case Released():
                    self._released = True
                case Closed():
                    self._closed = True

    def _measure(self, before: MigrationStatus, after: MigrationStatus) -> None:
        self._metrics.moved(self._feed.world.slot_times)
        progress = self._loop.observer.memory.pool_progress
        if progress is not None and before.nodes != after.nodes:
            self._metrics.drained(progress, time.time())
        if self.spec is not None:
            self._metrics.decided(before, after, self.spec.strategy.type)

    def _pools_followed(self) -> frozenset[str]:
        """The pools whose changes wake this worker; none, for all, where that is not sure."""
        if self.spec is None or self._loop.releasing:
            return frozenset()
        migration = Migration(self.name, self.uid, 0, self.spec, self.status)
        return frozenset((migration.old_pool, migration.new_pool))

    async def _watch(self, *, on: bool) -> None:
        self._watching = on
        if on:
            self._interest.follow(self._pools_followed())
            await self._feed.acquire(self.wake, self._interest)
        else:
            await self._feed.release(self.wake)

    async def _write(self, write: WriteStatus) -> None:
        answer, version = Answer.UNSENT, 0
        try:
            if self._may_act():
                answer = Answer.UNANSWERED
                status = write.status.model_dump(mode="json", by_alias=True, exclude_none=True)
                version = await self._resources.apply_status(
                    self.name, status, resource_version=str(write.version)
                )
                answer = Answer.TAKEN
        except NotLeadingError:
            answer = Answer.UNSENT
        except KubernetesError as error:
            answer = answer_of(error)
            if answer is Answer.CONFLICT:
                self._telemetry.status_conflict()
            else:
                log.warning("writing the status of %s: %s", self.name, error)
        finally:
            self._take(self._loop.written(StatusWritten(answer, version), _now()))

    async def _read(self) -> None:
        resource = None
        try:
            resource = resource_seen(await self._resources.get(self.name), time.time())
        except KubernetesError as error:
            log.warning("reading %s again: %s", self.name, error)
        self._take(self._loop.resource_read(resource, _now()))

    async def _forecast(self, generation: int, azure_facts: AzureFacts | None) -> ForecastStatus:
        """What the migration would do, worked out in a process of its own."""
        # Loaded only where it is asked for: an operator that never forecasts is smaller by a fifth.
        from azure_linux_migrator.controller.forecaster import forecast_live

        if self.spec is None:
            raise SettingsError("the spec cannot be read")
        pools = self._pools(self.spec.cluster)
        return await forecast_live(
            self._client, pools, azure_facts, self.name, self.spec, generation
        )


def _now() -> Now:
    return Now(time.time(), time.monotonic())
