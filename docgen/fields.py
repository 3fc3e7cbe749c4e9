"""Tables of the spec and of the status of a migration.

Meanings, types, defaults and ranges are those of the CustomResourceDefinition; the examples are
those of deploy/samples/every-field.yaml and of docgen/status.yaml.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from azure_linux_migrator.api.crd import crd
from azure_linux_migrator.api.quantities import LONGEST_HOURS
from azure_linux_migrator.api.status import Phase
from azure_linux_migrator.api.steps import Step

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "deploy" / "samples" / "every-field.yaml"
STATUS_SAMPLE = Path(__file__).with_name("status.yaml")
TIMES = ("At", "Time", ".at", ".eta", ".since", ".countedFrom", ".countedTo")
"""How the names of fields of the status end that hold a time."""
Part = Literal["spec", "status"]
Schema = dict[str, Any]
MOST_CHOICES = 12
"""Values of an enum that are listed in a table; a longer enum has a page of its own."""
DURATION = f"duration up to {LONGEST_HOURS} h, such as `90s`, `15m` or `1h30m`"


@dataclass(frozen=True, slots=True)
class Field:
    """One field: `path` as in `spec.drain.order[].order`, `schema` as in the definition."""

    path: str
    schema: Schema
    required: bool

    @property
    def meaning(self) -> str:
        """Its description."""
        return str(self.schema.get("description", ""))


def fields(part: Part) -> list[Field]:
    """Every field of the spec or of the status, in the order of the definition."""
    version: Schema = crd()["spec"]["versions"][0]
    root: Schema = version["schema"]["openAPIV3Schema"]["properties"][part]
    return list(_walk(root, part))


def _walk(schema: Schema, path: str) -> Iterator[Field]:
    required = schema.get("required", ())
    for name, inner in schema.get("properties", {}).items():
        yield Field(f"{path}.{name}", inner, name in required)
        yield from _walk(inner, f"{path}.{name}")
        yield from _walk(inner.get("items", {}), f"{path}.{name}[]")


@cache
def examples() -> Schema:
    """A spec and a status with a value for each field."""
    spec = yaml.safe_load(SAMPLE.read_text())["spec"]
    return {"spec": spec, "status": yaml.safe_load(STATUS_SAMPLE.read_text())}


def example(path: str) -> object:
    """The value of a field in the samples; raises LookupError if it has none."""
    value: Any = examples()
    for name in path.split("."):
        value = value[name.removesuffix("[]")]
        if name.endswith("[]"):
            value = value[0]
    return value


def kind(schema: Schema) -> str:
    """The type of a field with its unit or range, in words."""
    return _choices(schema) or _validated(schema) or _plain(schema)


def _choices(schema: Schema) -> str:
    values = schema.get("enum", ())
    if len(values) > MOST_CHOICES:
        return "ids of [checks](../preflight.md)"
    return ", ".join(f"`{value}`" for value in values)


def _validated(schema: Schema) -> str:
    messages = [rule["message"] for rule in schema.get("x-kubernetes-validations", ())]
    if schema.get("type") == "object":
        return ""
    if any("must be a duration" in message for message in messages):
        return DURATION
    return "; ".join(message.removeprefix("must be ") for message in messages)


def _plain(schema: Schema) -> str:
    match schema:
        case {"type": "array", "items": items, "maxItems": most}:
            inner = "entries, see below" if "properties" in items else kind(items)
            return f"list of at most {most}: {inner}"
        case {"additionalProperties": _, "maxProperties": most}:
            return f"map of at most {most} strings"
        case {"minimum": least, "maximum": most}:
            return f"integer from {least} to {most}"
        case {"format": "date-time"}:
            return "time"
        case {"type": "string", "maxLength": most}:
            return f"string of at most {most} characters"
    return str(schema["type"])


def spec_tables() -> str:
    """A section with a table for each group of fields of the spec."""
    lines: list[str] = []
    for group, members in _groups(fields("spec")).items():
        lines += [f"## {group}", ""]
        lines += [
            "| field | meaning | type and range | default | example |",
            "|---|---|---|---|---|",
        ]
        lines += [
            f"| `{_short(field, group)}` | {_cell(field.meaning)} | {_cell(kind(field.schema))} "
            f"| {_default(field)} | {_example(field)} |"
            for field in members
        ]
        lines.append("")
    return "\n".join(lines)


def status_tables() -> str:
    """A section with a table for each group of fields of the status."""
    lines: list[str] = []
    for group, members in _groups(fields("status")).items():
        lines += [f"## {group}", "", "| field | meaning | type | example |", "|---|---|---|---|"]
        lines += [
            f"| `{_short(field, group)}` | {_cell(field.meaning)} | {_cell(_status_kind(field))} "
            f"| {_example(field)} |"
            for field in members
        ]
        lines.append("")
    return "\n".join(lines)


def rules() -> str:
    """What the API server refuses beyond types and ranges."""
    version: Schema = crd()["spec"]["versions"][0]
    root: Schema = version["schema"]["openAPIV3Schema"]
    spec: Schema = root["properties"]["spec"]
    violations = [
        *root["x-kubernetes-validations"],
        *spec["x-kubernetes-validations"],
        *(
            rule
            for field in fields("spec")
            if field.schema.get("type") == "object"
            for rule in field.schema.get("x-kubernetes-validations", ())
        ),
    ]
    return "\n".join(f"- {rule['message']}" for rule in violations)


def phases() -> str:
    """The phases as a list in one line."""
    return ", ".join(f"`{phase.value}`" for phase in Phase) + "."


def steps() -> str:
    """A table of the steps."""
    rows = [f"| `{step.value}` | {step.text} |" for step in Step]
    return "\n".join(["| step | what it does |", "|---|---|", *rows])


def _status_kind(field: Field) -> str:
    """The type of a field that the operator writes: times are not validated, but are times."""
    is_time = field.schema.get("type") == "string" and field.path.endswith(TIMES)
    return "time" if is_time else kind(field.schema)


def _groups(all_fields: list[Field]) -> dict[str, list[Field]]:
    """Fields by the section that they are shown in: the group at most two levels below the root."""
    groups: dict[str, list[Field]] = {}
    for field in all_fields:
        if field.schema.get("type") == "object" and _has_fields_below(field, all_fields):
            continue
        parts = field.path.split(".")
        groups.setdefault(".".join(parts[:2]) if len(parts) > 2 else parts[0], []).append(field)
    return groups


def _has_fields_below(field: Field, all_fields: list[Field]) -> bool:
    return any(other.path.startswith(f"{field.path}.") for other in all_fields)


def _short(field: Field, group: str) -> str:
    return field.path.removeprefix(f"{group}.").removeprefix(f"{group}[].")


def _default(field: Field) -> str:
    if field.required:
        return "required"
    default = field.schema.get("default")
    return "none" if default is None else f"`{_flow(default)}`"


def _example(field: Field) -> str:
    """The example as code; empty for a list whose entries have fields of their own."""
    has_fields = "properties" in field.schema.get("items", {})
    return "" if has_fields else f"`{_cell(_flow(example(field.path)))}`"


def _flow(value: object) -> str:
    """A value as YAML in one line."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000).removesuffix("...\n")
    return text.strip()


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
