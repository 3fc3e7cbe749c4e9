"""The ideal time of a shape, exact and independent of every tool.

The k-th replacement of a workload takes a fixed time d_k to become Ready, whoever causes it
(testbed/start_times.py); a StatefulSet's pod holds its slot while the old one ends, too. List
scheduling on the budget's slots gives the earliest time of its last eviction, and no tool can be
faster than the longest of all budgets and the end of its last pod.

The floor is the same with this control plane's latency on each slot (bench/calibration.py). Shares
no code with azlm, which works out the same for `status.timing`.
"""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from bench.shapes import Shape
from testbed.control_plane import ControlPlane
from testbed.kubectl import kubectl


@dataclass(frozen=True)
class BudgetSlots:
    """A budget: how many of its pods may be out at a time, how many there are, and for how long a
    slot is held beside the start of the replacement (seconds)."""

    app: str
    slots: int
    pods: int
    ending: float = 0.0


def start_times(shape: Shape) -> dict[str, list[float]]:
    """The seeded start times of each app, in seconds; twice as many as it has pods, for tools that
    move a pod again."""
    times = {}
    for manifest in shape.workloads():
        name, count = manifest["metadata"]["name"], int(manifest["spec"].get("replicas", 0))
        if count:
            rng = random.Random(f"{shape.name}/{name}/{shape.seed}")
            low, high = shape.starts(name)
            times[name] = [round(rng.uniform(low, high), 3) for _ in range(2 * count)]
    return times


def budgets(plane: ControlPlane, shape: Shape) -> list[BudgetSlots]:
    """The budgets of a shape as the disruption controller counts them."""
    kinds = {m["metadata"]["name"]: m["kind"] for m in shape.workloads() if "replicas" in m["spec"]}
    listed = json.loads(kubectl(plane.kubeconfig, "get", "pdb", "-n", "default", "-o", "json"))
    result = []
    for item in listed["items"]:
        app, status = item["metadata"]["name"], item["status"]
        ending = shape.delete_ms / 1000 if kinds.get(app) == "StatefulSet" else 0.0
        slots = status["expectedPods"] - status["desiredHealthy"]
        result.append(BudgetSlots(app, slots, status["expectedPods"], ending))
    return result


def seconds(
    budgets: Sequence[BudgetSlots],
    starts: Mapping[str, Sequence[float]],
    *,
    ending: float,
    latency: float = 0.0,
) -> float:
    """The ideal time, or with `latency` (seconds for each slot) the floor; `ending` is the last
    pod's end."""
    return max(
        (
            last_eviction(
                budget.slots,
                [start + budget.ending + latency for start in starts[budget.app][: budget.pods]],
            )
            for budget in budgets
        ),
        default=0.0,
    ) + (ending if budgets else 0.0)


def last_eviction(slots: int, held: Sequence[float]) -> float:
    """When the last of the pods can be evicted, if the k-th holds its slot for held[k]."""
    free = [0.0] * slots
    at = 0.0
    for time in held if slots > 0 else ():
        at = heappop(free)
        heappush(free, at + time)
    return at
