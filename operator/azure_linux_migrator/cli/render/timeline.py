"""The picture of a forecast: what blocks it, and over time its steps and batches, the pods that are
left to move and the nodes that are there."""

import textwrap
from dataclasses import replace

from azure_linux_migrator.api.steps import Step
from azure_linux_migrator.cli.render.chart import (
    DIM,
    INK,
    Series,
    Svg,
    TimeAxis,
    draw_series,
    legend,
    stacked,
)
from azure_linux_migrator.cli.render.plan_text import duration, ideal, pauses, reasons
from azure_linux_migrator.forecast.durations import span
from azure_linux_migrator.forecast.forecast import Forecast
from azure_linux_migrator.forecast.run import StepTime

WIDTH, EDGE, LEFT, RIGHT = 960, 22, 236, 926
"""Of the picture; its blank edge; where the time axis begins and ends."""
ROW, CHART, GAP = 28, 102, 32
"""Heights of a step or its batches, of a chart, and of the gap before it."""
STEP, SOAK, DRAIN, BATCH = "#6b9bf2", "#c9d8f0", "#2f6fdb", "#173f86"
HELD, HELD_PAPER = "#c81e3a", "#fdf0f1"
PODS = ("#c2410c", "#fbe3d6")
OLD, NEW = ("#66727f", "#dfe4ea"), ("#0b8a66", "#bfe8da")
_LEAST_STEP_SECONDS = 5.0
"""A step that takes longer is shown, however long the others take."""
_SHOWN_REASONS = 3
_BOLD = 0.66
"""Width of a bold letter, as a part of its size."""


def draw(forecast: Forecast) -> str:
    """An SVG document."""
    svg = Svg(f"Forecast of migration {forecast.name}", WIDTH)
    axis = TimeAxis(LEFT, RIGHT, max(forecast.typical.seconds, 1.0))
    top = _head(svg, forecast)
    rows, charts = _rows(forecast), chart_series(forecast)
    charts_top = top + 14 + ROW * len(rows)
    bottom = charts_top + (GAP + CHART) * len(charts)
    axis.draw(svg, top, bottom)
    for at, (step, batches) in enumerate(rows):
        draw_row = _draw_batches if batches else _draw_step
        draw_row(svg, axis, forecast, step, top + 14 + ROW * at)
    for at, (title, series) in enumerate(charts):
        _draw_chart(svg, axis, title, series, charts_top + GAP + (GAP + CHART) * at)
    return svg.document(bottom + 38)


def _head(svg: Svg, forecast: Forecast) -> float:
    """Title and summary, or what blocks; returns where the time axis may begin."""
    title = f"Migration {forecast.name}: node pool {forecast.source} to {forecast.target}"
    size = max(13, min(19, int((RIGHT - EDGE) / (len(title) * _BOLD))))
    svg.text(EDGE, 34, title, size=size, font_weight="600")
    if not forecast.blocked:
        lines = _summary(forecast)
        for at, line in enumerate(lines):
            svg.text(EDGE, 58 + 20 * at, line, fill=DIM)
        return 58 + 20 * len(lines)
    lines = _blocked_by(forecast)
    svg.bar(EDGE, 50, RIGHT - EDGE, 20 * len(lines) + 18, HELD_PAPER)
    svg.bar(EDGE, 50, 4, 20 * len(lines) + 18, HELD)
    for at, line in enumerate(lines):
        x = EDGE + (27 if line.startswith(" ") else 16)
        colour, weight = (INK, "400") if at else (HELD, "600")
        svg.text(x, 73 + 20 * at, line.strip(), fill=colour, font_weight=weight)
    return 94 + 20 * len(lines)


def _summary(forecast: Forecast) -> list[str]:
    """What the table says of the whole, in a line or two."""
    trip, moving = forecast.typical, forecast.pod_summary.move
    takes = f"{forecast.strategy}, takes {duration(forecast.total)}"
    if trip.evictions:
        pods = "1 pod moves" if moving == 1 else f"{moving} pods move"
        takes += f"; {pods} in {span(forecast.drain.mid)}{pauses(trip)}"
    return [takes, f"ideal time of moving: {ideal(trip)}"] if trip.ideal_seconds else [takes]


def _blocked_by(forecast: Forecast) -> list[str]:
    """The step that is blocked, then the first reasons, in lines that fit."""
    trip = forecast.typical
    step = trip.steps[-1].name if trip.steps else "its beginning"
    when = "before anything is changed" if step == Step.PREFLIGHT else f"after {span(trip.seconds)}"
    lines = [f"{forecast.strategy}, blocked in {step} {when}"]
    blocks = reasons(forecast)
    for reason, _ in blocks[:_SHOWN_REASONS]:
        wrapped = textwrap.wrap(reason, 110, max_lines=3, placeholder=" …", break_on_hyphens=False)
        lines += [f"• {wrapped[0]}", *(f"  {line}" for line in wrapped[1:])]
    more = len(blocks) - _SHOWN_REASONS
    return lines + ([f"… and {more} more: azlm plan lists them"] if more > 0 else [])


