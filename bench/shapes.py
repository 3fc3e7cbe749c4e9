"""The workloads on which the tools are compared: the same for every tool, pod by pod."""

from collections.abc import Callable
from dataclasses import dataclass

from testbed.fill.workloads import Manifest, budget, deployment, statefulset, uniform


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
QUICK = ("small",)


def named(name: str) -> Shape:
    """A shape by its name. Raises ValueError with the names that exist."""
    for shape in SHAPES:
        if shape.name == name:
            return shape
    raise ValueError(f"no shape {name}; there are {', '.join(shape.name for shape in SHAPES)}")
