"""Why something does not move: the classes of blockers in status, events and metrics."""

from enum import StrEnum


class Cause(StrEnum):
    """Why something does not move. The value is the class in status, events and metrics."""

    BUDGET_DEADLOCKED = "BudgetDeadlocked"
    BUDGET_SYNC_FAILED = "BudgetSyncFailed"
    BUDGET_WITHOUT_PODS = "BudgetWithoutPods"
    BUDGET_UNHEALTHY = "BudgetUnhealthy"
    OWNER_UNHEALTHY = "OwnerUnhealthy"
    TWO_BUDGETS = "TwoBudgets"
    UNMANAGED = "Unmanaged"
    EMPTY_DIR = "EmptyDir"
    LOCAL_VOLUME = "LocalVolume"
    VOLUME_ZONE = "VolumeZone"
    RETURNS = "ReturnsToSource"
    STUCK_TERMINATING = "StuckTerminating"
    VOLUME_ATTACHED = "VolumeAttached"
    WEBHOOK = "WebhookDenied"
    NAMESPACE_TERMINATING = "NamespaceTerminating"
    FORBIDDEN = "EvictionForbidden"
    NEGATIVE = "BudgetOverdrawn"
    REJECTED = "EvictionRejected"
    SERVER = "ApiserverError"
    SURGE_STUCK = "SurgeStuck"
    SURGE_IMPOSSIBLE = "SurgeImpossible"
    NODE_LOST = "NodeLost"
    UNSCHEDULABLE = "ReplacementUnschedulable"
    NOT_READY = "ReplacementNotReady"
    NOT_MADE = "ReplacementNotCreated"


NOTES = frozenset({Cause.SURGE_IMPOSSIBLE, Cause.NODE_LOST})
"""What is told but holds nothing up."""
