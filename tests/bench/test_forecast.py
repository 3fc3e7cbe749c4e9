"""The comparison of forecasts with drains: every error counts, and what is frozen stays so."""

from azure_linux_migrator.forecast import build_cluster
from azure_linux_migrator.simulator.cluster.workload import Span
from bench.forecast import FITTED, HELD_OUT, ForecastRow, summary, table
from bench.shapes import HOLD_OUT, SHAPES


def _row(shape: str, run: int, forecast: float, measured: float) -> ForecastRow:
    error = round(forecast / measured - 1, 3)
    limit = "PodDisruptionBudget default/a"
    return ForecastRow(
        shape, run, forecast, forecast - 1, forecast + 1, measured, error, 2.0, limit, 0.5
    )


def test_every_run_is_a_line_and_counts() -> None:
    rows = [
        _row("uniform", 1, 10.0, 10.0),
        _row("uniform", 2, 10.0, 12.5),
        _row("mixed", 1, 20.0, 10.0),
        _row("mixed", 2, 10.0, 10.5),
    ]
    assert table(rows).count("\n") == 1 + len(rows)
    assert "| uniform | 2 | 10.0 | 9.0 to 11.0 | 12.5 | -20.0% | no |" in table(rows)
    fitted, held_out = summary(rows).splitlines()[2:]
    assert fitted.startswith("| fitted | 2 | 10.0% | 20.0% | 1 of 2 (50%;")
    assert held_out.startswith("| hold-out | 2 | 52.4% | 100.0% | 1 of 2 (50%;")


def test_hold_out_shapes_are_others_than_those_that_were_fitted() -> None:
    assert not {*FITTED} & {*HELD_OUT}
    assert {*FITTED} <= {shape.name for shape in SHAPES}
    assert len({shape.name for shape in (*SHAPES, *HOLD_OUT)}) == len(SHAPES) + len(HOLD_OUT)


def test_the_constants_of_forecasts_are_frozen() -> None:
    """They were chosen on the shapes FITTED. A new value needs a new set of hold-out shapes, all
    of which are measured again."""
    frozen = (build_cluster.CONTROLLERS, build_cluster.WRITE_SECONDS, build_cluster.REQUEST)
    assert frozen == (Span(0.005, 0.02), 0.015, Span(0.014, 0.06))
