"""The time of one operator process: what is due waits while the process is frozen."""

from azure_linux_migrator.simulator.kernel import Call, Kernel, Timer


class SimulatedProcess:
    """A kernel as one process has it. Requests on the wire and the servers use the kernel itself:
    they go on while the process does not run."""

    __slots__ = ("_frozen", "_kernel", "_missed")

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._frozen = False
        self._missed: list[Call] = []

    @property
    def now(self) -> float:
        """The world's time, in seconds since the epoch."""
        return self._kernel.now

    def at(self, when: float, call: Call) -> Timer:
        """Do it then, or as soon as the process runs again."""
        return self._kernel.at(when, lambda: self._do(call))

    def after(self, delay: float, call: Call) -> Timer:
        """Do it so many seconds from now, or as soon as the process runs again."""
        return self._kernel.at(self._kernel.now + delay, lambda: self._do(call))

    def freeze(self) -> None:
        """It hangs: it hears nothing, and none of its timers fires."""
        self._frozen = True

    def thaw(self) -> None:
        """It goes on with all that was due meanwhile, in order."""
        self._frozen = False
        missed, self._missed = self._missed, []
        for call in missed:
            call()

    def _do(self, call: Call) -> None:
        if self._frozen:
            self._missed.append(call)
        else:
            call()
