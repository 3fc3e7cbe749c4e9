"""What Kopf does when the resource is deleted. It stops the daemon of controller/process.py and
calls the deletion handler, and removes the finalizer after the handler has succeeded and the
daemon has ended."""

from collections.abc import Callable

from azure_linux_migrator.core.reconcile.loop import RELEASE_RETRY_SECONDS, RELEASE_SECONDS
from azure_linux_migrator.simulator.controller.loop_driver import LoopDriver
from azure_linux_migrator.simulator.controller.operator_process import OperatorProcess

LOOK_SECONDS = 0.1


class Deletion:
    """The deletion of one resource in one process. After a restart there is no daemon."""

    def __init__(
        self,
        operator: OperatorProcess,
        daemon: LoopDriver | None,
        new_driver: Callable[[], LoopDriver | None],
    ) -> None:
        self._operator = operator
        self._new_driver = new_driver
        self._process = operator.process
        self._calls = 0
        self._daemon = daemon
        self._handler: LoopDriver | None = None
        self._calling = False
        if daemon is not None:
            daemon.loop.stop()
            self._end(daemon)
        self._handle()

    def _end(self, daemon: LoopDriver) -> None:
        """The daemon ends when its requests are answered."""
        if not self._operator.alive:
            return
        if not daemon.loop.recording:
            daemon.runner.retire()
            if not daemon.runner.running:
                daemon.close(self._ended)
                return
        self._process.after(LOOK_SECONDS, lambda: self._end(daemon))

    def _ended(self) -> None:
        if self._operator.alive:
            self._daemon = None
            self._operator.watch(on=False)
            self._process.after(LOOK_SECONDS, self._release)

    # The handler

    def _handle(self) -> None:
        self._calls += 1
        call = self._calls
        self._calling, self._handler = True, None
        self._process.after(RELEASE_SECONDS, lambda: self._expire(call))
        self._release()

    def _release(self) -> None:
        """Start the handler's loop after the daemon has ended (controller/supervisor.py)."""
        waits = not self._calling or self._daemon is not None or self._handler is not None
        if waits or not self._operator.alive:
            return
        driver = self._handler = self._new_driver()
        if driver is not None:
            driver.on_end = self._finish
            driver.tick()

    def _expire(self, call: int) -> None:
        """The attempt timed out: its requests are awaited, then the handler is called again."""
        if call != self._calls or not self._operator.alive:
            return
        self._calling = False
        driver = self._handler
        if driver is not None:
            driver.loop.stop()
            driver.runner.retire()
            if driver.runner.running:
                self._process.after(1.0, lambda: self._expire(call))
                return
            self._operator.watch(on=False)
        self._process.after(RELEASE_RETRY_SECONDS, self._handle)

    def _finish(self) -> None:
        """The handler succeeded, and the daemon has ended: remove the finalizer."""
        self._calls += 1
        if self._operator.alive:
            self._operator.resource.release()
