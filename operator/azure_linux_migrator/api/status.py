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

ConditionStatus = Literal["True", "False", "Unknown"]


class Phase(StrEnum):
    """One word for tables; tools read the conditions (ecosystem convention: phase is display)."""

    PENDING = "Pending"
    RUNNING = "Running"
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


class NodeCounts(Model):
    """Source nodes by what has happened to them, and the target's Ready ones."""

    total: Annotated[int, Field(description="Source nodes this migration has seen.")] = 0
    cordoned: Annotated[int, Field(description="Source nodes that take no new pods.")] = 0
    draining: Annotated[
        int, Field(description="Source nodes in a batch that still hold pods to move.")
    ] = 0
    drained: Annotated[int, Field(description="Source nodes with nothing left to move.")] = 0
    target_ready: Annotated[int, Field(description="Ready nodes of the target pool.")] = 0
    extra: Annotated[
        int, Field(description="Nodes of both pools beyond the size of the source.")
    ] = 0
    progress: Annotated[str, Field(max_length=16, description="drained/total, for the table.")] = ""


class PodCounts(Model):
    """Pods on the source pool that have to move."""

    remaining: Annotated[int, Field(description="Pods still to be moved off the source.")] = 0
    terminating: Annotated[int, Field(description="Of those, the ones on their way out.")] = 0
    waiting: Annotated[
        int,
        Field(
            description="Of those, the ones in a batch that may be evicted and have no free slot. "
            "A blocker also counts pods of nodes that are in no batch yet."
        ),
    ] = 0
    skipped: Annotated[
        int, Field(description="Pods that stay with their node: DaemonSet and mirror pods.")
    ] = 0
    forced: Annotated[
        int, Field(description="Pods deleted against their budgets (spec.drain.onTimeout: Force).")
    ] = 0


class BlockerStatus(Model):
    """What holds pods back, and what an admin can do."""

    cause: Annotated[str, Field(max_length=64, description="Its class, as in the metrics.")]
    kind: Annotated[
        str, Field(description="Kind of the object that holds them back.", max_length=64)
    ]
    namespace: Annotated[
        str, Field(description="Its namespace; empty for a node.", max_length=63)
    ] = ""
    name: Annotated[str, Field(description="Its name.", max_length=253)]
    pods: Annotated[int, Field(description="Pods it holds back.")] = 0
    message: Annotated[
        str, Field(description="What is wrong, with its numbers.", max_length=1024)
    ] = ""
    remedy: Annotated[str, Field(description="What an admin can do.", max_length=512)] = ""
    since: Annotated[
        str,
        Field(
            description="Since when it holds pods back.", json_schema_extra={"format": "date-time"}
        ),
    ]


class Timing(Model):
    """How long the drain takes, in whole seconds, and how near that is to what it must take."""

    estimate_seconds: Annotated[
        int | None,
        Field(description="Estimate for the whole drain, from how long the pods took to start."),
    ] = None
    limited_by: Annotated[
        str, Field(max_length=320, description="What the estimate comes from.")
    ] = ""
    eta: Annotated[
        str | None,
        Field(description="When the drain should be over, by what is left; absent while blocked."),
    ] = None
    drain_seconds: Annotated[
        float, Field(description="Time spent draining, the soaks between batches left out.")
    ] = 0.0
    bound_seconds: Annotated[
        float | None,
        Field(description="What perfect use of the budgets would have needed, as observed."),
    ] = None
    ratio: Annotated[
        float | None,
        Field(
            description="drainSeconds ÷ boundSeconds; absent where a batch was blocked for a time."
        ),
    ] = None


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


class BatchProgress(Model):
    """Batch `index` of `of`; 0 before the first."""

    index: Annotated[int, Field(description="The batch being drained.")] = 0
    of: Annotated[int, Field(description="Batches there will have been at the end.")] = 0
    started_at: Annotated[str | None, Field(description="When its nodes were admitted.")] = None
    counted_from: Annotated[
        str | None,
        Field(description="Since when spec.drain.timeout counts: a pause begins it again."),
    ] = None
    drained_at: Annotated[str | None, Field(description="When its last node was drained.")] = None


class MigrationStatus(Model):
    """What the operator tells about a migration."""

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
        return next((condition for condition in self.conditions if condition.type == kind), None)

    def is_true(self, kind: str) -> bool:
        """Whether that condition is set and True."""
        condition = self.condition(kind)
        return condition is not None and condition.status == "True"


def timestamp(now: float) -> str:
    """`now` (seconds since the epoch) as Kubernetes writes times."""
    return datetime.fromtimestamp(int(now), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def since_epoch(text: str | None) -> float | None:
    """The inverse of `timestamp`; None for none, and for what somebody wrote who is no machine."""
    try:
        return datetime.fromisoformat(text).timestamp() if text else None
    except ValueError:
        return None
