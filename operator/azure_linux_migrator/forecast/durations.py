"""Durations in the form that people read."""


def span(seconds: float) -> str:
    """A duration in at most two units: 42s, 3m 10s, 2h 05m, 1d 4h."""
    whole = round(abs(seconds))
    days, rest = divmod(whole, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, left = divmod(rest, 60)
    if days:
        return f"{days}d {hours}h"
    if hours:
        return f"{hours}h {minutes:02d}m"
    return f"{minutes}m {left:02d}s" if minutes else f"{left}s"


def brief(seconds: float) -> str:
    """The same for round durations, without a second unit of zero: 2h, 30m, 1d 12h, 0."""
    first, _, second = span(seconds).partition(" ")
    if first == "0s":
        return "0"
    return first if not second or not second.rstrip("dhms").strip("0") else f"{first} {second}"
