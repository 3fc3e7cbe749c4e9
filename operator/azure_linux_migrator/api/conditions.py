"""The types of the conditions in `status.conditions`. Their reasons are in reasons.py."""

from enum import StrEnum


class ConditionType(StrEnum):
    """The first four follow kstatus; the others show the progress of a migration."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    SUCCEEDED = "Succeeded"
    PREFLIGHT_PASSED = "PreflightPassed"
    TARGET_READY = "TargetReady"
    DRAINED = "Drained"
    DRAIN_BLOCKED = "DrainBlocked"
    POOLS_CHANGED = "PoolsChanged"
    SOURCE_RETIRED = "SourceRetired"
