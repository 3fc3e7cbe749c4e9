"""Values of ARM in the languages of infrastructure as code, one line or one block each."""

import re
from collections.abc import Mapping
from typing import Any

from azure_linux_migrator.model.pool import Pool

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
EMPTY: tuple[Any, ...] = (None, "", [], {}, ())


def own_tags(pool: Pool) -> dict[str, str]:
    """The tags of a pool but for azlm's."""
    return {key: value for key, value in pool.tags if not key.startswith("azlm-")}


def hcl(value: object, indent: str = "") -> str:
    """An expression of HCL (developer.hashicorp.com/terraform/language/expressions)."""
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return f"{value:.15g}" if isinstance(value, float) else str(value)
        case Mapping():
            inner = indent + "  "
            lines = [f"{inner}{_quoted(key)} = {hcl(item, inner)}" for key, item in _sorted(value)]
            return "\n".join(["{", *lines, f"{indent}}}"])
        case list() | tuple():
            return f"[{', '.join(hcl(item, indent) for item in value)}]"
    return _quoted(str(value))


def bicep(value: object, indent: str = "") -> str:
    """An expression of Bicep (learn.microsoft.com/azure/azure-resource-manager/bicep)."""
    inner = indent + "  "
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case float():
            return str(int(value)) if value.is_integer() else f"json('{value!r}')"
        case Mapping():
            lines = [f"{inner}{_key(key)}: {bicep(item, inner)}" for key, item in _sorted(value)]
            return "\n".join(["{", *lines, f"{indent}}}"]) if lines else "{}"
        case list() | tuple():
            lines = [f"{inner}{bicep(item, inner)}" for item in value]
            return "\n".join(["[", *lines, f"{indent}]"]) if lines else "[]"
    text = str(value).replace("\\", "\\\\").replace("'", "\\'").replace("${", "\\${")
    return "'" + text.replace("\n", "\\n") + "'"


def _sorted(value: Mapping[Any, Any]) -> list[tuple[str, Any]]:
    return sorted((str(key), item) for key, item in value.items())


def _key(key: str) -> str:
    return key if _IDENTIFIER.fullmatch(key) else bicep(key)


def _quoted(text: str) -> str:
    """A quoted template of HCL: `${` and `%{` would begin an interpolation."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return '"' + escaped.replace("${", "$${").replace("%{", "%%{") + '"'
