"""A subscription of the simulated Azure over HTTP: its resource group is made and deleted."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from azure_linux_migrator.simulator.aks.errors import ResponseLost, scope_locked
from azure_linux_migrator.simulator.aks.limits import ClusterShape, Timings
from azure_linux_migrator.simulator.aks.managed_cluster import ManagedCluster
from azure_linux_migrator.simulator.aks.rest_api import ArmAnswer, ArmRequest
from testbed.aks.server import ArmServer
from testbed.aks.subscription import Subscription
from testbed.azure.small_cluster import SmallCluster
from testbed.demo.process import SUBSCRIPTION, AzureCluster

NAME = "azlm-e2e-0a1b2c"
POLL_SECONDS = 0.05


class Locked(Subscription):
    """A resource group that cannot be deleted."""

    def answer(self, request: ArmRequest) -> ArmAnswer | None:
        """As usual, but for a deletion."""
        if request.method == "DELETE":
            raise scope_locked(request.path, "delete")
        return super().answer(request)


class FailsOnce(Subscription):
    """A resource group whose first deletion is accepted and fails later."""

    failed = False

    def answer(self, request: ArmRequest) -> ArmAnswer | None:
        """As usual; the first read shows the deletion, later ones the group as it was before."""
        if self._gone_at is not None and not self.failed and request.method == "GET":
            self.failed = True
            answer = super().answer(request)
            self._gone_at = None
            return answer
        return super().answer(request)


class MadeLate(Subscription):
    """A resource group that appears after its maker has lost the connection."""

    appears_at = 0.0

    def answer(self, request: ArmRequest) -> ArmAnswer | None:
        """As usual, but for the request that makes the group."""
        if request.method == "PUT":
            self.appears_at = request.now + 0.3
            raise ResponseLost(committed=True)
        if self.appears_at and request.now >= self.appears_at:
            self._group, self.appears_at = True, 0.0
        return super().answer(request)


@asynccontextmanager
async def served_azure(
    kubeconfig: Path, kind: type[Subscription] = Subscription
) -> AsyncIterator[tuple[SmallCluster, ArmServer]]:
    """What makes and deletes the cluster, and the simulated Azure that it asks."""
    shape = ClusterShape(resource_group=NAME, name=NAME)
    cluster = ManagedCluster(
        random.Random(1), shape=shape, timings=Timings(boot=0.2, delete=0.1, update=0.1)
    )
    server = ArmServer(cluster, None, surroundings=kind(cluster, kubeconfig, 0.3))
    url = await server.start(0)
    where = AzureCluster(SUBSCRIPTION, NAME, NAME)
    try:
        yield SmallCluster(url, where, location="here", vm_size="Standard_D2s_v5", nodes=3), server
    finally:
        await server.stop()


def methods(server: ArmServer) -> list[str]:
    """Changes of the resource group."""
    return [entry["method"] for entry in server.log if entry["path"].endswith(f"/{NAME}")]
