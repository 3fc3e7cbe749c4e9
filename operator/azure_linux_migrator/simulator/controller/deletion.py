"""The deletion of the resource, as Kopf handles it.

The daemon of controller/process.py is stopped, the deletion handler is called, and the finalizer is
removed once the handler has succeeded and the daemon has ended.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azure_linux_migrator.simulator.controller.simulated_operator import SimulatedOperator

PATIENT_SECONDS = 10.0
"""How long the handler waits for the daemon; then it goes on beside it."""
RELEASE_SECONDS = 60.0
"""How long one call of the handler may take; then it is called again, with nothing remembered."""
AGAIN_SECONDS = 5.0
ABANDONED_SECONDS = 25.0
"""A daemon that has not ended by then is not waited for (cancellation_backoff and _timeout)."""
LOOK_SECONDS = 0.1


class Deletion:
    """The end of one resource in one process. `daemon` is whether one runs: not after a restart."""

    def __init__(self, operator: "SimulatedOperator", *, daemon: bool) -> None:
        self._pilot = operator
        self._process = operator.process
        self._began = self._process.now
        self._calls = 0
        self._released = False
        self._ended = not daemon
        self._hands, self._writer = operator.halt()
        if daemon:
            self._await()
        else:
            self._handle()

    def done(self) -> None:
        """The handler has succeeded."""
        self._calls += 1
        self._released = True
        self._finish()

    def die(self, *, late: float | None) -> None:
        """The process ends; see Hands.die."""
        self._hands.die(late=late)
        self._writer.die(late=late)

    # The daemon

    def _await(self) -> None:
        """It ends when what it had under way is answered; the handler looks ten times a second."""
        if not self._pilot.alive:
            return
        if not self._pilot.recording:
            self._hands.retire()
        if not self._pilot.recording and not self._hands.running:
            self._writer.stop(lambda _written: self._exit())
        elif self._process.now - self._began < PATIENT_SECONDS:
            self._process.after(LOOK_SECONDS, self._await)
        else:
            self._handle()
            self._linger()

    def _exit(self) -> None:
        if self._pilot.alive:
            self._ended = True
            self._pilot.unwatch()
            self._process.after(LOOK_SECONDS, self._handle)

    def _linger(self) -> None:
        """The daemon beside the handler."""
        if not self._pilot.alive:
            return
        if not self._hands.running:
            self._ended = True
            self._writer.stop(lambda _written: None)
        else:
            self._process.after(LOOK_SECONDS, self._linger)

    # The handler

    def _handle(self) -> None:
        self._calls += 1
        call = self._calls
        self._pilot.release()
        self._process.after(RELEASE_SECONDS, lambda: self._expire(call))

    def _expire(self, call: int) -> None:
        """It took too long: what it has under way is waited for, then it is called again."""
        if call != self._calls or not self._pilot.alive:
            return
        runner, _ = self._pilot.halt()
        runner.retire()
        if runner.running:
            self._process.after(1.0, lambda: self._expire(call))
            return
        self._pilot.unwatch()
        self._process.after(AGAIN_SECONDS, self._handle)

    # The finalizer

    def _finish(self) -> None:
        waited = self._process.now - self._began
        if not self._pilot.alive:
            return
        if self._ended or waited >= ABANDONED_SECONDS:
            self._pilot.forget()
        else:
            self._process.after(1.0, self._finish)
