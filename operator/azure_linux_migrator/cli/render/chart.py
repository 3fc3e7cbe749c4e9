"""Charts as SVG: a time axis, values over time, a legend.

Lengths are in pixels, times in seconds. Knows nothing of migrations: the timeline of a forecast and
the picture of the benchmark are made of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from xml.etree import ElementTree as ET

from azure_linux_migrator.forecast.durations import brief

INK, DIM = "#1f2933", "#52606d"
LEGEND_ROW = 19
_TICKS = (
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200),
    *(86_400, 172_800, 432_000, 864_000),
)
_MOST_TICKS = 8


class Svg:
    """A picture; what is added later covers what was added before."""

    def __init__(self, title: str, width: float) -> None:
        self.width = width
        self._root = ET.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "role": "img"})
        self._root.set("font-family", "system-ui, sans-serif")
        self.add("title", title)
        self.add("rect", width="100%", height="100%", fill="#ffffff")

    def add(self, tag: str, content: str = "", **attributes: float | str) -> ET.Element:
        """An element; an underscore in an attribute's name is a hyphen."""
        element = ET.SubElement(self._root, tag)
        element.text = content or None
        for name, value in attributes.items():
            shown = value if isinstance(value, str) else f"{value:.1f}".removesuffix(".0")
            element.set(name.replace("_", "-"), shown)
        return element

    def text(
        self, x: float, y: float, content: str, *, fill: str = INK, size: int = 13, **more: str
    ) -> None:
        """Words on the baseline y that begin at x, unless `text_anchor` says otherwise."""
        self.add("text", content, x=x, y=y, fill=fill, font_size=size, **more)

    def bar(
        self, x: float, y: float, width: float, height: float, fill: str, tooltip: str = ""
    ) -> None:
        """A rectangle with round corners."""
        element = self.add("rect", x=x, y=y, width=width, height=height, rx=min(3, width / 2))
        element.set("fill", fill)
        if tooltip:
            ET.SubElement(element, "title").text = tooltip

    def line(self, x1: float, y1: float, x2: float, y2: float) -> None:
        """A line of the grid."""
        self.add("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=DIM, stroke_opacity="0.2")

    def document(self, height: float) -> str:
        """The whole file."""
        self._root.set("viewBox", f"0 0 {self.width:.0f} {height:.0f}")
        self._root.set("width", f"{self.width:.0f}")
        self._root.set("height", f"{height:.0f}")
        ET.indent(self._root, "")
        return ET.tostring(self._root, encoding="unicode") + "\n"


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """Time from 0 to `total`, between two edges."""

    left: float
    right: float
    total: float

    def x(self, at: float) -> float:
        """Where a time is."""
        return self.left + (self.right - self.left) * min(max(at, 0.0), self.total) / self.total

    def draw(self, svg: Svg, top: float, bottom: float) -> None:
        """Lines at round times, and the times below."""
        step = next((tick for tick in _TICKS if self.total / tick <= _MOST_TICKS), _TICKS[-1])
        for at in range(0, int(self.total) + 1, step):
            x = self.x(at)
            svg.line(x, top, x, bottom)
            svg.text(x, bottom + 20, brief(at), text_anchor="middle", fill=DIM, size=12)


@dataclass(frozen=True, slots=True)
class Series:
    """Pairs of a time and the value from then on; `fill` is the colour below its line."""

    name: str
    values: Sequence[tuple[float, float]]
    colour: str
    fill: str = ""


def stacked(series: Sequence[Series]) -> list[Series]:
    """Each on top of those before; all have values at the same times."""
    sums: list[Series] = []
    for curve in series:
        below = [value for _, value in sums[-1].values] if sums else [0.0] * len(curve.values)
        pairs = zip(curve.values, below, strict=True)
        sums.append(replace(curve, values=[(at, value + base) for (at, value), base in pairs]))
    return sums


def draw_series(
    svg: Svg,
    axis: TimeAxis,
    series: Sequence[Series],
    *,
    top: float,
    bottom: float,
    marks: Sequence[float],
) -> None:
    """Values as steps from 0 at `bottom` to the highest at `top`; `marks` are values to label."""
    highest = max((value for curve in series for _, value in curve.values), default=0.0) or 1.0

    def y(value: float) -> float:
        return bottom - (bottom - top) * value / highest

    lines = []
    for curve in series:
        steps = "".join(f"H{axis.x(at):.1f}V{y(value):.1f}" for at, value in curve.values[1:])
        lines.append(f"M{axis.x(curve.values[0][0]):.1f},{y(curve.values[0][1]):.1f}{steps}")
    for curve, line in reversed(list(zip(series, lines, strict=True))):
        if curve.fill:
            svg.add("path", d=f"{line}V{bottom:.1f}H{axis.left:.1f}Z", fill=curve.fill)
    for mark in marks:
        svg.line(axis.left, y(mark), axis.right, y(mark))
        svg.text(axis.left - 8, y(mark) + 4, f"{mark:g}", fill=DIM, size=12, text_anchor="end")
    for curve, line in zip(series, lines, strict=True):
        svg.add("path", d=line, fill="none", stroke=curve.colour, stroke_width=2)


def legend(svg: Svg, x: float, y: float, series: Sequence[Series]) -> None:
    """A row for each, from the baseline y on."""
    for row, curve in enumerate(series):
        baseline = y + LEGEND_ROW * row
        svg.bar(x, baseline - 10, 11, 11, curve.colour)
        svg.text(x + 19, baseline, curve.name, fill=DIM, size=12)
