"""Whether a process waits as long as an answer asks it to, in Retry-After, before it repeats the
request.

Renewals of the Lease are not judged: they have a deadline of their own.
"""

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

from azure_linux_migrator.model.actions import Action
from azure_linux_migrator.simulator.kernel import Kernel
from simtest.invariants.registry import Judge
from simtest.shipped.kept_objects import LEASES
from simtest.shipped.streams import WATCHED

ROUNDED_SECONDS = 0.01
"""A timer may fire so much early."""


class RequestKey(NamedTuple):
    """One request, however often it is sent. See request_key."""

    method: str
    path: str
    action: str
    body: bytes
    task: asyncio.Task[Any] | None


class AskedWaits:
    """The waits that servers have asked one process for. `skew` is how far the wall
    clock of the process is ahead: a wait that it jumps over is excused."""

    def __init__(self, judge: Judge, kernel: Kernel, skew: Callable[[], float]) -> None:
        self._judge, self._kernel, self._skew = judge, kernel, skew
        self._until: dict[RequestKey, tuple[float, float, float]] = {}

    def sent(self, request: RequestKey) -> None:
        """A request is sent: judge whether it repeats one too early."""
        wait = self._until.pop(request, None)
        if wait is None:
            return
        until, seconds, skew = wait
        early, jumped = until - self._kernel.now, skew != self._skew()
        what = f"{request.method} {request.path}"
        text = f"{what} is repeated {early:.1f} s before its {seconds:.0f} s are over"

        def judge() -> None:
            self._judge.that("retry-after-kept", early <= ROUNDED_SECONDS, text, excuse=jumped)

        self._kernel.after(0.0, judge)  # not in a task of the process, which would handle it

    def answered(self, request: RequestKey, retry_after: float | None) -> None:
        """The process has received an answer."""
        if retry_after and not request.path.startswith(LEASES.rpartition("/")[0]):
            self._until[request] = self._kernel.now + retry_after, retry_after, self._skew()


def request_key(method: str, path: str, body: bytes, action: Action | None) -> RequestKey:
    """What makes two requests the same one: the action that they belong to; of those that create an
    object, what they create; and of watches, who watches: watches that are begun anew know nothing
    of those before."""
    watches = method == "GET" and path in WATCHED.values()
    return RequestKey(
        method,
        path,
        action.key if action is not None else "",
        body if method == "POST" else b"",
        asyncio.current_task() if watches else None,
    )
