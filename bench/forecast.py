"""`python -m bench.forecast`: the forecast of azlm plan and the measured drain, shape by shape.

The forecast is made from the running cluster before the drain, by what its pods, nodes and budgets
show. Given to it is only what belongs to the testbed: how long the simulated AKS takes for a node.
It does not know the start times that are to come, nor how long pods take to end.

Both times run from the first pod that begins to leave the source until the last is gone, with what
lies between. `fitted` shapes are those on which the constants of forecast/build_cluster.py were
chosen; on `hold-out` shapes nothing was. Every run is a row, on a control plane of its own and with
start times of its own; nothing is left out.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from bench.measure import measure_shape
from bench.shapes import HOLD_OUT, Shape, named
from bench.tools import TOOLS, Cost, Tool, azlm, fill_pool
from testbed.aks.process import AksServer
from testbed.control_plane import ControlPlane, say
from testbed.kubectl import kubectl

RESULTS = Path(__file__).resolve().parent / "results"
FITTED = ("uniform", "skewed", "tight", "stateful", "ordered", "slow", "small")
HELD_OUT = tuple(shape.name for shape in HOLD_OUT)
RANGE = 0.8
"""Of the measured times should be within the range: the next draw after ten is between their
lowest and their highest in 9 of 11 cases."""
TOGETHER = 4
"""Workloads that are restarted side by side before the forecast."""
CLUSTER = {
    "subscriptionID": "00000000-0000-0000-0000-000000000000",
    "resourceGroup": "demo-rg",
    "name": "demo",
}


@dataclass(frozen=True)
class ForecastRow:
    """One run of a shape: seconds forecast (median, minimum, maximum) and measured, the error of
    the median, the time that the forecast took, and the machine's load before (one minute)."""

    shape: str
    run: int
    forecast_s: float
    low_s: float
    high_s: float
    measured_s: float
    error: float
    plan_s: float
    forecast_limit: str
    load: float

    @property
    def within(self) -> bool:
        """Whether the measured time is within the range."""
        return self.low_s <= self.measured_s <= self.high_s


def plan(
    plane: ControlPlane, url: str, scratch: Path, *flags: str, spec: dict[str, Any]
) -> "subprocess.CompletedProcess[str]":
    """Run azlm plan on a plane."""
    file = scratch / "migration.json"
    described = {"cluster": CLUSTER, "source": {"nodePool": "workers"}, **spec}
    body = {"apiVersion": "azlm.dev/v1alpha1", "kind": "AzureLinuxMigration"}
    file.write_text(json.dumps({**body, "metadata": {"name": "bench"}, "spec": described}))
    command = [sys.executable, "-m", "azure_linux_migrator", "plan", "-f", str(file)]
    command += ["--kubeconfig", str(plane.kubeconfig), "--arm-endpoint", url, *flags]
    environment = os.environ | {"PYTHONWARNINGS": "ignore"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def _prepare(plane: ControlPlane, scratch: Path, shape: Shape) -> set[str]:
    """Pods are restarted a few workloads at a time: all at once, their start times would be
    limited by this machine."""
    names = fill_pool(plane, scratch, shape)
    for kind in ("deployments", "statefulsets"):
        workloads = kubectl(plane.kubeconfig, "get", kind, "-o", "name").split()
        for at in range(0, len(workloads), TOGETHER):
            for name in workloads[at : at + TOGETHER]:
                kubectl(plane.kubeconfig, "rollout", "restart", name)
                time.sleep(0.23)
            for name in workloads[at : at + TOGETHER]:
                kubectl(plane.kubeconfig, "rollout", "status", name, "--timeout=180s")
    _until_alone(plane)
    return names


def _until_alone(plane: ControlPlane) -> None:
    """Wait until the pods that were replaced are gone."""
    while True:
        pods = json.loads(kubectl(plane.kubeconfig, "get", "pods", "-o", "json"))["items"]
        if not any(pod["metadata"].get("deletionTimestamp") for pod in pods):
            return
        time.sleep(0.5)


def _forecast(
    shape: Shape,
    report: dict[str, Any],
    plane: ControlPlane,
    scratch: Path,
    emptied: Any,
) -> Cost:
    flags = ("-o", "json", "--node-boot-seconds=2", "--node-delete-seconds=1")
    spec = {"strategy": shape.strategy, "drain": shape.drain}
    with AksServer(plane.kubeconfig) as aks:
        began = time.monotonic()
        answer = plan(plane, aks.url, scratch, *flags, spec=spec)
        took = time.monotonic() - began
    if answer.returncode:
        raise RuntimeError(answer.stderr + answer.stdout)
    report |= json.loads(answer.stdout) | {"took": took}
    say(f"{shape.name}: forecast {report['drain']['mid']:.1f} s, in {took:.1f} s")
    return azlm(plane, scratch, emptied, shape.strategy, shape.drain)


def measure(shape: Shape, run: int) -> ForecastRow:
    """Forecast and measure a shape once, with start times that belong to this run."""
    report: dict[str, Any] = {}
    tool = Tool(partial(_forecast, shape, report), _prepare, TOOLS["azlm"].close)
    measured = measure_shape(replace(shape, seed=run), {"azlm": tool})[0]
    forecast, pauses = report["drain"], report["typical"]["pauseSeconds"]
    seconds, mid = measured.left[-1] - measured.leaving, forecast["mid"] + pauses
    return ForecastRow(
        shape=shape.name,
        run=run,
        forecast_s=round(mid, 1),
        low_s=round(forecast["low"] + pauses, 1),
        high_s=round(forecast["high"] + pauses, 1),
        measured_s=round(seconds, 1),
        error=round(mid / seconds - 1, 3),
        plan_s=round(report["took"], 1),
        forecast_limit=report["typical"]["limitedBy"],
        load=measured.row.load,
    )


def table(rows: list[ForecastRow]) -> str:
    """Every run, as Markdown."""
    lines = [
        (
            "| shape | run | forecast (s) | range | measured (s) | error | within | took (s) "
            "| limited by | load before |"
        ),
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.shape} | {row.run} | {row.forecast_s} | {row.low_s} to {row.high_s} "
        f"| {row.measured_s} | {row.error:+.1%} | {'yes' if row.within else 'no'} | {row.plan_s} "
        f"| {row.forecast_limit} | {row.load} |"
        for row in rows
    ]
    return "\n".join(lines)


