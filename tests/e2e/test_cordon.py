"""Ownership of a cordon, on a real API server: one set between azlm's read and its write is not
azlm's."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from azure_linux_migrator.api.names import BATCH, CORDONED_BY
from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.kube.client import MERGE_PATCH, Client
from azure_linux_migrator.kube.cordon import ATTEMPTS, cordon, uncordon
from azure_linux_migrator.kube.decode import NodeObject
from azure_linux_migrator.kube.node_conditions import report
from testbed.control_plane import ControlPlane

pytestmark = pytest.mark.cluster

PATH = "/api/v1/nodes/n"


class Meddled:
    """A client that runs a callback after each read."""

    def __init__(self, client: Client, *patches: dict[str, Any], status: bool = False) -> None:
        self.client = client
        self.patches = list(patches)
        self.path = f"{PATH}/status" if status else PATH
        self.looks = 0

    async def json(self, method: str, path: str) -> dict[str, Any]:
        """As Client.json, and then somebody else writes."""
        body = await self.client.json(method, path)
        self.looks += 1
        if self.patches:
            patch = self.patches.pop(0)
            await self.client.request("PATCH", self.path, body=patch, content_type=MERGE_PATCH)
        return body

    async def request(self, *args: Any, **more: Any) -> bytes:
        """As Client.request."""
        return await self.client.request(*args, **more)


@pytest.fixture
async def client(control_plane: ControlPlane) -> AsyncIterator[Client]:
    client = await Client.connect(str(control_plane.kubeconfig))
    body = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}}
    await client.request("POST", "/api/v1/nodes", body=body)
    try:
        yield client
    finally:
        await client.request("DELETE", PATH)
        await client.close()


async def _state(client: Client) -> tuple[bool, str, str]:
    node = await client.json("GET", PATH)
    notes = node["metadata"].get("annotations") or {}
    cordoned = bool(node["spec"].get("unschedulable"))
    return cordoned, notes.get(CORDONED_BY, ""), notes.get(BATCH, "")


async def test_a_cordon_made_between_look_and_write_stays_someone_else_s(client: Client) -> None:
    meddled: Any = Meddled(client, {"spec": {"unschedulable": True}})
    await cordon(meddled, "n", by="m", batch="m.1")
    assert await _state(client) == (True, "", "m.1")
    await uncordon(client, "n", by="m")
    assert await _state(client) == (True, "", ""), "it is theirs, and stays"


async def test_an_open_node_is_cordoned_and_opened_again(client: Client) -> None:
    await cordon(client, "n", by="m", batch="m.1")
    assert await _state(client) == (True, "m", "m.1")
    await cordon(client, "n", by="m")
    assert await _state(client) == (True, "m", "m.1")
    await cordon(client, "n", by="other")
    assert await _state(client) == (True, "m", "m.1"), "one migration does not take another's"
    await uncordon(client, "n", by="m")
    assert await _state(client) == (False, "", "")


def _heartbeat(count: int) -> dict[str, Any]:
    ready = {
        "type": "Ready",
        "status": "True",
        "lastHeartbeatTime": f"2026-01-01T00:00:{count:02}Z",
    }
    return {"status": {"conditions": [ready]}}


async def test_heartbeats_delay_a_cordon_and_do_not_prevent_it(client: Client) -> None:
    meddled: Any = Meddled(client, *map(_heartbeat, range(ATTEMPTS - 1)), status=True)
    await cordon(meddled, "n", by="m")
    assert meddled.looks == ATTEMPTS
    assert await _state(client) == (True, "m", "")


async def test_a_node_that_never_holds_still_is_tried_again_later(client: Client) -> None:
    meddled: Any = Meddled(client, *map(_heartbeat, range(ATTEMPTS)), status=True)
    with pytest.raises(KubernetesError) as caught:
        await cordon(meddled, "n", by="m")
    assert caught.value.status == 409
    assert await _state(client) == (False, "", "")


async def test_a_node_that_is_gone_needs_no_cordon(client: Client) -> None:
    await cordon(client, "gone", by="m")


async def test_a_drain_is_reported_in_the_conditions_and_taken_back(client: Client) -> None:
    async def drain_reported() -> tuple[str, list[str]]:
        node = await client.json("GET", PATH)
        conditions = node["status"].get("conditions") or []
        return (
            msgspec.convert(node, NodeObject).record().drain,
            sorted(c["type"] for c in conditions if c["type"] in {"DrainInProgress", "Drained"}),
        )

    before = (await client.json("GET", PATH))["status"].get("conditions") or []
    for condition in ("DrainInProgress", "Drained"):
        await report(client, "n", by="m", condition=condition, now=1_800_000_000.0)
        assert await drain_reported() == (f"m/{condition}", [condition])
    await report(client, "n", by="m", condition="", now=1_800_000_000.0)
    await report(client, "n", by="m", condition="", now=1_800_000_000.0)
    assert await drain_reported() == ("", [])
    after = (await client.json("GET", PATH))["status"].get("conditions") or []
    assert {c["type"] for c in after} >= {c["type"] for c in before}
    await report(client, "gone", by="m", condition="Drained", now=1_800_000_000.0)
