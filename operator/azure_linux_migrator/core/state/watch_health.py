"""When a watch that delivers nothing makes the world too old to act on, and its report."""

from azure_linux_migrator.api.status import timestamp

GRACE_SECONDS = 5.0
"""A watch whose connection breaks reconnects at once, as a rule; a longer failure is a problem."""
STALE_SECONDS = 180.0
"""A watch that has delivered neither an event nor a bookmark for this long is a problem."""


def watch_problem(name: str, last_delivery_at: float, why: str) -> str:
    """The text for Observation: it stays the same while the problem does."""
    return f"the watch of {name} has delivered nothing since {timestamp(last_delivery_at)}: {why}"