def summary(rows: list[ForecastRow]) -> str:
    """The errors and the coverage of fitted and of hold-out shapes, as Markdown."""
    lines = [
        "| shapes | runs | median error | worst error | measured within the range |",
        "|---|---|---|---|---|",
    ]
    for kind, names in (("fitted", FITTED), ("hold-out", HELD_OUT)):
        of_kind = [row for row in rows if row.shape in names]
        if of_kind:
            errors = [abs(row.error) for row in of_kind]
            within = sum(row.within for row in of_kind)
            lines.append(
                f"| {kind} | {len(of_kind)} | {median(errors):.1%} | {max(errors):.1%} "
                f"| {within} of {len(of_kind)} ({within / len(of_kind):.0%}; "
                f"the range says {RANGE:.0%}) |"
            )
    return "\n".join(lines)


def main() -> int:
    """Measure the shapes; rows of other shapes are kept."""
    parser = argparse.ArgumentParser(prog="bench.forecast", description=__doc__)
    parser.add_argument("--shapes", default=",".join((*FITTED, *HELD_OUT)))
    parser.add_argument("--runs", type=int, default=5)
    asked = parser.parse_args()
    kept, names = RESULTS / "forecast.json", asked.shapes.split(",")
    before = [ForecastRow(**row) for row in json.loads(kept.read_text())] if kept.exists() else []
    rows = [row for row in before if row.shape not in names]
    for name in names:
        for run in range(1, asked.runs + 1):
            rows.append(measure(named(name), run))
            _write(rows, kept)
    print("\n" + table(rows) + "\n\n" + summary(rows))
    return 0


def _write(rows: list[ForecastRow], kept: Path) -> None:
    order = [*FITTED, *HELD_OUT]
    rows = sorted(rows, key=lambda row: (order.index(row.shape), row.run))
    page = "# Forecast and reality\n\nWritten by `python -m bench.forecast`, which says what is "
    page += "compared.\n\n"
    (RESULTS / "forecast.md").write_text(page + summary(rows) + "\n\n" + table(rows) + "\n")
    kept.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
