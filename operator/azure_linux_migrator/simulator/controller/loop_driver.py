"""Drives one reconcile loop in virtual time, as controller/loop_driver.py does with asyncio."""

from collections.abc import Callable

from azure_linux_migrator.core.reconcile.loop import Loop
from azure_linux_migrator.core.reconcile.messages import (
    Answer,
    Closed,
    Now,
    Outputs,
    ReadResource,
    Released,
    ResourceSeen,
    StatusWritten,
    Submit,
    Watch,
    WriteStatus,
    answer_of,
)
from azure_linux_migrator.core.reconcile.observer import Observer
from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.simulator.controller.action_runner import ActionRunner
from azure_linux_migrator.simulator.controller.custom_resource import Body
from azure_linux_migrator.simulator.controller.operator_process import OperatorProcess
from azure_linux_migrator.simulator.kernel import Timer


def resource_seen(body: Body) -> ResourceSeen:
    """The resource in the form that the loop reads."""
    return ResourceSeen(
        body.name,
        body.uid,
        body.revision,
        body.generation,
        body.spec,
        body.status,
        body.annotations,
        body.created,
    )


class LoopDriver:
    """A loop of a process, with its actions and its status write in progress."""

    def __init__(self, operator: OperatorProcess, body: Body, *, releasing: bool) -> None:
        self._operator = operator
        self._process = operator.process
        self._timer: Timer | None = None
        self._request: Timer | None = None
        self._dead = False
        self.on_end: Callable[[], None] = lambda: None
        """Called once the loop has released the resource, or has written its last status."""
        self.runner = ActionRunner(operator, self.wake)
        observer = Observer(
            operator.informer,
            self.runner,
            began=operator.began,
            releasing=releasing,
            own_pod=operator.setup.own_pod,
            reports_drain=operator.setup.reports_drain,
        )
        self.loop = Loop(resource_seen(body), observer, coalesce=operator.setup.pace.coalesce)

    def tick(self) -> None:
        """Process what is due."""
        if not self._operator.alive:
            return
        decisions = self.loop.decisions
        outputs = self.loop.tick(self._now())
        if self.loop.decisions != decisions and self.loop.last is not None:
            self._operator.setup.on_decision(self.loop.last)
        self._perform(outputs)

    def wake(self) -> None:
        """A watch or an action has news."""
        self.loop.changed(self._now())
        self._arm()

    def seen(self, body: Body) -> None:
        """A watch delivered the resource."""
        self._perform(self.loop.seen(resource_seen(body), self._now()))

    def close(self, on_end: Callable[[], None]) -> None:
        """Write the last status."""
        self.on_end = on_end
        self._perform(self.loop.close(self._now()))

    def die(self, *, late: float | None = None) -> None:
        """The process ends; see OperatorProcess.abandon for its requests."""
        self.runner.die(late=late)
        if not self._dead:
            self._dead = True
            self._operator.abandon(self._request, late=late)

    def _now(self) -> Now:
        return Now(self._operator.clock(), self._process.now)

    def _perform(self, outputs: Outputs) -> None:
        for output in outputs:
            match output:
                case Watch(on):
                    self._operator.watch(on=on)
                case WriteStatus():
                    self._send(output)
                case Submit(_, decision):
                    self.runner.submit(decision.actions)
                case ReadResource():
                    self._read()
                case Released() | Closed():
                    self.on_end()
        self._arm()

    def _arm(self) -> None:
        at, timer = self.loop.wake_at, self._timer
        if timer is not None and timer.live:
            if timer.at == at:
                return
            timer.cancel()
        if at is not None and self._operator.alive:
            self._timer = self._process.at(at, self.tick)

    # Requests

    def _send(self, write: WriteStatus) -> None:
        if not self._operator.leads:
            self._answered(StatusWritten(Answer.UNSENT))
            return
        way = self._operator.way()
        self._request = self._operator.kernel.after(way, lambda: self._arrives(write, way))

    def _arrives(self, write: WriteStatus, way: float) -> None:
        error, version = self._operator.setup.status_fails(), 0
        try:
            if error is None or error.status == 0:
                resource = self._operator.resource
                version = resource.write_status(write.status, write.version).revision
        except KubernetesError as refused:
            error = refused
        answer = Answer.TAKEN if error is None else answer_of(error)
        self._process.after(way, lambda: self._answered(StatusWritten(answer, version)))

    def _answered(self, written: StatusWritten) -> None:
        if not self._dead:
            self._perform(self.loop.written(written, self._now()))

    def _read(self) -> None:
        way = self._operator.way()
        self._request = self._operator.kernel.after(way, lambda: self._is_read(way))

    def _is_read(self, way: float) -> None:
        """An error that refuses only status writes does not refuse a read."""
        body, error = self._operator.resource.body, self._operator.setup.status_fails()
        fails = body is None or (error is not None and error.status not in {403, 409})
        resource = None if body is None or fails else resource_seen(body)
        self._process.after(way, lambda: self._reread(resource))

    def _reread(self, resource: ResourceSeen | None) -> None:
        if not self._dead:
            self._perform(self.loop.resource_read(resource, self._now()))
