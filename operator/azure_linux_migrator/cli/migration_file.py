"""The migration in a file, as `azlm plan`, `preflight` and `snapshot` take it by -f.

What the apiserver would refuse is refused here too, with the file's name, the field and the remedy.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from azure_linux_migrator.api.crd import NAME_RULE
from azure_linux_migrator.api.file_validation import parse_spec, refusals
from azure_linux_migrator.api.names import API_VERSION, KIND
from azure_linux_migrator.api.spec import MigrationSpec
from azure_linux_migrator.errors import SettingsError

STDIN = Path("-")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
"""A DNS subdomain: what Kubernetes takes for a name (apimachinery/pkg/util/validation)."""
_FIELDS = frozenset(("apiVersion", "kind", "metadata", "spec", "status"))
_OF_SPEC = frozenset(field.alias or name for name, field in MigrationSpec.model_fields.items())
_SHOWN = 5


def read_migration(file: Path) -> tuple[str, MigrationSpec]:
    """Name and spec of the one migration in a YAML or JSON file; `-` is the standard input.

    Without metadata.name it is called by its source pool. Other objects in the file are passed
    over. Raises SettingsError where the file holds no migration, several, or one that is not valid.
    """
    where = "the standard input" if file == STDIN else str(file)
    migration_object = _only(list(_objects(file, where)), where)
    version = migration_object.get("apiVersion")
    if version != API_VERSION:
        given = f"apiVersion is {version}" if version else "apiVersion is missing"
        raise SettingsError(f"{where}: {given}; this azlm knows {KIND} of {API_VERSION}")
    spec = migration_object.get("spec")
    strange = [str(field) for field in migration_object if field not in _FIELDS]
    if strange:
        below = "; is it to stand below spec?" if strange[0] in _OF_SPEC else ""
        raise SettingsError(f"{where}: {strange[0]} is no field of {KIND}{below}")
    if not isinstance(spec, dict):
        raise SettingsError(
            f"{where}: spec {'must be a mapping' if spec else 'is missing'}; the least it needs is "
            "spec.source.nodePool, the name of the node pool to migrate"
        )
    try:
        migration_spec = parse_spec(spec)
    except ValidationError as error:
        wrong = refusals(error)
        if len(wrong) == 1:
            raise SettingsError(f"{where}: {wrong[0]}") from error
        listed = "".join(f"\n  - {problem}" for problem in wrong)
        raise SettingsError(f"{where} holds no valid migration:{listed}") from error
    except (TypeError, ValueError) as error:
        raise SettingsError(f"{where}: spec cannot be written as JSON: {error}") from error
    return _name(
        migration_object.get("metadata"), where
    ) or migration_spec.source.node_pool, migration_spec


def _objects(file: Path, where: str) -> Iterator[object]:
    """Every object of every document, those of lists among them."""
    try:
        text = sys.stdin.read() if file == STDIN else file.read_text(encoding="utf-8")
        documents = list(yaml.safe_load_all(text))
    except OSError as error:
        raise SettingsError(
            f"{where} cannot be read: {error.strerror or error}; -f wants the file with the {KIND}"
        ) from error
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"{where} is no text; -f wants the YAML or JSON file with the {KIND}"
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SettingsError(f"{where} is neither YAML nor JSON: {_problem(error)}") from error
    for document in documents:
        listed = isinstance(document, dict) and document.get("kind") == "List"
        yield from (document.get("items") or ()) if listed else (document,)


def _problem(error: Exception) -> str:
    """Where and what, in one line."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return " ".join(str(error).split())
    problem = getattr(error, "problem", None) or getattr(error, "context", None) or "not understood"
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}"


def _only(objects: list[object], where: str) -> dict[str, Any]:
    """The one migration among them."""
    migrations = [
        candidate
        for candidate in objects
        if isinstance(candidate, dict) and candidate.get("kind") == KIND
    ]
    if len(migrations) == 1:
        return migrations[0]
    if migrations:
        raise SettingsError(
            f"{where} holds {len(migrations)} objects of kind {KIND} ({_listed(migrations)}); give "
            "each a file of its own"
        )
    others = [candidate for candidate in objects if candidate is not None]
    held = f"holds no {KIND}, but {_listed(others)}" if others else "is empty"
    raise SettingsError(
        f"{where} {held}; -f wants the migration itself: apiVersion {API_VERSION}, kind {KIND}"
    )


def _listed(objects: list[Any]) -> str:
    """Objects by kind and name."""
    kinds = []
    for candidate in objects[:_SHOWN]:
        if not isinstance(candidate, dict):
            kinds.append(f"a {type(candidate).__name__}")
            continue
        metadata = candidate.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        kind = candidate.get("kind")
        kinds.append(" ".join(str(part) for part in (kind or "an object of no kind", name) if part))
    more = len(objects) - len(kinds)
    return ", ".join(kinds) + (f" and {more} more" if more else "")


def _name(metadata: object, where: str) -> str:
    """metadata.name, or nothing."""
    if metadata is None:
        return ""
    if not isinstance(metadata, dict):
        raise SettingsError(f"{where}: metadata must be a mapping, with a name in it")
    name = metadata.get("name")
    if name is None:
        return ""
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise SettingsError(
            f"{where}: metadata.name must be lower-case letters, digits, - and . only, beginning "
            f"and ending with a letter or digit, not {name!r}"
        )
    if NAME_RULE.holds is not None and not NAME_RULE.holds(name):
        raise SettingsError(f"{where}: metadata.name {NAME_RULE.message}")
    return name
