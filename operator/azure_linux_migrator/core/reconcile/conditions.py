"""The conditions of a migration, after kstatus: exactly one of done, at work, stalled is reported.

| state               | Ready | Reconciling | Stalled | Succeeded |
|---------------------|-------|-------------|---------|-----------|
| at work, paused     | False | True        | False   | Unknown   |
| refused             | False | False       | True    | False     |
| planned             | True  | False       | False   | Unknown   |
| done                | True  | False       | False   | True      |
"""

from collections.abc import Iterable

from azure_linux_migrator.api.conditions import ConditionType
from azure_linux_migrator.api.status import Condition, ConditionStatus, MigrationStatus, timestamp

Draft = tuple[str, ConditionStatus, str, str]
"""Type, status, reason, message."""


def headline(state: str, reason: str, message: str) -> list[Draft]:
    """The four conditions that tools wait for; `state` is that of a Progress. The message stands in
    Ready and in the one that is reported, not in all of them."""
    done, stalled = state == "done", state == "refused"
    rests = done or state == "planned"
    outcome: ConditionStatus = "True" if done else "False" if stalled else "Unknown"
    return [
        (ConditionType.READY, "True" if rests else "False", reason, message),
        (
            ConditionType.RECONCILING,
            *(("False", reason, "") if rests or stalled else ("True", reason, message)),
        ),
        (ConditionType.STALLED, *(("True", reason, message) if stalled else ("False", reason, ""))),
        (ConditionType.SUCCEEDED, outcome, reason, message if done else ""),
    ]


def merge(
    before: MigrationStatus, drafts: Iterable[Draft], generation: int, now: float
) -> tuple[Condition, ...]:
    """Conditions sorted by type; a transition time changes only with the status it is about."""
    recorded = {condition.type: condition for condition in before.conditions}
    return tuple(
        _condition(recorded.get(kind), (kind, status, reason, message[:2000]), generation, now)
        for kind, status, reason, message in sorted(drafts)
    )


def _condition(old: Condition | None, draft: Draft, generation: int, now: float) -> Condition:
    """The recorded condition where nothing of it has changed, as in most decisions."""
    kind, status, reason, message = draft
    same = old is not None and (old.status, old.reason, old.message) == draft[1:]
    if old is not None and same and old.observed_generation == generation:
        return old
    since = old.last_transition_time if old is not None and old.status == status else None
    return Condition(
        type=kind,
        status=status,
        reason=reason,
        message=message,
        observed_generation=generation,
        last_transition_time=timestamp(now) if since is None else since,
    )
