"""The exposition: what is shown, how much of it, and that nothing of a deleted migration stays."""

from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from azure_linux_migrator.api.causes import Cause
from azure_linux_migrator.api.spec_strategy import StrategyType
from azure_linux_migrator.api.status import Phase, timestamp
from azure_linux_migrator.api.status_drain import BlockerStatus
from azure_linux_migrator.api.steps import Step
from azure_linux_migrator.controller.metrics import MetricsSnapshot, Telemetry
from azure_linux_migrator.controller.metrics_server import MetricsServer
from azure_linux_migrator.controller.metrics_table import METRICS, MIGRATION_METRICS, table
from azure_linux_migrator.controller.migration_metrics import MigrationSample
from azure_linux_migrator.core.reconcile.accounting import OVER as FINISHED
from azure_linux_migrator.core.steps.routes import ROLLBACK, forward
from azure_linux_migrator.errors import SettingsError
from tests.support.expositions import EPOCH, OVER, STATUS, exposition

ROOT = Path(__file__).resolve().parents[3]
VIEW = MigrationSample("m", "src", "srcazl", "BlueGreen", STATUS, {("evict", "granted"): 2})


def samples(text: str) -> list[Sample]:
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


def of_migrations(text: str) -> list[Sample]:
    return [sample for sample in samples(text) if "migration" in sample.labels]


def of_process(text: str) -> list[Sample]:
    return [sample for sample in samples(text) if "migration" not in sample.labels]


def family(sample: Sample) -> str:
    name = sample.name
    for suffix in ("_info", "_total", "_bucket", "_count", "_sum"):
        name = name.removesuffix(suffix)
    return name


async def _get(port: int, path: str, accept: str = "text/plain") -> tuple[int, str]:
    async with (
        aiohttp.ClientSession(headers={"Accept": accept}) as session,
        session.get(f"http://127.0.0.1:{port}{path}") as answer,
    ):
        return answer.status, await answer.text()


async def test_a_deleted_migration_leaves_no_series() -> None:
    shown = [VIEW]
    telemetry = Telemetry()
    telemetry.watch(lambda: MetricsSnapshot(True, {"pods": 1.0}, tuple(shown)))
    server = MetricsServer(
        telemetry, host="127.0.0.1", port=0, health=lambda: None, ready=lambda: "no"
    )
    await server.start()
    try:
        _, text = await _get(server.port, "/metrics")
        assert 'azlm_pods_evicted_total{method="evict",migration="m",result="granted"} 2.0' in text
        shown.clear()
        _, text = await _get(server.port, "/metrics")
        assert 'migration="m"' not in text
        assert await _get(server.port, "/healthz") == (200, "ok")
        assert await _get(server.port, "/readyz") == (500, "no")
        twin = MetricsServer(
            telemetry, host="127.0.0.1", port=server.port, health=lambda: None, ready=lambda: None
        )
        with pytest.raises(SettingsError, match="--metrics-port"):
            await twin.start()
    finally:
        await server.stop()


async def test_openmetrics_has_exemplars() -> None:
    telemetry = Telemetry()
    telemetry.watch(lambda: MetricsSnapshot(True, {}, (VIEW,)))
    telemetry.node_drained(30.0, "m")
    server = MetricsServer(
        telemetry, host="127.0.0.1", port=0, health=lambda: None, ready=lambda: None
    )
    await server.start()
    try:
        _, text = await _get(server.port, "/metrics", "application/openmetrics-text; version=1.0.0")
    finally:
        await server.stop()
    assert '# {migration="m"} 30.0' in text
    assert text.endswith("# EOF\n")


def test_the_page_is_that_of_the_table() -> None:
    assert table() in (ROOT / "docs" / "metrics.md").read_text(), "run: make docs-tables"


def test_every_family_of_the_table_is_exported_and_no_other() -> None:
    exported = samples(exposition()) + samples(exposition(1, OVER))
    assert {family(sample) for sample in exported if "azlm" in sample.name} == METRICS.keys()


def test_labels_are_those_of_the_table() -> None:
    for sample in samples(exposition()) + samples(exposition(1, OVER)):
        if "azlm" in sample.name:
            labels = set(sample.labels) - {"le"}
            assert labels == set(METRICS[family(sample)].labels), sample


