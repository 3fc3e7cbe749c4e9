"""Mutations of what follows an eviction: surges, replacements without a node, pods that come back,
and what is reported of them."""

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


def _no_deletion_cost() -> Patches:
    real = surge_first.next_action

    def unmarked(standing: surge_first.Standing) -> Any:
        action = real(standing)
        if type(action).__name__ != "SetDeletionCost":
            return action
        by, _, number = standing.controller.surge.rpartition("/")
        return RestoreScale(standing.controller.key, int(number)) if by else None

    return [(surges, "next_action", unmarked)]


def _unschedulable_ignored() -> Patches:
    return [(UnschedulableReplacements, "find", lambda *_: ())]


def _blockers_unreported() -> Patches:
    def nothing(*_: object) -> list[object]:
        return []

    return [(planner, "find_blockers", nothing)]


REPLACEMENTS: tuple[Mutation, ...] = (
    Mutation(
        "surge-kept",
        "a surged Deployment keeps its extra pod",
        "reason-reported",
        _surge_not_restored,
    ),
    Mutation(
        "surge-early", "the extra pod is not awaited", "reason-reported", _surge_restored_early
    ),
    Mutation(
        "deletion-cost-not-set",
        "restoring a surged scale removes any pod",
        "old-pod-first",
        _no_deletion_cost,
    ),
    Mutation(
        "unschedulable-ignored",
        "evictions continue while replacements are Unschedulable",
        "placed-first",
        _unschedulable_ignored,
    ),
    Mutation(
        "blockers-never-reported",
        "the status has no blockers",
        "reason-reported",
        _blockers_unreported,
    ),
    Mutation(
        "unschedulable-at-the-end",
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
)
