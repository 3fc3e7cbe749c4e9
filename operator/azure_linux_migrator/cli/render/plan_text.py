"""A forecast as a table, for people."""

import textwrap
from collections.abc import Iterable
from datetime import UTC, datetime

from azure_linux_migrator.api.steps import Step
from azure_linux_migrator.cli.render.plan_data import blocked_by
from azure_linux_migrator.forecast.alternatives import Variation, choice_text
from azure_linux_migrator.forecast.durations import brief, span
from azure_linux_migrator.forecast.forecast import Forecast, Range
from azure_linux_migrator.forecast.pod_summary import PodGroup, PodOutcome, PodSummary, Warned
from azure_linux_migrator.forecast.run import RunResult, StepTime

_SHOWN_BATCHES = 12
_SHOWN_WORKLOADS = 6
_SHOWN_REASONS = 10
_SHOWN_SUBJECTS = 3
_OLD_SECONDS = 3600.0
"""A snapshot older than this is reported as old."""
_LEAST_STEP_SECONDS = 1.0
"""A step that takes less, and does not wait for an admin, is not shown."""
_WAITS = {"BeforeDrain": Step.AWAIT_DRAIN_APPROVAL, "BeforeRetire": Step.AWAIT_RETIRE_APPROVAL}


def as_table(forecast: Forecast, width: int, *, now: float) -> str:
    """The whole table, in lines of `width` characters; `now` in seconds since the epoch."""
    trip, counted = forecast.typical, forecast.pod_summary
    lines = [_headline(forecast), *_taken(forecast, width, now), ""]
    if forecast.blocked:
        lines += _blocked(forecast, width)
    else:
        lines += [
            f"  takes           {duration(forecast.total)}",
            f"  moving pods     {duration(forecast.drain)}{pauses(trip)}",
        ]
        if trip.ideal_seconds:
            lines.append(f"  ideal           {ideal(trip)}")
            lines.append(f"  floor           {span(trip.floor_seconds or 0.0)}")
    lines += _pods(counted, width)
    if not forecast.blocked:
        lines += [f"  more nodes      {_extra(trip)}", "", *_steps(forecast)]
    lines += (
        _warnings(counted, width)
        + _choices(forecast.choices, forecast.untried, width)
        + _assumed(forecast, width)
    )
    return "\n".join(lines)


def _headline(forecast: Forecast) -> str:
    where = f"node pool {forecast.source} ({_many(forecast.pod_summary.nodes, 'node')})"
    os_sku = f" ({forecast.os_sku})" if forecast.os_sku else ""
    return f"migration {forecast.name}: {forecast.strategy}, {where} to {forecast.target}{os_sku}"


