"""What a run leaves behind: a table, the figures for machines, and a picture."""

import json
from dataclasses import asdict
from pathlib import Path

from bench.measure import Row, Run

RESULTS = Path(__file__).parent / "results"
COLOURS = ("#0b6e4f", "#c1666b", "#d4a017", "#4c6085")
WIDTH, HEIGHT = 760, 380
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 64, 48


def table(rows: list[Row]) -> str:
    """The rows as Markdown."""
    lines = [
        (
            "| shape | tool | seconds | bound | ratio | granted | refused | moves per pod "
            "| requests | CPU s | RSS MB | broken budgets |"
        ),
        "|" + "---|" * 12,
    ]
    lines += [
        f"| {r.shape} | {r.tool} | {r.makespan_s:.1f} | {r.bound_s:.1f} | {r.ratio:.2f} "
        f"| {r.granted} | {r.refused} | {r.max_moves} | {r.api_requests} | {r.cpu_s:.1f} "
        f"| {r.rss_mb:.0f} | {r.violations} |"
        for r in rows
    ]
    return "\n".join(lines) + "\n"


def picture(title: str, runs: list[Run]) -> str:
    """Pods left on the source over time, as an SVG."""
    longest = max(run.left[-1] for run in runs)
    pods = max(len(run.left) for run in runs)
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            f'font-family="sans-serif" font-size="12">'
        ),
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="22" font-size="15">{title}</text>',
    ]
    for step in range(6):
        x, y = LEFT + wide * step / 5, TOP + high * step / 5
        parts += [
            f'<line x1="{LEFT}" y1="{y:.1f}" x2="{LEFT + wide}" y2="{y:.1f}" stroke="#e5e5e5"/>',
            _text(LEFT - 8, y + 4, "end", pods * (5 - step) // 5),
            _text(x, TOP + high + 18, "middle", round(longest * step / 5)),
        ]
    parts.append(
        f'<text x="{LEFT + wide / 2}" y="{HEIGHT - 10}" text-anchor="middle">'
        "seconds since the first node was cordoned</text>"
    )
    place = LEFT
    for colour, run in zip(COLOURS, runs, strict=False):
        points = [(0.0, len(run.left))]
        for gone, at in enumerate(run.left, start=1):
            points += [(at, points[-1][1]), (at, len(run.left) - gone)]
        line = " ".join(
            f"{LEFT + wide * at / longest:.1f},{TOP + high * (1 - left / pods):.1f}"
            for at, left in points
        )
        label = f"{run.row.tool} ({run.row.makespan_s:.1f} s)"
        parts += [
            f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>',
            f'<rect x="{place}" y="36" width="12" height="12" fill="{colour}"/>',
            f'<text x="{place + 17}" y="46">{label}</text>',
        ]
        place += 40 + round(6.4 * len(label))
    return "\n".join([*parts, "</svg>", ""])


def _text(x: float, y: float, anchor: str, number: int) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{number}</text>'


def write(runs: list[Run]) -> None:
    """latest.json, latest.md and remaining.svg, which shows the first shape."""
    RESULTS.mkdir(exist_ok=True)
    rows = [run.row for run in runs]
    (RESULTS / "latest.json").write_text(json.dumps([asdict(r) for r in rows], indent=2) + "\n")
    (RESULTS / "latest.md").write_text(table(rows))
    first = [run for run in runs if run.row.shape == rows[0].shape]
    title = f"Pods left on the source pool, shape {rows[0].shape}"
    (RESULTS / "remaining.svg").write_text(picture(title, first))
