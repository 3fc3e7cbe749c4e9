"""A forecast run: its figures are consistent, on clusters of all sorts."""

import random
from typing import Any

import pytest
from msgspec import structs

from azure_linux_migrator.api.spec import MigrationSpec
from azure_linux_migrator.errors import SettingsError
from azure_linux_migrator.forecast.alternatives import alternatives
from azure_linux_migrator.forecast.build_cluster import Assumptions
from azure_linux_migrator.forecast.forecast import as_run, forecast
from azure_linux_migrator.forecast.observed_times import LONGEST_SECONDS, UNKNOWN, start_spans
from azure_linux_migrator.forecast.run import ForecastRun, RunResult
from azure_linux_migrator.model.cluster import BudgetRule, Pod
from azure_linux_migrator.model.cluster_snapshot import ClusterSnapshot
from azure_linux_migrator.model.pool import Pool
from testbed.fill.snapshot import cluster_snapshot

CALM: dict[str, Any] = {"batch": {"size": "100%", "soak": "0s"}, "finalSoak": "0s"}


def _spec(**more: Any) -> MigrationSpec:
    return MigrationSpec.model_validate({"source": {"nodePool": "workers"}, **more})


def _run_result(snapshot: ClusterSnapshot, seed: int = 0, **more: Any) -> RunResult:
    return ForecastRun(snapshot, "m", as_run(_spec(**more)), Assumptions(), seed).go()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("batch", [{"size": "10%"}, {"size": "100%", "soak": "0s"}])
def test_nothing_is_faster_than_the_bound(seed: int, batch: dict[str, Any]) -> None:
    rng = random.Random(seed)
    cluster = cluster_snapshot(rng.randint(6, 20), rng.randint(100, 300), seed)
    run_result = _run_result(cluster, seed, strategy={"batch": batch, "finalSoak": "0s"})
    assert run_result.succeeded, run_result.message
    assert run_result.ideal_seconds is not None
    assert 0 < run_result.ideal_seconds <= run_result.moving_seconds * 1.02 + 0.1
    assert run_result.moving_seconds + run_result.pause_seconds < run_result.seconds


def test_pauses_after_batches_of_empty_nodes_are_no_part_of_the_move() -> None:
    cluster = cluster_snapshot(6, 60)
    empty = {node.name for node in cluster.nodes if node.pool == "workers"}
    empty -= set(sorted(empty)[:2])
    cluster.pods = [pod for pod in cluster.pods if pod.node not in empty]
    run_result = _run_result(
        cluster, strategy={"batch": {"size": 1, "soak": "15m"}, "finalSoak": "0s"}
    )
    assert run_result.succeeded, run_result.message
    assert 0 < (run_result.ideal_seconds or 0) <= run_result.moving_seconds * 1.02 + 0.1


def test_in_place_reports_how_long_pods_are_moved_too() -> None:
    run_result = _run_result(cluster_snapshot(6, 60), strategy={"type": "InPlace"})
    assert run_result.succeeded, run_result.message
    assert run_result.moving_seconds > 60


def _started(snapshot: ClusterSnapshot, seconds: float) -> ClusterSnapshot:
    pods = [structs.replace(pod, started_in=seconds) for pod in snapshot.pods]
    return structs.replace(snapshot, pods=pods)


def test_pods_that_became_ready_again_long_after_their_start_tell_nothing() -> None:
    spans, whole = start_spans(_started(cluster_snapshot(4, 60), LONGEST_SECONDS + 1).pods, {})
    assert (spans, whole) == ({}, UNKNOWN)
    assert _run_result(_started(cluster_snapshot(4, 60), 80_000.0), strategy=CALM).succeeded


def test_a_few_outliers_do_not_count() -> None:
    pods: list[Pod] = cluster_snapshot(4, 60).pods
    usual = start_spans(pods, {})[1].mean
    odd = [
        structs.replace(pod, started_in=1500.0) if not at % 9 else pod
        for at, pod in enumerate(pods)
    ]
    assert start_spans(odd, {})[1].mean == pytest.approx(usual, rel=0.1)


def test_a_pool_that_cannot_be_modelled_is_reported_and_its_nodes_stay() -> None:
    cluster = cluster_snapshot(6, 60)
    odd = {"vmSize": "Nonsense", "osSKU": "WindowsAnnual", "mode": "User", "count": 1}
    cluster.pools.append(Pool("odd", "WindowsAnnual", properties=odd))
    result = forecast(cluster, "m", _spec(strategy=CALM), runs=1, compare=0)
    assert not result.blocked
    assert [line for line in result.unseen if line.startswith("node pool odd: its nodes take pods")]
    with pytest.raises(SettingsError, match="node pool odd cannot be modelled"):
        _run_result(cluster, source={"nodePool": "odd"})


@pytest.mark.parametrize(
    "size", ["Standard_ND96isr_MI300X_v5", "Standard_DC4as_cc_v5", "standard_d16s_v5"]
)
def test_sizes_are_read_however_they_are_written(size: str) -> None:
    cluster = cluster_snapshot(4, 40)
    for pool in cluster.pools:
        pool.properties["vmSize"] = size  # type: ignore[index]
    assert _run_result(cluster, strategy=CALM).ending in {"Succeeded", "PreflightBlocked"}


def test_what_azure_was_not_asked_is_reported() -> None:
    result = forecast(cluster_snapshot(4, 40), "m", _spec(strategy=CALM), runs=1, compare=0)
    [unread] = [line for line in result.unseen if line.startswith("of Azure: ")]
    assert "quotas" in unread or "sizes" in unread


def test_choices_that_there_was_no_time_for_are_reported() -> None:
    given, cluster = _spec(), cluster_snapshot(4, 40)
    own = _run_result(cluster)
    texts = [
        alternative.text for alternative in alternatives(cluster, as_run(given), Assumptions(), own)
    ]
    result = forecast(cluster, "m", given, runs=1, compare=2)
    assert result.untried == texts[2:]
    assert {choice.text for choice in result.choices} <= set(texts[:2])


def test_loosening_the_budget_that_limits_is_one_of_them() -> None:
    cluster = cluster_snapshot(10, 200)
    for index, budget in enumerate(cluster.budgets):
        desired = budget.expected - (1 if index == 0 else 5)
        cluster.rules[index] = BudgetRule(max_unavailable=budget.expected - desired)
        cluster.budgets[index] = structs.replace(
            budget, desired=desired, allowed=budget.expected - desired
        )
    name = str(cluster.budgets[0].key)
    spec = as_run(_spec(strategy=CALM))
    own = _run_result(cluster, strategy=CALM)
    assert own.limited_by == f"PodDisruptionBudget {name}"
    [looser] = [
        alternative
        for alternative in alternatives(cluster, spec, Assumptions(), own)
        if alternative.assumed.loosened
    ]
    text = f"PodDisruptionBudget {name} letting 2 pods go at a time instead of 1"
    assert looser.text == text
    quicker = ForecastRun(cluster, "m", spec, looser.assumed, 0).go()
    assert quicker.moving_seconds < own.moving_seconds * 0.8
