"""The calculations of the bench, and its output files."""

import random
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from azure_linux_migrator.core.drain import list_schedule
from bench.ideal import BudgetSlots, last_eviction, seconds, start_times
from bench.measure import MeasuredRun, Row, summary
from bench.report import RIGHT, WIDTH, picture, table
from bench.shapes import DEFAULT, SHAPES, named
from bench.tools import RIVALS, TOOLS
from testbed.start_times import patch
from tests.support.charts import steps

SVG = "{http://www.w3.org/2000/svg}"
ROW = Row(
    shape="uniform",
    tool="azlm",
    makespan_s=10.0,
    low_s=9.0,
    high_s=11.0,
    ideal_s=8.0,
    floor_s=8.5,
    ratio=1.25,
    reported_ratio=1.2,
    nodes_s=0.0,
    granted=4,
    refused=0,
    max_moves=1,
    api_requests=40,
    cpu_s=0.5,
    cpu_share=0.02,
    rss_mb=90,
    violations=0,
    below=0,
    load=0.3,
)


def test_the_ideal_is_greedy_scheduling_and_the_last_pods_end() -> None:
    starts = {"a": [2.0, 4.0, 1.0, 3.0, 9.0], "b": [1.0] * 5}
    budgets = [BudgetSlots("a", 2, 5), BudgetSlots("b", 1, 5, ending=0.5)]
    assert seconds(budgets[:1], starts, ending=0.5) == pytest.approx(4.0 + 0.5)
    assert seconds(budgets, starts, ending=0.5) == pytest.approx(4 * 1.5 + 0.5)
    assert seconds(budgets, starts, ending=0.5, latency=0.1) == pytest.approx(4 * 1.6 + 0.5)
    assert seconds([], starts, ending=0.5) == 0.0


@pytest.mark.parametrize("seed", range(10))
def test_azlm_and_the_bench_work_out_the_same_ideal(seed: int) -> None:
    rng = random.Random(seed)
    slots, held = rng.randint(1, 5), [rng.uniform(0.5, 9.0) for _ in range(rng.randint(1, 40))]
    assert last_eviction(slots, held) == pytest.approx(
        list_schedule.last_eviction(slots, held, len(held))
    )


def test_start_times_are_the_same_in_every_run_and_differ_between_apps() -> None:
    times = start_times(named("mixed"))
    assert times == start_times(named("mixed"))
    assert {len(values) for values in times.values()} == {20}
    assert len({tuple(values) for values in times.values()}) == len(times)
    assert min(times["slow-00"]) > max(times["quick-00"])


def test_a_pod_takes_the_next_time_of_its_app() -> None:
    times = {"web": [1200, 700]}
    pod = {"metadata": {"labels": {"app": "web"}, "annotations": {}}}
    assert patch({"metadata": {"labels": {"app": "other"}}}, times) == []
    [change] = patch(pod, times)
    assert change["path"] == "/metadata/annotations/testbed.azlm.dev~1ready-ms"
    assert change["value"] == "1200ms"
    [change] = patch({"metadata": {"labels": {"app": "web"}}}, times)
    assert change["value"] == {"testbed.azlm.dev/ready-ms": "700ms"}
    assert patch(pod, times) == [], "all are taken"


def test_runs_are_summed_up_by_their_median_and_their_spread() -> None:
    runs = [MeasuredRun(replace(ROW, makespan_s=at, below=1), (at,)) for at in (12.0, 10.0, 17.0)]
    row = summary(runs).row
    assert (row.makespan_s, row.low_s, row.high_s, row.ratio) == (12.0, 10.0, 17.0, 1.5)
    assert (row.runs, row.below) == (3, 3)
    assert summary(runs).left == (12.0,)


def test_a_shape_that_does_not_exist_is_named_with_those_that_do() -> None:
    with pytest.raises(ValueError, match="uniform"):
        named("square")
    assert {named(name).name for name in DEFAULT} <= {shape.name for shape in SHAPES}


def test_the_table() -> None:
    assert "| uniform | azlm | 10.0 | 9.0 to 11.0 | 8.0 | 8.5 | 1.25 | 1.20 |  | 4 |" in table(
        [ROW]
    )
    header, rule, line, *_ = table([ROW]).splitlines()
    assert header.count("|") == rule.count("|") == line.count("|")


def test_the_picture_shows_every_tool_and_names_it() -> None:
    tools = (*TOOLS, *RIVALS, "another")
    runs = [
        MeasuredRun(replace(ROW, tool=tool, makespan_s=at + 1.0), (1.0, at + 1.0))
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
