"""A digest of everything that a run decides: its actions, its status, its timers.

Two versions of the code with equal digests take the same decisions at the same moments. Sentences
for people (messages, remedies) are left out: their wording may change while behaviour does not.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from hashlib import sha256

import msgspec

from azure_linux_migrator.core.state.results import Decision

SENTENCES = frozenset(("message", "remedy"))
"""Fields of the status that hold free text."""


class Digest:
    """Collects the decisions of one run in order."""

    def __init__(self) -> None:
        self._hash = sha256()

    def decided(self, now: float, decision: Decision) -> None:
        """Add one decision, made at `now` (virtual seconds since the epoch)."""
        status = decision.status.model_dump(mode="json", by_alias=True, exclude_none=True)
        record = [
            now,
            [plain(action) for action in decision.actions],
            without_sentences(status),
            decision.wake_at,
            decision.released,
        ]
        self._hash.update(msgspec.json.encode(record, order="deterministic"))

    def hex(self) -> str:
        """The digest so far."""
        return self._hash.hexdigest()


def plain(value: object) -> object:
    """A dataclass, mapping, enum or sequence as lists and dictionaries that JSON can hold."""
    if is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in fields(value)]
        return [type(value).__name__, *(plain(getattr(value, name)) for name in names)]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, msgspec.Struct):
        names = list(type(value).__struct_fields__)
        return [type(value).__name__, *(plain(getattr(value, name)) for name in names)]
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(str(item) for item in value)
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value


def without_sentences(value: object) -> object:
    """A status without its free text."""
    if isinstance(value, Mapping):
        return {key: without_sentences(item) for key, item in value.items() if key not in SENTENCES}
    if isinstance(value, list):
        return [without_sentences(item) for item in value]
    return value
