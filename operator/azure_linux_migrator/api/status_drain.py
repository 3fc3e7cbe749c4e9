"""The part of the status that a drain changes: batches, counts, blockers and times.

Everything is bounded: no per-pod and no per-node lists. Times are RFC 3339 in UTC with seconds.
"""

from typing import Annotated

from pydantic import Field

from azure_linux_migrator.api.base_model import Model


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
    """How long the drain takes, and what it must take: `measured`, `ideal` and `floor` are about
    the batches that were watched from beginning to end and that nothing blocked."""

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
    measured_seconds: Annotated[
        float | None,
        Field(
            description="Of drainSeconds, the batches that were watched as a whole and not blocked."
        ),
    ] = None
    ideal_seconds: Annotated[
        float | None,
        Field(
            description="What these batches had to take: the start times of the pods that replaced "
            "others, on the slots of each budget, without any delay."
        ),
    ] = None
    floor_seconds: Annotated[
        float | None,
        Field(description="idealSeconds with the latency of this control plane on each slot."),
    ] = None
    ratio: Annotated[float | None, Field(description="measuredSeconds ÷ idealSeconds.")] = None
