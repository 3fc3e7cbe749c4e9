"""Planners of small worlds, and what they plan."""

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


def planner(made: World, last: NamespacedName | None = None, **policy: Any) -> Planner:
    return planner_of(
        made, Scope("m", "src", "srcazl", Drain.model_validate(policy), last, uid="uid-m")
    )


def names(made: Planner, now: float = NOW) -> list[str]:
    return sorted(eviction.pod.name for eviction in made.plan(now).evictions)


def causes(made: Planner, now: float = NOW) -> list[Cause]:
    return [blocker.cause for blocker in made.plan(now).blockers]
