"""The series of one migration, built from its status at each scrape."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric

from azure_linux_migrator.api.conditions import ConditionType
from azure_linux_migrator.api.spec_strategy import StrategyType
from azure_linux_migrator.api.status import MigrationStatus, Phase, since_epoch
from azure_linux_migrator.api.status_drain import BlockerStatus
from azure_linux_migrator.controller.metrics_table import METRICS
from azure_linux_migrator.core.reconcile.accounting import OVER, elapsed_now
from azure_linux_migrator.core.state.eviction_response import OF_BUDGET, EvictionResult
from azure_linux_migrator.core.steps.routes import ROLLBACK, forward

METHODS = {
    "evict": tuple(EvictionResult),
    # A deletion does not look at budgets, and may still meet a conflict.
    "delete": tuple(
        result
        for result in EvictionResult
        if result not in OF_BUDGET | {EvictionResult.TWO_BUDGETS}
        or result is EvictionResult.CONFLICT
    ),
}
"""What each way of moving a pod may be answered."""
MOST_CAUSES = 5
MOST_BUDGETS = 10
"""The status names 20 blockers; with all of them, a migration could have more than 100 series."""


@dataclass(frozen=True, slots=True)
class MigrationSample:
    """One migration, as shown. `evictions` counts answers by method and result."""

    name: str
    source: str
    target: str
    strategy: str
    status: MigrationStatus
    evictions: Mapping[tuple[str, str], int] = field(default_factory=dict)


class Families:
    """Metric families with the names, labels and texts of the table."""

    def __init__(self) -> None:
        self._families: dict[str, Metric] = {}

    def add(self, name: str, labels: Iterable[str], value: float | None) -> None:
        """One sample; none where there is no value."""
        if value is None:
            return
        spec = METRICS[name]
        family = self._families.get(name)
        if family is None:
            text = spec.text[0].upper() + spec.text[1:] + "."
            kinds: dict[str, type[InfoMetricFamily | GaugeMetricFamily | CounterMetricFamily]] = {
                "info": InfoMetricFamily,
                "gauge": GaugeMetricFamily,
                "counter": CounterMetricFamily,
            }
            family = self._families[name] = kinds[spec.kind](name, text)
        family.add_sample(spec.sample, dict(zip(spec.labels, labels, strict=True)), float(value))

    def __iter__(self) -> Iterator[Metric]:
        return iter(self._families.values())


def add_migration(families: Families, view: MigrationSample, now: float) -> None:
    """Everything about a migration at `now` (seconds since the epoch)."""
    status, name = view.status, view.name
    over = status.phase in OVER
    result = status.phase if over else ""
    families.add("azlm_migration", (name, view.source, view.target, view.strategy, result), 1.0)
    for metric, text in (
        ("azlm_migration_start_timestamp_seconds", status.start_time),
        ("azlm_migration_completion_timestamp_seconds", status.completion_time),
    ):
        families.add(metric, (name,), since_epoch(text))
    for part, seconds in elapsed_now(status, now).seconds.items():
        families.add("azlm_migration_seconds", (name, part), seconds)
    if not over:
        _add_state(families, view)
        _add_nodes(families, name, status, now)
        _add_pods(families, view)
        _add_times(families, name, status)


def _add_state(families: Families, view: MigrationSample) -> None:
    """Phase and step as state sets, without the phases of what is over, which has none of these
    series. Of the reasons, more than a hundred, only the present one."""
    name, status = view.name, view.status
    for phase in Phase:
        if phase in OVER:
            continue
        families.add("azlm_migration_phase", (name, phase), status.phase == phase)
    backwards = ROLLBACK.position(status.step) >= 0
    route = ROLLBACK if backwards else forward(StrategyType(view.strategy))
    for step, _ in route.steps:
        families.add("azlm_migration_step", (name, step), status.step == step)
    if (ready := status.condition(ConditionType.READY)) is not None:
        families.add("azlm_migration_reason", (name, ready.reason), 1.0)
    for condition in status.conditions:
        families.add("azlm_migration_condition", (name, condition.type, condition.status), 1.0)


def _add_nodes(families: Families, name: str, status: MigrationStatus, now: float) -> None:
    nodes, of = status.nodes, (name,)
    states = {
        "pending": max(0, nodes.total - nodes.draining - nodes.drained),
        "draining": nodes.draining,
        "drained": nodes.drained,
    }
    for state, count in states.items():
        families.add("azlm_migration_nodes", (name, state), count)
    families.add("azlm_migration_source_nodes", of, nodes.total)
    families.add("azlm_migration_source_nodes_cordoned", of, nodes.cordoned)
    families.add("azlm_migration_target_nodes_ready", of, nodes.target_ready)
    families.add("azlm_migration_extra_nodes", of, nodes.extra)
    extra = elapsed_now(status, now).extra_node_seconds
    families.add("azlm_migration_extra_node_seconds", of, extra)
    families.add("azlm_migration_batch", of, status.batch.index)
    families.add("azlm_migration_batches", of, status.batch.of)


def _add_pods(families: Families, view: MigrationSample) -> None:
    name, pods = view.name, view.status.pods
    families.add("azlm_migration_pods_remaining", (name,), pods.remaining)
    families.add("azlm_migration_pods_waiting", (name,), pods.waiting)
    families.add("azlm_migration_pods_forced", (name,), pods.forced)
    for method, results in METHODS.items():
        for result in results:
            count = view.evictions.get((method, result.value), 0)
            families.add("azlm_pods_evicted", (name, method, result.value), count)
    _add_blockers(families, name, view.status.blockers)


def _add_blockers(families: Families, name: str, blockers: Iterable[BlockerStatus]) -> None:
    """Budgets that have blocked the longest come first, so that those that an alert counts stay."""
    budgets: Counter[tuple[str, str]] = Counter()
    causes: Counter[str] = Counter()
    for blocker in sorted(blockers, key=lambda blocker: blocker.since):
        causes[blocker.cause] += blocker.pods
        if blocker.kind == "PodDisruptionBudget":
            budgets[blocker.namespace, blocker.name] += blocker.pods
    for (namespace, budget), count in islice(budgets.items(), MOST_BUDGETS):
        families.add("azlm_migration_budget_blocked_pods", (name, namespace, budget), count)
    for cause, count in sorted(causes.items(), key=lambda item: (-item[1], item[0]))[:MOST_CAUSES]:
        families.add("azlm_migration_blocked_pods", (name, cause), count)


def _add_times(families: Families, name: str, status: MigrationStatus) -> None:
    timing = status.timing
    for metric, value in (
        (
            "azlm_migration_last_progress_timestamp_seconds",
            since_epoch(status.last_progress_time),
        ),
        ("azlm_migration_forecast_seconds", status.forecast.seconds if status.forecast else None),
        ("azlm_migration_drain_estimate_seconds", timing.estimate_seconds),
        ("azlm_migration_eta_timestamp_seconds", since_epoch(timing.eta)),
        ("azlm_migration_drain_seconds", timing.drain_seconds),
        ("azlm_migration_drain_measured_seconds", timing.measured_seconds),
        ("azlm_migration_drain_ideal_seconds", timing.ideal_seconds),
        ("azlm_migration_drain_floor_seconds", timing.floor_seconds),
        ("azlm_migration_drain_ratio", timing.ratio),
    ):
        families.add(metric, (name,), value)
