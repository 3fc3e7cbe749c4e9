"""The registry behind /metrics. What the process counts is here; what a migration shows is built
again for each scrape (controller/migration_metrics.py), so that nothing of a deleted one is left.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from azure_linux_migrator.api.elapsed import Elapsed
from azure_linux_migrator.api.spec_strategy import StrategyType
from azure_linux_migrator.controller.metrics_table import METRICS
from azure_linux_migrator.controller.migration_metrics import (
    Families,
    MigrationSample,
    add_migration,
)
from azure_linux_migrator.core.reconcile.accounting import OVER


@dataclass(frozen=True, slots=True)
class MetricsSnapshot:
    """Everything shown beside what is counted. Times in seconds since the epoch, 0 for never.

    `watches` is the time of the last event by resource. `orphaned_cordons` is None where it was
    not counted: by a process that does not lead.
    """

    leader: bool
    watches: Mapping[str, float]
    migrations: tuple[MigrationSample, ...]
    watching: bool = False
    lease_renewed_at: float = 0.0
    lease_transitions: int = 0
    orphaned_cordons: int | None = None


class Telemetry:
    """What this process counts and measures."""

    def __init__(self) -> None:
        # Series of creation times would double their number.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._finished = self._counter("azlm_migrations_finished")
        self._errors = self._counter("azlm_unexpected_errors")
        self._conflicts = self._counter("azlm_status_conflicts")
        self._azure = self._histogram("azlm_azure_request_duration_seconds")
        self._kubernetes = self._histogram("azlm_kubernetes_request_duration_seconds")
        self._durations = self._histogram("azlm_migrations_duration_seconds")
        self._drains = self._histogram("azlm_node_drain_duration_seconds")
        self._moves = self._histogram("azlm_pod_move_duration_seconds")
        for strategy in StrategyType:
            for result in sorted(OVER):
                self._finished.labels(result.value, strategy.value)
        for where in ("action", "loop"):
            self._errors.labels(where)

    def azure_request(self, operation: str, code: str, seconds: float) -> None:
        """A request to Azure was answered, after that many seconds."""
        self._azure.labels(operation, code).observe(seconds)

    def kubernetes_request(self, operation: str, code: str, seconds: float) -> None:
        """A request to the Kubernetes API was answered, or was not."""
        self._kubernetes.labels(operation, code).observe(seconds)

    def unexpected_error(self, where: str) -> None:
        """An exception came that nothing handles: in an `action` or a `loop`."""
        self._errors.labels(where).inc()

    def status_conflict(self) -> None:
        """A status was not written, because the resource is newer."""
        self._conflicts.inc()

    def finished(self, result: str, strategy: str, elapsed: Elapsed) -> None:
        """A migration ended. Parts that it did not have are not observed."""
        self._finished.labels(result, strategy).inc()
        for part, seconds in elapsed.seconds.items():
            if seconds:
                self._durations.labels(part.value, strategy).observe(seconds)

    def node_drained(self, seconds: float, migration: str) -> None:
        """A node was drained, that many seconds after it had joined its batch."""
        self._drains.observe(seconds, exemplar={"migration": migration[:100]})

    def pod_moved(self, seconds: float) -> None:
        """A budget has a slot again, that many seconds after the eviction."""
        self._moves.observe(seconds)

    def watch(self, snapshot: Callable[[], MetricsSnapshot]) -> None:
        """Show the state that `snapshot` returns, asked again for every scrape."""
        self.registry.register(_StateCollector(snapshot))

    def _counter(self, name: str) -> Counter:
        spec = METRICS[name]
        return Counter(name, spec.text, spec.labels, registry=self.registry)

    def _histogram(self, name: str) -> Histogram:
        spec = METRICS[name]
        return Histogram(name, spec.text, spec.labels, buckets=spec.buckets, registry=self.registry)


class _StateCollector(Collector):
    def __init__(self, snapshot: Callable[[], MetricsSnapshot]) -> None:
        self._snapshot = snapshot

    def describe(self) -> Iterable[Metric]:
        """Nothing: names are known from the first scrape on."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """The state, now."""
        snapshot, now = self._snapshot(), time.time()
        families = Families()
        families.add("azlm_build", (_version(),), 1.0)
        families.add("azlm_leader", (), snapshot.leader)
        families.add("azlm_lease_renewal_timestamp_seconds", (), snapshot.lease_renewed_at)
        families.add("azlm_lease_transitions", (), snapshot.lease_transitions)
        families.add("azlm_watches_running", (), snapshot.watching)
        for resource, last_delivery_at in sorted(snapshot.watches.items()):
            families.add("azlm_watch_last_event_timestamp_seconds", (resource,), last_delivery_at)
        families.add("azlm_orphaned_cordons", (), snapshot.orphaned_cordons)
        for view in snapshot.migrations:
            add_migration(families, view, now)
        return families


def _version() -> str:
    try:
        return version("azure-linux-migrator")
    except PackageNotFoundError:
        return "unknown"
