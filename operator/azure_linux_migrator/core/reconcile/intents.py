"""What people ask for by annotation: pause, resume, abort and retry.

Each value of an annotation acts once and is recorded in the status, so that a GitOps tool that
removes the annotation, or restores the value that Git has, undoes nothing. Approvals and rollbacks
are recorded in the same way, where they take effect (core/steps/approvals, decide). Asked for at
the same time, abort comes before rollback, rollback before pause, and pause before resume.
"""

from dataclasses import replace

from azure_linux_migrator.api.names import (
    ABORT,
    APPROVE,
    PAUSE,
    RESUME,
    RETRY,
    ROLLBACK,
    TAG_STOP,
)
from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.api.status import MigrationStatus, Phase, timestamp
from azure_linux_migrator.core.steps.approvals import TOKEN_LIMIT
from azure_linux_migrator.model.migration import Migration
from azure_linux_migrator.model.pool import Pool

_PAUSED, _STOPPED, _APPROVED = "paused", "stopped", "approved="
_HANDLED = {
    APPROVE: "handled_approval",
    ROLLBACK: "handled_rollback",
    PAUSE: "handled_pause",
    RESUME: "handled_resume",
    ABORT: "handled_abort",
    RETRY: "handled_retry",
}
"""Annotation, and the field of the status that records its last value."""
_REMEMBERED = (PAUSE, RESUME, ROLLBACK, ABORT, RETRY)
"""Annotations whose earlier values are known too. An approval names a gate, which may be opened
again."""
REMEMBERED = 24


def token(migration: Migration, annotation: str) -> str:
    """The value of an annotation if it is new, else an empty text."""
    value = _value(migration, annotation)
    last = value == getattr(migration.status, _HANDLED[annotation])
    return "" if last or earlier_token(migration, annotation) else value


def earlier_token(migration: Migration, annotation: str) -> str:
    """The value of an annotation if it was acted on before the last one, else an empty text."""
    value, status = _value(migration, annotation), migration.status
    if value == getattr(status, _HANDLED[annotation]):
        return ""
    return value if _entry(annotation, value) in status.earlier_tokens else ""


def remembering(migration: Migration, status: MigrationStatus) -> MigrationStatus:
    """The next status with the values that it replaces, after those of before. A value that is set
    again counts as the newest, so that others do not displace it."""
    entries = list(migration.status.earlier_tokens)
    for annotation in _REMEMBERED:
        last = getattr(migration.status, _HANDLED[annotation])
        if last and last != getattr(status, _HANDLED[annotation]):
            entries.append(_entry(annotation, last))
        now_set = _entry(annotation, _value(migration, annotation))
        if now_set in entries:
            entries.append(now_set)
    newest_first = tuple(dict.fromkeys(reversed(entries)))[:REMEMBERED]
    tokens = newest_first[::-1]
    if tokens == status.earlier_tokens:
        return status
    return status.model_copy(update={"earlier_tokens": tokens})


def _value(migration: Migration, annotation: str) -> str:
    return migration.annotations.get(annotation, "")[:TOKEN_LIMIT]


def _entry(annotation: str, value: str) -> str:
    return f"{annotation.partition('/')[2]}={value}"


def without_old_tokens(migration: Migration) -> Migration:
    """A resource that was created with annotations was exported with them: they were meant for
    another attempt, and count as used. A pause that no resume follows holds all the same: it may
    have been asked for before azlm saw the resource first."""
    status = migration.status
    if status.step or status.conditions:
        return migration
    holds = {PAUSE} if RESUME not in migration.annotations else set()
    used = {_HANDLED[name]: token(migration, name) for name in _HANDLED.keys() - holds}
    return _with(migration, {field: value for field, value in used.items() if value})


def with_intents(migration: Migration, now: float) -> Migration:
    """The migration after the annotations that pause and resume it, or give its drain its time
    again. `now` is in seconds since the epoch."""
    changes: dict[str, object] = {}
    status = migration.status
    if (value := token(migration, RETRY)) and not ended(status):
        batch = status.batch
        again = {"counted_from": timestamp(now)} if batch.started_at else {}
        changes |= {"handled_retry": value, "batch": batch.model_copy(update=again)}
    if value := token(migration, RESUME):
        changes |= {"handled_resume": value, "paused_at": None}
    if value := token(migration, PAUSE):
        paused_at = status.paused_at or timestamp(now)
        changes |= {"handled_pause": value, "paused_at": paused_at}
    return _with(migration, changes)


def used(status: MigrationStatus, migration: Migration, *annotations: str) -> MigrationStatus:
    """The status with the values of these annotations recorded; what was recorded of one that is
    gone stays, because it may come back."""
    values = {
        _HANDLED[annotation]: value[:TOKEN_LIMIT]
        for annotation in annotations
        if (value := migration.annotations.get(annotation, ""))
    }
    return status.model_copy(update=values)


def ended(status: MigrationStatus) -> bool:
    """Whether nothing happens until somebody asks for another attempt."""
    return status.aborted_at is not None or status.phase == Phase.ROLLED_BACK


def tries_again(migration: Migration) -> bool:
    """Whether a migration that was rolled back or aborted begins again: azlm.dev/retry asks for it,
    or, after a rollback, a changed spec does. What was aborted stays so until somebody asks."""
    if token(migration, RETRY):
        return True
    status = migration.status
    changed = status.observed_generation != migration.generation
    return status.aborted_at is None and changed


def stop_mark(migration: Migration) -> str:
    """What a migration that is being deleted leaves to its successor in a tag of the source, such
    as `workers:paused,approved=BeforeDrain`; empty where there is nothing to remember."""
    status = migration.status
    if status.completion_time:
        return ""
    asked_back = status.rollback is not None and status.rollback.reason == Reason.REQUESTED
    if status.aborted_at or asked_back:
        words = [_STOPPED]
    else:
        words = [_PAUSED] if status.paused_at else []
        words += [f"{_APPROVED}{status.approved}"] if status.approved else []
    return f"{migration.name}:{','.join(words)}" if words else ""


def with_stop_mark(migration: Migration, source: Pool | None, now: float) -> Migration:
    """A migration that was deleted and applied again is paused as its predecessor was, or where
    that was stopped, and keeps its approval."""
    mark = source.tag(TAG_STOP) if source is not None else ""
    name, _, words = mark.partition(":")
    status = migration.status
    if name != migration.name or status.start_time or status.handled_stop == mark:
        return migration
    changes: dict[str, object] = {"handled_stop": mark[:TOKEN_LIMIT]}
    for word in words.split(","):
        if word in {_PAUSED, _STOPPED}:
            changes["paused_at"] = timestamp(now)
        elif word.startswith(_APPROVED):
            changes["approved"] = word.removeprefix(_APPROVED)
    return _with(migration, changes)


def _with(migration: Migration, changes: dict[str, object]) -> Migration:
    if not changes:
        return migration
    return replace(migration, status=migration.status.model_copy(update=changes))
