"""Drives one reconcile loop with asyncio: ticks it in time, and sends its requests one by one.

Decides nothing: when a decision is made, recorded or repeated is core/reconcile/loop.py's. What a
decision means outside the loop is the listener's (controller/worker.py).
"""

import asyncio
import logging
import time
from contextlib import suppress
from typing import Protocol

from azure_linux_migrator.controller.resource_requests import ResourceRequests
from azure_linux_migrator.core.reconcile.loop import Loop
from azure_linux_migrator.core.reconcile.messages import (
    Closed,
    Now,
    Outputs,
    Overtaken,
    ReadResource,
    Released,
    ResourceSeen,
    StatusWritten,
    Submit,
    Watch,
    WriteAnswer,
    WriteStatus,
)

log = logging.getLogger(__name__)


class LoopListener(Protocol):
    """Performs what the loop asks for, but its own requests."""

    async def watch(self, *, on: bool) -> None:
        """Start the watches that feed the world, or stop them."""

    def submit(self, submit: Submit) -> None:
        """Publish a decision, and start its actions."""

    async def end_actions(self) -> None:
        """Start no more actions, and wait for those under way."""


class LoopDriver:
    """One loop at work. `beat_at` (monotonic seconds) is when it was last looked at."""

    def __init__(self, loop: Loop, requests: ResourceRequests, listener: LoopListener) -> None:
        self.beat_at = time.monotonic()
        self._loop = loop
        self._requests = requests
        self._listener = listener
        self._wake = asyncio.Event()
        self._request: asyncio.Task[None] | None = None
        self._outputs: Outputs = []
        self._watching = self._released = self._closed = False

    def seen(self, resource: ResourceSeen) -> None:
        """The resource was seen."""
        self._take(self._loop.seen(resource, _now()))

    def wake(self) -> None:
        """Look again soon."""
        wake_at = self._loop.wake_at
        self._loop.changed(_now())
        if self._loop.wake_at != wake_at:
            self._wake.set()

    async def run(self, stopped: asyncio.Event) -> None:
        """Work until stopped, or until the resource is released."""
        try:
            while not self._released and (self._loop.recording or not stopped.is_set()):
                self.beat_at = time.monotonic()
                if not stopped.is_set():
                    self._outputs += self._loop.tick(_now())
                await self._perform()
                await self._sleep(stopped)
        finally:
            await self._end()

    async def _end(self) -> None:
        """Write the last status, and stop everything; cancelled meanwhile, it does the rest."""
        try:
            self._outputs = self._loop.close(_now())
            await self._perform()
            while not self._closed:
                self._wake.clear()
                await self._wake.wait()
                await self._perform()
        finally:
            try:
                if self._request is not None:
                    self._request.cancel()
                await self._listener.end_actions()
            finally:
                if self._watching:
                    await self._watch(on=False)

    async def _sleep(self, stopped: asyncio.Event) -> None:
        if self._outputs or self._released or (stopped.is_set() and not self._loop.recording):
            return
        wake_at = None if stopped.is_set() else self._loop.wake_at
        left = None if wake_at is None else max(0.0, wake_at - time.monotonic())
        with suppress(TimeoutError):
            async with asyncio.timeout(left):
                await self._wake.wait()
        self._wake.clear()

    def _take(self, outputs: Outputs) -> None:
        self._outputs += outputs
        self._wake.set()

    async def _perform(self) -> None:
        while self._outputs:
            match self._outputs.pop(0):
                case Watch(on):
                    await self._watch(on=on)
                case WriteStatus() as write:
                    self._request = asyncio.create_task(self._write(write))
                case ReadResource():
                    self._request = asyncio.create_task(self._read())
                case Submit() as submit:
                    self._listener.submit(submit)
                case Overtaken():
                    log.warning("the status was written by another process")
                case Released():
                    self._released = True
                case Closed():
                    self._closed = True

    async def _watch(self, *, on: bool) -> None:
        self._watching = on
        await self._listener.watch(on=on)

    async def _write(self, write: WriteStatus) -> None:
        written = StatusWritten(WriteAnswer.UNANSWERED)  # for a cancelled request
        try:
            written = await self._requests.write(write)
        finally:
            self._take(self._loop.written(written, _now()))

    async def _read(self) -> None:
        self._take(self._loop.resource_read(await self._requests.read(), _now()))


def _now() -> Now:
    return Now(time.time(), time.monotonic())
