"""The metrics. Counters count; everything about a migration is built again for each scrape, so that
nothing of a deleted one is ever left."""

from collections import Counter as Counts
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from azure_linux_migrator.api.conditions import ConditionType
from azure_linux_migrator.api.status import MigrationStatus, Phase, Timing, since_epoch
from azure_linux_migrator.core.state.eviction_response import EvictionResult

STATUSES = ("True", "False", "Unknown")


@dataclass(frozen=True, slots=True)
class MigrationView:
    """One migration, as shown. `last_progress_at` in seconds since the epoch."""

    name: str
    source: str
    target: str
    strategy: str
    status: MigrationStatus
    last_progress_at: float


@dataclass(frozen=True, slots=True)
class MetricsSnapshot:
    """Everything shown. `watch_ages` in seconds, by resource."""

    leader: bool
    watch_ages: Mapping[str, float]
    migrations: tuple[MigrationView, ...]


class Telemetry:
    """The registry that /metrics serves."""

    def __init__(self) -> None:
        # Series of creation times would double their number.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._evictions = Counter(
            "azlm_evictions",
            "Evictions by what the apiserver answered.",
            ["result"],
            registry=self.registry,
        )
        self._azure = Counter(
            "azlm_azure_requests",
            "Calls of Azure by operation and Azure's code.",
            ["operation", "code"],
            registry=self.registry,
        )
        for result in EvictionResult:
            self._evictions.labels(result.value)

    def eviction(self, result: str) -> None:
        """An eviction was answered."""
        self._evictions.labels(result).inc()

    def azure_request(self, operation: str, code: str) -> None:
        """A call of Azure was answered."""
        self._azure.labels(operation, code).inc()

    def watch(self, snapshot: Callable[[], MetricsSnapshot]) -> None:
        """Show the state that `snapshot` returns, asked again for every scrape."""
        self.registry.register(_State(snapshot))


class _State(Collector):
    def __init__(self, snapshot: Callable[[], MetricsSnapshot]) -> None:
        self._snapshot = snapshot

    def describe(self) -> Iterable[Metric]:
        """Nothing: names are known from the first scrape on."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """The state, now."""
        now = self._snapshot()
        yield InfoMetricFamily("azlm_build", "The running version.", value={"version": _version()})
        leader = GaugeMetricFamily("azlm_leader", "Whether this process leads.")
        leader.add_metric([], float(now.leader))
        yield leader
        ages = GaugeMetricFamily(
            "azlm_watch_last_event_age_seconds",
            "Seconds since a watch last heard from the apiserver; only while it is needed.",
            labels=["resource"],
        )
        for resource, age in sorted(now.watch_ages.items()):
            ages.add_metric([resource], age)
        yield ages
        yield from _migrations(now.migrations)


_TIMES: tuple[tuple[str, str, Callable[[Timing], float | None]], ...] = (
    (
        "drain_estimate_seconds",
        "Estimate of the whole drain before its first eviction.",
        lambda timing: timing.estimate_seconds,
    ),
    (
        "eta_timestamp_seconds",
        "When the drain should be over.",
        lambda timing: since_epoch(timing.eta),
    ),
    (
        "drain_seconds",
        "Time spent draining, without the soaks between batches.",
        lambda timing: timing.drain_seconds,
    ),
    (
        "drain_bound_seconds",
        "What perfect use of the budgets would have needed, as observed.",
        lambda timing: timing.bound_seconds,
    ),
    (
        "drain_ratio",
        "Time spent draining, divided by the bound.",
        lambda timing: timing.ratio,
    ),
)


def _migrations(views: tuple[MigrationView, ...]) -> Iterable[Metric]:
    info = InfoMetricFamily(
        "azlm_migration", "A migration.", labels=["name", "source", "target", "strategy"]
    )
    conditions = GaugeMetricFamily(
        "azlm_migration_condition",
        "1 for the status that a condition has.",
        labels=["name", "type", "status"],
    )
    phases = GaugeMetricFamily(
        "azlm_migration_phase", "1 for the phase that a migration is in.", labels=["name", "phase"]
    )
    reasons = GaugeMetricFamily(
        "azlm_migration_reason",
        "1 for the reason of the condition Ready: what a migration does or waits for.",
        labels=["name", "reason"],
    )
    nodes = GaugeMetricFamily(
        "azlm_migration_nodes", "Nodes by what happened to them.", labels=["name", "state"]
    )
    remaining = GaugeMetricFamily(
        "azlm_migration_pods_remaining", "Pods still to leave the source.", labels=["name"]
    )
    waiting = GaugeMetricFamily(
        "azlm_migration_pods_waiting", "Pods whose budget has no free slot.", labels=["name"]
    )
    progress = GaugeMetricFamily(
        "azlm_migration_last_progress_timestamp_seconds",
        "When something last went on.",
        labels=["name"],
    )
    blocked = GaugeMetricFamily(
        "azlm_migration_blocked_pods", "Pods held back, by cause.", labels=["name", "cause"]
    )
    budgets = GaugeMetricFamily(
        "azlm_migration_budget_blocked_pods",
        "Pods held back by a PodDisruptionBudget that gives no slot.",
        # Not `namespace`: a scrape sets that to the operator's own.
        labels=["name", "budget_namespace", "budget"],
    )
    forced = GaugeMetricFamily(
        "azlm_migration_pods_forced", "Pods deleted against their budgets.", labels=["name"]
    )
    times = [
        (
            GaugeMetricFamily(f"azlm_migration_{name}", text, labels=["name"]),
            read,
        )
        for name, text, read in _TIMES
    ]
    for view in views:
        status = view.status
        causes: Counts[str] = Counts()
        for blocker in status.blockers:
            causes[blocker.cause] += blocker.pods
            if blocker.kind == "PodDisruptionBudget":
                budgets.add_metric([view.name, blocker.namespace, blocker.name], blocker.pods)
        for cause, pods in sorted(causes.items()):
            blocked.add_metric([view.name, cause], float(pods))
        forced.add_metric([view.name], float(status.pods.forced))
        for family, read in times:
            value = read(status.timing)
            if value is not None:
                family.add_metric([view.name], value)
        info.add_metric([view.name, view.source, view.target, view.strategy], {})
        for phase in Phase:
            phases.add_metric([view.name, phase.value], float(status.phase == phase))
        if (ready := status.condition(ConditionType.READY)) is not None:
            reasons.add_metric([view.name, ready.reason], 1.0)
        for condition in status.conditions:
            for truth in STATUSES:
                labels = [view.name, condition.type, truth]
                conditions.add_metric(labels, float(condition.status == truth))
        counts = status.nodes.model_dump(exclude={"progress"})
        for state, count in counts.items():
            nodes.add_metric([view.name, state], float(count))
        remaining.add_metric([view.name], float(status.pods.remaining))
        waiting.add_metric([view.name], float(status.pods.waiting))
        progress.add_metric([view.name], view.last_progress_at)
    yield from (
        info,
        phases,
        reasons,
        conditions,
        nodes,
        remaining,
        waiting,
        progress,
        blocked,
        budgets,
        forced,
    )
    yield from (family for family, _ in times)


def _version() -> str:
    try:
        return version("azure-linux-migrator")
    except PackageNotFoundError:
        return "unknown"
