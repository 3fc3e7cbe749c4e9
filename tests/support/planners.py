"""Planners of small worlds, and their plans."""

from typing import Any

from azure_linux_migrator.api.causes import Cause
from azure_linux_migrator.api.spec_drain import Drain
from azure_linux_migrator.core.drain.planner import Planner
from azure_linux_migrator.core.drain.scope import Scope
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.model.cluster import (
    NamespacedName,
)
from tests.support.worlds import NOW, planner_of


def planner(world: World, last: NamespacedName | None = None, **policy: Any) -> Planner:
    return planner_of(
        world, Scope("m", "src", "srcazl", Drain.model_validate(policy), last, uid="uid-m")
    )


def names(planner: Planner, now: float = NOW) -> list[str]:
    return sorted(eviction.pod.name for eviction in planner.plan(now).evictions)


def causes(planner: Planner, now: float = NOW) -> list[Cause]:
    return [blocker.cause for blocker in planner.plan(now).blockers]
