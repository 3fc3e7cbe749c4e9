"""The clocks, the randomness and the limits of the operator's code while a simulation runs it.

`time.time` and `time.monotonic` are those of the running process, the module `random` starts from
the seed, and `time.sleep` and connections of sockets fail: nothing waits, and nothing leaves the
machine.
"""
# ruff: noqa: SLF001 - asyncio._get_running_loop is for those who write event loops

import asyncio
import logging
import random
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn
from unittest.mock import patch

from azure_linux_migrator.simulator.kernel import Kernel
from simtest.shipped.event_loop import VirtualLoop


class RealWaitError(AssertionError):
    """The operator would really wait, or open a real connection."""


@contextmanager
def virtual_time(kernel: Kernel, seed: str) -> Iterator["ErrorLog"]:
    """Run the operator's code by the kernel's clock; yields what it logs as unexpected."""

    def wall() -> float:
        loop = asyncio._get_running_loop()
        skew = loop.skew if isinstance(loop, VirtualLoop) else 0.0
        return kernel.now + skew

    def monotonic() -> float:
        return kernel.now

    log, root = ErrorLog(), logging.getLogger()
    state, level, handlers = random.getstate(), root.level, root.handlers[:]
    random.seed(f"{seed}/product")
    root.handlers[:] = [log]
    root.setLevel(logging.ERROR)
    try:
        with (
            patch.object(time, "time", wall),
            patch.object(time, "monotonic", monotonic),
            patch.object(time, "sleep", _refuse),
            patch.object(socket.socket, "connect", _refuse, create=True),
        ):
            yield log
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        random.setstate(state)


class ErrorLog(logging.Handler):
    """Keeps the exceptions that the operator logs: it expects none of them."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.unexpected: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record with a traceback, unless its process has ended."""
        if record.exc_info and asyncio._get_running_loop() is not None:
            self.unexpected.append(logging.Formatter().format(record))


def _refuse(*_: Any, **__: Any) -> NoReturn:
    raise RealWaitError("the simulated operator waits or connects for real")
