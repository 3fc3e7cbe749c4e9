"""The loop of one migration: observe, decide, act, tell, wait for a wake-up."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from azure_linux_migrator.api.spec import ClusterRef, MigrationSpec
from azure_linux_migrator.api.status import ForecastStatus, MigrationStatus, since_epoch
from azure_linux_migrator.azure.port import PoolPort
from azure_linux_migrator.controller.event_recorder import EventRecorder
from azure_linux_migrator.controller.executor import Executor
from azure_linux_migrator.controller.lenient_parsing import (
    read_status,
    spec_to_release,
    status_to_release,
    with_invalid_spec,
)
from azure_linux_migrator.controller.metrics import Telemetry
from azure_linux_migrator.controller.status_writer import StatusWriter
from azure_linux_migrator.core.reconcile.decide import decide
from azure_linux_migrator.core.state.observation import Decision, Observation
from azure_linux_migrator.errors import AzlmError, SettingsError
from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.kube.cluster_watch import ClusterWatch
from azure_linux_migrator.kube.migrations import Migrations
from azure_linux_migrator.model.azure_facts import AzureFacts
from azure_linux_migrator.model.cluster import NamespacedName
from azure_linux_migrator.model.migration import Migration

log = logging.getLogger(__name__)

COALESCE_SECONDS = 0.003
"""Events come in bursts; a decision waits this long for the rest of one."""

LONGEST_SLEEP_SECONDS = 600.0
SOONEST_SECONDS = 0.5
"""A time to look again that has passed already is that of something under way, whose answer wakes
us; only from a step that was recorded just now the next decision follows at once."""

RETRY_SECONDS = 0.5
GIVE_WAY_SECONDS = 10.0
"""Whoever else writes our status takes himself for the leader: a process that slept, say. One that
does not hold the Lease ends within this (kube/lease.py); until then nothing is decided here."""


class Worker:
    """One migration at work. `body` is the resource as last seen."""

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
    ) -> None:
        self.name = str(body["metadata"]["name"])
        self.uid = str(body["metadata"]["uid"])
        self.created = str(body["metadata"].get("creationTimestamp") or "")
        self._began = self.last_progress_at = time.time()
        self.beat_at = time.monotonic()
        self._gives_way_until = 0.0
        self._client = client
        self._pools = pools
        self._feed = feed
        self._rival = conflict
        self._own_pod = own_pod
        self._wake = asyncio.Event()
        self._turned = False
        self._body = body
        self._spec: MigrationSpec | None = None
        self._spec_of: tuple[int, str] = (0, "")
        self._lost: tuple[str, ...] = ()
        self._writer = StatusWriter(
            Migrations(client), self.name, may_write=may_act, on_failure=self.wake
        )
        self.status = MigrationStatus()
        recorded = _recorded(body)
        self._go_on_from(recorded)
        self._writer.saw(str(body["metadata"]["resourceVersion"]), recorded)
        self._executor = Executor(
            client=client,
            world=feed.world,
            pools=lambda: pools(self._spec.cluster if self._spec else None),
            telemetry=telemetry,
            may_act=may_act,
            on_result=self.wake,
            forecaster=self._forecast,
        )
        self._story = EventRecorder(client, feed.world, self.name, self.uid)

    @property
    def spec(self) -> MigrationSpec | None:
        """The spec, or None while it cannot be read."""
        return self._spec

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return self.status.is_true("Succeeded")

    def observe(self, body: Mapping[str, Any]) -> None:
        """The resource was seen; a status that somebody else has recorded is gone on from."""
        self._body = body
        recorded = _recorded(body)
        if self._writer.saw(str(body["metadata"]["resourceVersion"]), recorded):
            log.warning("the status of %s was written by somebody else", self.name)
            self._go_on_from(recorded)
            self._gives_way_until = time.monotonic() + GIVE_WAY_SECONDS
        self.wake()

    def _go_on_from(self, recorded: dict[str, Any]) -> None:
        self.status, lost = read_status(recorded, time.time())
        if lost:
            what = ", ".join(lost)
            log.warning("the status of %s cannot be read, and is made anew: %s", self.name, what)
        self._writer.start_from(recorded)

    def wake(self) -> None:
        """Look again soon."""
        self._wake.set()

    async def run(self, stopped: asyncio.Event) -> None:
        """Work until stopped; a finished migration only listens."""
        watching = False
        try:
            while not stopped.is_set():
                if not self.finished and not watching:
                    await self._feed.acquire(self.wake)
                    watching = True
                self._wake.clear()
                decision = await self._pass(deleting=False)
                if self.finished and watching:
                    await self._feed.release(self.wake)
                    watching = False
                await self._sleep(decision.wake_at)
                await self._give_way(stopped)
        finally:
            await self._end(watching=watching)

    async def _end(self, *, watching: bool) -> None:
        """Stop everything; cancelled while it waits for Azure, it still does the rest."""
        try:
            await self._executor.stop()
        finally:
            try:
                await self._writer.stop()
            finally:
                if watching:
                    await self._feed.release(self.wake)

    @property
    def busy(self) -> bool:
        """Whether anything is under way still."""
        return bool(self._executor.running)

    async def settled(self) -> None:
        """Wait until nothing is under way, though the loop may have been cancelled."""
        await self._executor.stop()

    async def release(self) -> None:
        """The resource is being deleted: undo what is ours."""
        await self._feed.acquire(self.wake)
        try:
            while True:
                self._wake.clear()
                decision = await self._pass(deleting=True)
                if decision.released:
                    return
                await self._sleep(decision.wake_at)
        finally:
            await self._end(watching=True)

    async def _pass(self, *, deleting: bool) -> Decision:
        self.beat_at = time.monotonic()
        self._turned = False
        migration = self._migration(deleting=deleting)
        if migration is None:
            return Decision((), self.status)
        decision = decide(migration, self._observation(), time.time())
        before = self.status
        if not decision.enters_new_step(before):
            self._writer.offer(decision.status)
        elif not await self._writer.write_now(decision.status) and not deleting:
            # A new step is recorded before it acts; the resource changed, or cannot be written.
            # What only undoes may be done twice, and a resource that goes needs no record.
            await self._reread()
            self._wake.clear()  # What was read wakes us for nothing: nothing could be written.
            return replace(decision, actions=(), wake_at=time.time() + RETRY_SECONDS)
        self._turned = decision.enters_new_step(before)
        self.status = decision.status
        if _progress(before) != _progress(decision.status):
            self.last_progress_at = time.time()
        self._story.tell(before, decision)
        self._executor.submit(decision.actions)
        return decision

    async def _reread(self) -> None:
        """Go on from what is recorded, as after a restart: an unanswered write may stand."""
        try:
            body = await Migrations(self._client).get(self.name)
        except AzlmError as error:
            log.warning("reading %s again: %s", self.name, error)
            return
        self._go_on_from(_recorded(body))
        self.observe(body)

    async def _forecast(self, generation: int, azure_facts: AzureFacts | None) -> ForecastStatus:
        """What the migration would do, worked out in a process of its own."""
        # Loaded only where it is asked for: an operator that never forecasts is smaller by a fifth.
        from azure_linux_migrator.controller.forecaster import run_forecast, snapshot_of
        from azure_linux_migrator.kube.snapshot import read_cluster

        if self._spec is None:
            raise SettingsError("the spec cannot be read")
        pools = await self._pools(self._spec.cluster).list_pools()
        snapshot = snapshot_of(await read_cluster(self._client, time.time()), pools, azure_facts)
        return await run_forecast(snapshot, self.name, self._spec, generation)

    def _migration(self, *, deleting: bool) -> Migration | None:
        metadata = self._body["metadata"]
        generation = int(metadata.get("generation") or 0)
        if self._spec is None or self._spec_of != (generation, self.uid):
            try:
                self._spec = MigrationSpec.model_validate(self._body.get("spec") or {})
            except ValidationError as error:
                if not deleting:
                    self.status = with_invalid_spec(self.status, error, generation, time.time())
                    self._writer.offer(self.status)
                    return None
                self._spec, self._lost = spec_to_release(self._body.get("spec"))
                log.warning("spec of %s: released without %s", self.name, ", ".join(self._lost))
            self._spec_of = (generation, self.uid)
            self._executor.outcomes.forget_verdicts()
        return Migration(
            self.name,
            self.uid,
            generation,
            self._spec,
            status_to_release(self.status, self._lost) if self._lost else self.status,
            deleting,
            dict(metadata.get("annotations") or {}),
            created=since_epoch(self.created) or 0.0,
        )

    def _observation(self) -> Observation:
        return Observation(
            world=self._feed.world,
            world_ready=self._feed.synced,
            watch_problem=self._feed.problem(),
            pools=self._executor.outcomes.pools_read,
            missing_access=self._executor.outcomes.missing_access,
            conflict=self._rival(self),
            own_pod=self._own_pod,
            began=self._began,
            azure_facts=self._executor.outcomes.azure_facts,
            forecast=self._executor.outcomes.forecast,
            asked=self._executor.outcomes.asked,
            running=self._executor.running,
            written=self._executor.outcomes.written,
            problems=self._executor.outcomes.problems,
        )

    async def _give_way(self, stopped: asyncio.Event) -> None:
        while (left := self._gives_way_until - time.monotonic()) > 0 and not stopped.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await stopped.wait()

    async def _sleep(self, wake_at: float | None) -> None:
        limit = LONGEST_SLEEP_SECONDS if wake_at is None else wake_at - time.time()
        if limit <= 0 and not self._turned:
            limit = SOONEST_SECONDS
        try:
            async with asyncio.timeout(max(0.01, min(limit, LONGEST_SLEEP_SECONDS))):
                await self._wake.wait()
        except TimeoutError:
            return
        await asyncio.sleep(COALESCE_SECONDS)


def _recorded(body: Mapping[str, Any]) -> dict[str, Any]:
    status = body.get("status")
    return dict(status) if isinstance(status, Mapping) else {}


def _progress(status: MigrationStatus) -> tuple[object, ...]:
    return (status.step, status.pods.remaining, status.nodes, status.batch.index)
