"""The writer of the status, as controller/status_writer.py is: coalesced, one request at a time."""

import random
from collections import deque
from collections.abc import Callable

from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.simulator.controller.custom_resource import CustomResource
from azure_linux_migrator.simulator.controller.process import SimulatedProcess
from azure_linux_migrator.simulator.kernel import Kernel, Timer

INTERVAL_SECONDS = 0.5

Then = Callable[[bool], None]
"""Told whether a write was answered well."""


class Writer:
    """One process's writer. `way` draws the seconds of a request in one direction; `fails` is what
    befalls a write: one with status 0 takes effect and is not answered."""

    def __init__(
        self,
        resource: CustomResource,
        kernel: Kernel,
        process: SimulatedProcess,
        rng: random.Random,
        *,
        may_write: Callable[[], bool],
        way: Callable[[], float],
        fails: Callable[[], KubernetesError | None],
        on_failure: Callable[[], None],
    ) -> None:
        self._resource = resource
        self._kernel = kernel
        self._process = process
        self._may_write = may_write
        self._rng = rng
        self._way = way
        self._fails = fails
        self._on_failure = on_failure
        body = resource.body
        self._written = self._wanted = body.status if body else MigrationStatus()
        self._version = body.revision if body else 0
        self._sending: MigrationStatus | None = None
        self._doubtful: MigrationStatus | None = None
        self._last = 0.0
        self._flushing = False
        self._dead = self._stopped = False
        self._under_way: Timer | None = None
        self._queue: deque[Then] = deque()

    def start_from(self, status: MigrationStatus) -> None:
        """What the resource's status is known to be; what was wanted before is not any more."""
        self._written = self._wanted = status

    def saw(self, revision: int, status: MigrationStatus) -> bool:
        """The resource was seen at that version; True if its status was written by somebody else.

        An older sight says nothing. A write that was not answered and shows itself now is ours.
        """
        if revision <= self._version:
            return False
        self._version = revision
        if status == self._doubtful:
            self._written = status
        return status not in (self._written, self._sending)

    def offer(self, status: MigrationStatus) -> None:
        """Write this soon, unless something newer is offered before."""
        self._wanted = status
        idle = not (self._flushing or self._dead or self._stopped)
        if status != self._written and idle:
            self._flushing = True
            self._process.at(self._last + INTERVAL_SECONDS, self._flush)

    def write_now(self, status: MigrationStatus, then: Then) -> None:
        """Write before going on."""
        self._wanted = status
        self._send(then)

    def stop(self, then: Then) -> None:
        """Write what is still wanted, at once, and nothing after that."""
        self._stopped = True
        self._send(then)

    def die(self, *, late: float | None = None) -> None:
        """The process ends: what is on its way arrives or not; with `late` it does, then."""
        self._dead = True
        timer = self._under_way
        if timer is None or not timer.live:
            return
        if late is not None:
            self._kernel.after(late, timer.fire)
        elif self._rng.random() < 0.5:
            timer.cancel()

    def _flush(self) -> None:
        if not self._dead and not self._stopped:
            self._send(lambda _done: self._flushed())

    def _flushed(self) -> None:
        self._flushing = False
        self.offer(self._wanted)

    def _send(self, then: Then) -> None:
        if self._under_way is not None:
            self._queue.append(then)
            return
        if self._wanted == self._written:
            then(True)
            return
        if not self._may_write():
            self._last = self._kernel.now
            then(False)
            return
        status, version, way = self._wanted, self._version, self._way()
        self._last = self._kernel.now
        self._sending = status
        self._under_way = self._kernel.after(way, lambda: self._arrives(status, version, way, then))

    def _arrives(self, status: MigrationStatus, version: int, way: float, then: Then) -> None:
        error, revision = self._fails(), 0
        try:
            if error is None or error.status == 0:
                revision = self._resource.write_status(status, version).revision
        except KubernetesError as refused:
            error = refused
            self._stopped = self._stopped or refused.status == 404
        done = error is None
        if error is not None and error.status == 0:
            self._doubtful = status
        self._process.after(way, lambda: self._answered(status, revision, then, done=done))

    def _answered(self, status: MigrationStatus, revision: int, then: Then, *, done: bool) -> None:
        self._under_way = self._sending = None
        if self._dead:
            return
        if done:
            self._written = status
            self.saw(revision, status)
        else:
            self._on_failure()
        then(done)
        if self._queue and self._under_way is None:
            self._send(self._queue.popleft())
