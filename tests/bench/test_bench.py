"""The calculations of the bench, and its output files."""

from xml.etree import ElementTree as ET

import pytest

from bench.bound import bound_of
from bench.measure import MeasuredRun, Row
from bench.report import RIGHT, WIDTH, picture, table
from bench.shapes import DEFAULT, SHAPES, named
from bench.tools import RIVALS, TOOLS
from tests.support.charts import steps

SVG = "{http://www.w3.org/2000/svg}"


def test_equal_slot_times_give_the_textbook_bound() -> None:
    evicted = [0.0, 0.0, 2.0, 2.0, 4.0, 4.0]
    returned = [2.0, 2.0, 4.0, 4.0, 6.0, 6.0]
    assert bound_of(2, evicted, returned, ending=0.5) == pytest.approx(4.5)


def test_idle_slots_do_not_raise_the_bound() -> None:
    assert bound_of(1, [0.0, 100.0], [2.0, 102.0], ending=0.0) == pytest.approx(2.0)


def test_one_wave_needs_only_its_end() -> None:
    assert bound_of(5, [0.0, 0.0], [3.0, 3.0], ending=0.5) == pytest.approx(0.5)
    assert bound_of(0, [0.0], [], ending=0.5) == 0.0


def test_a_shape_that_does_not_exist_is_named_with_those_that_do() -> None:
    with pytest.raises(ValueError, match="uniform"):
        named("square")
    assert {named(name).name for name in DEFAULT} <= {shape.name for shape in SHAPES}


def test_the_table() -> None:
    row = Row("uniform", "azlm", 10.0, 9.5, 1.05, 4, 0, 1, 40, 0.5, 90, 0)
    assert "| uniform | azlm | 10.0 | 9.5 | 1.05 | 4 | 0 |" in table([row])


def test_the_picture_shows_every_tool_and_names_it() -> None:
    tools = (*TOOLS, *RIVALS, "another")
    runs = [
        MeasuredRun(
            Row("uniform", tool, at + 1.0, 9.5, 1.05, 4, 0, 1, 40, 0.5, 90, 0), (1.0, at + 1.0)
        )
        for at, tool in enumerate(tools)
    ]
    root = ET.fromstring(picture("t", runs))
    bottom = float(root.attrib["height"])
    lines = [element for element in root.iter(f"{SVG}path") if element.attrib["fill"] == "none"]
    assert len({element.attrib["stroke"] for element in lines}) == len(runs)
    assert steps(lines[0].attrib["d"])[-1][0] < steps(lines[-1].attrib["d"])[-1][0] == RIGHT
    named = {element.text: element.attrib for element in root.iter(f"{SVG}text")}
    for at, tool in enumerate(tools):
        place = named[f"{tool} ({at + 1}.0 s)"]
        assert float(place["x"]) + 7.2 * len(tool) + 60 < WIDTH
        assert 0 < float(place["y"]) < bottom
