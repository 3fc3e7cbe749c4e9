"""The workloads on which the tools are compared: the same for every tool, pod by pod."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from testbed.fill.workloads import Manifest, budget, deployment, statefulset, uniform

ALL_AT_ONCE: dict[str, Any] = {
    "canary": {"nodes": 0},
    "batch": {"size": "100%", "soak": "0s"},
    "finalSoak": "0s",
}


SLOWER = 6


@dataclass(frozen=True)
class Shape:
    """The nodes of the source pool, their workloads, and how long a pod takes to be Ready (ms)."""

    name: str
    nodes: int
    workloads: Callable[[], list[Manifest]]
    ready_ms: int = 1000
    ready_jitter_ms: int = 2000
    delete_ms: int = 500
    about: str = ""
    strategy: Mapping[str, Any] = field(default_factory=lambda: ALL_AT_ONCE)
    drain: Mapping[str, Any] = field(default_factory=dict)
    """`spec.drain` of azlm's migration, and above `spec.strategy`."""
    seed: int = 1
    """Of the start times."""
    slow: tuple[str, ...] = ()
    """Beginnings of the names of apps whose pods take SLOWER times as long to be Ready."""

    def starts(self, app: str) -> tuple[float, float]:
        """Between which times a pod of an app becomes Ready, in seconds."""
        times = SLOWER if self.slow and app.startswith(self.slow) else 1
        low = self.ready_ms / 1000
        return times * low, times * max(low, self.ready_jitter_ms / 1000)


def _skewed() -> list[Manifest]:
    return [deployment("giant", 120), budget("giant", maxUnavailable=12), *uniform(8, 10, 2)]


def _stateful(policy: str = "Parallel") -> list[Manifest]:
    return [
        manifest
        for index in range(10)
        for manifest in (
            statefulset(f"app-{index:02d}", 10, policy=policy),
            budget(f"app-{index:02d}", maxUnavailable=2),
        )
    ]


def _percent() -> list[Manifest]:
    return [
        manifest
        for index in range(8)
        for manifest in (
            deployment(f"app-{index:02d}", 12),
            budget(f"app-{index:02d}", minAvailable="80%"),
        )
    ]


def _mixed() -> list[Manifest]:
    return [
        manifest
        for name in (f"{kind}-{index:02d}" for kind in ("quick", "slow") for index in range(4))
        for manifest in (deployment(name, 10), budget(name, maxUnavailable=2))
    ]


def _singletons() -> list[Manifest]:
    return [
        manifest
        for index in range(12)
        for manifest in (
            deployment(f"app-{index:02d}", 1),
            budget(f"app-{index:02d}", minAvailable=1),
        )
    ]


def _volumes() -> list[Manifest]:
    """StatefulSets whose pods have a volume of their own, on the node's path."""
    manifests = []
    for index in range(6):
        name = f"app-{index:02d}"
        workload = statefulset(name, 6, policy="Parallel")
        claim = {"accessModes": ["ReadWriteOnce"], "storageClassName": "", **_STORAGE}
        workload["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": "data"}, "spec": claim}]
        manifests += [workload, budget(name, maxUnavailable=1)]
        manifests += [_volume(f"data-{name}-{ordinal}") for ordinal in range(6)]
    return manifests


_STORAGE: Manifest = {"resources": {"requests": {"storage": "1Gi"}}}


def _volume(claim: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": claim},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "",
            "hostPath": {"path": f"/data/{claim}"},
            "claimRef": {"namespace": "default", "name": claim},
        },
    }


def _spread() -> list[Manifest]:
    manifests = []
    for index in range(8):
        name = f"app-{index:02d}"
        constraint = {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {"app": name}},
        }
        scheduling = {"topologySpreadConstraints": [constraint]}
        manifests += [deployment(name, 10, scheduling=scheduling), budget(name, maxUnavailable=2)]
    return manifests


SHAPES = (
    Shape("uniform", 20, lambda: uniform(20, 20, 2), about="400 pods, budgets of 2"),
    Shape("skewed", 10, _skewed, about="200 pods, one budget holds 120 of them"),
    Shape("tight", 10, lambda: uniform(20, 5, 1), about="100 pods, budgets of 1"),
    Shape("large", 60, lambda: uniform(50, 40, 4), about="2,000 pods, budgets of 4"),
    Shape("stateful", 10, _stateful, about="100 pods of StatefulSets, budgets of 2"),
    Shape(
        "ordered",
        10,
        lambda: _stateful("OrderedReady"),
        about="100 pods of StatefulSets that start them one by one, budgets of 2",
    ),
    Shape(
        "slow",
        20,
        lambda: uniform(20, 20, 2),
        ready_ms=5000,
        ready_jitter_ms=10_000,
        delete_ms=2000,
        about="400 pods, budgets of 2, Ready after 5 to 10 s",
    ),
    Shape("small", 5, lambda: uniform(4, 10, 2), about="40 pods, budgets of 2"),
)
"""`jitter` is kwok's upper end of the delay, not an addition to it."""

DEFAULT = tuple(shape.name for shape in SHAPES if shape.name not in {"small", "ordered"})
"""`ordered` is for bench.forecast: how a set starts its pods is the same for every tool."""

HOLD_OUT = (
    Shape("percent", 6, _percent, about="96 pods, minAvailable 80 %"),
    Shape("mixed", 6, _mixed, about="80 pods, half of them six times slower", slow=("slow",)),
    Shape(
        "lingering",
        6,
        lambda: uniform(6, 10, 2),
        delete_ms=4500,
        about="60 pods that take three times as long to end as to start",
    ),
    Shape(
        "soaked",
        8,
        lambda: uniform(8, 10, 2),
        strategy={
            "canary": {"nodes": 1, "soak": "5s"},
            "batch": {"size": "30%", "soak": "5s"},
            "finalSoak": "0s",
        },
        about="80 pods, batches with soaks",
    ),
    Shape(
        "rolling",
        6,
        lambda: uniform(6, 10, 2),
        strategy={
            "type": "Rolling",
            "canary": {"nodes": 0},
            "batch": {"size": 2, "soak": "0s"},
            "maxSurge": 2,
            "finalSoak": "0s",
        },
        about="60 pods, Rolling two nodes at a time",
    ),
    Shape(
        "surged",
        4,
        _singletons,
        drain={"singletons": "SurgeFirst"},
        about="12 single replicas that are surged first",
    ),
    Shape("volumes", 6, _volumes, about="36 pods of StatefulSets with volumes"),
    Shape("spread", 6, _spread, about="80 pods spread over the nodes"),
)
"""Shapes on which nothing in azlm has been fitted; for bench.forecast."""

QUICK = ("small",)


def named(name: str) -> Shape:
    """A shape by its name. Raises ValueError with the names that exist."""
    shapes = (*SHAPES, *HOLD_OUT)
    for shape in shapes:
        if shape.name == name:
            return shape
    raise ValueError(f"no shape {name}; there are {', '.join(shape.name for shape in shapes)}")
