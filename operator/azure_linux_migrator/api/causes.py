"""Why something does not move: the classes of blockers in status, events and metrics.

A cause has one home: here stands its meaning. What an admin can do depends on the object, and is
in the blocker's remedy. The table of docs/drain.md is written from here (`make docs-tables`).
"""

from enum import StrEnum
from typing import Self


class Cause(StrEnum):
    """Why something does not move. The value is the class in status, events and metrics; `text` is
    its meaning; `blocks` is False for information that holds nothing up."""

    text: str
    blocks: bool

    def __new__(cls, value: str, text: str = "", blocks: bool = True) -> Self:
        """A member is its value, with the rest beside it."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.text, member.blocks = text, blocks
        return member

    BUDGET_DEADLOCKED = (
        "BudgetDeadlocked",
        "a budget that allows no disruption even when all its pods are healthy",
    )
    BUDGET_SYNC_FAILED = (
        "BudgetSyncFailed",
        "the disruption controller cannot compute the budget, often because the pods have no scale",
    )
    BUDGET_WITHOUT_PODS = "BudgetWithoutPods", "the budget counts no pods, so it allows nothing"
    BUDGET_UNHEALTHY = (
        "BudgetUnhealthy",
        "the budget has given no slot for a minute: its pods do not become Ready",
    )
    OWNER_UNHEALTHY = (
        "OwnerUnhealthy",
        (
            "replicas without a budget: none could leave for a minute, because others of them"
            " are not Ready. After ten minutes one moves nevertheless "
            "(`spec.drain.implicitBudgets`)"
        ),
    )
    NEGATIVE = (
        "BudgetOverdrawn",
        "the budget's status is inconsistent, and the API server refuses every eviction",
    )
    TWO_BUDGETS = "TwoBudgets", "two budgets select one pod; Kubernetes does not evict such a pod"
    UNMANAGED = "Unmanaged", "the pod has no controller: nothing recreates it elsewhere"
    EMPTY_DIR = "EmptyDir", "the pod has data in an emptyDir, and `spec.drain.emptyDir` is Block"
    LOCAL_VOLUME = "LocalVolume", "the pod's volume is on the node"
    VOLUME_ZONE = "VolumeZone", "the pod's volume is in a zone where the target has no node"
    VOLUME_ATTACHED = "VolumeAttached", "a volume of a moved pod is still attached to the old node"
    RETURNS = (
        "ReturnsToSource",
        (
            "the owner's pods are scheduled to cordoned nodes again: they tolerate the cordon"
            " or name the node"
        ),
    )
    NODE_HELD = (
        "NodeHeld",
        (
            "a workload or AKS has marked the node with `kubernetes.azure.com/upgrade-status`: it "
            "joins no batch, and its pods stay, until the label is gone"
        ),
    )
    STUCK_TERMINATING = (
        "StuckTerminating",
        (
            "the pod is present a minute after its grace period: a finalizer, or a kubelet "
            "that does not answer"
        ),
    )
    WEBHOOK = (
        "WebhookDenied",
        "an admission webhook or policy refuses the eviction, or does not answer",
    )
    NAMESPACE_TERMINATING = "NamespaceTerminating", "the pod's namespace is being deleted"
    FORBIDDEN = "EvictionForbidden", "the operator has no right to evict the pod"
    REJECTED = "EvictionRejected", "the API server does not accept the request"
    SERVER = "ApiserverError", "the API server failed three times on the eviction"
    SURGE_STUCK = (
        "SurgeStuck",
        (
            "a surged Deployment does not progress: Kubernetes says so, its new pod finds no node,"
            " is not Ready after ten minutes, or the API server refuses the change"
        ),
    )
    UNSCHEDULABLE = (
        "ReplacementUnschedulable",
        (
            "the scheduler finds no node for a pod that replaces a moved one; nothing more is"
            " moved until it does, at most for `spec.drain.timeout`. The message quotes the "
            "scheduler, and the remedy follows it"
        ),
    )
    NOT_READY = (
        "ReplacementNotReady",
        (
            "a pod that replaces a moved one is not Ready after five minutes (or three times "
            "what its predecessor took), or fails again and again. Pods that were not Ready "
            "before the move do not count. Nothing more is moved until it is Ready, unless "
            "`spec.drain.unhealthyReplacements` is `Ignore`"
        ),
    )
    NOT_MADE = (
        "ReplacementNotCreated",
        (
            "a controller has not made the replacements of moved pods for a minute: a quota "
            "or an admission webhook refuses them. The message quotes the controller"
        ),
    )
    NODE_LOST = (
        "NodeLost",
        (
            "a node has been NotReady for five minutes. Its pods whose grace period ended "
            "five minutes ago are no longer waited for"
        ),
        False,
    )
    SURGE_UNDONE = (
        "SurgeUndone",
        (
            "a GitOps tool or an autoscaler sets the replicas of the Deployment, and would take "
            "back the replica that a surge adds. The pod is not evicted"
        ),
    )
    SURGE_IMPOSSIBLE = (
        "SurgeImpossible",
        (
            "the pod's controller cannot be surged, or its surge moved nothing for ten minutes, and"
            " why. The pod is evicted instead"
        ),
        False,
    )


def cause_table() -> str:
    """The table of docs/drain.md."""
    rows = ["| cause | what it is |", "|---|---|"]
    rows += [
        f"| `{cause.value}` | {'' if cause.blocks else 'information only: '}{cause.text} |"
        for cause in Cause
    ]
    return "\n".join(rows)
