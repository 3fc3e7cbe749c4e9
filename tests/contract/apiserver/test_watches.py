"""Watches of the simulated API server tell the same as those of the real one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from azure_linux_migrator.api.names import BATCH
from azure_linux_migrator.kube.client import MERGE_PATCH, Client
from azure_linux_migrator.kube.reflector import INITIAL_END
from simtest.custom_resource import CustomResource
from simtest.shipped.api_server import SimulatedApiServer
from testbed.control_plane import ControlPlane
from testbed.fill.command import apply
from testbed.fill.nodes import pool_nodes
from testbed.fill.workloads import Manifest
from testbed.kubectl import kubectl
from tests.contract.apiserver.exchanges import PODS
from tests.contract.apiserver.servers import RealServer, SimulatedServer
from tests.support import simulated_clusters

NODES = "/api/v1/nodes"
ALL_PODS = "/api/v1/pods"
LISTS = {
    "allowWatchBookmarks": "true",
    "sendInitialEvents": "true",
    "resourceVersionMatch": "NotOlderThan",
    "resourceVersion": "",
}
PATIENCE = 40.0
Lines = list[tuple[object, ...]]
Server = RealServer | SimulatedServer


async def _listed(events: AsyncIterator[Manifest]) -> tuple[set[str], int]:
    """The types of the events until the list is complete, and its version."""
    types: set[str] = set()
    async for event in events:
        metadata = event["object"]["metadata"]
        if event["type"] == "BOOKMARK" and INITIAL_END in (metadata.get("annotations") or {}):
            return types, int(metadata["resourceVersion"])
        types.add(str(event["type"]))
    raise AssertionError("the list does not end")


async def _until(events: AsyncIterator[Manifest], kind: str, name: str) -> int:
    """The version of the first event of that type about an object."""
    async for event in events:
        metadata = event["object"]["metadata"]
        if event["type"] == kind and metadata["name"] == name:
            return int(metadata["resourceVersion"])
    raise AssertionError(f"no {kind} of {name}")


async def _patch(server: Server, node: str, mark: str) -> int:
    body = {"metadata": {"annotations": {BATCH: mark}}}
    path = f"{NODES}/{node}"
    _, patched = await server.ask("PATCH", path, body=body, kind=MERGE_PATCH)
    return int(patched["metadata"]["resourceVersion"])


async def _changes(server: Server, node: str) -> Lines:
    """A streamed list, a change, and the same change seen by a watch from the list's version."""
    lines: Lines = []
    async with aclosing(server.watch(NODES, **LISTS)) as events:
        types, version = await _listed(events)
        lines.append(("a streamed list", sorted(types)))
        written = await _patch(server, node, "m.u.1")
    following = {"resourceVersion": str(version), "allowWatchBookmarks": "true"}
    async with aclosing(server.watch(NODES, **following)) as events:
        seen = await _until(events, "MODIFIED", node)
    lines.append(("a change", seen == written, seen > version))
    later = {"resourceVersion": str(written)}
    again = await _patch(server, node, "m.u.2")
    async with aclosing(server.watch(NODES, **later)) as events:
        seen = await _until(events, "MODIFIED", node)
    lines.append(("from its own version only what follows", seen == again))
    return lines


async def _deletion(server: Server, pod: str) -> Lines:
    """A deletion has a version of its own."""
    async with aclosing(server.watch(ALL_PODS, **LISTS)) as events:
        _, version = await _listed(events)
    options = {"apiVersion": "v1", "kind": "DeleteOptions"}
    status, _ = await server.ask("DELETE", f"{PODS}/{pod}", body=options)
    async with aclosing(server.watch(ALL_PODS, resourceVersion=str(version))) as events:
        seen = await _until(events, "DELETED", pod)
    return [("a deletion", status, seen > version)]


def _simulated() -> tuple[SimulatedServer, str, str]:
    """A cluster with a pod that fits on no node."""
    cluster = simulated_clusters.simulation(src={"count": 1})
    simulated_clusters.app(cluster, "waits", 1, requests=(99_000, 64))
    simulated_clusters.run(cluster, 30.0)
    resource = CustomResource(cluster.store, "m", {}, lambda: cluster.kernel.now)
    server = SimulatedServer(SimulatedApiServer(cluster, resource))
    node, pod = next(iter(cluster.store.nodes)), next(iter(cluster.store.pods))
    return server, node, pod.name


async def _simulated_lines() -> Lines:
    server, node, pod = _simulated()
    return [*await _changes(server, node), *await _deletion(server, pod)]


async def _real_lines(plane: ControlPlane) -> Lines:
    node = pool_nodes("watched", 1)[0]
    apply(plane.kubeconfig, [node])
    client = await Client.connect(str(plane.kubeconfig))
    container = {"name": "app", "image": "registry.example/waits:1"}
    spec = {"containers": [container], "nodeSelector": {"nowhere": "true"}}
    server, name = RealServer(client), str(node["metadata"]["name"])
    try:
        body = {"metadata": {"name": "waits"}, "spec": spec}
        await server.ask("POST", PODS, body=body)
        async with asyncio.timeout(PATIENCE):
            while True:
                _, pod = await server.ask("GET", f"{PODS}/waits")
                if pod["status"].get("conditions"):
                    break
                await asyncio.sleep(0.1)
            return [*await _changes(server, name), *await _deletion(server, "waits")]
    finally:
        await client.close()
        kubectl(plane.kubeconfig, "delete", "node", name, "--ignore-not-found", "--wait=false")


@pytest.mark.cluster
async def test_both_tell_the_same(control_plane: ControlPlane) -> None:
    assert await _simulated_lines() == await _real_lines(control_plane)


async def test_the_simulated_one_tells_every_change_once_and_in_order() -> None:
    assert await _simulated_lines() == [
        ("a streamed list", ["ADDED"]),
        ("a change", True, True),
        ("from its own version only what follows", True),
        ("a deletion", 200, True),
    ]


async def test_a_watch_from_before_the_compaction_is_gone() -> None:
    cluster = simulated_clusters.simulation(src={"count": 1})
    resource = CustomResource(cluster.store, "m", {}, lambda: cluster.kernel.now)
    server = SimulatedApiServer(cluster, resource)
    watched = SimulatedServer(server)
    node = next(iter(cluster.store.nodes))
    version = await _patch(watched, node, "m.u.1")
    await _patch(watched, node, "m.u.2")
    server.collections.nodes.compact(cluster.store.revision)
    events = [event async for event in watched.watch(NODES, resourceVersion=str(version))]
    assert [(event["type"], event["object"]["code"]) for event in events] == [("ERROR", 410)]
