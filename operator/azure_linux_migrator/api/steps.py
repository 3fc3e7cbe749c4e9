"""The steps of a migration, as `status.step` names them. Their order is in core/steps/routes.py."""

from enum import StrEnum
from typing import Self


class Step(StrEnum):
    """A step, with what it does in one sentence."""

    text: str

    def __new__(cls, value: str, text: str) -> Self:
        """A member is its value and the sentence."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.text = text
        return member

    PREFLIGHT = "Preflight", "checks that the migration can work; nothing is changed"
    HOLD_AUTOSCALER = "HoldAutoscaler", "turns the autoscaler of the source off"
    CREATE_TARGET = "CreateTarget", "creates the Azure Linux pool and waits for its nodes"
    SCALE_TARGET = "ScaleTarget", "lets the autoscaler add nodes to the target (BlueGreen)"
    AWAIT_DRAIN_APPROVAL = "AwaitDrainApproval", "waits for spec.approval BeforeDrain"
    CORDON_SOURCE = "CordonSource", "cordons every node of the source"
    DRAIN = "Drain", "moves the pods, batch after batch"
    SOAK = "Soak", "waits for spec.strategy.finalSoak"
    AWAIT_RETIRE_APPROVAL = "AwaitRetireApproval", "waits for spec.approval BeforeRetire"
    RETIRE_SOURCE = "RetireSource", "deletes, empties or keeps the source (spec.sourcePool)"
    COMPLETE_TARGET = "CompleteTarget", "brings the target of a Rolling migration to its size"
    HAND_OVER_AUTOSCALER = "HandOverAutoscaler", "gives the target the autoscaler of the source"
    UPDATE_IN_PLACE = "UpdateInPlace", "waits while AKS replaces the OS of the pool (InPlace)"
    RELEASE_SOURCE = "ReleaseSource", "uncordons the source (rollback)"
    RESTORE_SOURCE = "RestoreSource", "brings the source back to its size (rollback)"
    HOLD_TARGET = "HoldTarget", "turns the autoscaler of the target off (rollback)"
    CORDON_TARGET = "CordonTarget", "cordons the nodes of the target (rollback)"
    DRAIN_TARGET = "DrainTarget", "moves the pods back to the source (rollback)"
    RESTORE_AUTOSCALER = "RestoreAutoscaler", "gives the source its autoscaler back (rollback)"
    REMOVE_TARGET = "RemoveTarget", "deletes the target (rollback)"
