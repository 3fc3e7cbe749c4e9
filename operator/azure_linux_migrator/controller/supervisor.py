"""One worker at a time for each resource, until its last request is answered.

A request that was sent cannot be unsent. If a worker is cancelled while Azure still works on one,
it can take effect after a successor has concluded that it did not.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from azure_linux_migrator.controller.worker import Worker

Body = Mapping[str, Any]


class Supervisor:
    """By name of the resource. `make` makes a worker for a body, which releases it or not; `read`
    reads one again, or None where it is gone."""

    def __init__(
        self,
        make: Callable[[Body, bool], Worker],
        read: Callable[[str], Awaitable[Body | None]],
    ) -> None:
        self._make = make
        self._read = read
        self._active: dict[str, Worker] = {}
        self._ended: dict[Worker, asyncio.Event] = {}
        self._endings: set[asyncio.Task[None]] = set()

    def __iter__(self) -> Iterator[Worker]:
        return iter(tuple(self._active.values()))

    def observe(self, body: Body) -> None:
        """A resource was seen."""
        worker = self._active.get(str(body["metadata"]["name"]))
        if worker is not None and worker.uid == body["metadata"]["uid"]:
            worker.observe(body)

    def wake(self, name: str) -> None:
        """Wake the worker of that resource."""
        worker = self._active.get(name)
        if worker is not None:
            worker.wake()

    async def run(self, body: Body, stopped: asyncio.Event) -> None:
        """Work on a resource until stopped, or cancelled."""
        await self._work(body, stopped, releasing=False)

    async def release(self, name: str) -> None:
        """The resource is being deleted: once no worker is active on it, undo what is ours.

        It is read again, since what worked on it has written its last status only then.
        """
        await self._wait_for_predecessor(name)
        body = await self._read(name)
        if body is not None:
            await self._work(body, asyncio.Event(), releasing=True)

    async def _work(self, body: Body, stopped: asyncio.Event, *, releasing: bool) -> None:
        name = str(body["metadata"]["name"])
        await self._wait_for_predecessor(name)
        worker = self._active[name] = self._make(body, releasing)
        self._ended[worker] = asyncio.Event()
        try:
            await worker.run(stopped)
        finally:
            self._end(worker)

    async def _wait_for_predecessor(self, name: str) -> None:
        while (worker := self._active.get(name)) is not None:
            worker.wake()
            await self._ended[worker].wait()

    def _end(self, worker: Worker) -> None:
        """Its loop is over. It is gone at once, or once it is done with what is under way."""
        if not worker.busy:
            self._remove(worker)
            return
        ending = asyncio.create_task(self._finish_actions(worker))
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)

    async def _finish_actions(self, worker: Worker) -> None:
        try:
            await worker.end_actions()
        finally:
            self._remove(worker)

    def _remove(self, worker: Worker) -> None:
        del self._active[worker.name]
        self._ended.pop(worker).set()
