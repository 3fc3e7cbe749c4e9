"""What a spec asks for, in the judges' own reading of durations, sizes and orders: the product's
parsers are among what is judged."""

import re
from collections.abc import Mapping
from typing import Any

from azure_linux_migrator.model.cluster import Pod

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0}


def length_of(spec: Mapping[str, Any], *path: str) -> float:
    """A duration of the spec in seconds; 0 if it is not set."""
    value: Any = spec
    for name in path:
        value = (value or {}).get(name)
    parts = re.findall(r"(\d+)([hms])", value or "")
    return sum(int(number) * _UNITS[unit] for number, unit in parts)


def size_of(size: str | int, total: int) -> int:
    """How many of so many nodes a size means: percentages are rounded up, and it is one node at
    least and all of them at most."""
    text = str(size)
    number = int(text.removesuffix("%"))
    wanted = -(-total * number // 100) if text.endswith("%") else number
    return max(1, min(wanted, max(1, total)))


def policy_of(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """spec.drain, with the defaults of the API."""
    return {
        "unmanagedPods": "Block",
        "emptyDir": "Evict",
        "jobs": "Wait",
        "timeout": "30m",
        "onTimeout": "Pause",
        "prefetch": False,
        "order": (),
        **(spec.get("drain") or {}),
    }


def order_of(policy: Mapping[str, Any], pod: Pod) -> int:
    """The order of the first entry of spec.drain.order that selects a pod; 0 for none."""
    labels = dict(pod.labels)
    for entry in policy["order"]:
        spaces = entry.get("namespaces") or ()
        if spaces and pod.key.namespace not in spaces:
            continue
        selector = entry.get("selector") or {}
        wanted = selector.get("matchLabels") or {}
        if all(labels.get(name) == value for name, value in wanted.items()) and all(
            _meets(labels.get(term["key"]), term) for term in selector.get("matchExpressions") or ()
        ):
            return int(entry["order"])
    return 0


def _meets(value: str | None, term: Mapping[str, Any]) -> bool:
    """Whether a label meets an expression: kubernetes.io/docs/concepts/overview/
    working-with-objects/labels/#label-selectors."""
    values = term.get("values") or ()
    match term["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case _:
            return value is None
