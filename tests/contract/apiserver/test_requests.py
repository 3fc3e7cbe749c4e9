"""The simulated API server answers azlm's requests as the real one does."""

import asyncio
from typing import Any

import pytest

from azure_linux_migrator.kube.client import Client
from simtest.custom_resource import CustomResource
from simtest.shipped.api_server import SimulatedApiServer
from testbed.control_plane import ControlPlane
from testbed.fill.command import apply
from testbed.fill.nodes import pool_nodes
from testbed.fill.workloads import deployment
from testbed.kubectl import kubectl
from tests.contract.apiserver import exchanges
from tests.contract.apiserver.exchanges import DEPLOYMENT, MIGRATION, Manifest, Transcript
from tests.contract.apiserver.servers import RealServer, SimulatedServer
from tests.support import simulated_clusters

SPEC = {"source": {"nodePool": "src"}, "strategy": {"type": "BlueGreen"}}
PATIENCE = 40.0


async def _everything(server: RealServer | SimulatedServer, node: str, pod: Manifest) -> Transcript:
    log = Transcript(server, [])
    await exchanges.nodes(log, node)
    await exchanges.deployments(log)
    await exchanges.pods(log, pod)
    await exchanges.leases(log)
    await exchanges.events(log)
    await exchanges.access(log)
    await exchanges.migrations(log)
    await exchanges.lists(log, node)
    return log


def _simulated() -> SimulatedApiServer:
    cluster = simulated_clusters.simulation(src={"count": 1})
    simulated_clusters.app(cluster, DEPLOYMENT, 2)
    simulated_clusters.run(cluster, 30.0)
    resource = CustomResource(cluster.store, MIGRATION, SPEC, lambda: cluster.kernel.now)
    return SimulatedApiServer(cluster, resource)


async def _simulated_transcript() -> Transcript:
    server = SimulatedServer(_simulated())
    _, listed = await server.ask("GET", "/api/v1/pods")
    _, nodes = await server.ask("GET", "/api/v1/nodes")
    return await _everything(server, nodes["items"][0]["metadata"]["name"], listed["items"][0])


async def _until_running(client: Client) -> Manifest:
    """A Ready pod of the Deployment."""
    async with asyncio.timeout(PATIENCE):
        while True:
            listed = await client.json(
                "GET", exchanges.PODS, query={"labelSelector": f"app={DEPLOYMENT}"}
            )
            ready: list[Manifest] = [pod for pod in listed["items"] if _is_ready(pod)]
            if len(ready) == 2:
                return ready[0]
            await asyncio.sleep(0.1)


def _is_ready(pod: Manifest) -> bool:
    conditions = pod["status"].get("conditions") or ()
    return any(
        condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions
    )


async def _real_transcript(plane: ControlPlane) -> Transcript:
    manifests = pool_nodes("src", 1)
    migration = {
        "apiVersion": "azlm.dev/v1alpha1",
        "kind": "AzureLinuxMigration",
        "metadata": {"name": MIGRATION},
        "spec": SPEC,
    }
    apply(plane.kubeconfig, [*manifests, deployment(DEPLOYMENT, 2), migration])
    client = await Client.connect(str(plane.kubeconfig))
    try:
        pod = await _until_running(client)
        return await _everything(RealServer(client), str(manifests[0]["metadata"]["name"]), pod)
    finally:
        await client.close()
        for kind, name in (
            ("azlm", MIGRATION),
            ("deployment", DEPLOYMENT),
            ("lease", "contract"),
            ("event", "contract.1"),
            ("node", str(manifests[0]["metadata"]["name"])),
        ):
            kubectl(plane.kubeconfig, "delete", kind, name, "--ignore-not-found", "--wait=false")


@pytest.mark.cluster
async def test_both_give_the_same_answers(control_plane: ControlPlane) -> None:
    real = await _real_transcript(control_plane)
    simulated = await _simulated_transcript()
    pairs = zip(simulated.lines, real.lines, strict=True)
    different = [f"{ours} is {theirs}" for ours, theirs in pairs if ours != theirs]
    assert not different, "\n".join(different)


async def test_the_simulated_one_refuses_what_the_real_one_refuses() -> None:
    """Without a control plane: the outcomes that the other test compares, by name."""
    lines = (await _simulated_transcript()).lines
    refused: dict[Any, Any] = {line[0]: line[1] for line in lines if line[1] in range(400, 600)}
    assert refused["cordon at the old version"] == 409
    assert refused["uncordon somebody else's"] == 422
    assert refused["evict another uid"] == 409
    assert refused["apply at the old version"] == 409
    assert len(lines) > 50
