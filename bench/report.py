"""The results of a run: a table, the figures as JSON, and a picture."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import cycle
from pathlib import Path

from azure_linux_migrator.cli.render.chart import (
    LEGEND_ROW,
    Series,
    Svg,
    TimeAxis,
    draw_series,
    legend,
)
from bench.measure import MeasuredRun, Row

RESULTS = Path(__file__).parent / "results"
COLOURS = ("#0b6e4f", "#c1666b", "#d4a017", "#4c6085", "#8e5ba6", "#3a9fc0")
WIDTH, LEFT, RIGHT, HEIGHT = 760, 64, 736, 268
"""Of the picture; where the time axis begins and ends; of the chart."""


COLUMNS: tuple[tuple[str, Callable[[Row], str]], ...] = (
    ("shape", lambda row: row.shape),
    ("tool", lambda row: row.tool),
    ("seconds", lambda row: f"{row.makespan_s:.1f}"),
    ("spread", lambda row: f"{row.low_s:.1f} to {row.high_s:.1f}"),
    ("ideal", lambda row: f"{row.ideal_s:.1f}"),
    ("floor", lambda row: f"{row.floor_s:.1f}"),
    ("ratio", lambda row: f"{row.ratio:.2f}"),
    ("by its status", lambda row: f"{row.reported_ratio:.2f}" if row.reported_ratio else ""),
    ("making nodes", lambda row: f"{row.nodes_s:.1f}" if row.nodes_s else ""),
    ("granted", lambda row: str(row.granted)),
    ("refused", lambda row: str(row.refused)),
    ("moves per pod", lambda row: str(row.max_moves)),
    ("requests", lambda row: str(row.api_requests)),
    ("CPU s", lambda row: f"{row.cpu_s:.1f}"),
    ("of all cores", lambda row: f"{row.cpu_share:.0%}"),
    ("RSS MB", lambda row: f"{row.rss_mb:.0f}"),
    ("broken budgets", lambda row: str(row.violations)),
    ("by pods alone", lambda row: str(row.below)),
    ("runs", lambda row: str(row.runs)),
    ("load before", lambda row: f"{row.load:.1f}"),
)
"""Headers and what stands under them; their meaning is that of `Row`."""


def table(rows: list[Row]) -> str:
    """The rows as Markdown."""
    lines = [
        [header for header, _ in COLUMNS],
        ["---"] * len(COLUMNS),
        *([text(row) for _, text in COLUMNS] for row in rows),
    ]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def picture(title: str, runs: list[MeasuredRun]) -> str:
    """Pods left on the source over time, as an SVG."""
    series = [
        Series(f"{run.row.tool} ({run.row.makespan_s:.1f} s)", remaining(run.left), colour)
        for run, colour in zip(runs, cycle(COLOURS), strict=False)
    ]
    axis = TimeAxis(LEFT, RIGHT, max(run.left[-1] for run in runs))
    pods = max(len(run.left) for run in runs)
    top = 56 + LEGEND_ROW * len(series)
    bottom = top + HEIGHT
    svg = Svg(title, WIDTH)
    svg.text(LEFT, 28, title, size=16, font_weight="600")
    legend(svg, LEFT, 54, series)
    axis.draw(svg, top, bottom)
    marks = [pods * part / 4 for part in range(5)]
    draw_series(svg, axis, series, top=top, bottom=bottom, marks=marks)
    caption = "time since the first node was cordoned"
    svg.text((LEFT + RIGHT) / 2, bottom + 42, caption, text_anchor="middle", size=12)
    return svg.document(bottom + 56)


def remaining(left: Sequence[float]) -> list[tuple[float, float]]:
    """The number of pods on the source over time, from the times at which each pod left."""
    return [(0.0, len(left)), *((at, len(left) - gone) for gone, at in enumerate(left, start=1))]


def write(runs: list[MeasuredRun]) -> None:
    """latest.json, latest.md and remaining.svg, which shows the first shape."""
    RESULTS.mkdir(exist_ok=True)
    rows = [run.row for run in runs]
    (RESULTS / "latest.json").write_text(json.dumps([asdict(r) for r in rows], indent=2) + "\n")
    (RESULTS / "latest.md").write_text(table(rows))
    first = [run for run in runs if run.row.shape == rows[0].shape]
    title = f"Pods left on the source pool, shape {rows[0].shape}"
    (RESULTS / "remaining.svg").write_text(picture(title, first))
