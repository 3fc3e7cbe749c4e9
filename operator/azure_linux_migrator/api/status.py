"""The status of an AzureLinuxMigration: counts, conditions and what cannot be re-derived.

Everything is bounded: no per-pod and no per-node lists. Times are RFC 3339 in UTC with seconds.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from azure_linux_migrator.api.base_model import Model
from azure_linux_migrator.api.elapsed import Elapsed
from azure_linux_migrator.api.status_checks import ForecastStatus, PreflightStatus
from azure_linux_migrator.api.status_drain import (
    BatchProgress,
    BlockerStatus,
    NodeCounts,
    PodCounts,
    Timing,
)

ConditionStatus = Literal["True", "False", "Unknown"]


class Phase(StrEnum):
    """One word for tables; tools read the conditions (ecosystem convention: phase is display)."""

    PENDING = "Pending"
    RUNNING = "Running"
    BLOCKED = "Blocked"
    PAUSED = "Paused"
    STALLED = "Stalled"
    ROLLING_BACK = "RollingBack"
    PLANNED = "Planned"
    SUCCEEDED = "Succeeded"
    ROLLED_BACK = "RolledBack"
    ABORTED = "Aborted"
    DELETING = "Deleting"


class Condition(Model):
    """A metav1.Condition."""

    type: Annotated[
        str,
        Field(description="What the condition is about; see docs/conditions.md.", max_length=64),
    ]
    status: Annotated[ConditionStatus, Field(description="Whether it holds.")]
    reason: Annotated[str, Field(description="Why it has this status.", max_length=64)]
    message: Annotated[
        str, Field(description="The reason in a sentence, with its objects.", max_length=2048)
    ] = ""
    observed_generation: Annotated[
        int, Field(description="The generation of the spec that it is about.")
    ] = 0
    last_transition_time: Annotated[
        str,
        Field(
            description="When its status changed last.", json_schema_extra={"format": "date-time"}
        ),
    ]


class AutoscalerBounds(Model):
    """Bounds of the cluster autoscaler."""

    min: Annotated[int, Field(description="Fewest nodes.")] = 0
    max: Annotated[int, Field(description="Most nodes.")] = 0


class SourceRecord(Model):
    """The source pool before anything was changed: what a rollback restores."""

    count: Annotated[int | None, Field(description="Its nodes.")] = None
    os_sku: Annotated[str, Field(description="Its OS SKU.", alias="osSKU", max_length=40)] = ""
    autoscaler: Annotated[
        AutoscalerBounds | None, Field(description="Its autoscaler, held during the drain.")
    ] = None


class RollbackStatus(Model):
    """Why everything is being moved back, or was."""

    reason: Annotated[str, Field(description="Why, as a condition reason.", max_length=64)]
    message: Annotated[str, Field(description="The reason in a sentence.", max_length=1024)] = ""
    requested_at: Annotated[
        str,
        Field(description="When the rollback began.", json_schema_extra={"format": "date-time"}),
    ]


HAND_OVER_LIMIT = 4096
"""Characters of a text of HandOver."""


class HandOver(Model):
    """What to change in code that manages the pools, since the pool has another name now."""

    terraform: Annotated[
        str,
        Field(
            description="Terraform code; empty where it is longer than the limit.",
            max_length=HAND_OVER_LIMIT,
        ),
    ] = ""
    bicep: Annotated[
        str,
        Field(
            description="Bicep code; empty where it is longer than the limit.",
            max_length=HAND_OVER_LIMIT,
        ),
    ] = ""
    autoscaler: Annotated[
        str,
        Field(
            description="What the preflight found about the autoscaler's priority expander, which "
            "names pools.",
            max_length=1536,
        ),
    ] = ""


class MigrationStatus(Model):
    """What the operator reports about a migration."""

    model_config = ConfigDict(extra="ignore")

    observed_generation: Annotated[
        int, Field(description="The generation this status is about; -1 before the first pass.")
    ] = -1
    phase: Annotated[
        str, Field(description="One word for tables; tools read the conditions.", max_length=32)
    ] = Phase.PENDING
    step: Annotated[
        str, Field(max_length=32, description="The step of the migration being worked on.")
    ] = ""
    message: Annotated[
        str, Field(description="What it does or waits for, in a sentence.", max_length=2048)
    ] = ""
    target_pool: Annotated[
        str, Field(max_length=12, description="Name of the target pool, once chosen.")
    ] = ""
    nodes: NodeCounts = NodeCounts()
    pods: PodCounts = PodCounts()
    batch: BatchProgress = BatchProgress()
    blockers: Annotated[
        tuple[BlockerStatus, ...],
        Field(max_length=20, description="What holds the drain up; at most 20, sorted."),
    ] = ()
    timing: Timing = Timing()
    elapsed: Elapsed = Elapsed()
    last_progress_time: Annotated[
        str | None,
        Field(description="When the step, the batch or a count last changed."),
    ] = None
    source: SourceRecord = SourceRecord()
    preflight: PreflightStatus = PreflightStatus()
    forecast: ForecastStatus | None = None
    approved: Annotated[
        str, Field(max_length=32, description="The gate that an admin has let pass.")
    ] = ""
    rollback: RollbackStatus | None = None
    handled_approval: Annotated[
        str,
        Field(
            max_length=256,
            description="The azlm.dev/approve of an earlier attempt: no word for this one.",
        ),
    ] = ""
    handled_rollback: Annotated[
        str, Field(max_length=256, description="The last azlm.dev/rollback that was acted on.")
    ] = ""
    handled_pause: Annotated[
        str, Field(max_length=256, description="The last azlm.dev/pause that was acted on.")
    ] = ""
    handled_resume: Annotated[
        str, Field(max_length=256, description="The last azlm.dev/resume that was acted on.")
    ] = ""
    handled_abort: Annotated[
        str, Field(max_length=256, description="The last azlm.dev/abort that was acted on.")
    ] = ""
    handled_retry: Annotated[
        str, Field(max_length=256, description="The last azlm.dev/retry that was acted on.")
    ] = ""
    earlier_tokens: Annotated[
        tuple[Annotated[str, Field(max_length=270)], ...],
        Field(
            description="Values that were acted on before the last ones, such as pause=1, the "
            "newest last: a tool that restores one from Git asks for nothing.",
            max_length=24,
        ),
    ] = ()
    handled_stop: Annotated[
        str,
        Field(
            max_length=256,
            description="The azlm-stop tag of the source that was taken over from a predecessor.",
        ),
    ] = ""
    aborted_at: Annotated[
        str | None, Field(description="When azlm.dev/abort stopped the migration for good.")
    ] = None
    paused_at: Annotated[
        str | None,
        Field(description="Since when azlm.dev/pause holds the migration, beside spec.paused."),
    ] = None
    hand_over: HandOver = HandOver()
    start_time: Annotated[
        str | None, Field(description="When the target pool was first asked for.")
    ] = None
    soak_started_at: Annotated[str | None, Field(description="When the last node was drained.")] = (
        None
    )
    completion_time: Annotated[str | None, Field(description="When the migration succeeded.")] = (
        None
    )
    conditions: Annotated[
        tuple[Condition, ...],
        Field(
            description="The state for tools; kstatus reads it.",
            max_length=16,
            json_schema_extra={
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["type"],
            },
        ),
    ] = ()

    def condition(self, kind: str) -> Condition | None:
        """The condition of that type, if set."""
        for condition in self.conditions:
            if condition.type == kind:
                return condition
        return None

    def is_true(self, kind: str) -> bool:
        """Whether that condition is set and True."""
        condition = self.condition(kind)
        return condition is not None and condition.status == "True"


def timestamp(now: float) -> str:
    """`now` (seconds since the epoch) as Kubernetes writes times."""
    return datetime.fromtimestamp(int(now), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def since_epoch(text: str | None) -> float | None:
    """The inverse of `timestamp`; None for none, and for text that is no timestamp."""
    try:
        return datetime.fromisoformat(text).timestamp() if text else None
    except ValueError:
        return None
