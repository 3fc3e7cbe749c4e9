"""A cluster and its node pools at one moment: everything that a forecast needs, in one file.

It holds no secrets: no environment, no annotations, no commands. With `redacted`, names are
replaced by pseudonyms (redact.py), so that it can be given to others.
"""

import gzip
import zlib
from collections.abc import Iterable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
from msgspec import Struct

from azure_linux_migrator.errors import SettingsError
from azure_linux_migrator.model.azure_facts import AzureFacts, Unread
from azure_linux_migrator.model.cluster_snapshot import VERSION, ClusterSnapshot
from azure_linux_migrator.model.pool import Pool


class _Version(Struct):
    """Read first: other versions may have other fields."""

    version: int | None = None


def writable(file: Path, flag: str = "-o") -> None:
    """Raises SettingsError if the file, given by `flag`, cannot be written. Called before a
    large cluster is read."""
    existed = file.exists()
    try:
        with file.open("ab"):
            pass
        if not existed:
            file.unlink()
    except OSError as error:
        raise unwritable(file, error, flag) from error


def save(snapshot: ClusterSnapshot, file: Path) -> None:
    """Write the file; compressed if the name ends in .gz. Raises SettingsError if it cannot be
    written."""
    content = msgspec.json.encode(snapshot)
    try:
        file.write_bytes(gzip.compress(content, 6) if file.suffix == ".gz" else content)
    except OSError as error:
        raise unwritable(file, error) from error


def unwritable(file: Path, error: OSError, flag: str = "-o") -> SettingsError:
    """The error for a file that cannot be written, given by `flag`."""
    why = error.strerror or error
    return SettingsError(f"{file} cannot be written: {why}; give another file with {flag}")


def load(file: Path) -> ClusterSnapshot:
    """Read the file. Raises SettingsError if it is not a snapshot of this version."""
    try:
        content = file.read_bytes()
    except OSError as error:
        why = error.strerror or error
        raise SettingsError(f"{file} cannot be read: {why}; give a file with --snapshot") from error
    try:
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
        version = msgspec.json.decode(content, type=_Version).version
        if version is None:
            raise _foreign(file, "it has no version")
        if version != VERSION:
            raise SettingsError(
                f"{file} is a snapshot of version {version}, this azlm reads version {VERSION}; "
                "make it again with this azlm, or read it with the one that made it"
            )
        snapshot = msgspec.json.decode(content, type=ClusterSnapshot)
        azure_facts_from(snapshot.azure_facts)
    except (EOFError, OSError, zlib.error) as error:
        raise _foreign(file, f"it is damaged ({error})") from error
    except (KeyError, TypeError, ValueError) as error:
        raise _foreign(file, str(error)) from error
    if len(snapshot.rules) != len(snapshot.budgets):
        counts = (
            f"it has {len(snapshot.budgets)} budgets and {len(snapshot.rules)} rules of budgets"
        )
        raise _foreign(file, counts)
    return snapshot


def _foreign(file: Path, why: str) -> SettingsError:
    return SettingsError(
        f"{file} is no snapshot made by azlm snapshot: {why}; make one with azlm snapshot -o FILE"
    )


def azure_facts_to(azure_facts: AzureFacts) -> dict[str, Any]:
    """The Azure facts as a file holds them: each part, or why it is missing."""
    parts = {}
    for field in fields(azure_facts):
        part = getattr(azure_facts, field.name)
        unread = isinstance(part, Unread)
        builtins = msgspec.json.decode(msgspec.json.encode(part))
        parts[field.name] = {"unread": part.why} if unread else {"is": builtins}
    return parts


def azure_facts_from(kept: dict[str, Any]) -> AzureFacts:
    """The inverse of `azure_facts_to`; a part that is missing was not read."""
    hints = get_type_hints(AzureFacts)
    parts: dict[str, Any] = {}
    for name, part in kept.items():
        if "unread" in part:
            parts[name] = Unread(part["unread"])
        else:
            kind = next((k for k in get_args(hints[name]) if k is not Unread), hints[name])
            whole = hints[name] if not _is_union(hints[name]) else kind
            parts[name] = msgspec.convert(part["is"], whole)
    return AzureFacts(**parts)


def _is_union(hint: Any) -> bool:
    return Unread in get_args(hint)


def with_azure(
    snapshot: ClusterSnapshot, pools: Iterable[Pool], facts: AzureFacts | None
) -> ClusterSnapshot:
    """The facts read from Kubernetes, completed with those read from Azure at the same time."""
    snapshot.pools = list(pools)
    if facts is not None:
        snapshot.azure_facts = azure_facts_to(replace(facts, at=snapshot.taken_at))
    return snapshot
