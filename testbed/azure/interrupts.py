"""Signals that end a run: the first one is raised, later ones wait until everything is deleted."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from testbed.control_plane import say

SIGNALS = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, Ctrl-\\, `kill`, and a terminal or an ssh session that is closed."""


@contextmanager
def interrupts() -> Iterator[None]:
    """Raise KeyboardInterrupt at the first of SIGNALS. SIGHUP stays ignored where it is, as under
    nohup."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number, handler in before.items():
        if number != signal.SIGHUP or handler is not signal.SIG_IGN:
            signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def hold_back() -> None:
    """From now on, no signal of SIGNALS interrupts."""
    for number in SIGNALS:
        signal.signal(number, _wait)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    hold_back()
    raise KeyboardInterrupt


def _wait(_number: int, _frame: FrameType | None) -> None:
    say("what was made is being deleted; a resource group would cost money if it stayed")
