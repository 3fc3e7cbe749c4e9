"""The simulated AKS on a cluster that does not take everything."""

import asyncio
import random

from aiohttp import web

from azure_linux_migrator.simulator.aks.limits import Timings
from azure_linux_migrator.simulator.aks.managed_cluster import ManagedCluster
from testbed.aks.nodes import KubernetesNodes
from testbed.aks.server import ArmServer
from tests.support.fake_apiserver import serving

POOL = {"count": 2, "vmSize": "Standard_D4s_v5", "osSKU": "Ubuntu", "mode": "User"}


async def test_a_node_that_the_apiserver_refuses_does_not_stop_the_rest() -> None:
    nodes: set[str] = set()
    answers = iter((422, 503))

    async def apiserver(request: web.Request) -> web.StreamResponse:
        if status := next(answers, 0):
            return web.json_response({"message": "no"}, status=status)
        if request.method == "POST":
            nodes.add((await request.json())["metadata"]["name"])
        else:
            nodes.discard(request.path.rpartition("/")[2])
        return web.json_response({})

    timings = Timings(boot=0.2, delete=0.1, update=0.1)
    cluster = ManagedCluster(random.Random(1), timings=timings)
    cluster.adopt("system", POOL | {"mode": "System"})
    async with serving(apiserver) as client:
        server = ArmServer(cluster, KubernetesNodes(client))
        await server.start(0)
        try:
            cluster.put("one", {"properties": POOL | {"count": 3}}, server._clock())
            server._changed.set()
            async with asyncio.timeout(5):
                while len(nodes) < 2:  # noqa: ASYNC110 - the server has no event for it
                    await asyncio.sleep(0.02)
        finally:
            await server.stop()
    assert len(nodes) == 2, "the first was refused for good, the second was tried again"
