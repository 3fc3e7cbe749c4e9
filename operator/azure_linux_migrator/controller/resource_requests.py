"""The two requests that a reconcile loop asks for: write the status, read the resource again."""

import logging
import time
from collections.abc import Callable

from azure_linux_migrator.core.reconcile.lenient_parsing import resource_seen
from azure_linux_migrator.core.reconcile.messages import (
    ResourceSeen,
    StatusWritten,
    WriteAnswer,
    WriteStatus,
    answer_of,
)
from azure_linux_migrator.errors import KubernetesError, NotLeadingError
from azure_linux_migrator.kube.migrations import Migrations

log = logging.getLogger(__name__)


class ResourceRequests:
    """The requests about one resource. `may_act` is whether this process holds the Lease.
    `on_conflict` is called when a status met a newer resource."""

    def __init__(
        self,
        resources: Migrations,
        name: str,
        may_act: Callable[[], bool],
        on_conflict: Callable[[], None] = lambda: None,
    ) -> None:
        self._resources = resources
        self._name = name
        self._may_act = may_act
        self._on_conflict = on_conflict

    async def write(self, write: WriteStatus) -> StatusWritten:
        """Write the status, only to the version that the loop knows."""
        if not self._may_act():
            return StatusWritten(WriteAnswer.UNSENT)
        status = write.status.model_dump(mode="json", by_alias=True, exclude_none=True)
        try:
            version = await self._resources.apply_status(
                self._name, status, resource_version=str(write.version)
            )
        except NotLeadingError:
            return StatusWritten(WriteAnswer.UNSENT)
        except KubernetesError as error:
            answer = answer_of(error)
            if answer is WriteAnswer.CONFLICT:
                self._on_conflict()
            else:
                log.warning("writing the status of %s: %s", self._name, error)
            return StatusWritten(answer, wait=error.delayed(0.0))
        return StatusWritten(WriteAnswer.TAKEN, version)

    async def read(self) -> ResourceSeen | None:
        """The resource, or None where it cannot be read."""
        try:
            return resource_seen(await self._resources.get(self._name), time.time())
        except KubernetesError as error:
            log.warning("reading %s again: %s", self._name, error)
            return None
