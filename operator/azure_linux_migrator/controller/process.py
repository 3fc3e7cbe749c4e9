"""The operator's process: probes and metrics, the Lease, then Kopf with one daemon per resource.

Kopf watches our resource only. Everything else is read by our own watches, which run while a
migration needs them.
"""

import asyncio
import logging
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import kopf

from azure_linux_migrator.api.names import FINALIZER, GROUP, PLURAL, VERSION
from azure_linux_migrator.api.spec import ClusterRef
from azure_linux_migrator.azure.port import PoolPort
from azure_linux_migrator.controller import log_setup
from azure_linux_migrator.controller.conflicts import cluster_key, conflict_of
from azure_linux_migrator.controller.leadership import Leadership
from azure_linux_migrator.controller.metrics import MetricsSnapshot, Telemetry
from azure_linux_migrator.controller.metrics_server import MetricsServer
from azure_linux_migrator.controller.migration_metrics import MigrationSample
from azure_linux_migrator.controller.orphaned_cordons import OrphanedCordons
from azure_linux_migrator.controller.settings import Settings
from azure_linux_migrator.controller.supervisor import Supervisor
from azure_linux_migrator.controller.worker import Worker, WorkerPorts
from azure_linux_migrator.core.reconcile.loop import RELEASE_RETRY_SECONDS, RELEASE_SECONDS
from azure_linux_migrator.errors import KubernetesError, SettingsError
from azure_linux_migrator.kube.access import may_report_drains
from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.kube.cluster_watch import ClusterWatch
from azure_linux_migrator.kube.migrations import Migrations
from azure_linux_migrator.model.cluster import NamespacedName

log = logging.getLogger(__name__)

STUCK_SECONDS = 900.0


@dataclass
class Operator:
    """What the handlers share."""

    settings: Settings
    client: Client
    cluster_watch: ClusterWatch
    telemetry: Telemetry
    workers: Supervisor = field(init=False)
    leadership: Leadership = field(init=False)
    orphaned_cordons: OrphanedCordons = field(init=False)
    reports_drain: bool = False
    """Whether the conditions of nodes may be written: asked when the process begins to lead."""
    _pools: dict[str, PoolPort] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.workers = Supervisor(self.worker, Migrations(self.client).find)
        self.leadership = Leadership(self.client, self.settings)
        self.orphaned_cordons = OrphanedCordons(self.client)

    async def review_access(self) -> None:
        """Ask for the right that needs no setting; without an answer, nothing is written."""
        try:
            self.reports_drain = await may_report_drains(self.client)
        except KubernetesError as error:
            log.warning("conditions of nodes are not written: %s", error)

    def pools(self, cluster: ClusterRef | None) -> PoolPort:
        """The node pools of a cluster, or of the one that the operator serves."""
        wanted = cluster or self.settings.cluster
        if wanted is None:
            raise SettingsError(
                "spec.cluster is not set and the operator was not configured with a cluster; "
                "set spec.cluster, or start it with --subscription-id, --resource-group and "
                "--cluster-name"
            )
        key = cluster_key(wanted)
        if key not in self._pools:
            from azure_linux_migrator.azure.client import open_pools

            self._pools[key] = open_pools(
                wanted,
                endpoint=self.settings.arm_endpoint,
                cloud=self.settings.cloud,
                api_version=self.settings.aks_api_version,
                on_request=self.telemetry.azure_request,
                before_change=self.leadership.require,
            )
        return self._pools[key]

    def connect_pools(self, cluster: ClusterRef, pools: PoolPort) -> None:
        """Use this connection for the node pools of a cluster."""
        self._pools[cluster_key(cluster)] = pools

    def worker(self, body: Mapping[str, Any], releasing: bool) -> Worker:
        """A new worker for a resource."""
        ports = WorkerPorts(
            client=self.client.guarded(self.leadership.require),
            cluster_watch=self.cluster_watch,
            pools=self.pools,
            telemetry=self.telemetry,
            may_act=lambda: self.leadership.held,
            own_pod=own_pod(self.settings),
            reports_drain=self.reports_drain,
        )
        return Worker(body, ports, conflict=self.conflict, releasing=releasing)

    def conflict(self, worker: Worker) -> str:
        """The migration that this one gives way to: see controller/conflicts.py."""
        return conflict_of(worker, self.workers, own_cluster=self.settings.cluster)

    def snapshot(self) -> MetricsSnapshot:
        """The state behind the metrics, as of now."""
        return MetricsSnapshot(
            leader=self.leadership.held,
            watches=self.cluster_watch.last_delivery_at(),
            watching=self.cluster_watch.running,
            lease_renewed_at=self.leadership.renewed_at,
            lease_transitions=self.leadership.transitions,
            orphaned_cordons=self.orphaned_cordons.count,
            migrations=tuple(
                MigrationSample(
                    name=worker.name,
                    source=worker.spec.source.node_pool,
                    target=worker.status.target_pool,
                    strategy=worker.spec.strategy.type,
                    status=worker.status,
                    evictions=worker.evictions,
                )
                for worker in self.workers
                if worker.spec is not None
            ),
        )

    def health(self) -> str | None:
        """Why the process should be restarted, or None."""
        if self.leadership.lost:
            return "the Lease is not renewed any more"
        now = time.monotonic()
        stuck = [w.name for w in self.workers if now - w.beat_at > STUCK_SECONDS]
        return f"migration {stuck[0]} has not been looked at for a while" if stuck else None

    def ready(self) -> str | None:
        """Why the process is not ready yet; a standby is ready although it does not lead."""
        return self.leadership.refusal() or (None if self.leadership.served else "starting")

    async def close(self) -> None:
        """Close what was opened."""
        for pools in self._pools.values():
            await pools.close()


