"""One tool on one shape, on a control plane of its own, measured by independent observers."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median

from bench import calibration, ideal
from bench.shapes import Shape
from bench.tools import TOOLS, Cost, Tool
from testbed.audit import AuditedRequest, AuditLog
from testbed.control_plane import ControlPlane, say
from testbed.fill.command import apply
from testbed.fill.nodes import pool_nodes
from testbed.observer import PodObserver, Sighting
from testbed.start_times import StartTimes


@dataclass(frozen=True)
class Row:
    """A line of the table: a tool on a shape, in the median of its runs.

    Times are in seconds: `low_s` and `high_s` are the spread of the drains, `nodes_s` is until the
    tool's own new nodes were created (0: they were there). `ratio` is drain ÷ ideal,
    `reported_ratio` the same in azlm's own status, `cpu_share` the tool's part of all cores while
    it ran, `load` the machine's before (one minute). `granted`, `refused`, `api_requests` are those
    of evictions and of the tool; `violations` count budgets below their need by pods and status,
    `below` by pods alone. Memory is in MB.
    """

    shape: str
    tool: str
    makespan_s: float
    low_s: float
    high_s: float
    ideal_s: float
    floor_s: float
    ratio: float
    reported_ratio: float
    nodes_s: float
    granted: int
    refused: int
    max_moves: int
    api_requests: int
    cpu_s: float
    cpu_share: float
    rss_mb: float
    violations: int
    below: int
    load: float
    runs: int = 1


@dataclass(frozen=True)
class MeasuredRun:
    """A row, and when each pod was gone, in seconds from the tool's first write to a node;
    `leaving` is when the first eviction was granted."""

    row: Row
    left: tuple[float, ...]
    leaving: float = 0.0


def measure_shape(
    shape: Shape, tools: Mapping[str, Tool] = TOOLS, runs: int = 1
) -> list[MeasuredRun]:
    """MeasuredRun all tools on a shape, the runs of a tool apart from each other."""
    measured: dict[str, list[MeasuredRun]] = {name: [] for name in tools}
    for turn in range(1, runs + 1):
        for name, tool in tools.items():
            say(f"{shape.name} ({shape.nodes} nodes, {shape.about}), run {turn}: {name} …")
            measured[name].append(_measure(shape, name, tool))
    return [summary(of_tool) for of_tool in measured.values()]


def summary(runs: list[MeasuredRun]) -> MeasuredRun:
    """The medians of several runs of a tool; what must not happen is added up. The times at which
    pods left are those of the run in the middle."""
    rows = [run.row for run in runs]
    middle = sorted(runs, key=lambda run: run.row.makespan_s)[(len(runs) - 1) // 2]
    makespan, ideal_s = median(row.makespan_s for row in rows), middle.row.ideal_s
    merged = {
        **vars(middle.row),
        "makespan_s": round(makespan, 2),
        "low_s": min(row.makespan_s for row in rows),
        "high_s": max(row.makespan_s for row in rows),
        "floor_s": round(median(row.floor_s for row in rows), 2),
        "ratio": round(makespan / ideal_s, 2) if ideal_s else 0.0,
        "max_moves": max(row.max_moves for row in rows),
        "violations": sum(row.violations for row in rows),
        "below": sum(row.below for row in rows),
        "load": max(row.load for row in rows),
        "runs": len(rows),
    }
    return MeasuredRun(Row(**merged), middle.left, middle.leaving)


def _measure(shape: Shape, name: str, tool: Tool) -> MeasuredRun:
    with tempfile.TemporaryDirectory(prefix="azlm-bench-") as directory:
        scratch = Path(directory)
        load = os.getloadavg()[0]
        plane = ControlPlane.start(
            scratch / "plane",
            ready_ms=shape.ready_ms,
            ready_jitter_ms=shape.ready_jitter_ms,
            delete_ms=shape.delete_ms,
        )
        try:
            return _observe(plane, scratch, shape, (name, tool), load)
        finally:
            tool.close(plane)
            plane.stop()


def _observe(
    plane: ControlPlane, scratch: Path, shape: Shape, what: tuple[str, Tool], load: float
) -> MeasuredRun:
    name, tool = what
    apply(plane.kubeconfig, pool_nodes("system", 1, os_sku="AzureLinux", mode="System"))
    latency = calibration.latency(plane)
    source = tool.prepare(plane, scratch, shape)
    budgets, starts = ideal.budgets(plane, shape), ideal.start_times(shape)
    audit = AuditLog(plane.audit_log)
    with StartTimes(plane, starts):
        audit.mark()
        observer = PodObserver(plane.kubeconfig, source)
        expected = observer.start()
        try:
            cost = tool.run(plane, scratch, lambda: observer.seen.moves >= expected)
        finally:
            seen = observer.stop()
    ending = shape.delete_ms / 1000
    times = _Times(
        ideal.seconds(budgets, starts, ending=ending),
        ideal.seconds(budgets, starts, ending=ending, latency=latency),
        load,
    )
    return _run(shape, name, list(audit.requests()), _Seen(seen, times, cost))


@dataclass(frozen=True)
class _Times:
    """The shape's ideal and floor on this control plane, and the machine's load before."""

    ideal: float
    floor: float
    load: float


@dataclass(frozen=True)
class _Seen:
    sighting: Sighting
    times: _Times
    cost: Cost


def _run(shape: Shape, tool: str, requests: list[AuditedRequest], watches: _Seen) -> MeasuredRun:
    seen, times, cost = watches.sighting, watches.times, watches.cost
    evictions = [request for request in requests if request.resource == "pods/eviction"]
    users = {request.user for request in evictions}
    own = [request for request in requests if request.user in users]
    began = min(_seconds(r.at) for r in own if (r.verb, r.resource) == ("patch", "nodes"))
    nodes = [_seconds(r.at) - began for r in own if (r.verb, r.resource) == ("create", "nodes")]
    makespan = max(seen.moved_at) - began
    row = Row(
        shape=shape.name,
        tool=tool,
        makespan_s=round(makespan, 2),
        low_s=round(makespan, 2),
        high_s=round(makespan, 2),
        ideal_s=round(times.ideal, 2),
        floor_s=round(times.floor, 2),
        ratio=round(makespan / times.ideal, 2) if times.ideal else 0.0,
        reported_ratio=cost.reported_ratio,
        nodes_s=round(max(nodes, default=0.0), 2),
        granted=sum(eviction.code == 201 for eviction in evictions),
        refused=sum(eviction.code != 201 for eviction in evictions),
        max_moves=2 if seen.second_moves else 1,
        api_requests=len(own),
        cpu_s=round(cost.cpu_s, 2),
        cpu_share=round(cost.cpu_s / makespan / (os.cpu_count() or 1), 3),
        rss_mb=round(cost.rss_mb),
        violations=len(seen.violations),
        below=seen.below,
        load=round(times.load, 2),
    )
    leaving = min(_seconds(eviction.at) for eviction in evictions if eviction.code == 201) - began
    return MeasuredRun(row, tuple(sorted(at - began for at in seen.moved_at)), leaving)


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
