"""The watch of one kind in the simulated operator: events under way, and whether it is up."""

from collections import deque
from typing import Any

from azure_linux_migrator.core.state.watch_health import GRACE_SECONDS, STALE_SECONDS


class Stream:
    """The watch of one kind: events under way, and whether something is due to deliver them.
    `listed` is whether a first list has arrived, `needs_list` whether one has yet to begin, `lists`
    is the number of lists. `heard_at` is when the watch was last up, `broken` is whether its
    connection has failed since."""

    __slots__ = (
        "broken",
        "due",
        "heard_at",
        "held_until",
        "listed",
        "listing",
        "lists",
        "needs_list",
        "queue",
    )

    def __init__(self, now: float, held_until: float = 0.0) -> None:
        self.queue: deque[tuple[float, Any, Any, int]] = deque()
        self.listed = self.listing = False
        self.needs_list = True
        self.held_until = held_until
        self.due = False
        self.lists = 0
        self.heard_at = now
        self.broken = False

    def falls_silent(self, now: float, *, broken: bool) -> None:
        """The watch delivers nothing from now on."""
        if not self.silent(now):
            self.heard_at, self.broken = now, False
        self.broken = self.broken or broken

    def silent(self, now: float) -> bool:
        """Whether the watch delivers nothing: held up, or not listed again."""
        return now < self.held_until or self.needs_list or self.listing

    def problem(self, now: float) -> str:
        """The problem in the words of kube/reflector.py."""
        age = now - self.heard_at
        if age <= GRACE_SECONDS or not self.silent(now):
            return ""
        if self.broken:
            return "the connection was closed"
        return "no event and no bookmark came" if age > STALE_SECONDS else ""
