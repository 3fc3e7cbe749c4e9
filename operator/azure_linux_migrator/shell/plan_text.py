"""A forecast for people to read, and for machines."""

import textwrap
from datetime import UTC, datetime
from typing import Any

import msgspec
import yaml

from azure_linux_migrator.sim.forecast.forecast import Choice, Forecast, Range, grave
from azure_linux_migrator.sim.forecast.voyage import Trip

_SHOWN_BATCHES = 12
_SHOWN_WARNINGS = 8


def span(seconds: float) -> str:
    """A time in two units at the most: 42s, 3m 10s, 2h 05m, 1d 4h."""
    whole = round(abs(seconds))
    days, rest = divmod(whole, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, left = divmod(rest, 60)
    if days:
        return f"{days}d {hours}h"
    if hours:
        return f"{hours}h {minutes:02d}m"
    return f"{minutes}m {left:02d}s" if minutes else f"{left}s"


def as_json(found: Forecast) -> str:
    """For machines."""
    return msgspec.json.format(msgspec.json.encode(_plain(found)), indent=2).decode()


def as_yaml(found: Forecast) -> str:
    """The same."""
    return str(yaml.safe_dump(_plain(found), sort_keys=False))


def _plain(found: Forecast) -> dict[str, Any]:
    made: dict[str, Any] = msgspec.to_builtins(
        found, enc_hook=lambda value: value.model_dump(mode="json", by_alias=True)
    )
    made["typical"]["points"] = [
        {key: round(value, 1) for key, value in point.items()}
        for point in made["typical"]["points"]
    ]
    return made | {"blockedBy": grave(found.typical) or _ending(found)}


def as_table(found: Forecast, width: int) -> str:
    """For people."""
    trip, counted = found.typical, found.census
    taken = datetime.fromtimestamp(found.at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    lines = [
        _headline(found),
        f"forecast of {taken} from {found.runs} runs; nothing was touched",
        "",
    ]
    if found.blocked:
        lines += _blocked(found, width)
    else:
        lines += [
            f"  takes           {_range(found.total)}",
            f"  moving pods     {_range(found.drain)}{_pauses(trip)}",
        ]
        if trip.bound_seconds:
            limit = f", set by {trip.limited_by}" if trip.limited_by else ""
            lines.append(f"  lower bound     {span(trip.bound_seconds)}{limit}")
    moves = f"{counted.move} move, {counted.stay} stay with their node"
    more = [
        (counted.wait, "are Jobs that are waited for"),
        (counted.lose_data, "of those that move lose the data of an emptyDir"),
        (counted.blocked, "cannot move"),
    ]
    moves += "".join(f", {number} {text}" for number, text in more if number)
    lines += _wrapped("  pods            ", moves, width)
    if not found.blocked:
        hours = f"{trip.node_hours:.1f} node-hours beyond the source's"
        extra = f"{trip.extra_nodes} at the most, {hours}"
        lines += [f"  more nodes      {extra}", "", *_steps(trip)]
    lines += (
        _warnings(trip, width)
        + _choices(found.choices, found.untried, width)
        + _assumed(found, width)
    )
    return "\n".join(lines)


def _pauses(trip: Trip) -> str:
    return f", and {span(trip.pause_seconds)} between batches" if trip.pause_seconds >= 1 else ""


def _headline(found: Forecast) -> str:
    where = f"node pool {found.source} ({found.census.nodes} nodes)"
    return f"migration {found.name}: {found.strategy}, {where} to {found.target}"


def _range(times: Range) -> str:
    if round(times.low) == round(times.high):
        return span(times.mid)
    return f"{span(times.mid)} (between {span(times.low)} and {span(times.high)})"


def _steps(trip: Trip) -> list[str]:
    lines = [f"  {'STEP':<20} {'BEGINS':>9} {'TAKES':>9}"]
    for step in trip.steps:
        took = step.ended - step.began
        lines.append(f"  {step.name:<20} {span(step.began):>9} {span(took):>9}")
        if step.name in {"Drain", "DrainTarget"}:
            lines += _batches(trip)
    return lines


def _batches(trip: Trip) -> list[str]:
    shown = trip.batches[:_SHOWN_BATCHES]
    lines = [
        f"    batch {batch.index:>3} of {batch.of:<6} {span(batch.began):>9} "
        f"{span(max(0.0, batch.ended - batch.began)):>9}"
        for batch in shown
    ]
    if len(trip.batches) > len(shown):
        lines.append(f"    … and {len(trip.batches) - len(shown)} more batches")
    return lines


def _ending(found: Forecast) -> list[str]:
    return [f"{found.typical.ending}: {found.typical.message}"] if found.blocked else []


def _blocked(found: Forecast, width: int) -> list[str]:
    trip = found.typical
    step = trip.steps[-1].name if trip.steps else "its beginning"
    lines = [f"  blocked in {step} after {span(trip.seconds)}:"]
    for each in grave(trip) or _ending(found):
        lines += _wrapped("    - ", each, width)
    return lines


def _warnings(trip: Trip, width: int) -> list[str]:
    """What the preflight warns of; in full: azlm preflight."""
    warned = [each for each in trip.findings if each.severity == "Warn" and not each.acknowledged]
    if not warned:
        return []
    lines = ["", "  Warnings (azlm preflight tells what to do):"]
    for each in warned[:_SHOWN_WARNINGS]:
        text = f"{each.rule}: {each.subject}: {each.message}"
        lines += _wrapped("    - ", text, width)
    more = len(warned) - _SHOWN_WARNINGS
    return lines + ([f"    … and {more} more"] if more > 0 else [])


def _choices(choices: list[Choice], untried: list[str], width: int) -> list[str]:
    if not choices and not untried:
        return []
    lines = ["", "  Better for one thing or the other:"]
    for each in choices:
        lines += _wrapped("    - ", choice_text(each), width)
    if untried:
        lines += _wrapped("    - ", f"not tried, for want of time: {'; '.join(untried)}", width)
    return lines


def choice_text(choice: Choice) -> str:
    """What another spec would change, in words."""
    quicker, less = choice.seconds < 0, choice.node_hours < 0
    time = f"saves {span(choice.seconds)}" if quicker else f"takes {span(choice.seconds)} more"
    if abs(choice.seconds) < 1:
        time = "takes as long"
    hours = f"{'saves' if less else 'costs'} {abs(choice.node_hours):.1f} "
    return f"{choice.text} {time} and {hours}{'' if less else 'more '}node-hours"


def _assumed(found: Forecast, width: int) -> list[str]:
    given = found.assumed
    boot, job = span(given.node_boot or 0.0), span(given.job)
    text = (
        f"pods end {given.stop:g} s after their eviction, a new node takes {boot}, a running Job "
        f"{job} at the most, approvals are given at once; starts are learnt from the pods that run"
    )
    lines = ["", *_wrapped("  Assumed: ", text, width)]
    for each in found.unseen:
        lines += _wrapped("  Not seen: ", each, width)
    return lines


def _wrapped(head: str, text: str, width: int) -> list[str]:
    return textwrap.wrap(
        text,
        max(width, 60),
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_on_hyphens=False,
    )