def test_what_is_over_keeps_info_times_and_duration() -> None:
    shown = {sample.name for sample in of_migrations(exposition(1, OVER))}
    assert shown == {spec.sample for spec in MIGRATION_METRICS if spec.stays}


def test_nodes_are_in_one_state_each() -> None:
    states = {
        sample.labels["state"]: sample.value
        for sample in samples(exposition())
        if sample.name == "azlm_migration_nodes"
    }
    assert states == {"pending": 4.0, "draining": 2.0, "drained": 3.0}


def states(view: MigrationSample, metric: str) -> dict[str, float]:
    telemetry = Telemetry()
    telemetry.watch(lambda: MetricsSnapshot(True, {}, (view,)))
    text = generate_latest(telemetry.registry).decode()
    label = METRICS[metric].labels[1]
    return {s.labels[label]: s.value for s in samples(text) if s.name == metric}


@pytest.mark.parametrize("strategy", StrategyType)
def test_the_step_is_a_state_set_of_its_route(strategy: StrategyType) -> None:
    route = [step for step, _ in forward(strategy).steps]
    shown = states(replace(VIEW, strategy=strategy), "azlm_migration_step")
    assert shown == {step: float(step == STATUS.step) for step in route}
    back = STATUS.model_copy(update={"step": Step.DRAIN_TARGET, "phase": "RollingBack"})
    shown = states(replace(VIEW, strategy=strategy, status=back), "azlm_migration_step")
    assert shown == {step: float(step == Step.DRAIN_TARGET) for step, _ in ROLLBACK.steps}


def test_no_step_is_worked_on_before_the_first() -> None:
    begun = STATUS.model_copy(update={"step": ""})
    shown = states(replace(VIEW, status=begun), "azlm_migration_step")
    assert set(shown.values()) == {0.0}


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase not in FINISHED])
def test_the_phase_is_a_state_set(phase: Phase) -> None:
    status = STATUS.model_copy(update={"phase": phase})
    shown = states(replace(VIEW, status=status), "azlm_migration_phase")
    assert shown == {name: float(name == phase) for name in Phase if name not in FINISHED}


def test_the_causes_with_the_most_pods_are_shown() -> None:
    causes = tuple(Cause)[:12]
    blockers = tuple(
        BlockerStatus(cause=cause, kind="Pod", name=cause, pods=number, since=EPOCH)
        for number, cause in enumerate(causes)
    )
    status = STATUS.model_copy(update={"blockers": blockers})
    shown = states(replace(VIEW, status=status), "azlm_migration_blocked_pods")
    assert shown == {cause: float(number) for number, cause in enumerate(causes) if number >= 7}


def test_the_budgets_that_have_blocked_longest_are_shown() -> None:
    """A budget that others overtake in pods keeps its series, which an alert counts on."""

    def blocker(cause: Cause, budget: int, pods: int) -> BlockerStatus:
        return BlockerStatus(
            cause=cause,
            kind="PodDisruptionBudget",
            namespace="shop",
            name=f"web-{budget}",
            pods=pods,
            since=timestamp(60 * budget),
        )

    blockers = [blocker(Cause.BUDGET_DEADLOCKED, at, pods=at) for at in range(12)]
    blockers.append(blocker(Cause.TWO_BUDGETS, 3, pods=4))
    status = STATUS.model_copy(update={"blockers": tuple(reversed(blockers))})
    shown = [
        (sample.labels["budget"], sample.value)
        for sample in of_migrations(exposition(1, status))
        if sample.name == "azlm_migration_budget_blocked_pods"
    ]
    pods = [0, 1, 2, 3 + 4, *range(4, 10)]
    assert shown == [(f"web-{at}", count) for at, count in enumerate(pods)]


@pytest.mark.parametrize("count", [1, 10, 100])
def test_a_migration_has_fewer_than_a_hundred_series(count: int) -> None:
    """With every value that a status can have; those of the process do not grow with migrations."""
    text = exposition(count)
    series = of_migrations(text)
    assert len(series) % count == 0
    assert len(series) // count < 100
    assert len(of_process(text)) == len(of_process(exposition(0)))
    assert len(of_migrations(exposition(count, OVER))) == 8 * count
    assert "_created" not in text


def test_the_namespace_of_a_budget_is_not_that_of_the_scrape() -> None:
    text = exposition()
    assert 'budget_namespace="shop"' in text
    assert not any("namespace" in sample.labels for sample in samples(text))
