"""An apiserver that does not stream lists, as Kubernetes 1.30 by default: the watches page."""

import asyncio
from collections.abc import Iterator

import pytest

from azure_linux_migrator.kube import reflector
from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.kube.cluster_watch import ClusterWatch
from testbed.control_plane import ControlPlane
from testbed.fill.command import apply
from testbed.fill.nodes import pool_nodes
from testbed.kubectl import kubectl

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    plane = ControlPlane.start(tmp_path_factory.mktemp("plane"), feature_gates="WatchList=false")
    try:
        yield plane
    finally:
        plane.stop()


async def test_the_watches_page_and_follow(
    plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reflector, "PAGE", 2)
    apply(plane.kubeconfig, pool_nodes("workers", 5))
    client = await Client.connect(str(plane.kubeconfig))
    watch = ClusterWatch(client)
    changed = asyncio.Event()
    await watch.acquire(changed.set)

    async def until(*names: str) -> None:
        async with asyncio.timeout(20):
            while not watch.synced or set(watch.world.nodes) != set(names):
                changed.clear()
                await changed.wait()

    try:
        nodes = kubectl(plane.kubeconfig, "get", "nodes", "-o", "name").split()
        names = [node.removeprefix("node/") for node in nodes]
        await until(*names)
        assert not any(reflector._streams for reflector in watch._reflectors.values())
        assert watch.problem() == ""
        kubectl(plane.kubeconfig, "delete", "node", names[0])
        await until(*names[1:])
    finally:
        await watch.release(changed.set)
        await client.close()
        await asyncio.sleep(
            0.25
        )  # docs.aiohttp.org/en/stable/client_advanced.html#graceful-shutdown
