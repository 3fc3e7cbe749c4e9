"""Calls the handlers that the operator registers with Kopf, as Kopf does: an event for each change,
a daemon for each resource, and at a deletion the handler until it succeeds, then the finalizer.

Kopf itself is not here: tests/e2e run it on the real control plane.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from typing import Any, cast

import kopf

from azure_linux_migrator.controller import process as operator_process
from azure_linux_migrator.controller.process import Operator
from simtest.custom_resource import Body, CustomResource
from simtest.shipped.event_loop import ORIGIN
from simtest.shipped.migration_objects import migration_manifest

log = logging.getLogger(__name__)

CANCELLATION_BACKOFF = 5.0
CANCELLATION_TIMEOUT = 20.0
"""As the daemon is registered: cancelled so long after it was asked to stop, and given up after
that."""
Manifest = dict[str, Any]
Handler = Callable[..., Coroutine[Any, Any, None]]


class Handlers:
    """The handlers of one process, for one resource of the cluster. `way` draws the seconds of a
    request; `name` is that of the tasks in which they run."""

    def __init__(
        self,
        operator: Operator,
        resource: CustomResource,
        way: Callable[[], float],
        name: str | None = None,
    ) -> None:
        self._name = name
        registry = operator_process._registry(operator)  # noqa: SLF001 - what Kopf is given
        self._handlers: dict[str, Handler] = {
            str(handler.id).rpartition(".")[2]: cast("Handler", handler.fn)
            for handlers in (registry._watching, registry._spawning, registry._changing)  # noqa: SLF001
            for handler in handlers.get_all_handlers()
        }
        self._resource = resource
        self._way = way
        self._uid = ""
        self._stop = asyncio.Event()
        self._observing: asyncio.Task[None] | None = None
        self._daemon: asyncio.Task[None] | None = None
        self._deletion: asyncio.Task[None] | None = None

    def seen(self, body: Body | None) -> None:
        """The watch of the resource has delivered it, or its end. Needs a running loop."""
        if body is None:
            return
        manifest = migration_manifest(body)
        self._observing = self._start(self._handlers["observe"](body=manifest))
        if body.uid != self._uid:
            self._uid = body.uid
            self._stop = asyncio.Event()
            self._daemon = self._deletion = None
            if not body.deleting:
                self._daemon = self._start(self._serve(manifest, self._stop))
        if body.deleting and self._deletion is None:
            self._deletion = self._start(self._delete(body.name, self._daemon))

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """A task without an origin: what Kopf runs for one resource, no other resource led to."""
        context = copy_context()
        context.run(ORIGIN.set, None)
        return asyncio.get_running_loop().create_task(work, name=self._name, context=context)

    async def _serve(self, manifest: Manifest, stop: asyncio.Event) -> None:
        try:
            await self._handlers["migrate"](body=manifest, stopped=stop)
        except Exception:
            log.exception("the daemon has failed; Kopf would start it again")

    async def _delete(self, name: str, daemon: asyncio.Task[None] | None) -> None:
        """In every round Kopf asks the daemon to stop, then calls the handler if it has not
        succeeded; the finalizer goes when both are over."""
        loop = asyncio.get_running_loop()
        began, released = loop.time(), False
        self._stop.set()
        while True:
            if daemon is not None and not daemon.done():
                if loop.time() - began >= CANCELLATION_BACKOFF:
                    daemon.cancel()
                if loop.time() - began >= CANCELLATION_BACKOFF + CANCELLATION_TIMEOUT:
                    daemon = None
            delay = 0.0
            if not released:
                try:
                    await self._handlers["release"](name=name)
                    released = True
                except kopf.TemporaryError as error:
                    delay = float(error.delay or 0.0)
            elif daemon is not None and not daemon.done():
                delay = max(0.1, began + CANCELLATION_BACKOFF - loop.time())
            if released and (daemon is None or daemon.done()):
                break
            await asyncio.sleep(delay)
        await asyncio.sleep(self._way())
        if self._resource.body is not None and self._resource.body.uid == self._uid:
            self._resource.release()
