"""The charts below a forecast's steps: pods that are left, and nodes that are there, over time."""

from dataclasses import dataclass

from azure_linux_migrator.cli.render.svg import (
    DIM,
    EDGE,
    FAINT,
    LEFT,
    RIGHT,
    WIDTH,
    Scale,
    Values,
    area,
    bar,
    label,
    line,
    stairs,
    text,
)
from azure_linux_migrator.forecast.forecast import Forecast

CHART = 118
"""Height of a chart in pixels, the room above its highest value included."""
_ROOM = 16
_PODS = ("#c2410c", "#fbe3d6")
_OLD = ("#66727f", "#dfe4ea")
_NEW = ("#0b8a66", "#bfe8da")


@dataclass(frozen=True, slots=True)
class Band:
    """Values that lie on top of those of the band before; its line's and its area's colour."""

    name: str
    values: Values
    colours: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Chart:
    """Bands on top of each other; `mark` is a value that a dashed line is drawn at."""

    title: str
    bands: tuple[Band, ...]
    mark: float = 0.0

    def drawn(self, top: float, scale: Scale) -> list[str]:
        """With its upper edge at `top`."""
        sums = self._sums()
        most = max((value for values in sums for _, value in values), default=0.0) or 1.0
        bottom = top + CHART

        def y(value: float) -> float:
            return bottom - (CHART - _ROOM) * value / most

        parts = [
            label(top + _ROOM + 4, self.title),
            line(LEFT, WIDTH - RIGHT, bottom, bottom, FAINT),
            text(LEFT - 6, bottom + 4, "0", anchor="end", fill=DIM, size=11),
            text(LEFT - 6, y(most) + 4, f"{most:.0f}", anchor="end", fill=DIM, size=11),
        ]
        below = [(scale.x(0.0), bottom), (scale.x(scale.total), bottom)]
        for band, values in zip(self.bands, sums, strict=True):
            upper = [(scale.x(at), y(value)) for at, value in stairs(values, scale.total)]
            parts += area(upper, below, band.colours[1], band.colours[0])
            below = upper
        if self.mark and self.mark != most:
            parts += [
                line(LEFT, WIDTH - RIGHT, y(self.mark), y(self.mark), DIM, dashed=True),
                text(
                    LEFT - 6, y(self.mark) + 4, f"{self.mark:.0f}", anchor="end", fill=DIM, size=11
                ),
            ]
        return parts + self._legend(top)

    def _sums(self) -> list[Values]:
        """The values of each band on top of those below; all bands change at the same times."""
        found: list[Values] = []
        for band in self.bands:
            before = [value for _, value in found[-1]] if found else [0.0] * len(band.values)
            pairs = zip(band.values, before, strict=True)
            found.append([(at, value + below) for (at, value), below in pairs])
        return found

    def _legend(self, top: float) -> list[str]:
        named = [band for band in reversed(self.bands) if band.name]
        parts = []
        for row, band in enumerate(named):
            y = top + _ROOM + 26 + 19 * row
            parts += [
                bar(EDGE + 1, y - 10, 11, 11, band.colours[0], corner=2),
                label(y, band.name, indent=19, fill=DIM, size=12),
            ]
        return parts


def charts(found: Forecast) -> list[Chart]:
    """Those that show something: what never changes is no picture."""
    points = found.typical.points
    made = []
    pods = _counted([(point.at, point.remaining) for point in points])
    if _changes(pods):
        made.append(Chart("pods left", (Band("", pods, _PODS),)))
    old: Values = [(point.at, point.source) for point in points]
    new: Values = [(point.at, point.target) for point in points]
    if _changes(old) or _changes(new):
        bands = [Band(found.source, old, _OLD)]
        if any(value for _, value in new):
            bands.append(Band(f"new, {found.target}", new, _NEW))
        made.append(Chart("nodes", tuple(bands), mark=old[0][1]))
    return made


def _counted(values: Values) -> Values:
    """Without the zeros of before they were counted for the first time: from their first value."""
    first = next((index for index, (_, value) in enumerate(values) if value), 0)
    return [(0.0, values[first][1]), *values[first + 1 :]] if values else values


def _changes(values: Values) -> bool:
    return len({value for _, value in values}) > 1
