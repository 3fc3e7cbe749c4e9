"""What surges leave of the slots of a budget.

A replica that a surge adds counts for a budget while it is healthy, and is removed again: it is no
room for other pods. That removal asks no budget, so azlm counts it as the eviction it stands for.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from azure_linux_migrator.core.drain.disruption_budgets import slots
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.model.cluster import Budget, NamespacedName


@dataclass(frozen=True, slots=True)
class SurgedDeployment:
    """A surged Deployment beside its budgets: `surplus` are its healthy pods above the replicas
    that it goes back to; `rises` is whether budgets may not count yet that it has one more;
    `restores` is whether its scale is to be restored now."""

    uid: str
    budgets: frozenset[NamespacedName]
    surplus: int
    rises: bool
    restores: bool


def reserved_slots(
    world: World, deployments: Iterable[SurgedDeployment]
) -> Counter[NamespacedName]:
    """Slots by budget that no eviction may use: those of pods that are removed again, and one for
    each replica more, which most rules need one healthy pod more for."""
    reserved: Counter[NamespacedName] = Counter()
    for deployment in deployments:
        for key in deployment.budgets:
            budget = world.budgets[key]
            fixed = isinstance(budget.rule.min_available, int)
            reserved[key] += deployment.surplus or (deployment.rises and not fixed)
    return reserved


def held_back(
    world: World, deployments: Iterable[SurgedDeployment], reserved: Counter[NamespacedName]
) -> set[str]:
    """Uids of the Deployments whose scale is not restored yet, since the removal of a pod would
    leave a budget below what it needs."""
    guards = {key: budget for key in reserved if _guards(world, budget := world.budgets[key])}
    left = {key: slots(world, budget) - reserved[key] for key, budget in guards.items()}
    held: set[str] = set()
    for deployment in deployments:
        keys = deployment.budgets & left.keys()
        if deployment.restores and deployment.surplus and any(left[key] < 0 for key in keys):
            held.add(deployment.uid)
            for key in keys:
                left[key] += deployment.surplus
    return held


def _guards(world: World, budget: Budget) -> bool:
    """Whether fewer replicas can break it. With a number as maxUnavailable it needs fewer as well;
    and one that asks for all its pods, or more, is as it was before the surge."""
    if isinstance(budget.rule.max_unavailable, int) or budget.sync_failed:
        return False
    return max(budget.expected, world.healthy(budget.key)) > budget.desired
