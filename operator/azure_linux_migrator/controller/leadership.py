"""When this process leads: after the resource is served, and while no other install leads and the
Lease is held. Crash-only: losing the Lease ends the process at once.
"""

import asyncio
import logging
import os
import random

from azure_linux_migrator.api.names import GROUP, PLURAL
from azure_linux_migrator.controller.settings import Settings
from azure_linux_migrator.errors import KubernetesError, NotLeadingError
from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.kube.lease import Elector
from azure_linux_migrator.kube.migrations import Migrations
from azure_linux_migrator.kube.other_installs import leading_elsewhere

log = logging.getLogger(__name__)

LEASE = "azlm"
OTHER_INSTALL_SECONDS = 30.0
"""Between two looks whether another install still leads."""
LAST_DELETIONS_SECONDS = 20.0
"""Less than a pod's grace period, 30 s."""


class Leadership:
    """Of one process. `elector` is given by tests only."""

    def __init__(self, client: Client, settings: Settings, elector: Elector | None = None) -> None:
        self._client = client
        self._namespace = settings.namespace
        self._elector = elector or Elector(
            client, settings.namespace, LEASE, settings.holder, on_lost=_exit_process
        )
        self.served = False
        """Whether the resource is served, so that this process could lead."""
        self.elsewhere = ""
        """The namespace of another install that leads; this one waits."""

    @property
    def held(self) -> bool:
        """Whether this process leads right now."""
        return self._elector.held

    @property
    def lost(self) -> bool:
        """Whether it led, and does not renew the Lease any more."""
        return self._elector.lost

    @property
    def renewed_at(self) -> float:
        """Last renewal of the Lease by this process, in seconds since the epoch; 0 for never."""
        return self._elector.renewed_at

    @property
    def transitions(self) -> int:
        """How often the leader has changed, as the Lease says."""
        return self._elector.transitions

    def require(self) -> None:
        """Raises NotLeadingError unless this process leads right now."""
        if not self.held:
            raise NotLeadingError

    def refusal(self) -> str | None:
        """Why this process may never lead; None where it waits for a Lease, or leads."""
        if not self.elsewhere:
            return None
        return (
            f"another azlm leads in namespace {self.elsewhere}, and a cluster has one install: "
            f"remove that one or the one in {self._namespace}"
        )

    async def gain(self) -> None:
        """Wait for the resource definition, for the end of other installs, and for the Lease."""
        await self._wait_for_resource()
        self.served = True
        while True:
            while await self._leads_elsewhere():
                log.error("%s", self.refusal())
                await asyncio.sleep(OTHER_INSTALL_SECONDS)
            await self._elector.acquire()
            # Another install may have begun in the same moment: it looks too, and both step back.
            if not await self._leads_elsewhere():
                return
            await self._elector.release()
            await asyncio.sleep(random.uniform(0.0, 10.0))  # noqa: S311 - a jitter

    async def give_up(self) -> None:
        """Give the Lease back, if it is held."""
        await self._elector.release()

    async def end(self, stop: asyncio.Event, ended: asyncio.Event) -> None:
        """Once the process is to stop, wait until the deletions of migrations that have begun are
        finished, then set `ended`: nobody else would remove their finalizers where the operator is
        deleted together with them."""
        await stop.wait()
        try:
            async with asyncio.timeout(LAST_DELETIONS_SECONDS):
                while names := await Migrations(self._client).deleting():
                    log.info("before the end, the deletion of %s is finished", ", ".join(names))
                    await asyncio.sleep(1.0)
        except (KubernetesError, TimeoutError) as error:
            log.warning(
                "migrations may still wait for their finalizer: %s", str(error) or "timeout"
            )
        finally:
            ended.set()

    async def _wait_for_resource(self) -> None:
        while True:
            try:
                await Migrations(self._client).probe()
            except KubernetesError as error:
                log.warning("cannot list %s.%s yet (is crds/ applied?): %s", PLURAL, GROUP, error)
                await asyncio.sleep(error.delayed(2.0))
            else:
                return

    async def _leads_elsewhere(self) -> bool:
        """Whether another install leads; one that may not be looked for is taken for none."""
        try:
            self.elsewhere = await leading_elsewhere(self._client, self._namespace, LEASE)
        except KubernetesError as error:
            self.elsewhere = ""
            log.warning("cannot look for other installs of azlm: %s", error)
        return bool(self.elsewhere)


def _exit_process() -> None:
    log.critical("the Lease is lost; another operator may lead: ending at once")
    os._exit(70)
