"""A spec from a file: judged as strictly as the apiserver judges it, and refused in its words."""

import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from azure_linux_migrator.api.checks import Check
from azure_linux_migrator.api.crd import crd
from azure_linux_migrator.api.spec import MigrationSpec

_LONGEST_VALUE = 60
"""Characters of a value that are repeated."""


def parse_spec(given: Mapping[str, Any]) -> MigrationSpec:
    """The spec; raises ValidationError where it is not valid.

    It goes by way of JSON, as it goes to the apiserver: there "3" is no number and 1 is not true.
    Raises also TypeError or ValueError for what JSON cannot hold, such as a key that is a date.
    """
    content = json.dumps(_without_nulls(given), default=str)
    return MigrationSpec.model_validate_json(content, strict=True)


def _without_nulls(value: Any) -> Any:
    """A field that is null is one that is not given: the apiserver prunes it."""
    if isinstance(value, Mapping):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def refusals(error: ValidationError) -> list[str]:
    """What is wrong, field by field: `spec.drain.timeout must be a duration …, not "soon"`."""
    lines: dict[str, None] = {}
    for item in error.errors(include_url=False):
        place = _place(item["loc"]) + str(item.get("ctx", {}).get("path", ""))
        lines[_refusal(place, item)] = None
    return list(lines)


def _refusal(place: str, item: Mapping[str, Any]) -> str:
    """One of pydantic's errors, in words."""
    match item["type"]:
        case "missing":
            return f"{place} is missing"
        case "extra_forbidden":
            *above, name = item["loc"]
            near = get_close_matches(str(name), _fields(above), 1, 0.7)
            return f"{place} is no field" + (f"; is {near[0]} meant?" if near else "")
        case "enum" if place.startswith("spec.preflight.acknowledge"):
            near = get_close_matches(str(item["input"]), [check.value for check in Check], 1, 0.5)
            hint = f"; is {near[0]} meant?" if near else ""
            return f"{place}: {item['input']} is the id of no preflight check{hint}"
        case "rule":
            text = str(item["ctx"]["message"])
        case _:
            text = str(item["msg"]).replace("Input should be", "must be", 1)
            text = text.replace("a valid boolean", "true or false")
            text = text.replace("a valid integer", "a whole number")
            text = text.replace("a valid string", "text")
    if text.startswith("must "):
        return f"{place} {text}{_not(item['input'])}"
    return text if text.startswith(place) else f"{place}: {text}"


def _not(value: object) -> str:
    """The value that was given, if it is a short one."""
    text = json.dumps(value) if value is None or isinstance(value, str | int | float) else ""
    return f", not {text}" if 0 < len(text) <= _LONGEST_VALUE else ""


def _place(loc: Sequence[int | str]) -> str:
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc]
    return "spec" + "".join(parts)


def _fields(loc: Sequence[int | str]) -> list[str]:
    """The names that an object of the spec may have, by the definition."""
    node = crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    for key in loc:
        node = node.get("items", {}) if isinstance(key, int) else node["properties"].get(key, {})
    return list(node.get("properties", {}))
