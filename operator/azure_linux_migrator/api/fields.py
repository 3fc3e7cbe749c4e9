"""The kinds of text and number that specs are made of, each with its rule and the rule's words."""

import re
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
_LABEL_NAME = "[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
_DOMAIN = "[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?"
LABEL_KEY_PATTERN = f"^({_DOMAIN}/)?{_LABEL_NAME}$"
LABEL_VALUE_PATTERN = f"^({_LABEL_NAME})?$"
"""Qualified names and label values (apimachinery/pkg/util/validation/validation.go)."""
LabelKey = Annotated[
    str,
    Field(min_length=1, max_length=317),
    matching(LABEL_KEY_PATTERN, "must be the key of a label, such as app or example.com/app"),
]
LabelValue = Annotated[
    str,
    Field(max_length=63, description="A label's value."),
    matching(
        LABEL_VALUE_PATTERN,
        "must be the value of a label: at most 63 letters, digits, -, _ and ., with a letter or "
        "digit at both ends",
    ),
]
Namespace = Annotated[
    str,
    Field(min_length=1, max_length=63, description="A namespace."),
    matching("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", "must be the name of a namespace"),
]
VmSize = Annotated[
    str,
    Field(min_length=1, max_length=64),
    matching(r"^[A-Za-z0-9_-]+$", "must be the name of a VM size, such as Standard_D4s_v5"),
]
_is_label_key = re.compile(LABEL_KEY_PATTERN, re.ASCII).fullmatch
LABEL_KEYS = Ruled(
    CelRule(
        "",
        "must have keys that are label keys, such as app or example.com/app",
        lambda labels: all(len(key) <= 317 and _is_label_key(key) for key in labels),
    )
)
