"""One operator process that works on one migration in virtual time; its loops follow each other."""

from azure_linux_migrator.simulator.controller.action_runner import ActionRunner
from azure_linux_migrator.simulator.controller.custom_resource import Body
from azure_linux_migrator.simulator.controller.deletion import Deletion
from azure_linux_migrator.simulator.controller.loop_driver import LoopDriver
from azure_linux_migrator.simulator.controller.operator_process import (
    OperatorProcess,
    OperatorSetup,
)


class SimulatedOperator(OperatorProcess):
    """A process and its loops: the current one, and earlier ones that are still ending."""

    def __init__(self, setup: OperatorSetup) -> None:
        super().__init__(setup)
        self._drivers: list[LoopDriver] = []
        self._release: Deletion | None = None
        if self.resource.body is not None:
            self._drivers.append(LoopDriver(self, self.resource.body, releasing=False))
        self.resource.watchers.append(self._resource_changed)

    @property
    def runner(self) -> ActionRunner:
        """The action runner of the current loop."""
        return self._drivers[-1].runner

    def start(self) -> None:
        """The process starts to work."""
        body = self.resource.body
        if body is not None and body.deleting:
            self._release = Deletion(self, None, self._new_driver)
        else:
            self._drivers[-1].tick()

    def kill(self, *, late: float | None = None) -> None:
        """The process ends at once; see `abandon` for its requests."""
        if not self.alive:
            return
        self._end()
        for driver in self._drivers:
            driver.die(late=late)

    def wake(self) -> None:
        """Decide again soon."""
        if self.alive:
            self._drivers[-1].wake()

    def _end(self) -> None:
        self.alive = False
        self.informer.stop()
        self.resource.watchers.remove(self._resource_changed)

    def _new_driver(self) -> LoopDriver | None:
        """A loop that releases the resource: it starts from the resource and has no memory. None
        if the resource is gone."""
        body = self.resource.body
        if body is None or not self.alive:
            return None
        self._drivers.append(LoopDriver(self, body, releasing=True))
        return self._drivers[-1]

    def _resource_changed(self, body: Body | None) -> None:
        self.process.after(self.watch_seconds(), lambda: self._observe(body))

    def _observe(self, body: Body | None) -> None:
        if not self.alive:
            return
        if body is None:
            self._end()  # the process lives: its requests still take effect
            return
        self._drivers[-1].seen(body)
        if body.deleting and self._release is None:
            self._release = Deletion(self, self._drivers[-1], self._new_driver)
