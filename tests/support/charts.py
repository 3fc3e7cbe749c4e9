"""Reads the values back from a chart."""

import re


def steps(path: str) -> list[tuple[float, float]]:
    """The corners of a line of horizontal and vertical strokes, from an SVG path's data."""
    x = y = 0.0
    corners = []
    for command, first, second in re.findall(r"([MHV])([\d.-]+),?([\d.-]+)?", path):
        if command == "M":
            x, y = float(first), float(second)
        elif command == "H":
            x = float(first)
        else:
            y = float(first)
        corners.append((x, y))
    return corners
