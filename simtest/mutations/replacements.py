"""Mutations of what follows an eviction: surges, replacements without a node, pods that come back,
and what is told of them."""

from dataclasses import replace
from typing import Any

from azure_linux_migrator.core.drain import planner, surge_first, surges
from azure_linux_migrator.core.drain.unschedulable import UnschedulableReplacements
from azure_linux_migrator.model.actions import RestoreScale
from simtest.mutations.mutation import Mutation, Patches
from simtest.mutations.source import rewritten


def _surge_not_restored() -> Patches:
    real = surge_first.next_action

    def never(standing: surge_first.Standing) -> Any:
        action = real(standing)
        return None if type(action).__name__ == "RestoreScale" else action

    return [(surges, "next_action", never)]


def _surge_restored_early() -> Patches:
    real = surge_first.next_action

    def early(standing: surge_first.Standing) -> Any:
        return real(replace(standing, healthy=1000) if standing.controller.surge else standing)

    return [(surges, "next_action", early)]


def _no_victim() -> Patches:
    real = surge_first.next_action

    def unmarked(standing: surge_first.Standing) -> Any:
        action = real(standing)
        if type(action).__name__ != "SetDeletionCost":
            return action
        by, _, number = standing.controller.surge.rpartition("/")
        return RestoreScale(standing.controller.key, int(number)) if by else None

    return [(surges, "next_action", unmarked)]


def _unplaced_ignored() -> Patches:
    return [(UnschedulableReplacements, "find", lambda *_: ())]


def _blockers_untold() -> Patches:
    def nothing(*_: object) -> list[object]:
        return []

    return [(planner, "find_blockers", nothing)]


REPLACEMENTS: tuple[Mutation, ...] = (
    Mutation(
        "surge-kept", "a surged Deployment keeps its extra pod", "reason-told", _surge_not_restored
    ),
    Mutation("surge-early", "the extra pod is not awaited", "reason-told", _surge_restored_early),
    Mutation(
        "victim-not-marked", "restoring a surged scale removes any pod", "victim-first", _no_victim
    ),
    Mutation(
        "unplaced-ignored",
        "evictions continue while replacements are Unschedulable",
        "placed-first",
        _unplaced_ignored,
    ),
    Mutation(
        "unplaced-in-the-end",
        "replacements that are Unschedulable are not waited for once nothing is left to evict",
        "moved-land",
        lambda: [
            rewritten(
                planner.Planner,
                "plan",
                "unschedulable_replacements=replacements,",
                "unschedulable_replacements=replacements if evictions else (),",
            )
        ],
    ),
    Mutation("blockers-never-told", "the status has no blockers", "reason-told", _blockers_untold),
)
