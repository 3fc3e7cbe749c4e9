"""Durations and sizes as users write them in a spec: `15m`, `1h30m`, `10%`, `3`."""

import math
import re

DURATION_PATTERN = r"^(0|([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?)$"
SIZE_PATTERN = r"^([1-9][0-9]{0,3}|[1-9][0-9]?%|100%)$"
MOST_NODES = 1000
"""Nodes of a pool, as AKS limits them."""
LONGEST_HOURS = 168
"""The most hours that a duration of the spec may have."""

_DURATION = re.compile(r"(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?", re.ASCII)
_SIZE = re.compile(SIZE_PATTERN)


def seconds(duration: str) -> float:
    """Seconds of a duration such as `1h30m`, `15m`, `0s` or `0`.

    Raises ValueError for anything else; the CRD's pattern refuses those before they come here.
    """
    if duration == "0":
        return 0.0
    match = _DURATION.fullmatch(duration)
    if not duration or match is None:
        raise ValueError(f"{duration!r} is not a duration; write for example 15m or 1h30m")
    hours, minutes, secs = (int(part or 0) for part in match.groups())
    return float(hours * 3600 + minutes * 60 + secs)


def is_size(size: str | int) -> bool:
    """Whether it is a number of nodes from 1 to MOST_NODES, or a percentage from 1% to 100%."""
    text = str(size)
    if _SIZE.fullmatch(text) is None:
        return False
    return text.endswith("%") or int(text) <= MOST_NODES


def share(size: str | int, total: int) -> int:
    """How many of `total` a size means: `10%` rounded up, or the number itself; at least 1.

    Rounding up is what AKS and GKE do with batch percentages. Raises ValueError for what is no
    size; the CRD's rule refuses those before they come here.
    """
    if not is_size(size):
        raise ValueError(
            f"{size!r} is not a size; write a number of nodes such as 3, or a percentage such as "
            "10%"
        )
    text = str(size)
    wanted = math.ceil(total * int(text[:-1]) / 100) if text.endswith("%") else int(text)
    return max(1, min(wanted, max(total, 1)))
