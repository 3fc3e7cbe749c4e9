"""The time of one operator process: timers that are due wait while the process is suspended."""

from functools import partial

from azure_linux_migrator.simulator.kernel import Call, Kernel, Timer


class SimulatedProcess:
    """The kernel as one process sees it. Requests that were sent and the servers use the kernel
    itself: they continue while the process is suspended."""

    __slots__ = ("_frozen", "_kernel", "_missed")

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._frozen = False
        self._missed: list[Call] = []

    @property
    def now(self) -> float:
        """The time in seconds since the epoch."""
        return self._kernel.now

    def at(self, when: float, call: Call) -> Timer:
        """Call at that time, or as soon as the process runs again."""
        return self._kernel.at(when, partial(self._do, call))

    def after(self, delay: float, call: Call) -> Timer:
        """Call so many seconds from now, or as soon as the process runs again."""
        return self._kernel.at(self._kernel.now + delay, partial(self._do, call))

    def freeze(self) -> None:
        """Suspend the process: it receives nothing, and no timer fires."""
        self._frozen = True

    def thaw(self) -> None:
        """Resume the process, with everything that was due meanwhile, in order."""
        self._frozen = False
        missed, self._missed = self._missed, []
        for call in missed:
            call()

    def _do(self, call: Call) -> None:
        if self._frozen:
            self._missed.append(call)
        else:
            call()
