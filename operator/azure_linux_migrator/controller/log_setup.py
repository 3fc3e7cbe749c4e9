"""The one set-up of logging: plain text or JSON lines, each bound to what it is about.

`bound` names the migration, step, node, pod or pool for every line that is logged inside it, also
by the tasks that start inside it. Lines of Kopf have the same form.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Literal, TextIO

from pythonjsonlogger.json import JsonFormatter

from azure_linux_migrator.model.actions import Action

LogFormat = Literal["plain", "json"]
FIELDS = ("migration", "step", "batch", "node", "pod", "pool", "deployment", "reason")
"""What a line can be bound to, in the order in which it is shown."""
_NOISY = ("azure", "aiohttp.access", "kopf.activities", "kopf.objects")
_bound: ContextVar[Mapping[str, str]] = ContextVar("bound", default=MappingProxyType({}))


@contextmanager
def bound(**fields: str) -> Iterator[None]:
    """Binds the lines that are logged inside to these FIELDS; empty ones are left out."""
    token = _bound.set({**_bound.get(), **{name: text for name, text in fields.items() if text}})
    try:
        yield
    finally:
        _bound.reset(token)


def subject_of(action: Action) -> dict[str, str]:
    """The object that an action is about, as FIELDS."""
    values = ((name, getattr(action, name, None)) for name in ("node", "pod", "pool", "deployment"))
    return {name: str(value) for name, value in values if value}


def configure(log_format: LogFormat, stream: TextIO | None = None) -> None:
    """Write all lines of the process to `stream` (standard error where it is None)."""
    handler = logging.StreamHandler(stream)
    handler.addFilter(_bind)
    handler.setFormatter(_json() if log_format == "json" else _PlainFormatter())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)


def _bind(record: logging.LogRecord) -> bool:
    """Add the fields; a line of Kopf names the resource in an attribute of its own."""
    fields = dict(_bound.get())
    reference = getattr(record, "k8s_ref", None)
    if isinstance(reference, Mapping):
        fields.setdefault("migration", str(reference.get("name") or ""))
    for name in FIELDS:
        if fields.get(name):
            setattr(record, name, fields[name])
    return True


class _PlainFormatter(logging.Formatter):
    """`time LEVEL logger message [migration=… step=…]`."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - its name in logging
        """The line without its traceback."""
        named = [f"{name}={getattr(record, name)}" for name in FIELDS if hasattr(record, name)]
        return super().formatMessage(record) + (f" [{' '.join(named)}]" if named else "")


def _json() -> logging.Formatter:
    return JsonFormatter(
        "%(asctime)s %(levelname)s %(name)s %(message)s",
        rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
        reserved_attrs=[*_RESERVED, "k8s_ref", "k8s_skip", "settings"],
    )


_RESERVED = tuple(logging.makeLogRecord({}).__dict__)