def _taken(forecast: Forecast, width: int, now: float) -> list[str]:
    taken = datetime.fromtimestamp(forecast.at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    lines = [f"forecast of {taken} from {_many(forecast.runs, 'run')}; nothing was touched"]
    age = now - forecast.at
    if age > _OLD_SECONDS:
        text = f"the snapshot is {span(age)} old: the cluster may have changed since"
        lines += _wrapped("", text, width)
    return lines


def duration(times: Range) -> str:
    """The median of the runs, and between which times they all are."""
    low, mid, high = span(times.low), span(times.mid), span(times.high)
    return mid if low == high else f"{mid} (between {low} and {high})"


def pauses(trip: RunResult) -> str:
    """The time between batches, as an addition to the time in which pods move."""
    return f", and {span(trip.pause_seconds)} between batches" if trip.pause_seconds >= 1 else ""


def ideal(trip: RunResult) -> str:
    """What moving the pods must take, and the budget that sets it."""
    limit = f", set by {trip.limited_by}" if trip.limited_by else ""
    return f"{span(trip.ideal_seconds or 0.0)}{limit}"


def _extra(trip: RunResult) -> str:
    if not trip.extra_nodes:
        return "none"
    return f"{trip.extra_nodes} at the most, {trip.node_hours:.1f} node-hours beyond the source's"


def _pods(counted: PodSummary, width: int) -> list[str]:
    """How many pods move, stay and so on, and by name those that concern an admin."""
    parts = [
        (counted.move, "moves", "move"),
        (counted.stay, "stays with its node", "stay with their node"),
        (counted.wait, "of a Job is waited for", "of Jobs are waited for"),
        (counted.blocked, "cannot move", "cannot move"),
        (counted.finished, "has finished", "have finished"),
    ]
    texts = [_counted(number, singular, many) for number, singular, many in parts if number]
    text = ", ".join(texts) or "none"
    if counted.lose_data:
        losing = _counted(counted.lose_data, "of the moving loses", "of the moving lose")
        text += f"; {losing} the data of an emptyDir"
    lines = _wrapped("  pods            ", text, width)
    named = [workload for workload in counted.workloads if _concerns(workload)]
    for group in named[:_SHOWN_WORKLOADS]:
        lines += _wrapped("    - ", _workload(group), width)
    more = len(named) - _SHOWN_WORKLOADS
    return lines + ([f"    … and {more} more (-o json lists them all)"] if more > 0 else [])


def _concerns(group: PodGroup) -> bool:
    return bool(group.loses_data) or group.disposition in {PodOutcome.BLOCKED, PodOutcome.WAIT}


def _workload(group: PodGroup) -> str:
    who = f"{group.kind} {group.namespace}/{group.name}"
    pods = "" if group.kind == "Pod" else f"{_many(group.pods, 'pod')} "
    match group.disposition:
        case PodOutcome.BLOCKED:
            return f"{who}: {pods}cannot move: {group.reason}"
        case PodOutcome.WAIT:
            return f"{who}: {pods}{'is' if group.pods == 1 else 'are'} waited for"
        case _:
            whole = group.loses_data == group.pods
            pods = pods if whole else f"{group.loses_data} of {pods}"
            lose = "loses" if group.loses_data == 1 else "lose"
            return f"{who}: {pods}{lose} the data of an emptyDir"


def _steps(forecast: Forecast) -> list[str]:
    lines = [f"  {'STEP':<20} {'BEGINS':>9} {'TAKES':>9}"]
    for step in forecast.typical.steps:
        waits = step.name == _WAITS.get(forecast.approval)
        drains = step.name.startswith(Step.DRAIN)
        if step.ended - step.began < _LEAST_STEP_SECONDS and not (waits or drains):
            continue
        lines.append(_step(step) + ("  waits for an approval" if waits else ""))
        if drains:
            lines += _batches(forecast.typical)
    return lines


def _step(step: StepTime) -> str:
    return f"  {step.name:<20} {span(step.began):>9} {span(step.ended - step.began):>9}"


def _batches(trip: RunResult) -> list[str]:
    shown = trip.batches[:_SHOWN_BATCHES]
    lines = [
        f"    batch {batch.index:>3} of {batch.of:<6} {span(batch.began):>9} "
        f"{span(max(0.0, batch.ended - batch.began)):>9}"
        for batch in shown
    ]
    if len(trip.batches) > len(shown):
        lines.append(f"    … and {len(trip.batches) - len(shown)} more batches")
    return lines


def _blocked(forecast: Forecast, width: int) -> list[str]:
    trip = forecast.typical
    step = trip.steps[-1].name if trip.steps else "its beginning"
    when = "before anything is changed" if step == Step.PREFLIGHT else f"after {span(trip.seconds)}"
    lines = [f"  blocked in {step} {when}:"]
    texts = reasons(forecast)
    for text, remedy in texts[:_SHOWN_REASONS]:
        lines += _wrapped("    - ", text, width)
        if remedy:
            lines += _wrapped("      → ", remedy, width)
    more = len(texts) - _SHOWN_REASONS
    return lines + ([f"    … and {more} more"] if more > 0 else [])


def reasons(forecast: Forecast) -> list[tuple[str, str]]:
    """What blocks, and what to do about it: findings by their rule, then the drain's blockers."""
    lines = blocked_by(forecast)
    blocks = [
        finding
        for finding in forecast.typical.findings
        if finding.severity == "Block" and not finding.acknowledged
    ]
    if not blocks:
        remedies = {blocker.message: blocker.remedy for blocker in forecast.typical.blockers}
        return [(text, remedies.get(text, "")) for text in lines]
    grouped = [finding for finding in forecast.pod_summary.findings if finding.severity == "Block"]
    if grouped:
        return [(_grouped(finding), finding.remedy) for finding in grouped]
    return [(f"{block.rule}: {block.subject}: {block.message}", block.remedy) for block in blocks]


def _grouped(warned: Warned) -> str:
    if warned.count == 1:
        return f"{warned.rule}: {warned.subjects[0]}: {warned.message}"
    shown = warned.subjects[:_SHOWN_SUBJECTS]
    more = warned.count - len(shown)
    subjects = ", ".join(shown) + (f" and {more} more" if more else "")
    return f"{warned.rule} ({warned.count}): {subjects}; the first: {warned.message}"


def _warnings(counted: PodSummary, width: int) -> list[str]:
    """What the preflight warns of, a line for each rule; in full: azlm preflight."""
    warned = [finding for finding in counted.findings if finding.severity == "Warn"]
    if not warned:
        return []
    title = "  Warnings (azlm preflight says what to do):"
    return ["", title, *_listed(map(_grouped, warned), width)]


def _choices(choices: list[Variation], untried: list[str], width: int) -> list[str]:
    if not choices and not untried:
        return []
    texts = [choice_text(choice) for choice in choices]
    if untried:
        texts.append(f"not tried, for want of time: {'; '.join(untried)}")
    return ["", "  Other settings (each alone):", *_listed(texts, width)]


def _assumed(forecast: Forecast, width: int) -> list[str]:
    given = forecast.assumed
    boot, job = brief(given.node_boot or 0.0), brief(given.job)
    approved = "" if forecast.approval == "Automatic" else ", approvals are given at once"
    text = (
        f"pods end {given.stop:g} s after their eviction, a new node takes {boot}, a running Job "
        f"{job} at the most{approved}; starts are learnt from the pods that run"
    )
    lines = ["", *_wrapped("  Assumed: ", text, width)]
    for assumption in forecast.unseen:
        lines += _wrapped("  Not seen: ", assumption, width)
    return lines


def _counted(number: int, singular: str, many: str) -> str:
    return f"{number} {singular if number == 1 else many}"


def _many(number: int, what: str) -> str:
    return _counted(number, what, f"{what}s")


def _listed(texts: Iterable[str], width: int) -> list[str]:
    """Items, each behind a dash."""
    return [line for text in texts for line in _wrapped("    - ", text, width)]


def _wrapped(head: str, text: str, width: int) -> list[str]:
    return textwrap.wrap(
        text,
        max(width, 60),
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_on_hyphens=False,
    )
