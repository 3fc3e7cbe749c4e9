"""Nodes that azlm has cordoned for a migration that does not exist any more.

A migration that is deleted uncordons its nodes first. One whose finalizer somebody removes does
not, and nothing works on it afterwards: so the leader counts such nodes by itself.
"""

import asyncio
import logging

from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.kube.cordon import cordoned_nodes
from azure_linux_migrator.kube.migrations import Migrations

log = logging.getLogger(__name__)

CHECK_SECONDS = 600.0
"""Between two counts; a count reads all nodes, 500 at a time."""


class OrphanedCordons:
    """`count` is None before the first count."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.count: int | None = None

    async def run(self) -> None:
        """Count again and again."""
        while True:
            try:
                await self.check()
            except KubernetesError as error:
                log.warning("counting orphaned cordons: %s", error)
            await asyncio.sleep(CHECK_SECONDS)

    async def check(self) -> None:
        """Count now. Nodes are read first: a migration exists before it cordons anything."""
        owners = await cordoned_nodes(self._client)
        names = await Migrations(self._client).names()
        orphans = sorted(node for node, owner in owners.items() if owner not in names)
        if orphans and len(orphans) != self.count:
            log.warning(
                "%d nodes are cordoned by azlm for a migration that does not exist: %s",
                len(orphans),
                ", ".join(orphans[:5]),
            )
        self.count = len(orphans)
