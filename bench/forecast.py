"""`python -m bench.forecast`: the forecast of azlm plan and the measured drain, shape by shape.

The forecast is made from the running cluster before the drain, with start times from its pods. Two
times are given, since no cluster records them: how long the simulated AKS takes for a node, and how
long pods take to end. Measured as in `make bench`: from the first write to a node until the last
pod has left the source. Start times are drawn again for each run; the median of several counts.
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
from bench.shapes import Shape, named
from bench.tools import TOOLS, Cost, Tool, azlm, fill_pool
from testbed.aks.process import AksServer
from testbed.control_plane import ControlPlane, say
from testbed.kubectl import kubectl

RESULTS = Path(__file__).resolve().parent / "results"
MOST_ERROR = 0.10
SHAPES = ("uniform", "skewed", "tight", "stateful", "ordered", "slow", "small", "large")
SATURATED = "large"
"""The shape for which the control plane of this machine is the bottleneck."""
TOGETHER = 4
"""Workloads that are restarted side by side before the forecast."""
CLUSTER = {
    "subscriptionID": "00000000-0000-0000-0000-000000000000",
    "resourceGroup": "demo-rg",
    "name": "demo",
}


@dataclass(frozen=True)
class ForecastRow:
    """A shape: seconds forecast (median, minimum, maximum) and measured, and the time of the
    forecast. `forecast_s` and `measured_s` are the medians of `runs` runs, each on a control
    plane of its own; the rest is from the run whose forecast is nearest to the median."""

    shape: str
    forecast_s: float
    low_s: float
    high_s: float
    measured_s: float
    error: float
    plan_s: float
    forecast_limit: str
    runs: int = 1


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
    flags = (
        *("-o", "json", "--node-boot-seconds=2", "--node-delete-seconds=1"),
        f"--pod-stop-seconds={shape.delete_ms / 1000}",
    )
    spec = {
        "strategy": {
            "canary": {"nodes": 0},
            "batch": {"size": "100%", "soak": "0s"},
            "finalSoak": "0s",
        }
    }
    with AksServer(plane.kubeconfig) as aks:
        began = time.monotonic()
        answer = plan(plane, aks.url, scratch, *flags, spec=spec)
        took = time.monotonic() - began
    if answer.returncode:
        raise RuntimeError(answer.stderr + answer.stdout)
    report |= json.loads(answer.stdout) | {"took": took}
    say(f"{shape.name}: forecast {report['drain']['mid']:.1f} s, in {took:.1f} s")
    return azlm(plane, scratch, emptied)


def measure(shape: Shape, runs: int) -> ForecastRow:
    """Forecast and measure a shape, several times."""
    rows = [_measure(shape) for _ in range(runs)]
    measured = median(row.measured_s for row in rows)
    forecast = median(row.forecast_s for row in rows)
    typical = min(rows, key=lambda row: abs(row.forecast_s - forecast))
    return replace(
        typical,
        forecast_s=round(forecast, 1),
        measured_s=round(measured, 1),
        error=round(forecast / measured - 1, 3),
        runs=runs,
    )


def _measure(shape: Shape) -> ForecastRow:
    report: dict[str, Any] = {}
    tool = Tool(partial(_forecast, shape, report), _prepare, TOOLS["azlm"].close)
    run = measure_shape(shape, {"azlm": tool})[0]
    forecast, measured = report["drain"], run.row.makespan_s
    return ForecastRow(
        shape=shape.name,
        forecast_s=round(forecast["mid"], 1),
        low_s=round(forecast["low"], 1),
        high_s=round(forecast["high"], 1),
        measured_s=round(measured, 1),
        error=round(forecast["mid"] / measured - 1, 3),
        plan_s=round(report["took"], 1),
        forecast_limit=report["typical"]["limitedBy"],
    )


def table(rows: list[ForecastRow]) -> str:
    """As Markdown."""
    lines = [
        "| shape | forecast (s) | range | measured (s) | error | runs | took (s) | limited by |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.shape} | {row.forecast_s} | {row.low_s} to {row.high_s} | {row.measured_s} | "
        f"{row.error:+.1%} | {row.runs} | {row.plan_s} | {row.forecast_limit} |"
        for row in rows
    ]
    return "\n".join(lines)


def note(rows: list[ForecastRow]) -> str:
    """A note on what the table does not show."""
    large = next((row for row in rows if row.shape == SATURATED), None)
    if large is None:
        return ""
    return (
        f"\n`{SATURATED}` (2,000 pods on 60 nodes) shows what a forecast cannot know: there it "
        "is not the budgets that hold the pods up but this machine, whose two cores run the whole "
        "control plane. Forecasts take the control plane for fast enough.\n"
    )


def main() -> int:
    """Measure the shapes; rows of other shapes are kept. Fails above MOST_ERROR."""
    parser = argparse.ArgumentParser(prog="bench.forecast", description=__doc__)
    parser.add_argument("--shapes", default=",".join(SHAPES))
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    kept = RESULTS / "forecast.json"
    rows_by_shape = (
        {row["shape"]: ForecastRow(**row) for row in json.loads(kept.read_text())}
        if kept.exists()
        else {}
    )
    for name in asked.shapes.split(","):
        rows_by_shape[name] = measure(named(name), asked.runs)
        rows = [rows_by_shape[shape] for shape in SHAPES if shape in rows_by_shape]
        page = "# Forecast and reality\n\nWritten by `python -m bench.forecast`.\n\n"
        (RESULTS / "forecast.md").write_text(page + table(rows) + "\n" + note(rows))
        kept.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    print("\n" + table(rows))
    judged = [row for row in rows if row.shape != SATURATED]
    return int(any(abs(row.error) > MOST_ERROR for row in judged))


if __name__ == "__main__":
    sys.exit(main())
