"""The arithmetic of the bench, and what it writes."""

from xml.etree import ElementTree as ET

import pytest

from bench.bound import bound_of
from bench.measure import Row, Run
from bench.report import picture, table
from bench.shapes import DEFAULT, SHAPES, named


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
    assert {named(each).name for each in DEFAULT} <= {shape.name for shape in SHAPES}


def test_the_table_and_the_picture() -> None:
    row = Row("uniform", "azlm", 10.0, 9.5, 1.05, 4, 0, 1, 40, 0.5, 90, 0)
    runs = [Run(row, (1.0, 2.0, 9.0, 10.0))]
    assert "| uniform | azlm | 10.0 | 9.5 | 1.05 | 4 | 0 |" in table([row])
    root = ET.fromstring(picture("t", runs))
    lines = root.findall("{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 1
    assert lines[0].attrib["points"].split()[-1] == "736.0,332.0"
