"""The kinds of text and number that specs are made of, each with its rule and the rule's words."""

from typing import Annotated

from pydantic import Field

from azure_linux_migrator.api.cel_rules import CelRule, Ruled, matching
from azure_linux_migrator.api.quantities import (
    DURATION_PATTERN,
    LONGEST_HOURS,
    MOST_NODES,
    SIZE_PATTERN,
    is_size,
    seconds,
)

POOL_NAME_PATTERN = r"^[a-z][a-z0-9]{0,11}$"

Duration = Annotated[
    str,
    Field(min_length=1, max_length=20),
    matching(
        DURATION_PATTERN,
        "must be a duration in hours, minutes and seconds, such as 90s, 15m or 1h30m",
        CelRule(
            f"self == '' || duration(self) <= duration('{LONGEST_HOURS}h')",
            f"must be at most {LONGEST_HOURS}h (seven days, the limit AKS sets for its own soaks)",
            lambda text: seconds(text) <= LONGEST_HOURS * 3600,
        ),
    ),
]
Size = Annotated[
    int | str,
    Field(json_schema_extra={"x-kubernetes-int-or-string": True}),
    Ruled(
        CelRule(
            f"type(self) == int ? (self >= 1 && self <= {MOST_NODES}) : "
            "(string(self).matches('" + SIZE_PATTERN + "') && "
            f"(string(self).endsWith('%') || int(string(self)) <= {MOST_NODES}))",
            f"must be a number of nodes from 1 to {MOST_NODES}, or a percentage from 1% to 100%",
            is_size,
        )
    ),
]
PoolName = Annotated[
    str,
    Field(min_length=1, max_length=63),
    matching(
        POOL_NAME_PATTERN,
        "a node pool's name on AKS is 1 to 12 lower-case letters and digits and starts with a "
        "letter",
    ),
]
OsSku = Annotated[
    str,
    Field(min_length=1, max_length=40),
    matching(
        r"^[A-Za-z0-9]+$",
        "must be the name of an AKS OS SKU, letters and digits only, such as AzureLinux or "
        "AzureLinux3",
    ),
]
VmSize = Annotated[
    str,
    Field(min_length=1, max_length=64),
    matching(r"^[A-Za-z0-9_-]+$", "must be the name of a VM size, such as Standard_D4s_v5"),
]
