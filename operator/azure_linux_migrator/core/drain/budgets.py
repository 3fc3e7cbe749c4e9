"""Disruption budgets: what an eviction costs, and how many a budget can grant right now.

The rules are those of the eviction subresource (pkg/registry/core/pod/storage/eviction.go).
"""

from azure_linux_migrator.core.records import Budget, Pod
from azure_linux_migrator.core.world import World


def is_free(pod: Pod, budget: Budget) -> bool:
    """Whether evicting a pod costs its budget nothing.

    Pods that do not run are deleted without a look at the budget; running pods that are not Ready
    are, under AlwaysAllow, or under IfHealthyBudget while enough others are healthy.
    """
    if pod.phase == "Pending" or pod.finished:
        return True
    if pod.ready:
        return False
    if budget.unhealthy_policy == "AlwaysAllow":
        return True
    return budget.healthy >= budget.desired > 0


def slots(world: World, budget: Budget) -> int:
    """Evictions that the budget is known to grant now; 0 or less for none.

    Its status may lag behind our evictions, and our own watch of the pods too: the smaller of the
    two counts, each corrected by what it does not show yet, is safe.
    """
    if budget.observed_generation < budget.generation:
        return 0
    by_status = budget.allowed - world.ledger.unshown(budget.key)
    by_watch = world.healthy(budget.key) - world.ledger.unseen(budget.key) - budget.desired
    return min(by_status, by_watch)


def is_deadlocked(budget: Budget) -> bool:
    """Whether the budget forbids every eviction although all its pods are healthy."""
    return (
        budget.observed_generation >= budget.generation
        and budget.allowed <= 0
        and budget.expected > 0
        and budget.healthy >= budget.expected
    )


def arithmetic(budget: Budget) -> str:
    """A budget's numbers in words, for an admin."""
    return (
        f"PodDisruptionBudget {budget.key} allows {budget.allowed}: "
        f"{budget.healthy} of {budget.expected} pods healthy, {budget.desired} needed"
    )
