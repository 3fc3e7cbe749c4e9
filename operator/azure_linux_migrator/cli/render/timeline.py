"""The picture of a forecast: what blocks it, and over time its steps and batches, the pods that are
left to move and the nodes that are there."""

import textwrap
from html import escape

from azure_linux_migrator.cli.render.charts import CHART, charts
from azure_linux_migrator.cli.render.plan_text import reasons
from azure_linux_migrator.cli.render.svg import (
    DIM,
    EDGE,
    FAINT,
    INK,
    RIGHT,
    WIDTH,
    Scale,
    bar,
    label,
    line,
    text,
)
from azure_linux_migrator.forecast.durations import brief, span
from azure_linux_migrator.forecast.forecast import Forecast
from azure_linux_migrator.forecast.run import BatchTime, RunResult, StepTime

ROW, BAR, THIN, GAP = 28, 18, 10, 46
"""Heights in pixels: a row, a step's bar and a batch's in it, the gap before a chart."""
STEP, SOAK, DRAIN, BATCH = "#6b9bf2", "#c9d8f0", "#2f6fdb", "#173f86"
HELD, HELD_PAPER = "#c81e3a", "#fdf0f1"
_TICKS = (
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200),
    *(86_400, 172_800, 432_000, 864_000),
)
_MOST_TICKS = 8
_LEAST_STEP_SECONDS = 5.0
"""A step that takes longer is shown, however long the rest takes."""
_SHOWN_REASONS, _LINES_EACH = 3, 3
_LETTERS = 112
"""That a line over the whole width holds."""
_BOLD = 0.66
"""Width of a bold letter, as a part of its size."""
_LEAST_BAR, _LEAST_BATCH = 3.0, 2.0
_INSIDE, _INSIDE_MORE, _BESIDE = 74, 250, 70
"""Pixels of a bar that holds its duration, or more words, and of the room beside a short bar."""


def draw(found: Forecast) -> str:
    """An SVG document."""
    scale = Scale(max(found.typical.seconds, 1.0))
    head, top = _head(found)
    rows, bottom = _rows(found, scale, top + 14)
    below = charts(found)
    foot = bottom + (GAP + CHART) * len(below)
    height = foot + 38
    parts = [*_paper(found, height), *head, *_axis(scale, top, foot), *rows]
    for at, chart in enumerate(below):
        parts += chart.drawn(bottom + GAP + (GAP + CHART) * at, scale)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _paper(found: Forecast, height: float) -> list[str]:
    size = f'width="{WIDTH}" height="{height:.0f}" viewBox="0 0 {WIDTH} {height:.0f}"'
    return [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" '
            f'font-family="system-ui, sans-serif" font-size="13" fill="{INK}">'
        ),
        f"<title>{escape(f'Forecast of migration {found.name}')}</title>",
        f'<rect width="{WIDTH}" height="{height:.0f}" fill="#ffffff"/>',
    ]


def _head(found: Forecast) -> tuple[list[str], float]:
    """Title and summary, or what blocks; and where the time axis may begin."""
    title = f"Migration {found.name}: node pool {found.source} to {found.target}"
    size = max(13, min(19, int((WIDTH - EDGE - RIGHT) / (len(title) * _BOLD))))
    parts = [text(EDGE, 34, title, size=size, bold=True)]
    if not found.blocked:
        parts += [text(EDGE, 58 + 20 * at, line, fill=DIM) for at, line in enumerate(_told(found))]
        return parts, 58 + 20 * len(_told(found))
    step = found.typical.steps[-1].name if found.typical.steps else "its beginning"
    what = f"{found.strategy}, blocked in {step} after {span(found.typical.seconds)}"
    lines = _reasons(found)
    height = 20 * len(lines) + 38
    parts += [
        bar(EDGE, 50, WIDTH - EDGE - RIGHT, height, HELD_PAPER),
        bar(EDGE, 50, 4, height, HELD, corner=0),
        text(EDGE + 16, 73, what, fill=HELD, bold=True),
    ]
    for at, (begins, words) in enumerate(lines):
        y = 93 + 20 * at
        if begins:
            parts.append(text(EDGE + 16, y, "•", fill=HELD))
        parts.append(text(EDGE + 30, y, words))
    return parts, 50 + height + 26


def _reasons(found: Forecast) -> list[tuple[bool, str]]:
    """What blocks, in lines, and whether each of them begins a reason."""
    told = reasons(found)
    lines: list[tuple[bool, str]] = []
    for reason, _ in told[:_SHOWN_REASONS]:
        folded = textwrap.wrap(
            reason, _LETTERS, max_lines=_LINES_EACH, placeholder=" …", break_on_hyphens=False
        )
        lines += [(not at, words) for at, words in enumerate(folded)]
    more = len(told) - _SHOWN_REASONS
    return lines + ([(False, f"… and {more} more: azlm plan lists them")] if more > 0 else [])


