"""One log line for each change of a migration's status: state, batch, blocker, approval, rollback.

Called once a decision, with the status before it. Events (event_recorder.py) report fewer things,
and expire.
"""

import logging

from azure_linux_migrator.api.conditions import ConditionType
from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.api.status_drain import BlockerStatus
from azure_linux_migrator.controller.event_recorder import event_type
from azure_linux_migrator.controller.log_setup import bound

log = logging.getLogger(__name__)

MESSAGE_LIMIT = 300
_LEVELS = {"Normal": logging.INFO, "Warning": logging.WARNING}


def log_changes(before: MigrationStatus, after: MigrationStatus) -> None:
    """Log what differs."""
    with bound(batch=str(after.batch.index or "")):
        _log_state(before, after)
        _log_batch(before, after)
        _log_blockers(before, after)
        if after.approved and after.approved != before.approved:
            log.info("approval %s is given", after.approved)
        if after.rollback is not None and before.rollback is None:
            why = after.rollback
            with bound(reason=why.reason):
                log.warning("everything is moved back: %s", why.message)
        if after.pods.forced != before.pods.forced:
            log.warning("%d pods are deleted against their budgets so far", after.pods.forced)


def _log_state(before: MigrationStatus, after: MigrationStatus) -> None:
    old, new = _state(before), _state(after)
    if old == new:
        return
    reason = new[2]
    with bound(reason=reason):
        text = after.message[:MESSAGE_LIMIT]
        log.log(_LEVELS[event_type(reason)], "%s is now %s: %s", _named(old), _named(new), text)


def _state(status: MigrationStatus) -> tuple[str, str, str]:
    ready = status.condition(ConditionType.READY)
    return str(status.phase), str(status.step), ready.reason if ready else ""


def _named(state: tuple[str, str, str]) -> str:
    return "/".join(word for word in state if word)


def _log_batch(before: MigrationStatus, after: MigrationStatus) -> None:
    batch = after.batch
    if batch.index and batch.index != before.batch.index:
        log.info("batch %d of %d begins", batch.index, batch.of)
    if batch.drained_at and batch.drained_at != before.batch.drained_at:
        log.info("batch %d of %d is drained", batch.index, batch.of)


def _log_blockers(before: MigrationStatus, after: MigrationStatus) -> None:
    old = {_identity(blocker): blocker for blocker in before.blockers}
    new = {_identity(blocker): blocker for blocker in after.blockers}
    for identity in new.keys() - old.keys():
        blocker = new[identity]
        with bound(reason=blocker.cause, **_subject(blocker)):
            text = f"{blocker.message}; {blocker.remedy}" if blocker.remedy else blocker.message
            log.warning("%s holds %d pods back: %s", _about(blocker), blocker.pods, text)
    for identity in old.keys() - new.keys():
        blocker = old[identity]
        with bound(reason=blocker.cause, **_subject(blocker)):
            log.info("%s holds nothing back any more", _about(blocker))


def _identity(blocker: BlockerStatus) -> tuple[str, str, str, str]:
    return blocker.cause, blocker.kind, blocker.namespace, blocker.name


def _about(blocker: BlockerStatus) -> str:
    return f"{blocker.kind} {_key(blocker)}"


def _key(blocker: BlockerStatus) -> str:
    return f"{blocker.namespace}/{blocker.name}" if blocker.namespace else blocker.name


def _subject(blocker: BlockerStatus) -> dict[str, str]:
    field = blocker.kind.lower()
    return {field: _key(blocker)} if field in {"pod", "node", "deployment"} else {}
