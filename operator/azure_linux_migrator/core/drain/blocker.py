"""What holds a drain up, by class, with what an admin can do about it."""

from dataclasses import dataclass

from azure_linux_migrator.api.causes import Cause
from azure_linux_migrator.api.names import UPGRADE_STATUS_LABEL
from azure_linux_migrator.core.state.backoff import BudgetBackoff
from azure_linux_migrator.core.state.breaker import Trouble
from azure_linux_migrator.core.state.pod_refusals import PodRefusal
from azure_linux_migrator.model.cluster import Budget, NamespacedName, Node, Pod


@dataclass(frozen=True, slots=True, order=True)
class Blocker:
    """An object that holds `pods` pods back. `remedy` is what an admin can do."""

    cause: Cause
    kind: str
    key: NamespacedName
    message: str
    remedy: str
    pods: int = 1
    uid: str = ""

    @property
    def blocks(self) -> bool:
        """Whether the drain cannot end while it stands."""
        return self.cause.blocks

    def __str__(self) -> str:
        return f"{self.message}; {self.remedy}"


def arithmetic(budget: Budget) -> str:
    """A budget's numbers in words, for an admin."""
    return (
        f"PodDisruptionBudget {budget.key} allows {budget.allowed}: "
        f"{budget.healthy} of {budget.expected} pods healthy, {budget.desired} needed"
    )


def of_budget(budget: Budget, cause: Cause, message: str, remedy: str, pods: int) -> Blocker:
    """A budget that gives no slot."""
    kind = "PodDisruptionBudget"
    return Blocker(cause, kind, budget.key, message, remedy, pods, budget.uid)


def of_pod(pod: Pod, cause: Cause, why: str, remedy: str) -> Blocker:
    """A pod that cannot be moved, whatever its budget says."""
    return Blocker(cause, "Pod", pod.key, f"pod {pod.key}: {why}", remedy, 1, pod.uid)


def of_held(node: Node, pods: int) -> Blocker:
    """A node that is marked as not to be upgraded now."""
    why = (
        f"node {node.name} is marked {UPGRADE_STATUS_LABEL}={node.upgrade_status}; it is drained "
        "when the label is gone"
    )
    remedy = f"when its workload is ready: kubectl label node {node.name} {UPGRADE_STATUS_LABEL}-"
    return Blocker(Cause.NODE_HELD, "Node", NamespacedName("", node.name), why, remedy, pods)


_REFUSALS = {
    Cause.WEBHOOK: "an admission webhook or policy refuses the eviction; it is asked again",
    Cause.NAMESPACE_TERMINATING: "its namespace is being deleted; nothing needs to be done",
    Cause.FORBIDDEN: (
        "give the operator's ServiceAccount `create` on pods/eviction, and for "
        "spec.drain.onTimeout: Force `delete` on pods"
    ),
    Cause.NEGATIVE: "the budget's status is broken; it is fixed by the disruption controller",
    Cause.REJECTED: "the apiserver does not accept the request; see its message",
    Cause.SERVER: "look at the apiserver's health; the eviction is sent again",
    Cause.TWO_BUDGETS: "let only one PodDisruptionBudget select the pod",
}


PASSING = frozenset({Cause.SERVER})
"""Refusals that often pass by themselves; reported at the third time."""


REFUSED_OFTEN = 5
"""A budget that refuses so often in a row what it should grant by its status is reported."""


def of_refusal(pod: Pod, refusal: PodRefusal) -> Blocker | None:
    """A pod whose eviction the apiserver refuses for a reason that no slot will cure."""
    cause = next((cause for cause in _REFUSALS if cause.value == refusal.reason), None)
    if cause is None or (cause in PASSING and refusal.times < 3):
        return None
    return of_pod(pod, cause, refusal.message, _REFUSALS[cause])


def of_backoff(budget: Budget, backoff: BudgetBackoff, pods: int) -> Blocker | None:
    """A budget for which the apiserver refuses everything."""
    message = f"PodDisruptionBudget {budget.key} refuses evictions: {backoff.message}"
    if backoff.reason == Cause.NEGATIVE.value:
        return of_budget(budget, Cause.NEGATIVE, message, _REFUSALS[Cause.NEGATIVE], pods)
    if backoff.times < REFUSED_OFTEN:
        return None
    remedy = "see its status, and why the apiserver does not agree with it; it is asked again"
    return of_budget(budget, Cause.BUDGET_UNHEALTHY, message, remedy, pods)


def of_trouble(trouble: Trouble, pods: int) -> Blocker | None:
    """What refuses every eviction, reported once and not for each pod."""
    cause = next((refusal for refusal in _REFUSALS if refusal.value == trouble.reason), None)
    if cause is None or (cause in PASSING and trouble.probes < 3):
        return None
    message = f"evictions are refused, whatever the pod: {trouble.message}"
    return Blocker(cause, "Eviction", NamespacedName("", "pods"), message, _REFUSALS[cause], pods)
