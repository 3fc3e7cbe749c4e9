"""The picture of a forecast: all parts are present, in the right place, and within its edges."""

import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from azure_linux_migrator.cli.render.timeline import (
    BATCH,
    HELD,
    LEFT,
    RIGHT,
    WIDTH,
    chart_series,
    draw,
)
from azure_linux_migrator.forecast.forecast import Forecast, Range
from azure_linux_migrator.forecast.run import BatchTime, Point, StepTime
from tests.support.charts import steps
from tests.support.forecasts import BATCHES, STEPS, blocked, forecast, run_result

DAY = 86_400.0
LETTER = 0.6
"""Width of a letter, as a part of its size, in DejaVu Sans, a wide font."""


class Picture:
    """A picture with its parts."""

    def __init__(self, forecast: Forecast) -> None:
        self.root = ET.fromstring(draw(forecast))
        self.texts = [element.text or "" for element in self._all("text")]

    def _all(self, tag: str) -> list[ET.Element]:
        return [element for element in self.root.iter() if element.tag.rpartition("}")[2] == tag]

    def bars(self, says: str) -> list[dict[str, str]]:
        """The bars whose tooltip begins so."""
        return [
            dict(element.attrib)
            for element in self._all("rect")
            if len(element) and (element[0].text or "").startswith(says)
        ]

    def lines(self) -> list[list[tuple[float, float]]]:
        """The corners of each value's line."""
        return [
            steps(element.attrib["d"])
            for element in self._all("path")
            if element.attrib["fill"] == "none"
        ]

    def extents(self) -> list[tuple[float, float, str]]:
        """From where to where each text reaches, about."""
        extents = []
        for element in self._all("text"):
            x, words = float(element.attrib["x"]), element.text or ""
            wide = len(words) * LETTER * float(element.attrib["font-size"])
            anchor = element.attrib.get("text-anchor", "start")
            left = {"start": x, "middle": x - wide / 2, "end": x - wide}[anchor]
            extents.append((left, left + wide, words))
        return extents


def _long() -> Forecast:
    """Forty batches over days, in a migration with a long name."""
    soak = 78 * 3600.0
    steps = [
        StepTime("CreateTarget", 1, 400),
        StepTime("Drain", 400, soak),
        StepTime("Soak", soak, soak + DAY),
        StepTime("RetireSource", soak + DAY, soak + DAY + 1400),
    ]
    batches = [BatchTime(at + 1, 40, 461.0 + at * 7200, 900.0 + at * 7200) for at in range(40)]
    points = [Point(1, 360, 40, 0), *(Point(b.ended, 360 - 9 * b.index, 40, 40) for b in batches)]
    result = run_result(seconds=soak + DAY + 1400, steps=steps, batches=batches, points=points)
    return forecast(result, name="a" * 63)


def _held() -> Forecast:
    """A drain that stops in its third batch."""
    result = blocked(
        "PodDisruptionBudget default/web allows 0: 3 of 4 pods healthy, 3 needed",
        "word " * 200,
        "third",
        "fourth",
        "fifth",
        steps=[*STEPS[:3], StepTime("Drain", 122, 9000)],
        batches=[*BATCHES[:2], BatchTime(3, 6, 1950.0)],
        seconds=9000.0,
    )
    return forecast(result)


def test_the_summary_names_the_budget_that_limits() -> None:
    texts = Picture(forecast()).texts
    assert "Migration workers: node pool workers to AzureLinux" in texts
    assert "BlueGreen, takes 2h 18m; 44 pods move in 21s, and 1h 14m between batches" in texts
    assert "ideal time of moving: 12s, set by PodDisruptionBudget default/ledger" in texts
    wide = Picture(forecast(total=Range(3600, 7200, 9000)))
    assert any("takes 2h 00m (between 1h 00m and 2h 30m)" in text for text in wide.texts)


def test_steps_that_take_time_have_a_row_and_batches_one_of_their_own() -> None:
    picture = Picture(forecast())
    assert "CreateTarget" in picture.texts
    assert "CordonSource" not in picture.texts
    assert "AwaitRetireApproval" not in picture.texts
    assert "6 batches of 3s" in picture.texts
    assert "1h 15m" in picture.texts
    marks = picture.bars("batch ")
    assert len(marks) == 6
    assert {mark["fill"] for mark in marks} == {BATCH}
    [drain] = picture.bars("Drain")
    assert float(drain["x"]) <= float(marks[0]["x"])
    assert float(marks[0]["y"]) > float(drain["y"]) + float(drain["height"])
    assert all(float(mark["width"]) >= 2 for mark in marks)


