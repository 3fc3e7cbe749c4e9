"""Whether a process waits as long as an answer asks it to, in Retry-After, before it repeats the
request.

Renewals of the Lease are not judged: they have a deadline of their own.
"""

from collections.abc import Callable

from azure_linux_migrator.simulator.kernel import Kernel
from simtest.invariants.registry import Judge
from simtest.shipped.kept_objects import LEASES

ROUNDED_SECONDS = 0.01
"""A timer may fire so much early."""


class AskedWaits:
    """The waits that servers have asked one process for. `skew` is how far
    the wall clock of the process is ahead: a wait that it jumps over is excused."""

    def __init__(self, judge: Judge, kernel: Kernel, skew: Callable[[], float]) -> None:
        self._judge, self._kernel, self._skew = judge, kernel, skew
        self._until: dict[tuple[str, str, bytes], tuple[float, float, float]] = {}

    def sent(self, method: str, path: str, body: bytes) -> None:
        """A request is sent: judge whether it repeats one too early."""
        wait = self._until.pop(_request(method, path, body), None)
        if wait is None:
            return
        until, seconds, skew = wait
        early, jumped = until - self._kernel.now, skew != self._skew()
        text = f"{method} {path} is repeated {early:.1f} s before its {seconds:.0f} s are over"

        def judge() -> None:
            self._judge.that("retry-after-kept", early <= ROUNDED_SECONDS, text, excuse=jumped)

        self._kernel.after(0.0, judge)  # not in a task of the process, which would handle it

    def answered(self, method: str, path: str, body: bytes, retry_after: float | None) -> None:
        """The process has received an answer."""
        if retry_after and not path.startswith(LEASES.rpartition("/")[0]):
            until = self._kernel.now + retry_after
            self._until[_request(method, path, body)] = until, retry_after, self._skew()


def _request(method: str, path: str, body: bytes) -> tuple[str, str, bytes]:
    """What makes two requests the same one: of those that create an object, what they create."""
    return method, path, body if method == "POST" else b""