def _told(found: Forecast) -> list[str]:
    """The summary, a line each."""
    total, trip = found.total, found.typical
    low, mid, high = span(total.low), span(total.mid), span(total.high)
    between = "" if low == high else f" (between {low} and {high})"
    moving = (
        f"; {found.pod_summary.move} pods move in {span(found.drain.mid)}" if trip.evictions else ""
    )
    if moving and trip.pause_seconds >= 1:
        moving += f", and {span(trip.pause_seconds)} between batches"
    lines = [f"{found.strategy}, takes {mid}{between}{moving}"]
    if trip.bound_seconds:
        limit = f", set by {trip.limited_by}" if trip.limited_by else ""
        lines.append(f"lower bound of moving: {span(trip.bound_seconds)}{limit}")
    return lines


def _axis(scale: Scale, top: float, foot: float) -> list[str]:
    parts = []
    for at in _ticks(scale.total):
        x = scale.x(at)
        parts += [
            line(x, x, top, foot, FAINT),
            text(x, foot + 20, brief(at), anchor="middle", fill=DIM, size=12),
        ]
    return parts


def _ticks(total: float) -> list[float]:
    step = next((each for each in _TICKS if total / each <= _MOST_TICKS), _TICKS[-1])
    return [float(at) for at in range(0, int(total) + 1, step)]


def _rows(found: Forecast, scale: Scale, top: float) -> tuple[list[str], float]:
    """A row for each step that takes time, one for the batches below their drain; their end."""
    trip = found.typical
    last = trip.steps[-1] if found.blocked and trip.steps else None
    least = min(_LEAST_STEP_SECONDS, scale.total / 2000)
    seen = [each for each in trip.steps if each is last or _takes(each) > least]
    parts: list[str] = []
    y = top
    for step in seen or trip.steps:
        drains = step.name.startswith("Drain") and len(trip.batches) > 0
        colour = HELD if step is last else _colour(step)
        parts += _step(step, scale, y, colour, _each(trip) if drains and step is not last else "")
        y += ROW
        if drains:
            parts += _batches(trip, step, scale, y)
            y += ROW
    return parts, y


def _takes(step: StepTime | BatchTime) -> float:
    return max(0.0, step.ended - step.began)


def _colour(step: StepTime) -> str:
    if step.name.startswith("Drain"):
        return DRAIN
    return SOAK if "Soak" in step.name or "Await" in step.name else STEP


def _step(step: StepTime, scale: Scale, y: float, colour: str, more: str) -> list[str]:
    """A step's name and bar; its duration, and `more` of it, in the bar or beside it."""
    took = span(_takes(step))
    x, wide = _across(scale, step.began, step.ended, _LEAST_BAR)
    parts = [
        label(y + 13, step.name),
        bar(x, y, wide, BAR, colour, says=f"{step.name}: {took}"),
    ]
    if wide > _INSIDE:
        words = f"{took}, {more}" if more and wide > _INSIDE_MORE else took
        ink = INK if colour == SOAK else "#ffffff"
        return [*parts, text(x + 8, y + 13, words, fill=ink, size=12)]
    if x + wide < WIDTH - RIGHT - _BESIDE:
        return [*parts, text(x + wide + 7, y + 13, took, fill=DIM, size=12)]
    return [*parts, text(x - 7, y + 13, took, anchor="end", fill=DIM, size=12)]


def _batches(trip: RunResult, step: StepTime, scale: Scale, y: float) -> list[str]:
    """Each batch from its first eviction to the end of its last pod."""
    many = len(trip.batches)
    parts = [
        label(y + 9, "1 batch" if many == 1 else f"{many} batches", indent=12, fill=DIM, size=12)
    ]
    for batch in trip.batches:
        ended = batch.ended or step.ended
        x, wide = _across(scale, batch.began, ended, _LEAST_BATCH)
        says = f"batch {batch.index} of {batch.of}: {span(ended - batch.began)}"
        colour = BATCH if batch.ended else HELD
        parts.append(bar(x, y, wide, THIN, colour, says=says, corner=2))
    return parts


def _each(trip: RunResult) -> str:
    """How long the drained batches take."""
    took = sorted(_takes(batch) for batch in trip.batches if batch.ended)
    if not took:
        return ""
    low, high = span(took[0]), span(took[-1])
    return f"each batch {low}" if low == high else f"each batch {low} to {high}"


def _across(scale: Scale, began: float, ended: float, least: float) -> tuple[float, float]:
    """Left edge and width of a bar: what is short is still to be seen, and within the picture."""
    wide = max(least, scale.x(ended) - scale.x(began))
    return min(scale.x(began), WIDTH - RIGHT - wide), wide