def _rows(forecast: Forecast) -> list[tuple[StepTime, bool]]:
    """The steps that take time, each drain a second time for the row of its batches."""
    trip = forecast.typical
    least = min(_LEAST_STEP_SECONDS, max(trip.seconds, 1.0) / 2000)
    held = _held(forecast)
    shown = [step for step in trip.steps if step is held or step.ended - step.began > least]
    rows: list[tuple[StepTime, bool]] = []
    for step in shown or trip.steps:
        rows.append((step, False))
        if step.name.startswith(Step.DRAIN) and trip.batches:
            rows.append((step, True))
    return rows


def _held(forecast: Forecast) -> StepTime | None:
    """The step that is blocked."""
    steps = forecast.typical.steps
    return steps[-1] if forecast.blocked and steps else None


def _bar(axis: TimeAxis, began: float, ended: float, least: float) -> tuple[float, float]:
    """Left edge and width of a bar: visible if it is short, and within the picture."""
    width = max(least, axis.x(ended) - axis.x(began))
    return min(axis.x(began), axis.right - width), width


def _draw_step(svg: Svg, axis: TimeAxis, forecast: Forecast, step: StepTime, y: float) -> None:
    """Its name, its duration and its bar."""
    took = span(max(0.0, step.ended - step.began))
    x, width = _bar(axis, step.began, step.ended, 3)
    svg.text(EDGE, y + 13, step.name)
    svg.text(LEFT - 8, y + 13, took, fill=DIM, size=12, text_anchor="end")
    svg.bar(x, y, width, 18, _colour(forecast, step), f"{step.name}: {took}")


def _colour(forecast: Forecast, step: StepTime) -> str:
    if step is _held(forecast):
        return HELD
    if step.name.startswith(Step.DRAIN):
        return DRAIN
    return SOAK if Step.SOAK in step.name or "Await" in step.name else STEP


def _draw_batches(svg: Svg, axis: TimeAxis, forecast: Forecast, step: StepTime, y: float) -> None:
    """Each batch from its first eviction to the end of its last pod."""
    batches = forecast.typical.batches
    label = "1 batch" if len(batches) == 1 else f"{len(batches)} batches"
    if all(batch.ended for batch in batches):
        seconds = [max(0.0, batch.ended - batch.began) for batch in batches]
        shortest, longest = span(min(seconds)), span(max(seconds))
        label += f" of {longest}" if shortest == longest else f" of up to {longest}"
    svg.text(EDGE + 12, y + 9, label, fill=DIM, size=12)
    for batch in batches:
        ended = batch.ended or step.ended
        x, width = _bar(axis, batch.began, ended, 2)
        tooltip = f"batch {batch.index} of {batch.of}: {span(ended - batch.began)}"
        svg.bar(x, y, width, 10, BATCH if batch.ended else HELD, tooltip)


def chart_series(forecast: Forecast) -> list[tuple[str, list[Series]]]:
    """Titles and values of the charts; values that never change have no chart."""
    points = forecast.typical.points
    # Pods are counted from their first value on: before, the drain has not begun to count.
    first = next((at for at, point in enumerate(points) if point.remaining), 0)
    pods = [(point.at, point.remaining) for point in points[first:]]
    old = [(point.at, point.source) for point in points]
    new = [(point.at, point.target) for point in points]
    charts = []
    if _changes(pods):
        charts.append(("pods left", [Series("", [(0.0, pods[0][1]), *pods[1:]], *PODS)]))
    if _changes(old) or _changes(new):
        nodes = [Series(forecast.source, old, *OLD)]
        if any(count for _, count in new):
            nodes.append(Series(f"new, {forecast.target}", new, *NEW))
        charts.append(("nodes", nodes))
    return charts


def _changes(values: list[tuple[float, int]]) -> bool:
    return len({value for _, value in values}) > 1


def _draw_chart(svg: Svg, axis: TimeAxis, title: str, series: list[Series], top: float) -> None:
    """Labelled with 0, the value at the beginning and the highest one."""
    svg.text(EDGE, top + 4, title)
    named = [curve for curve in reversed(series) if curve.name]
    legend(svg, EDGE, top + 26, named)
    sums = [
        replace(curve, values=[*curve.values, (axis.total, curve.values[-1][1])])
        for curve in stacked(series)
    ]
    marks = {0.0, sums[0].values[0][1], max(value for _, value in sums[-1].values)}
    draw_series(svg, axis, sums, top=top, bottom=top + CHART, marks=sorted(marks))
