"""Annotations of an admin that have no effect, in words: what is ignored is reported."""

from azure_linux_migrator.api.conditions import ConditionType
from azure_linux_migrator.api.names import ABORT, APPROVE, PAUSE, RESUME, RETRY, ROLLBACK
from azure_linux_migrator.api.spec import Approval
from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.core.reconcile.intents import earlier_token, ended, token
from azure_linux_migrator.core.steps.routes import FINAL, route_of
from azure_linux_migrator.model.migration import Migration

SEPARATOR = ". Without effect: "
MESSAGE_LIMIT = 2000
"""Characters of status.message, less than the definition allows."""
SHOWN = 64
"""Characters of an annotation's value that are shown."""


def with_unused_tokens(migration: Migration, status: MigrationStatus) -> MigrationStatus:
    """The status, its message with the annotations that have no effect as things are."""
    plain = status.message.partition(SEPARATOR)[0]
    words = [text for text in (_approval(migration), _way_back(migration, status)) if text]
    words += _earlier(migration, status)
    suffix = f"{SEPARATOR}{'; '.join(words)}" if words else ""
    message = f"{plain[: MESSAGE_LIMIT - len(suffix)]}{suffix}"
    return status if message == status.message else status.model_copy(update={"message": message})


def _approval(migration: Migration) -> str:
    value = token(migration, APPROVE)
    gate, gates = value.partition(".")[0], migration.spec.approval
    if not value or gate == gates or migration.backwards:
        return ""
    if gates is Approval.AUTOMATIC:
        why = "spec.approval is Automatic"
    else:
        why = f"the migration waits for {APPROVE}={gates}"
    return f"{APPROVE}={value[:SHOWN]} ({why})"


def _earlier(migration: Migration, status: MigrationStatus) -> list[str]:
    """Values that were acted on before, of annotations that would have an effect now."""
    if status.is_true(ConditionType.SUCCEEDED):
        return []
    back = migration.backwards or status.rollback is not None
    paused, runs = status.paused_at is not None, not ended(status)
    effective = {
        PAUSE: runs and not paused,
        RESUME: runs and paused,
        ROLLBACK: runs and not back and not migration.in_place,
        ABORT: runs,
        RETRY: True,
    }
    return [
        f"{annotation}={value[:SHOWN]} (was acted on before; use another value, or kubectl azlm "
        f"{annotation.partition('/')[2]} {migration.name})"
        for annotation, acts in effective.items()
        if acts and (value := earlier_token(migration, annotation))
    ]


def _way_back(migration: Migration, status: MigrationStatus) -> str:
    """A rollback or an abort that comes too late, or that a strategy does not have."""
    if migration.backwards or status.rollback is not None:
        return ""
    retires = bool(status.step) and not route_of(migration).before(status.step, FINAL)
    late = retires or status.is_true(ConditionType.SUCCEEDED)
    for annotation in (ROLLBACK, ABORT):
        value = token(migration, annotation)
        if value and late:
            return f"{annotation}={value[:SHOWN]} (the source is being retired, or has been)"
        if value and annotation == ROLLBACK and migration.in_place:
            return f"{annotation}={value[:SHOWN]} (InPlace has no way back)"
    return ""