def own_pod(settings: Settings) -> NamespacedName | None:
    """The pod that this process runs in, where its name was given."""
    return NamespacedName(settings.namespace, settings.identity) if settings.identity else None


async def serve(settings: Settings, until: Callable[[], Awaitable[None]] | None = None) -> None:
    """Run the operator until SIGTERM or SIGINT, or until what `until` waits for."""
    log_setup.configure(settings.log_format)
    stop = asyncio.Event()
    _on_signals(stop)
    telemetry = Telemetry()
    client = await Client.connect(settings.kubeconfig, settings.context)
    client = client.observed(telemetry.kubernetes_request)
    operator = Operator(settings, client, ClusterWatch(client), telemetry)
    telemetry.watch(operator.snapshot)
    server = MetricsServer(
        telemetry,
        host=settings.metrics_address,
        port=settings.metrics_port,
        health=operator.health,
        ready=operator.ready,
    )
    await server.start()
    log.info("metrics and probes on port %s", server.port)
    waiting = asyncio.create_task(_wait(until, stop)) if until else None
    try:
        await _lead(operator, stop)
        if waiting is not None and waiting.done():
            await waiting
    finally:
        if waiting is not None:
            waiting.cancel()
        await server.stop()
        await operator.close()
        await client.close()


def _on_signals(stop: asyncio.Event) -> None:
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)


async def _wait(until: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
    try:
        await until()
    finally:
        stop.set()


async def _lead(operator: Operator, stop: asyncio.Event) -> None:
    leadership = operator.leadership
    gaining = asyncio.create_task(leadership.gain())
    stopping = asyncio.create_task(stop.wait())
    ended = asyncio.Event()
    ending = asyncio.create_task(leadership.end(stop, ended))
    counting: asyncio.Task[None] | None = None
    try:
        await asyncio.wait({gaining, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not gaining.done():
            gaining.cancel()
            await asyncio.gather(gaining, return_exceptions=True)
            return
        await gaining
        await operator.review_access()
        counting = asyncio.create_task(operator.orphaned_cordons.run())
        log.info("leading as %s", operator.settings.holder)
        others = asyncio.all_tasks()
        tasks = await kopf.spawn_tasks(
            registry=_registry(operator),
            settings=_kopf_settings(),
            clusterwide=True,
            standalone=True,
            stop_flag=ended,
        )
        _on_signals(stop)  # Kopf has set its own handlers, which would end everything at once.
        await kopf.run_tasks(tasks, ignored=others)
    finally:
        stopping.cancel()
        ending.cancel()
        if counting is not None:
            counting.cancel()
        await leadership.give_up()


def _kopf_settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.peering.standalone = True
    settings.persistence.finalizer = FINALIZER
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=GROUP)
    settings.persistence.diffbase_storage = kopf.AnnotationsDiffBaseStorage(prefix=GROUP)
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 310
    settings.watching.connect_timeout = 30
    settings.networking.request_timeout = 30
    settings.networking.error_backoffs = (1, 2, 4, 8, 15, 30, 60, 60, 60, 60)
    return settings


def _registry(operator: Operator) -> kopf.OperatorRegistry:
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    async def login(**_: object) -> kopf.ConnectionInfo:
        return kopf.ConnectionInfo(**(await operator.client.kopf_connection()))

    @kopf.on.event(GROUP, VERSION, PLURAL, registry=registry)
    async def observe(body: kopf.Body, **_: object) -> None:
        operator.workers.observe(dict(body))

    @kopf.daemon(
        GROUP,
        VERSION,
        PLURAL,
        registry=registry,
        cancellation_backoff=5,
        cancellation_timeout=20,
    )
    async def migrate(body: kopf.Body, stopped: Any, **_: object) -> None:
        halt = asyncio.Event()

        async def listen() -> None:
            await stopped.wait()
            halt.set()
            operator.workers.wake(str(body["metadata"]["name"]))

        listening = asyncio.create_task(listen())
        try:
            await operator.workers.run(dict(body), halt)
        finally:
            listening.cancel()

    @kopf.on.delete(GROUP, VERSION, PLURAL, registry=registry, backoff=RELEASE_RETRY_SECONDS)
    async def release(name: str | None, **_: object) -> None:
        # Kopf stops the daemon before it calls this, and cancels it between two calls of this.
        try:
            async with asyncio.timeout(RELEASE_SECONDS):
                await operator.workers.release(str(name))
        except TimeoutError as error:
            text = "the release takes long; it is tried again"
            raise kopf.TemporaryError(text, delay=RELEASE_RETRY_SECONDS) from error
        except KubernetesError as error:
            text = f"reading the resource: {error}"
            raise kopf.TemporaryError(text, delay=RELEASE_RETRY_SECONDS) from error

    return registry
