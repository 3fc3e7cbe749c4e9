"""What has happened to a migration, by time."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from azure_linux_migrator.cli.view.migration_view import MigrationView


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """Something that happened. `time` is RFC 3339 in UTC; `count` says how often, the last time at
    `time`."""

    time: str
    what: str
    message: str = ""
    warning: bool = False
    count: int = 1

    def data(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)


def entries(view: MigrationView, events: Iterable[Mapping[str, Any]]) -> list[Entry]:
    """The times of the status, the changes of its conditions, and the events; oldest first."""
    status = view.status
    times = (
        (view.body["metadata"].get("creationTimestamp"), "Created"),
        (status.start_time, "Started"),
        (status.rollback.requested_at if status.rollback else None, "RollbackRequested"),
        (status.completion_time, "Completed"),
    )
    listed = [Entry(str(time), what) for time, what in times if time]
    listed += [
        Entry(
            condition.last_transition_time,
            f"{condition.type}={condition.status} {condition.reason}",
            condition.message,
        )
        for condition in status.conditions
    ]
    listed += [
        Entry(
            str(event.get("lastTimestamp") or event.get("eventTime") or ""),
            str(event.get("reason")),
            str(event.get("message") or ""),
            event.get("type") == "Warning",
            int(event.get("count") or 1),
        )
        for event in events
    ]
    return sorted(listed)


def table(lines: Iterable[Entry]) -> RenderableType:
    """For people."""
    rows = Table(box=None, pad_edge=False, header_style="bold")
    rows.add_column("TIME", no_wrap=True)
    rows.add_column("WHAT", no_wrap=True)
    rows.add_column("MESSAGE", ratio=1)
    for line in lines:
        times = f" ({line.count} times)" if line.count > 1 else ""
        rows.add_row(
            line.time, Text(line.what, "yellow" if line.warning else ""), f"{line.message}{times}"
        )
    return rows
