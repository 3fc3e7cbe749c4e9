"""What a decision adds to the record of a migration: its last progress, and its time and nodes.

Both are kept in the status, so that a process that restarts neither hides a stall nor loses time.
"""

from azure_linux_migrator.api.conditions import ConditionType
from azure_linux_migrator.api.elapsed import Elapsed, ElapsedPart
from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.api.status import MigrationStatus, Phase, since_epoch, timestamp
from azure_linux_migrator.api.steps import Step

OVER = frozenset((Phase.SUCCEEDED, Phase.ROLLED_BACK, Phase.ABORTED))
"""Phases in which a migration does nothing more."""

_MOVING = frozenset((Step.DRAIN, Step.DRAIN_TARGET, Step.UPDATE_IN_PLACE))
_APPROVALS = frozenset((Step.AWAIT_DRAIN_APPROVAL, Step.AWAIT_RETIRE_APPROVAL))
_SOAKS = frozenset((Reason.BATCH_SOAK, Reason.SOAKING))


def accounted(before: MigrationStatus, after: MigrationStatus, now: float) -> MigrationStatus:
    """`after`, which was decided at `now` (seconds since the epoch), with what has passed."""
    changes: dict[str, object] = {}
    if after.phase not in OVER and (
        after.last_progress_time is None or _progress(before) != _progress(after)
    ):
        changes["last_progress_time"] = timestamp(now)
    elapsed = _elapsed(before, after, now)
    if elapsed != after.elapsed:
        changes["elapsed"] = elapsed
    return after.model_copy(update=changes) if changes else after


def elapsed_now(status: MigrationStatus, now: float) -> Elapsed:
    """The record with the part that is under way counted up to `now`."""
    return _counted(status.elapsed, status.nodes.extra, now)


def _progress(status: MigrationStatus) -> tuple[object, ...]:
    """What changes when a migration goes on, or when an admin lets it."""
    nodes = status.nodes
    counts = (nodes.cordoned, nodes.drained, nodes.target_ready, status.pods.remaining)
    return (status.step, counts, status.batch.index, status.phase == Phase.PAUSED)


def _elapsed(before: MigrationStatus, after: MigrationStatus, now: float) -> Elapsed:
    part = _part(after)
    elapsed = after.elapsed
    if elapsed.part == part and before.nodes.extra == after.nodes.extra:
        return elapsed
    return _counted(elapsed, before.nodes.extra, now).model_copy(
        update={"part": part, "counted_to": timestamp(now) if part else None}
    )


def _counted(elapsed: Elapsed, extra: int, now: float) -> Elapsed:
    since = since_epoch(elapsed.counted_to)
    if since is None or elapsed.part not in tuple(ElapsedPart):
        return elapsed
    seconds = max(0, int(now) - int(since))
    return elapsed.model_copy(
        update={
            elapsed.part: elapsed.seconds[ElapsedPart(elapsed.part)] + seconds,
            "extra_node_seconds": elapsed.extra_node_seconds + seconds * extra,
        }
    )


def _part(status: MigrationStatus) -> str:
    """What the time counts under from now on; empty before the start and after the end."""
    ready = status.condition(ConditionType.READY)
    reason = ready.reason if ready else ""
    part = ElapsedPart.PREPARING.value
    if status.start_time is None or status.phase in OVER or status.phase == Phase.DELETING:
        part = ""
    elif status.phase == Phase.PAUSED:
        part = ElapsedPart.PAUSED.value
    elif status.phase == Phase.STALLED or status.step in _APPROVALS:
        part = ElapsedPart.WAITING.value
    elif reason in _SOAKS:
        part = ElapsedPart.SOAKING.value
    elif status.step in _MOVING:
        part = ElapsedPart.MOVING.value
    return part
