"""Requests of one process on their way, whatever server they are for."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

from azure_linux_migrator.model.actions import READS, Action, ReleaseNode, RestoreScale
from azure_linux_migrator.simulator.kernel import Kernel, Timer
from simtest.faults.fault_hook import FaultHook, InjectedFault
from simtest.invariants.registry import Judge
from simtest.process import SimulatedProcess
from simtest.rival import NAME as RIVAL
from simtest.shipped.event_loop import ORIGIN, Origin

TWO_REQUESTS = (ReleaseNode, RestoreScale)
"""Actions of two different writes: the hook is notified of the second one's end only."""


class Flight:
    """A request on its way. `action` is the action of the core that it belongs to, if it does;
    `part` counts the writes of that action."""

    def __init__(self, action: Action | None, task: Origin | None) -> None:
        self.action = action
        self.task = task
        self.part = 0
        self.leads = True
        """Whether the process held the Lease, by the server, when it sent the request."""
        self.timer: Timer | None = None
        self.answered: asyncio.Future[Any] | None = None


class Flights:
    """The requests of one process. `actions` are the decided actions by key; `way` draws the
    seconds in one direction."""

    def __init__(
        self,
        kernel: Kernel,
        process: SimulatedProcess,
        rng: random.Random,
        hook: FaultHook,
        leads: Callable[[], bool],
        judge: Judge,
        overtake: Callable[[Action], InjectedFault | None],
    ) -> None:
        self._overtake = overtake
        self._leads = leads
        self._judge = judge
        self.kernel = kernel
        self.process = process
        self.rng = rng
        self.hook = hook
        self.actions: dict[str, Action] = {}
        self._flights: dict[Flight, None] = {}

    def begin(self) -> Flight:
        """A request of the running task: the executor names the task of an action by its key. Those
        of another migration are not judged, nor struck, as the actions of this one."""
        origin = ORIGIN.get()
        others = origin is not None and origin.first == RIVAL
        named = origin.named(self.actions) if origin is not None and not others else None
        if named is None or named.task is None:
            return Flight(None, None)
        return Flight(self.actions[named.task.get_name()], named)

    async def fly(
        self,
        flight: Flight,
        way: float,
        arrive: Callable[[], None],
        timeout: float | None,  # noqa: ASYNC109 - as aiohttp's and azure.core's
    ) -> Any:
        """Send a request, and wait for its answer; raises TimeoutError."""
        flight.leads = self._leads()
        loop = asyncio.get_running_loop()
        answered = flight.answered = loop.create_future()
        self._flights[flight] = None
        flight.timer = self.kernel.after(way, arrive)
        if timeout is None:
            return await answered
        limit = loop.call_later(timeout, _resolve, flight, TimeoutError())
        try:
            return await answered
        finally:
            limit.cancel()

    def answer(self, flight: Flight, way: float, result: Any) -> None:
        """Send the answer: a result, or an exception."""
        self._flights.pop(flight, None)
        self.process.after(way, lambda: _resolve(flight, result))

    def fault(self, flight: Flight, *, writes: bool) -> InjectedFault | None:
        """The fault that strikes a request of an action: one of its writes, or of an action that
        only reads the first request. Other requests belong to no action from here on."""
        action, task = flight.action, flight.task
        if action is None or task is None:
            return None
        if writes and not isinstance(action, READS):
            self.judge_lease(flight, action.key)
        if task.requests if isinstance(action, READS) else not writes:
            flight.action = None
            return None
        flight.part, task.requests = task.requests, task.requests + 1
        fault = self.hook.injected_fault(action, flight.part)
        if fault is None and flight.part == 0:
            fault = self._overtake(action)
        return fault

    def judge_lease(self, flight: Flight, what: str) -> None:
        """Whether a write was sent by the process that holds the Lease."""
        self._judge.that("lease-held", flight.leads, f"{what} is sent without the Lease")

    def perform(self, flight: Flight, effect: Callable[[], Any]) -> Any:
        """Let a request take effect between the two calls of the hook."""
        if flight.action is None:
            return effect()
        if flight.part == 0 or not isinstance(flight.action, TWO_REQUESTS):
            self.hook.begins(flight.action)
        try:
            return effect()
        finally:
            self.hook.ends(flight.action)

    def refuse(self, flight: Flight) -> None:
        """A request takes no effect; it was sent all the same, and is judged."""
        if flight.action is not None and flight.part == 0:
            self.hook.begins(flight.action)

    # Faults of the process

    @property
    def running(self) -> frozenset[str]:
        """Keys of the actions whose requests are on their way."""
        return frozenset(flight.action.key for flight in self._flights if flight.action is not None)

    def delay(self, seconds: float) -> None:
        """Requests of actions that are on their way arrive so many seconds later."""
        for flight in self._flights:
            if flight.action is not None and flight.timer is not None and flight.timer.live:
                flight.timer = flight.timer.postpone(self.kernel, seconds)

    def abandon(self, late: float | None) -> None:
        """The process has ended: its requests arrive so many seconds later, or with None as usual
        or never."""
        for flight in self._flights:
            timer = flight.timer
            if timer is None or not timer.live:
                continue
            if late is not None:
                self.kernel.after(late, timer.fire)
            elif self.rng.random() < 0.5:
                timer.cancel()


def _resolve(flight: Flight, result: Any) -> None:
    future = flight.answered
    if future is None or future.done():
        return
    if isinstance(result, BaseException):
        future.set_exception(result)
    else:
        future.set_result(result)
