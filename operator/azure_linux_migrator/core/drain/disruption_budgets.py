"""Disruption budgets: what an eviction costs, how many a budget can grant now, and why it grants
none.

The rules are those of the eviction subresource (pkg/registry/core/pod/storage/eviction.go).
"""

from collections.abc import Sequence
from math import ceil

from azure_linux_migrator.api.causes import Cause
from azure_linux_migrator.core.drain.blocker import Blocker, arithmetic, of_budget
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.model.cluster import Budget, Pod

MOST_REPLICAS = 11
"""More replicas than this are no remedy."""
PROBED = "; one pod a minute is asked for, so that a webhook that answers evictions can move it"
DISRUPTED_LIMIT = 2000
"""Evicted pods not yet seen by its controller, beyond which a budget refuses everything."""


def is_outside_budgets(pod: Pod) -> bool:
    """Whether the API server deletes a pod without a look at its budgets: it does not run."""
    return pod.phase == "Pending" or pod.finished


def is_free(pod: Pod, budget: Budget) -> bool:
    """Whether evicting a pod costs its budget nothing.

    Running pods that are not Ready cost nothing under AlwaysAllow, or under IfHealthyBudget while
    enough others are healthy. A pod that becomes Ready before the request arrives costs a slot
    after all, and may be refused once.
    """
    return is_outside_budgets(pod) or (not pod.ready and unready_are_free(budget))


def unready_are_free(budget: Budget) -> bool:
    """Whether the budget lets running pods that are not Ready go for nothing."""
    if budget.unhealthy_policy == "AlwaysAllow":
        return True
    return budget.healthy >= budget.desired > 0


def slots(world: World, budget: Budget) -> int:
    """Evictions that the budget is known to grant now; 0 or less for none.

    Its status may lag behind our evictions, and our own watch of the pods too: the smaller of the
    two counts, each corrected by what it does not show yet, is safe.
    """
    if budget.observed_generation < budget.generation or len(budget.disrupted) > DISRUPTED_LIMIT:
        return 0
    by_status = budget.allowed - world.inflight.unshown(budget.key)
    by_watch = world.healthy(budget.key) - world.inflight.unseen(budget.key) - budget.desired
    return min(by_status, by_watch)


def is_deadlocked(budget: Budget) -> bool:
    """Whether the budget forbids every eviction even while all its pods are healthy."""
    return (
        budget.observed_generation >= budget.generation
        and not budget.sync_failed
        and budget.expected > 0
        and budget.never_allows
    )


def why_none(budget: Budget, pods: int, *, probed: bool = False) -> Blocker | None:
    """Why a budget will grant no slot to `pods` pods, whatever becomes Ready; None if it will.
    `probed` is whether it is asked all the same."""
    if budget.sync_failed:
        message = f"PodDisruptionBudget {budget.key} cannot be computed: {budget.sync_failed}"
        remedy = (
            "set minAvailable to a number in it, for which Kubernetes needs no scale of the owner "
            "of its pods, or delete it"
        )
        return of_budget(budget, Cause.BUDGET_SYNC_FAILED, message, remedy, pods)
    if budget.observed_generation < budget.generation:
        return None
    if is_deadlocked(budget):
        remedy = deadlock_remedy(budget, surge_helps=False)
        text = f"{arithmetic(budget)}{PROBED if probed else ''}"
        return of_budget(budget, Cause.BUDGET_DEADLOCKED, text, remedy, pods)
    if budget.expected == 0:
        message = f"PodDisruptionBudget {budget.key} counts no pods, so it allows no disruption"
        remedy = "delete it, or see that its selector matches the pods that it is for"
        return of_budget(budget, Cause.BUDGET_WITHOUT_PODS, message, remedy, pods)
    return None


def deadlock_remedy(budget: Budget, *, surge_helps: bool) -> str:
    """How its pods can move after all. More replicas are named only where they make a slot: the
    number that is needed rises with them under a percentage and under maxUnavailable 0. SurgeFirst
    is named where its pods can be surged."""
    more = next(
        (count for count in range(budget.expected + 1, MOST_REPLICAS) if _slots_of(budget, count)),
        0,
    )
    replicas = f"run at least {more} replicas, " if more else ""
    allow = "let the budget allow a disruption (maxUnavailable: 1)"
    if surge_helps:
        return f"{replicas}{allow}, or set spec.drain.singletons to SurgeFirst"
    return f"{replicas.removesuffix(', ')} or {allow}" if replicas else allow


def _slots_of(budget: Budget, replicas: int) -> int:
    """Disruptions that the budget's rule would allow with so many healthy replicas
    (getExpectedPodCount in pkg/controller/disruption/disruption.go); 0 if the rule is not known."""
    least, most = budget.rule.min_available, budget.rule.max_unavailable
    if least is not None:
        return replicas - _share(least, replicas)
    return 0 if most is None else _share(most, replicas)


def _share(value: int | str, replicas: int) -> int:
    return (
        value if isinstance(value, int) else ceil(float(value.removesuffix("%")) * replicas / 100)
    )


def unhealthy_remedy(budget: Budget) -> str:
    """What to do about a budget that unhealthy pods use up."""
    remedy = "see why its pods are not Ready (kubectl describe pods) and fix or delete them"
    if budget.unhealthy_policy == "AlwaysAllow":
        return remedy
    return f"{remedy}, or let them go: set unhealthyPodEvictionPolicy: AlwaysAllow in the budget"


def starved(budget: Budget, pods: int, unready: Sequence[str]) -> Blocker:
    """A budget that has granted nothing for a while because its pods do not become healthy;
    `unready` are the names of some that are not Ready."""
    suffix = f"; not Ready: {', '.join(unready)}" if unready else ""
    message = arithmetic(budget) + suffix
    return of_budget(budget, Cause.BUDGET_UNHEALTHY, message, unhealthy_remedy(budget), pods)
