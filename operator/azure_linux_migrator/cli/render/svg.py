"""The marks that pictures are made of, as SVG, and the scale that puts a time on the paper."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, LEFT, RIGHT, EDGE = 960, 180, 34, 22
"""Of a picture, of the margins beside its time axis, and of the blank edge, in pixels."""
INK, DIM, FAINT = "#1f2933", "#52606d", "#e4e9ef"

Values = Sequence[tuple[float, float]]
"""Values from a time on, in seconds."""


@dataclass(frozen=True, slots=True)
class Scale:
    """From seconds to pixels; `total` is at the right margin."""

    total: float

    def x(self, at: float) -> float:
        """Where a time is."""
        return LEFT + (WIDTH - LEFT - RIGHT) * min(max(at, 0.0), self.total) / self.total


def text(
    x: float,
    y: float,
    words: str,
    *,
    anchor: str = "start",
    fill: str = INK,
    size: int = 13,
    bold: bool = False,
) -> str:
    """Words on a baseline."""
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}" '
        f'font-size="{size}"{weight}>{escape(words)}</text>'
    )


def label(y: float, words: str, *, indent: float = 0.0, fill: str = INK, size: int = 13) -> str:
    """Words in the left margin."""
    return text(EDGE + indent, y, words, fill=fill, size=size)


def bar(
    x: float, y: float, width: float, height: float, fill: str, *, says: str = "", corner: int = 3
) -> str:
    """A rectangle; `says` is shown under the pointer."""
    shape = (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
        f'rx="{min(corner, width / 2):.1f}" fill="{fill}"'
    )
    return f"{shape}><title>{escape(says)}</title></rect>" if says else f"{shape}/>"


def line(x1: float, x2: float, y1: float, y2: float, stroke: str, *, dashed: bool = False) -> str:
    """A straight line."""
    dashes = ' stroke-dasharray="5 4"' if dashed else ""
    return (
        f'<line x1="{x1:.1f}" x2="{x2:.1f}" y1="{y1:.1f}" y2="{y2:.1f}" stroke="{stroke}"{dashes}/>'
    )


def stairs(values: Values, total: float) -> list[tuple[float, float]]:
    """The corners of values that each last until the next: from the first one to `total`."""
    corners: list[tuple[float, float]] = []
    for at, value in values:
        if at > total:
            break
        if corners and corners[-1][1] != value:
            corners.append((at, corners[-1][1]))
        corners.append((at, value))
    if corners and corners[-1][0] < total:
        corners.append((total, corners[-1][1]))
    return corners


def area(
    upper: Sequence[tuple[float, float]],
    lower: Sequence[tuple[float, float]],
    fill: str,
    stroke: str,
) -> list[str]:
    """What is between two lines of pixels, and the upper one drawn."""
    outline = [*upper, *reversed(lower)]
    return [
        f'<polygon points="{_points(outline)}" fill="{fill}"/>',
        (
            f'<polyline points="{_points(upper)}" fill="none" stroke="{stroke}" stroke-width="2" '
            'stroke-linejoin="round"/>'
        ),
    ]


def _points(pixels: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in pixels)
