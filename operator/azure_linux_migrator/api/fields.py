"""The kinds of text and number that specs are made of, each with its rule and the rule's words.

A rule is told in CEL with a message: what an admin reads at a refusal names the remedy.
"""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import Field

from azure_linux_migrator.api.quantities import DURATION_PATTERN

POOL_NAME_PATTERN = r"^[a-z][a-z0-9]{0,11}$"


def rules(*given: tuple[str, str] | tuple[str, str, str]) -> dict[str, Any]:
    """CEL rules as (rule, message[, fieldPath]) for the schema of one field or object."""
    return {
        "x-kubernetes-validations": [
            {"rule": rule, "message": message, **({"fieldPath": path[0]} if path else {})}
            for rule, message, *path in given
        ]
    }


def worded(message: str, *more: tuple[str, str]) -> Callable[[dict[str, Any]], None]:
    """Tell a field's pattern as a CEL rule with a message: a regular expression is no remedy."""

    def reword(schema: dict[str, Any]) -> None:
        matches = f"self.matches('{schema.pop('pattern')}')"
        # The other rules may assume the pattern: all of them are asked, also after one failed.
        guarded = [(f"!{matches} || {rule}", text) for rule, text in more]
        schema |= rules((matches, message), *guarded)

    return reword


Duration = Annotated[
    str,
    Field(
        min_length=1,
        max_length=20,
        pattern=DURATION_PATTERN,
        json_schema_extra=worded(
            "must be a duration in hours, minutes and seconds, such as 90s, 15m or 1h30m",
            (
                "self == '' || duration(self) <= duration('168h')",
                "must be at most 168h (seven days, the limit AKS sets for its own soaks)",
            ),
        ),
    ),
]
PoolName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=63,
        pattern=POOL_NAME_PATTERN,
        json_schema_extra=worded(
            "a node pool's name on AKS is 1 to 12 lower-case letters and digits and starts with a "
            "letter"
        ),
    ),
]
OsSku = Annotated[
    str,
    Field(
        min_length=1,
        max_length=40,
        pattern=r"^[A-Za-z0-9]+$",
        json_schema_extra=worded(
            "must be the name of an AKS OS SKU, letters and digits only, such as AzureLinux or "
            "AzureLinux3"
        ),
    ),
]
VmSize = Annotated[
    str,
    Field(
        min_length=1,
        max_length=64,
        pattern=r"^[A-Za-z0-9_-]+$",
        json_schema_extra=worded("must be the name of a VM size, such as Standard_D4s_v5"),
    ),
]
