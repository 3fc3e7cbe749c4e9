"""The single writer of one resource's status: coalesced, and silent when nothing changed.

Every write is for the version of the resource that was seen last, and none is sent without the
Lease: what another leader has recorded is never overwritten.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.kube.migrations import Migrations

log = logging.getLogger(__name__)

INTERVAL_SECONDS = 0.5


class StatusWriter:
    """Writes at most twice a second; `write_now` is for what must be recorded before acting."""

    def __init__(
        self,
        resources: Migrations,
        name: str,
        *,
        may_write: Callable[[], bool],
        on_failure: Callable[[], None],
    ) -> None:
        self._resources = resources
        self._name = name
        self._may_write = may_write
        self._on_failure = on_failure
        self._written: dict[str, Any] | None = None
        self._wanted: dict[str, Any] | None = None
        self._sending: dict[str, Any] | None = None
        self._doubtful: dict[str, Any] | None = None
        self._version = ""
        self._gone = False
        self._last = 0.0
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def start_from(self, status: dict[str, Any]) -> None:
        """What the resource's status is known to be; what was wanted before is not any more."""
        self._written = self._wanted = status

    def saw(self, resource_version: str, status: dict[str, Any]) -> bool:
        """The resource was seen at that version; True if its status was written by somebody else.

        An older sight says nothing. A write that was not answered and shows itself now is ours.
        """
        if int(resource_version or 0) <= int(self._version or 0):
            return False
        self._version = resource_version
        if status == self._doubtful:
            self._written = status
        return status not in (self._written, self._sending)

    def offer(self, status: MigrationStatus) -> None:
        """Write this soon, unless something newer is offered before."""
        self._wanted = _wire(status)
        if self._wanted != self._written and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._flush())

    async def write_now(self, status: MigrationStatus) -> bool:
        """Write before going on; `on_failure` is not called.

        False when somebody has changed the resource since it was seen, or on any failure: nothing
        may be done on the strength of it.
        """
        self._wanted = _wire(status)
        return await self._write()

    async def stop(self) -> None:
        """Write what is still wanted, at once."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._write()

    async def _flush(self) -> None:
        await asyncio.sleep(max(0.0, self._last + INTERVAL_SECONDS - time.monotonic()))
        while self._wanted != self._written and not self._gone:
            if not await self._write() and not self._gone:
                self._on_failure()
            await asyncio.sleep(INTERVAL_SECONDS)

    async def _write(self) -> bool:
        async with self._lock:
            wanted = self._wanted
            if wanted is None or wanted == self._written:
                return True
            if not self._may_write():
                return False
            self._last = time.monotonic()
            self._sending = wanted
            try:
                answer = await self._resources.apply_status(
                    self._name, wanted, resource_version=self._version or None
                )
            except KubernetesError as error:
                if error.status == 404:
                    self._gone = True
                    return False
                if error.status == 0:
                    self._doubtful = wanted
                if error.status != 409:
                    log.warning("writing the status of %s: %s", self._name, error)
                return False
            finally:
                self._sending = None
            self._written = wanted
            self.saw(str(answer["metadata"]["resourceVersion"]), wanted)
            return True


def _wire(status: MigrationStatus) -> dict[str, Any]:
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)
