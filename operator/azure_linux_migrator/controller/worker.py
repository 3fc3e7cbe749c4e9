"""One active migration: its loop, executor, watches and events, put together.

When a decision is made is core/reconcile/loop.py's; controller/loop_driver.py drives that loop.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from azure_linux_migrator.api.spec import ClusterRef, MigrationSpec
from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.api.status_checks import ForecastStatus
from azure_linux_migrator.azure.port import PoolPort
from azure_linux_migrator.controller.change_log import log_changes
from azure_linux_migrator.controller.decision_metrics import DecisionMetrics
from azure_linux_migrator.controller.event_recorder import EventRecorder
from azure_linux_migrator.controller.executor import Executor
from azure_linux_migrator.controller.interest import PoolInterest
from azure_linux_migrator.controller.log_setup import bound
from azure_linux_migrator.controller.loop_driver import LoopDriver
from azure_linux_migrator.controller.metrics import Telemetry
from azure_linux_migrator.controller.resource_requests import ResourceRequests
from azure_linux_migrator.core.reconcile.lenient_parsing import readable_spec, resource_seen
from azure_linux_migrator.core.reconcile.loop import Loop
from azure_linux_migrator.core.reconcile.messages import Submit
from azure_linux_migrator.core.reconcile.observer import Observer
from azure_linux_migrator.errors import SettingsError
from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.kube.cluster_watch import ClusterWatch
from azure_linux_migrator.kube.migrations import Migrations
from azure_linux_migrator.model.azure_facts import AzureFacts
from azure_linux_migrator.model.cluster import NamespacedName
from azure_linux_migrator.model.migration import Migration

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WorkerPorts:
    """What the workers of one process share.

    `pools` opens the node pools of a cluster (None: of the one that the operator serves) and raises
    SettingsError where it is not known. `may_act` is whether this process leads,
    `reports_drain` whether it may write the conditions of nodes.
    """

    client: Client
    cluster_watch: ClusterWatch
    pools: Callable[[ClusterRef | None], PoolPort]
    telemetry: Telemetry
    may_act: Callable[[], bool]
    own_pod: NamespacedName | None
    reports_drain: bool = False


class Worker:
    """One migration at work. `body` is the resource as last seen; a `releasing` worker undoes what
    a deleted one did."""

    def __init__(
        self,
        body: Mapping[str, Any],
        ports: WorkerPorts,
        *,
        conflict: Callable[["Worker"], str],
        releasing: bool = False,
    ) -> None:
        resource = resource_seen(body, time.time())
        if resource.lost:
            what = ", ".join(resource.lost)
            log.warning("status of %s: %s cannot be read, and is rebuilt", resource.name, what)
        self.name, self.uid = resource.name, resource.uid
        self.created = str(body["metadata"].get("creationTimestamp") or "")
        self._ports = ports
        world = ports.cluster_watch.world
        self._executor = Executor(
            client=ports.client,
            world=world,
            pools=lambda: ports.pools(self.spec.cluster if self.spec else None),
            telemetry=ports.telemetry,
            may_act=ports.may_act,
            on_result=self.wake,
            forecaster=self._forecast,
        )
        observer = Observer(
            ports.cluster_watch,
            self._executor,
            began=time.time(),
            releasing=releasing,
            own_pod=ports.own_pod,
            conflict=lambda: conflict(self),
            reports_drain=ports.reports_drain,
        )
        self._loop = Loop(resource, observer)
        requests = ResourceRequests(
            Migrations(ports.client), self.name, ports.may_act, ports.telemetry.status_conflict
        )
        self._driver = LoopDriver(self._loop, requests, self)
        self._interest = PoolInterest(world)
        self._metrics = DecisionMetrics(ports.telemetry, self.name)
        self._events = EventRecorder(ports.client, world, self.name, self.uid)

    @property
    def beat_at(self) -> float:
        """When its loop was last looked at (monotonic seconds)."""
        return self._driver.beat_at

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
        self._driver.seen(resource_seen(body, time.time()))

    def wake(self) -> None:
        """Look again soon."""
        self._driver.wake()

    async def run(self, stopped: asyncio.Event) -> None:
        """Work until stopped, or until the resource is released."""
        with bound(migration=self.name):
            try:
                await self._driver.run(stopped)
            except Exception:
                self._ports.telemetry.unexpected_error("loop")
                raise

    # As LoopListener

    def submit(self, submit: Submit) -> None:
        """Publish a decision, and start its actions."""
        before, decision = submit.before, submit.decision
        self._measure(before, decision.status)
        self._interest.follow(self._pools_followed())
        with bound(step=decision.status.step):
            log_changes(before, decision.status)
            self._events.publish(before, decision)
            self._executor.submit(decision.actions)

    async def watch(self, *, on: bool) -> None:
        """Start the watches that feed the world, or stop them."""
        if on:
            self._interest.follow(self._pools_followed())
            await self._ports.cluster_watch.acquire(self.wake, self._interest)
        else:
            await self._ports.cluster_watch.release(self.wake)

    async def end_actions(self) -> None:
        """Start no more actions, and wait for those under way, though the loop was cancelled."""
        await self._executor.stop()

    def _measure(self, before: MigrationStatus, after: MigrationStatus) -> None:
        self._metrics.moved(self._ports.cluster_watch.world.slot_times)
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

    async def _forecast(self, generation: int, azure_facts: AzureFacts | None) -> ForecastStatus:
        """What the migration would do, worked out in a process of its own."""
        # Loaded only where it is asked for: an operator that never forecasts is smaller by a fifth.
        from azure_linux_migrator.controller.forecaster import forecast_live

        if self.spec is None:
            raise SettingsError("the spec cannot be read")
        pools = self._ports.pools(self.spec.cluster)
        return await forecast_live(
            self._ports.client, pools, azure_facts, self.name, self.spec, generation
        )
