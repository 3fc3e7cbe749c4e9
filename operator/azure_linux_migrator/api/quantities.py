"""Durations and sizes as users write them in a spec: `15m`, `1h30m`, `10%`, `3`."""

import math
import re

DURATION_PATTERN = r"^(0|([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?)$"
SIZE_PATTERN = r"^([1-9][0-9]{0,3}|[1-9][0-9]?%|100%)$"

_DURATION = re.compile(r"^(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?$")


def seconds(duration: str) -> float:
    """Seconds of a duration such as `1h30m`, `15m`, `0s` or `0`.

    Raises ValueError for anything else; the CRD's pattern refuses those before they come here.
    """
    if duration == "0":
        return 0.0
    match = _DURATION.match(duration)
    if not duration or match is None:
        raise ValueError(f"{duration!r} is not a duration; write for example 15m or 1h30m")
    hours, minutes, secs = (int(part or 0) for part in match.groups())
    return float(hours * 3600 + minutes * 60 + secs)


def share(size: str | int, total: int) -> int:
    """How many of `total` a size means: `10%` rounded up, or the number itself; at least 1.

    Rounding up is what AKS and GKE do with batch percentages.
    """
    text = str(size)
    wanted = math.ceil(total * int(text[:-1]) / 100) if text.endswith("%") else int(text)
    return max(1, min(wanted, max(total, 1)))
