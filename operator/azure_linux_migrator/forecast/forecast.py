"""The forecast: many runs of a snapshot, their summary, and better alternatives."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from statistics import median
from typing import Any

from msgspec import Struct, structs

from azure_linux_migrator.api.causes import Cause
from azure_linux_migrator.api.spec import MigrationSpec
from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.forecast.alternatives import Variation, alternatives, better
from azure_linux_migrator.forecast.build_cluster import Assumptions, booting
from azure_linux_migrator.forecast.pod_summary import PodSummary, pod_summary
from azure_linux_migrator.forecast.refusal import refusal
from azure_linux_migrator.forecast.run import ForecastRun, RunResult
from azure_linux_migrator.model.azure_facts import AzureFacts
from azure_linux_migrator.model.cluster_snapshot import ClusterSnapshot
from azure_linux_migrator.model.migration import Migration

RUNS = 10
MOST_COMPARED = 10

Task = tuple[ClusterSnapshot, str, dict[str, Any], Assumptions, int]
Runner = Callable[[Iterable[Task]], Sequence[RunResult]]
"""Runs simulated migrations, side by side or one after the other; keeps their order."""


class Range(Struct):
    """The minimum, the median and the maximum of the runs, in seconds."""

    low: float
    mid: float
    high: float


class Forecast(Struct):
    """The result of `azlm plan`. `typical` is the median run; `untried` are alternatives for
    which there was no time; `approval` is that of the spec; `target` is the name of the new
    pool."""

    name: str
    strategy: str
    source: str
    target: str
    blocked: bool
    total: Range
    drain: Range
    typical: RunResult
    runs: int
    pod_summary: PodSummary
    choices: list[Variation]
    untried: list[str]
    assumed: Assumptions
    unseen: list[str]
    at: float
    approval: str = "Automatic"
    os_sku: str = ""


def as_run(migration_spec: MigrationSpec) -> dict[str, Any]:
    """The spec as a forecast runs it: not paused, and in mode Run."""
    spec = migration_spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    return spec | {"paused": False, "mode": "Run"}


def one_run(task: Task) -> RunResult:
    """Simulate one run, unless the migration does not even begin."""
    snapshot, name, spec, _, _ = task
    return refusal(snapshot, name, spec) or ForecastRun(*task).go()


def one_by_one(tasks: Iterable[Task]) -> Sequence[RunResult]:
    """Simulate the runs in this process."""
    return [one_run(task) for task in tasks]


def forecast(
    snapshot: ClusterSnapshot,
    name: str,
    migration_spec: MigrationSpec,
    *,
    runs: int = RUNS,
    assumed: Assumptions | None = None,
    runner: Runner = one_by_one,
    compare: int = MOST_COMPARED,
    first: RunResult | None = None,
) -> Forecast:
    """Simulate many runs of the spec, and one of each alternative that may be better.

    At most `compare` alternatives are simulated. `first` is the run with seed 0, if there is one
    already.
    """
    assumed = assumed or Assumptions()
    assumed = structs.replace(assumed, node_boot=booting(snapshot, assumed))
    spec = as_run(migration_spec)
    first = first or one_run((snapshot, name, spec, assumed, 0))
    choices = alternatives(snapshot, spec, assumed, first)
    others = choices[:compare]
    tasks: list[Task] = [(snapshot, name, spec, assumed, seed) for seed in range(1, runs)]
    tasks += [(snapshot, name, other.spec, other.assumed, 0) for other in others]
    results = [first, *runner(tasks)]
    own, rest = results[:runs], results[runs:]
    ranked = sorted(own, key=lambda result: result.seconds)
    typical = ranked[(len(ranked) - 1) // 2]
    blocked = not all(result.succeeded for result in own)
    if blocked:
        typical = next(result for result in ranked if not result.succeeded)
    return Forecast(
        name=name,
        strategy=migration_spec.strategy.type,
        source=migration_spec.source.node_pool,
        target=Migration(name, "", 1, migration_spec, MigrationStatus()).new_pool,
        os_sku=migration_spec.target.os_sku,
        blocked=blocked,
        total=_range([result.seconds for result in own]),
        drain=_range([result.moving_seconds for result in own]),
        typical=typical,
        runs=runs,
        pod_summary=pod_summary(snapshot, name, spec),
        choices=[] if blocked else better(first, others, rest),
        untried=[] if blocked else [choice.text for choice in choices[compare:]],
        assumed=assumed,
        unseen=_unseen(snapshot, first),
        at=snapshot.taken_at,
        approval=migration_spec.approval,
    )


def _range(times: list[float]) -> Range:
    return Range(min(times), median(times), max(times))


def _unseen(snapshot: ClusterSnapshot, one_run: RunResult) -> list[str]:
    """The parts that were not read, and those that could not be modelled."""
    parts = [
        field.name
        for field in fields(AzureFacts)
        if field.name not in {"at", *snapshot.azure_facts}
    ]
    unread = [
        f"{part}: {facts['unread']}"
        for part, facts in snapshot.azure_facts.items()
        if "unread" in facts
    ]
    if parts:
        unread.append(f"of Azure: {', '.join(parts)} (azlm snapshot -f reads them)")
    return [*snapshot.unseen, *unread, *one_run.notes]


def grave(one_run: RunResult) -> list[str]:
    """The reasons why the run is blocked: findings first, then the blockers of the drain."""
    lines = [
        f"{finding.rule}: {finding.subject}: {finding.message}"
        for finding in one_run.findings
        if finding.severity == "Block" and not finding.acknowledged
    ]
    notes = {cause.value for cause in Cause if not cause.blocks}
    return lines + [
        f"{blocker.message}" for blocker in one_run.blockers if blocker.cause not in notes
    ]
