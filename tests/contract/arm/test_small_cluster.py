"""The resource group of a run against Azure: made once, deleted in every case, never another's."""

import asyncio
from pathlib import Path

import pytest

from testbed.azure import small_cluster
from testbed.azure.small_cluster import SmallCluster
from testbed.control_plane import StartError
from testbed.demo.process import SUBSCRIPTION, AzureCluster
from tests.support.served_azure import (
    NAME,
    POLL_SECONDS,
    FailsOnce,
    Locked,
    MadeLate,
    methods,
    served_azure,
)


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    file = tmp_path / "kubeconfig"
    file.write_text("apiVersion: v1\n")
    return file


async def test_it_is_made_and_deleted(kubeconfig: Path) -> None:
    async with served_azure(kubeconfig) as (small, server):
        await asyncio.to_thread(lambda: small.create(POLL_SECONDS))
        assert await asyncio.to_thread(small.kubeconfig) == "apiVersion: v1\n"
        pools = {pool["name"]: pool["properties"] for pool in server._cluster.list_pools(2e9)}
        assert {name: pool["count"] for name, pool in pools.items()} == {"system": 1, "workers": 3}
        assert pools["system"]["nodeTaints"] == ["CriticalAddonsOnly=true:NoSchedule"]
        assert await asyncio.to_thread(lambda: small.delete(POLL_SECONDS))
        assert methods(server)[-1] == "GET"
        assert methods(server).count("DELETE") == 1


async def test_a_group_that_exists_is_left_alone(kubeconfig: Path) -> None:
    async with served_azure(kubeconfig) as (small, server):
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
    async with served_azure(kubeconfig, Locked) as (small, server):
        await asyncio.to_thread(lambda: small.create(POLL_SECONDS))
        assert not await asyncio.to_thread(lambda: small.delete(POLL_SECONDS))
        assert methods(server).count("DELETE") > 2, "it was tried again"


async def test_a_deletion_that_fails_later_is_asked_for_again(kubeconfig: Path) -> None:
    async with served_azure(kubeconfig, FailsOnce) as (small, server):
        await asyncio.to_thread(lambda: small.create(POLL_SECONDS))
        assert await asyncio.to_thread(lambda: small.delete(POLL_SECONDS))
        assert methods(server).count("DELETE") == 2


async def test_a_group_that_appears_after_a_lost_answer_is_deleted(
    kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(small_cluster, "UNANSWERED_SECONDS", 1.0)
    async with served_azure(kubeconfig, MadeLate) as (small, server):
        with pytest.raises(ConnectionError, match="without response"):
            await asyncio.to_thread(lambda: small.create(POLL_SECONDS))
        assert await asyncio.to_thread(lambda: small.delete(POLL_SECONDS))
        assert methods(server).count("DELETE") == 1


async def test_a_refused_cluster_is_reported_and_its_group_deleted(kubeconfig: Path) -> None:
    async with served_azure(kubeconfig) as (_, server):
        where = AzureCluster(SUBSCRIPTION, NAME, NAME)
        tiny = SmallCluster(server._base, where, location="x", vm_size="Standard_D1_v2", nodes=1)
        with pytest.raises(StartError, match="SystemPoolSkuTooLow"):
            await asyncio.to_thread(lambda: tiny.create(POLL_SECONDS))
        assert await asyncio.to_thread(lambda: tiny.delete(POLL_SECONDS))
