"""The picture of a forecast: steps as bars over time, pods left and nodes there as lines below."""

from collections.abc import Callable
from html import escape

from azure_linux_migrator.shell.durations import span
from azure_linux_migrator.sim.forecast.forecast import Forecast

WIDTH, LEFT, RIGHT = 960, 190, 30
ROW, CHART = 26, 150
INK, FAINT, BAR, SOAK, DRAIN = "#1f2933", "#d9e2ec", "#5b8def", "#b6c6dd", "#2f6fdb"
PODS, OLD, NEW = "#c2410c", "#7b8794", "#0f9d76"
_TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400)


def draw(found: Forecast) -> str:
    """An SVG document."""
    trip = found.typical
    total = max(trip.seconds, 1.0)
    steps = [step for step in trip.steps if step.ended - step.began > total / 2000] or trip.steps
    top = 78
    bars = top + ROW * len(steps)
    height = bars + 2 * (CHART + 50) + 20

    def x(at: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * min(at, total) / total

    size = f'viewBox="0 0 {WIDTH} {height}" font-family="system-ui, sans-serif" font-size="13"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} fill="{INK}">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        _text(20, 30, f"Migration {found.name}: {found.source} to {found.target}", size=18),
        _text(20, 52, _subtitle(found), fill="#52606d"),
    ]
    for at in _ticks(total):
        parts.append(
            f'<line x1="{x(at):.1f}" x2="{x(at):.1f}" y1="{top - 8}" y2="{height - 44}" '
            f'stroke="{FAINT}"/>'
        )
        parts.append(_text(x(at), height - 26, span(at), anchor="middle", fill="#52606d"))
    for row, step in enumerate(steps):
        y = top + ROW * row
        colour = DRAIN if step.name.startswith("Drain") else SOAK if "Soak" in step.name else BAR
        wide = max(2.0, x(step.ended) - x(step.began))
        took = span(step.ended - step.began)
        parts.append(_text(LEFT - 12, y + 13, step.name, anchor="end"))
        parts.append(
            f'<rect x="{x(step.began):.1f}" y="{y}" width="{wide:.1f}" height="{ROW - 8}" '
            f'rx="3" fill="{colour}"><title>{escape(step.name)}: {took}</title></rect>'
        )
        inside = wide > 70
        at = x(step.began) + (8 if inside else wide + 6)
        if not inside and at > WIDTH - 90:
            parts.append(_text(x(step.began) - 6, y + 13, took, anchor="end", fill="#52606d"))
        else:
            ink = ("#ffffff" if colour != SOAK else INK) if inside else "#52606d"
            parts.append(_text(at, y + 13, took, fill=ink))
    pods = [(point.at, point.remaining) for point in trip.points]
    parts += _chart(bars + 30, "pods left to move", [(pods, PODS, "")], x, total)
    nodes = [
        ([(p.at, p.source) for p in trip.points], OLD, f"{found.source}"),
        ([(p.at, p.target) for p in trip.points], NEW, "new nodes"),
    ]
    if any(point.target for point in trip.points):
        parts += _chart(bars + 30 + CHART + 50, "nodes", nodes, x, total)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _subtitle(found: Forecast) -> str:
    if found.blocked:
        return f"blocked: {found.typical.ending}"
    text = f"{found.strategy}, takes {span(found.total.mid)}"
    if found.typical.bound_seconds:
        text += f"; moving {span(found.drain.mid)}, lower bound {span(found.typical.bound_seconds)}"
    return text + (f" ({found.typical.limited_by})" if found.typical.limited_by else "")


def _ticks(total: float) -> list[float]:
    step = next((each for each in _TICKS if total / each <= 8), _TICKS[-1])
    return [float(at) for at in range(0, int(total) + 1, step)]


Line = tuple[list[tuple[float, int]], str, str]
"""Values over time, a colour, a name."""


def _chart(
    top: int, title: str, lines: list[Line], x: Callable[[float], float], total: float
) -> list[str]:
    most = max((value for points, _, _ in lines for _, value in points), default=1) or 1
    bottom = top + CHART

    def y(value: float) -> float:
        return bottom - (CHART - 14) * value / most

    parts = [
        _text(LEFT - 12, top + 14, title, anchor="end"),
        _text(LEFT - 12, y(most) + 22, str(most), anchor="end", fill="#52606d"),
        _text(LEFT - 12, bottom, "0", anchor="end", fill="#52606d"),
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{bottom}" y2="{bottom}" stroke="{FAINT}"/>',
    ]
    for row, (points, colour, name) in enumerate(lines):
        path = []
        last = 0.0
        for at, value in points:
            path.append(f"{x(at):.1f},{y(last):.1f} {x(at):.1f},{y(value):.1f}")
            last = value
        path.append(f"{x(total):.1f},{y(last):.1f}")
        parts.append(
            f'<polyline points="{" ".join(path)}" fill="none" stroke="{colour}" stroke-width="2"/>'
        )
        if name:
            parts.append(_text(LEFT - 12, top + 52 + 18 * row, name, anchor="end", fill=colour))
    return parts


def _text(
    x: float, y: float, text: str, *, anchor: str = "start", fill: str = INK, size: int = 13
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}" '
        f'font-size="{size}">{escape(text)}</text>'
    )