def test_pods_begin_at_their_first_count_and_not_at_nothing() -> None:
    points = [Point(0, 0, 6, 0), Point(1, 45, 6, 0), Point(300, 20, 6, 6), Point(900, 0, 6, 6)]
    pods = Picture(forecast(run_result(points=points))).lines()[0]
    assert pods[0][0] == LEFT
    assert pods[0][1] == min(y for _, y in pods), "the first value is the highest"
    assert pods[-1] == (RIGHT, max(y for _, y in pods))


def test_new_nodes_stand_on_the_old_ones_and_both_are_seen() -> None:
    picture = Picture(forecast())
    _, old, new = picture.lines()
    assert min(y for _, y in new) < min(y for _, y in old)
    assert "workers" in picture.texts
    assert "new, AzureLinux" in picture.texts
    assert {"6", "12"} <= set(picture.texts), "what the source had, and the most"


def test_one_pool_that_is_updated_in_place_has_one_line() -> None:
    points = [Point(0, 9, 6, 0), Point(60, 9, 7, 0), Point(900, 0, 6, 0)]
    result = run_result(
        points=points, batches=[], steps=[StepTime("UpdateInPlace", 0, 900)], seconds=900.0
    )
    picture = Picture(forecast(result, strategy="InPlace"))
    assert len(picture.lines()) == 2
    assert "new, AzureLinux" not in picture.texts


def test_what_never_changes_is_no_chart() -> None:
    assert chart_series(forecast(run_result(points=[Point(0, 9, 6, 0), Point(60, 9, 6, 0)]))) == []
    assert chart_series(forecast(run_result(points=[]))) == []


def test_what_blocks_is_written_in_the_picture() -> None:
    picture = Picture(_held())
    assert "BlueGreen, blocked in Drain after 2h 30m" in picture.texts
    assert (
        "• PodDisruptionBudget default/web allows 0: 3 of 4 pods healthy, 3 needed" in picture.texts
    )
    assert sum("word word" in text for text in picture.texts) == 3, "cut to three lines"
    assert "• third" in picture.texts
    assert "• fourth" not in picture.texts
    assert "3 batches" in picture.texts, "the third has not ended: nothing is said of their time"
    assert "… and 2 more: azlm plan lists them" in picture.texts
    assert picture.bars("Drain")[0]["fill"] == HELD
    assert [bar["fill"] for bar in picture.bars("batch ")] == [BATCH, BATCH, HELD]


@pytest.mark.parametrize(
    "result",
    [
        forecast(),
        _long(),
        _held(),
        forecast(run_result(seconds=0.0, steps=[], batches=[], points=[])),
    ],
    ids=["demo", "long", "held", "nothing"],
)
def test_nothing_leaves_the_picture(result: Forecast) -> None:
    picture = Picture(result)
    for left, right, words in picture.extents():
        assert left >= 0, words
        assert right <= WIDTH, words
    for box in (*picture.bars(""), *({"x": str(x), "width": "0"} for x in _corners(picture))):
        assert float(box["x"]) >= LEFT - 0.1
        assert float(box["x"]) + float(box["width"]) <= RIGHT + 0.1


def _corners(picture: Picture) -> list[float]:
    return [x for line in picture.lines() for x, _ in line]


@pytest.mark.parametrize(
    ("seconds", "ticks"),
    [
        (8284.0, ["0", "30m", "1h", "1h 30m", "2h"]),
        (40.0, ["0", "5s", "10s", "15s", "20s", "25s", "30s", "35s", "40s"]),
        (4 * DAY, ["0", "12h", "1d", "1d 12h", "2d", "2d 12h", "3d", "3d 12h", "4d"]),
        (30 * DAY, ["0", "5d", "10d", "15d", "20d", "25d", "30d"]),
    ],
)
def test_the_axis_is_marked_in_round_times(seconds: float, ticks: list[str]) -> None:
    report: dict[str, Any] = {"seconds": seconds, "steps": [], "batches": [], "points": []}
    texts = Picture(forecast(run_result(**report))).texts
    assert [text for text in texts if re.fullmatch(r"0|(\d+[dhms])( \d+[dhms])?", text)] == ticks


def test_names_are_escaped() -> None:
    result = forecast(run_result(limited_by="<b> & co"))
    assert "<b>" not in draw(result)
    assert any("<b> & co" in text for text in Picture(result).texts)


def test_batches_of_different_length_are_reported_by_the_longest() -> None:
    batches = [BatchTime(at + 1, 40, 1000.0 * at, 1000.0 * at + 900 + at) for at in range(40)]
    picture = Picture(forecast(run_result(batches=batches)))
    [right] = [right for _, right, words in picture.extents() if words.startswith("40 batches")]
    assert "40 batches of up to 15m 39s" in picture.texts
    assert right <= LEFT
