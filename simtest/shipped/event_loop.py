"""An asyncio event loop in virtual time, one for each simulated process: the kernel of the
simulation calls it, and it never waits.

A callback that is due is an entry in the agenda of the kernel, so timers, answers and the rest of
the cluster have one order. There is no selector: a coroutine that opens a socket, starts a thread
or resolves a name fails, as asyncio.AbstractEventLoop raises NotImplementedError for all of that.
"""
# ruff: noqa: SLF001 - what asyncio offers to those who write event loops is marked as private

import asyncio
import sys
from collections import deque
from collections.abc import Callable, Container, Coroutine
from contextvars import Context, ContextVar, copy_context
from typing import Any, TypeVarTuple, Unpack

from azure_linux_migrator.simulator.kernel import Timer
from simtest.process import SimulatedProcess

Ts = TypeVarTuple("Ts")

MOST_FINALLY = 20
"""More than so many `finally` blocks of one coroutine do not await something."""
LIVELOCK = 100_000
"""More callbacks than that at one moment wait for each other."""

WORK_SECONDS = 2.0
"""How long a calculation in another process takes."""


class Origin:
    """A task, and the task that has started it. `requests` is how many requests of the task, and of
    those that it started, have reached a server."""

    def __init__(self, parent: "Origin | None") -> None:
        self.parent = parent
        self.task: asyncio.Task[Any] | None = None
        self.requests = 0

    @property
    def first(self) -> str:
        """The name of the task that has led to it, from outside of all tasks."""
        origin = self
        while origin.parent is not None and origin.parent.task is not None:
            origin = origin.parent
        return origin.task.get_name() if origin.task is not None else ""

    def named(self, names: Container[str]) -> "Origin | None":
        """The nearest task with one of these names: this one, or one that has led to it."""
        origin: Origin | None = self
        while origin is not None:
            if origin.task is not None and origin.task.get_name() in names:
                return origin
            origin = origin.parent
        return None


ORIGIN: ContextVar[Origin | None] = ContextVar("ORIGIN", default=None)


class VirtualTimer(asyncio.TimerHandle):
    """A timer of the loop, with its entry in the agenda."""

    __slots__ = ("entry",)
    entry: Timer | None


class VirtualLoop(asyncio.AbstractEventLoop):
    """The loop of one process. `after` is called after each callback; an exception that nobody
    awaits goes to `on_exception`. The wall clock of the process is `skew` seconds ahead."""

    def __init__(
        self,
        process: SimulatedProcess,
        on_exception: Callable[[dict[str, Any]], None],
        after: Callable[[], None] = lambda: None,
    ) -> None:
        self.process = process
        self._on_exception = on_exception
        self._after = after
        self._ready: deque[asyncio.Handle] = deque()
        self._due = self._running = False
        self.tasks: set[asyncio.Task[Any]] = set()
        """Tasks that have not ended."""
        self.dead = False
        self.skew = 0.0
        self.compute: Callable[..., Any] = lambda func, *args: func(*args)
        """Does the work of another process."""

    # Time

    def time(self) -> float:
        """The monotonic clock of the process, in seconds."""
        return self.process.now

    def call_soon(
        self,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.Handle:
        """Call in the next batch, at the same moment."""
        handle = asyncio.Handle(callback, args, self, context)
        self._enqueue(handle)
        return handle

    def call_later(
        self,
        delay: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Call after so many seconds."""
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Call at that time of the loop's clock."""
        timer = VirtualTimer(when, callback, args, self, context)
        timer.entry = None if self.dead else self.process.at(when, lambda: self._fire(timer))
        return timer

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """asyncio.TimerHandle.cancel calls this."""
        if isinstance(handle, VirtualTimer) and handle.entry is not None:
            handle.entry.cancel()

    def _fire(self, timer: VirtualTimer) -> None:
        if not self.dead and not timer.cancelled():
            self._ready.append(timer)
            self._run()

    def _enqueue(self, handle: asyncio.Handle) -> None:
        if self.dead:
            return
        self._ready.append(handle)
        if not self._due and not self._running:
            self._due = True
            self.process.at(self.process.now, self._run)

    # Running

    def _run(self) -> None:
        """Call everything that is due, and what becomes due by it."""
        self._due = False
        if self.dead or self._running:
            return
        outer = asyncio._get_running_loop()
        asyncio._set_running_loop(self)
        self._running = True
        calls = 0
        try:
            while self._ready:
                handle = self._ready.popleft()
                if not handle.cancelled():
                    handle._run()
                    self._after()
                calls += 1
                if calls > LIVELOCK:
                    raise RuntimeError(f"callbacks without end, the last: {handle}")
        finally:
            self._running = False
            asyncio._set_running_loop(outer)

    def is_running(self) -> bool:
        """Whether a callback runs now."""
        return self._running

    def is_closed(self) -> bool:
        """Whether the process has ended."""
        return self.dead

    def get_debug(self) -> bool:
        """Never in debug mode."""
        return False

    def kill(self) -> None:
        """The process ends at once: nothing is called any more."""
        self.dead = True
        self._ready.clear()

    def dispose(self) -> None:
        """Close what a killed process has left behind, so that no destructor runs it later."""
        self.kill()
        outer, hook = asyncio._get_running_loop(), sys.unraisablehook
        asyncio._set_running_loop(self)
        sys.unraisablehook = lambda _: None  # coroutines that end late say so there
        try:
            for task in tuple(self.tasks):
                task._log_destroy_pending = False  # type: ignore[attr-defined]
                for _ in range(MOST_FINALLY):
                    try:
                        task.get_coro().close()
                    except (RuntimeError, ValueError):
                        continue  # it awaits something in a `finally`, which ends there
                    break
            self.tasks.clear()
        finally:
            asyncio._set_running_loop(outer)
            sys.unraisablehook = hook

    # Objects

    def create_future(self) -> asyncio.Future[Any]:
        """A future of this loop."""
        return asyncio.Future(loop=self)

    def create_task(
        self,
        coro: Coroutine[Any, Any, Any],  # type: ignore[override]
        *,
        name: str | None = None,
        context: Context | None = None,
    ) -> asyncio.Task[Any]:
        """A task of this loop; raises RuntimeError after the end of the process."""
        if self.dead:
            coro.close()
            raise RuntimeError("the process has ended")
        context = context or copy_context()
        origin = Origin(ORIGIN.get())
        context.run(ORIGIN.set, origin)
        task = origin.task = asyncio.Task(coro, loop=self, name=name, context=context)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    def run_in_executor(  # type: ignore[override]
        self, _executor: object, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Another process computes: its result is there after WORK_SECONDS."""
        future = self.create_future()
        try:
            result = self.compute(func, *args)
        except Exception as error:  # noqa: BLE001 - the caller gets it
            self.call_later(WORK_SECONDS, _fail, future, error)
        else:
            self.call_later(WORK_SECONDS, _finish, future, result)
        return future

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """asyncio reports an exception that nobody awaits."""
        if not self.dead:
            self._on_exception(context)

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        """As call_exception_handler."""
        self.call_exception_handler(context)


def _finish(future: asyncio.Future[Any], result: object) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[Any], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
