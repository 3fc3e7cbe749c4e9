"""Alternatives to a spec: one setting changed at a time, each simulated in a run of its own."""

import copy
from collections.abc import Sequence
from typing import Any

from msgspec import Struct, structs

from azure_linux_migrator.forecast.build_cluster import Assumptions
from azure_linux_migrator.forecast.durations import span
from azure_linux_migrator.forecast.run import RunResult
from azure_linux_migrator.model.cluster import Budget
from azure_linux_migrator.model.cluster_snapshot import ClusterSnapshot

WORTH_SECONDS = 60.0
WORTH_SHARE = 0.05
"""An alternative is reported if it saves more than both, or …"""
WORTH_HOURS = 0.5
WORTH_HOURS_SHARE = 0.1
"""… node-hours: more than both of these."""
_BATCHES = ("25%", "50%", "100%", "10%")
_BUDGET = "PodDisruptionBudget "


class Variation(Struct):
    """Another setting, and the seconds and node-hours that it adds; negative values are savings."""

    text: str
    seconds: float
    node_hours: float


class Alternative(Struct):
    """Another setting in words, and the spec and the assumptions to simulate it with."""

    text: str
    spec: dict[str, Any]
    assumed: Assumptions


def alternatives(
    snapshot: ClusterSnapshot, spec: dict[str, Any], assumed: Assumptions, own: RunResult
) -> list[Alternative]:
    """The alternatives, those with the greatest expected effect first; `own` is a run of the
    spec itself."""
    alternatives = [Alternative(text, other, assumed) for text, other in _specs(spec)]
    budget = _limiting(snapshot, own)
    if budget is not None:
        slots = budget.expected - budget.desired
        text = f"{own.limited_by} letting {slots + 1} pods go at a time instead of {slots}"
        looser = structs.replace(assumed, loosened=str(budget.key))
        alternatives.insert(1, Alternative(text, spec, looser))
    return alternatives


def _limiting(snapshot: ClusterSnapshot, own: RunResult) -> Budget | None:
    """The budget that sets the ideal time, if loosening it could help."""
    if not own.limited_by.startswith(_BUDGET):
        return None
    name = own.limited_by.removeprefix(_BUDGET)
    record = next((budget for budget in snapshot.budgets if str(budget.key) == name), None)
    if record is None or not 0 < record.expected - record.desired < record.expected:
        return None
    return record


def _specs(spec: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    strategy, drain = spec["strategy"], spec["drain"]
    kind, size = strategy["type"], strategy["batch"]["size"]
    if kind == "BlueGreen":
        first, *rest = (batch_size for batch_size in _BATCHES if batch_size != size)
        specs = [_batch(spec, first)]
        if not drain["prefetch"] and size != "100%":
            text = "drain.prefetch true instead of false"
            specs.append((text, _changed(spec, "drain", "prefetch", to=True)))
        text = "strategy Rolling instead of BlueGreen"
        specs.append((text, _changed(spec, "strategy", "type", to="Rolling")))
        return specs + [_batch(spec, batch_size) for batch_size in rest]
    if kind == "Rolling":
        surge = strategy["maxSurge"]
        specs = [
            (
                f"maxSurge {batch} instead of {surge}",
                _changed(spec, "strategy", "maxSurge", to=batch),
            )
            for batch in _BATCHES
            if batch != surge
        ]
        text = "strategy BlueGreen instead of Rolling"
        return [*specs, (text, _changed(spec, "strategy", "type", to="BlueGreen"))]
    return []


def _batch(spec: dict[str, Any], size: str) -> tuple[str, dict[str, Any]]:
    text = f"batch {size} instead of {spec['strategy']['batch']['size']}"
    return text, _changed(spec, "strategy", "batch", "size", to=size)


def _changed(spec: dict[str, Any], *path: str, to: object) -> dict[str, Any]:
    other = copy.deepcopy(spec)
    place = other
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = to
    return other


def better(
    own: RunResult, others: Sequence[Alternative], results: Sequence[RunResult]
) -> list[Variation]:
    """The alternatives that save enough time or node-hours, the greatest saving of time first."""
    variations = []
    for other, result in zip(others, results, strict=True):
        if not result.succeeded:
            continue
        seconds, hours = result.seconds - own.seconds, result.node_hours - own.node_hours
        quicker = -seconds > max(WORTH_SECONDS, WORTH_SHARE * own.seconds)
        cheaper = -hours > max(WORTH_HOURS, WORTH_HOURS_SHARE * own.node_hours)
        if quicker or cheaper:
            variations.append(Variation(other.text, seconds, hours))
    return sorted(variations, key=lambda choice: choice.seconds)


def choice_text(choice: Variation) -> str:
    """The effect of an alternative, in words."""
    hours = f"{abs(choice.node_hours):.1f}"
    same, less = hours == "0.0", choice.node_hours < 0
    if abs(choice.seconds) < 1:
        time = "takes as long"
    elif choice.seconds > 0:
        time = f"takes {span(choice.seconds)} more"
    else:
        time = f"saves {span(choice.seconds)}"
    if same:
        cost = "with as many node-hours"
    elif not less:
        cost = f"and costs {hours} more node-hours"
    else:
        cost = f"and {'' if time.startswith('saves') else 'saves '}{hours} node-hours"
    return f"{choice.text} {time} {cost}"
