"""The resource group of a run against Azure: made once, deleted in every case, never another's."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from azure_linux_migrator.simulator.aks.errors import ResponseLost, scope_locked
from azure_linux_migrator.simulator.aks.limits import ClusterShape, Timings
from azure_linux_migrator.simulator.aks.managed_cluster import ManagedCluster
from azure_linux_migrator.simulator.aks.rest_api import ArmAnswer, ArmRequest
from testbed.aks.server import ArmServer
from testbed.aks.subscription import Subscription
from testbed.azure import small_cluster
from testbed.azure.small_cluster import SmallCluster
from testbed.control_plane import StartError
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
        """As usual; the second request after the first deletion finds the group as before it."""
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
async def served(
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


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    file = tmp_path / "kubeconfig"
    file.write_text("apiVersion: v1\n")
    return file


def methods(server: ArmServer) -> list[str]:
    """Changes of the resource group."""
    return [entry["method"] for entry in server.log if entry["path"].endswith(f"/{NAME}")]


async def test_it_is_made_and_deleted(kubeconfig: Path) -> None:
    async with served(kubeconfig) as (small, server):
        await asyncio.to_thread(lambda: small.create(POLL_SECONDS))
        assert await asyncio.to_thread(small.kubeconfig) == "apiVersion: v1\n"
        pools = {pool["name"]: pool["properties"] for pool in server._cluster.list_pools(2e9)}
        assert {name: pool["count"] for name, pool in pools.items()} == {"system": 1, "workers": 3}
        assert pools["system"]["nodeTaints"] == ["CriticalAddonsOnly=true:NoSchedule"]
        assert await asyncio.to_thread(lambda: small.delete(POLL_SECONDS))
        assert methods(server)[-1] == "GET"
        assert methods(server).count("DELETE") == 1


async def test_a_group_that_exists_is_left_alone(kubeconfig: Path) -> None:
    async with served(kubeconfig) as (small, server):
        await asyncio.to_thread(lambda: small.create(POLL_SECONDS))
        where = AzureCluster(SUBSCRIPTION, NAME, NAME)
        other = SmallCluster(server._base, where, location="here", vm_size="x", nodes=1)
        with pytest.raises(StartError, match="exists already"):
            await asyncio.to_thread(lambda: other.create(POLL_SECONDS))
        assert await asyncio.to_thread(lambda: other.delete(POLL_SECONDS)), (
            "there is nothing of its own"
        )
        assert "DELETE" not in methods(server)


async def test_a_group_that_cannot_be_deleted_is_not_reported_as_gone(
    kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(small_cluster, "DELETE_SECONDS", 0.5)
    async with served(kubeconfig, Locked) as (small, server):
        await asyncio.to_thread(lambda: small.create(POLL_SECONDS))
        assert not await asyncio.to_thread(lambda: small.delete(POLL_SECONDS))
        assert methods(server).count("DELETE") > 2, "it was tried again"


async def test_a_deletion_that_fails_later_is_asked_for_again(kubeconfig: Path) -> None:
    async with served(kubeconfig, FailsOnce) as (small, server):
        await asyncio.to_thread(lambda: small.create(POLL_SECONDS))
        assert await asyncio.to_thread(lambda: small.delete(POLL_SECONDS))
        assert methods(server).count("DELETE") == 2


async def test_a_group_that_appears_after_a_lost_answer_is_deleted(
    kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(small_cluster, "UNANSWERED_SECONDS", 1.0)
    async with served(kubeconfig, MadeLate) as (small, server):
        with pytest.raises(ConnectionError, match="without response"):
            await asyncio.to_thread(lambda: small.create(POLL_SECONDS))
        assert await asyncio.to_thread(lambda: small.delete(POLL_SECONDS))
        assert methods(server).count("DELETE") == 1


async def test_a_refused_cluster_is_told_and_its_group_deleted(kubeconfig: Path) -> None:
    async with served(kubeconfig) as (_, server):
        where = AzureCluster(SUBSCRIPTION, NAME, NAME)
        tiny = SmallCluster(server._base, where, location="x", vm_size="Standard_D1_v2", nodes=1)
        with pytest.raises(StartError, match="SystemPoolSkuTooLow"):
            await asyncio.to_thread(lambda: tiny.create(POLL_SECONDS))
        assert await asyncio.to_thread(lambda: tiny.delete(POLL_SECONDS))
