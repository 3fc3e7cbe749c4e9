"""Charts: values hold until the next one, and lie on top of each other where they are stacked."""

from xml.etree import ElementTree as ET

from azure_linux_migrator.cli.render.chart import Series, Svg, TimeAxis, draw_series, stacked
from tests.support.charts import steps

AXIS = TimeAxis(100.0, 200.0, 10.0)


def _paths(*series: Series) -> list[ET.Element]:
    svg = Svg("t", 300)
    draw_series(svg, AXIS, series, top=0.0, bottom=50.0, marks=[0.0])
    root = ET.fromstring(svg.document(60))
    return [element for element in root.iter() if element.tag.endswith("path")]


def test_a_value_holds_until_the_next() -> None:
    [path] = _paths(Series("a", [(0.0, 5), (4.0, 1), (10.0, 0)], "red"))
    assert steps(path.attrib["d"]) == [(100, 0), (140, 0), (140, 40), (200, 40), (200, 50)]


def test_times_outside_the_axis_are_at_its_edge() -> None:
    assert [AXIS.x(at) for at in (-1.0, 0.0, 5.0, 11.0)] == [100, 100, 150, 200]


def test_stacked_values_are_summed_and_the_lower_area_covers_the_upper() -> None:
    low, high = stacked(
        [
            Series("low", [(0.0, 2), (5.0, 1)], "red", "pink"),
            Series("high", [(0.0, 0), (5.0, 3)], "blue", "cyan"),
        ]
    )
    assert (low.values, high.values) == ([(0.0, 2.0), (5.0, 1.0)], [(0.0, 2.0), (5.0, 4.0)])
    painted = [path.attrib["fill"] for path in _paths(low, high)]
    assert painted == ["cyan", "pink", "none", "none"]


def test_values_that_are_all_zero_lie_on_the_base() -> None:
    [path] = _paths(Series("a", [(0.0, 0), (10.0, 0)], "red"))
    assert {y for _, y in steps(path.attrib["d"])} == {50}


def test_words_are_escaped() -> None:
    svg = Svg("<t>", 300)
    svg.text(1, 2, "<b> & co")
    svg.bar(1, 2, 3, 4, "red", "a < b")
    text = svg.document(60)
    words = [element.text for element in ET.fromstring(text).iter() if (element.text or "").strip()]
    assert words == ["<t>", "<b> & co", "a < b"]
