"""One tool on one shape, on a control plane of its own, measured by independent observers."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from bench.bound import SlotWatch
from bench.shapes import Shape
from bench.tools import TOOLS, Cost, Tool
from testbed.audit import AuditedRequest, AuditLog
from testbed.control_plane import ControlPlane, say
from testbed.fill.command import apply
from testbed.fill.nodes import pool_nodes
from testbed.observer import PodObserver, Sighting


@dataclass(frozen=True)
class Row:
    """A line of the table; times in seconds, memory in MB."""

    shape: str
    tool: str
    makespan_s: float
    bound_s: float
    ratio: float
    granted: int
    refused: int
    max_moves: int
    api_requests: int
    cpu_s: float
    rss_mb: float
    violations: int


@dataclass(frozen=True)
class MeasuredRun:
    """A row, and when each pod left, in seconds from the tool's first write to a node."""

    row: Row
    left: tuple[float, ...]


def measure_shape(shape: Shape, tools: Mapping[str, Tool] = TOOLS) -> list[MeasuredRun]:
    """Run all tools on a shape; the bound is the one observed in azlm's run, the same for all."""
    runs: list[MeasuredRun] = []
    for name, tool in tools.items():
        say(f"{shape.name} ({shape.nodes} nodes, {shape.about}): {name} …")
        runs.append(_measure(shape, name, tool))
    bound = runs[0].row.bound_s
    return [
        replace(
            run,
            row=replace(run.row, bound_s=bound, ratio=round(run.row.makespan_s / bound, 2)),
        )
        for run in runs
    ]


def _measure(shape: Shape, name: str, tool: Tool) -> MeasuredRun:
    with tempfile.TemporaryDirectory(prefix="azlm-bench-") as directory:
        scratch = Path(directory)
        plane = ControlPlane.start(
            scratch / "plane",
            ready_ms=shape.ready_ms,
            ready_jitter_ms=shape.ready_jitter_ms,
            delete_ms=shape.delete_ms,
        )
        try:
            return _observe(plane, scratch, shape, (name, tool))
        finally:
            tool.close(plane)
            plane.stop()


def _observe(
    plane: ControlPlane, scratch: Path, shape: Shape, what: tuple[str, Tool]
) -> MeasuredRun:
    name, tool = what
    apply(plane.kubeconfig, pool_nodes("system", 1, os_sku="AzureLinux", mode="System"))
    source = tool.prepare(plane, scratch, shape)
    audit = AuditLog(plane.audit_log)
    audit.mark()
    observer, slots = PodObserver(plane.kubeconfig, source), SlotWatch(plane.kubeconfig)
    expected = observer.start()
    slots.start()
    try:
        cost = tool.run(plane, scratch, lambda: observer.seen.moves >= expected)
    finally:
        seen = observer.stop()
        slots.stop()
    return _run(shape, name, list(audit.requests()), _Seen(seen, slots, cost))


@dataclass(frozen=True)
class _Seen:
    sighting: Sighting
    slots: SlotWatch
    cost: Cost


def _run(shape: Shape, tool: str, requests: list[AuditedRequest], watches: _Seen) -> MeasuredRun:
    seen, cost = watches.sighting, watches.cost
    evictions = [request for request in requests if request.resource == "pods/eviction"]
    users = {request.user for request in evictions}
    began = min(
        _seconds(request.at)
        for request in requests
        if request.user in users and request.verb == "patch" and request.resource == "nodes"
    )
    granted = [(_seconds(e.at), e.namespace, e.name) for e in evictions if e.code == 201]
    ended = shape.delete_ms / 1000
    makespan = max(seen.moved_at) - began
    row = Row(
        shape=shape.name,
        tool=tool,
        makespan_s=round(makespan, 2),
        bound_s=round(watches.slots.bound(granted, ended), 2),
        ratio=0.0,
        granted=len(granted),
        refused=sum(eviction.code != 201 for eviction in evictions),
        max_moves=2 if seen.second_moves else 1,
        api_requests=sum(request.user in users for request in requests),
        cpu_s=round(cost.cpu_s, 2),
        rss_mb=round(cost.rss_mb),
        violations=len(seen.violations),
    )
    return MeasuredRun(row, tuple(sorted(at - began for at in seen.moved_at)))


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
