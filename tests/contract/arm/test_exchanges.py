"""Recorded exchanges of changes of pools, replayed request by request against the simulated AKS.

Compared are statuses, the headers that clients act on, the keys of bodies, and the values that an
exchange is about: states, counts, the OS SKU.
"""

from typing import Any

import pytest

from azure_linux_migrator.simulator.aks.operations import swapped
from azure_linux_migrator.simulator.aks.region import Region
from simtest.faults.azure_calls import CallFault, Stall, inject
from tests.support.recordings import recorded
from tests.support.replay import same_answer
from tests.support.served_aks import ServedAks, served_aks

POOL = {"count": 1, "vmSize": "Standard_DS2_v2", "osSKU": "Ubuntu", "mode": "User"}


def exchanges(name: str) -> list[dict[str, Any]]:
    """The exchanges of a recording."""
    return list(recorded(f"exchanges/{name}.json")["exchanges"])


async def ended(served: ServedAks, headers: dict[str, str]) -> None:
    """Let an operation end: its `name` is not the GUID of its URL."""
    url = headers["azure-asyncoperation"]
    running = (await served.ask("GET", url))[2]
    assert set(running) == {"name", "status", "startTime"}
    served.pass_time(600)
    body = (await served.ask("GET", url))[2]
    assert (set(body), body["status"]) == ({"name", "status", "startTime", "endTime"}, "Succeeded")
    assert body["name"] == swapped(url.rpartition("/")[2].partition("?")[0]) != running["status"]


def test_a_recorded_operation_is_named_by_the_swapped_guid_of_its_url() -> None:
    poll = recorded("wire/04_abort.json")["exchanges"][1]
    guid = poll["request"]["path"].rpartition("/")[2]
    assert swapped(guid) == poll["response"]["body"]["name"]


async def test_an_os_sku_is_changed_in_place() -> None:
    before, change, *_ = exchanges("01_inplace_os_sku_update")
    async with served_aks() as served:
        served.adopt("system", POOL | {"mode": "System"})
        made_with = POOL | {"mode": "System", "orchestratorVersion": "1.37"}
        served.cluster.adopt(
            "nodepool1",
            made_with,
            list(served.cluster.nodes("system")),
            made_with_cluster=True,
        )
        same_answer(await served.ask("GET", served.pool("nodepool1")), before, "upgradeSettings")
        wanted = change["request"]["properties"] | {"orchestratorVersion": "1.37"}
        answer = await served.ask("PUT", served.pool("nodepool1"), {"properties": wanted})
        shown = same_answer(answer, change, "provisioningState", "osSKU", "upgradeSettings")
        assert shown["provisioningState"] == "Upgrading"
        assert "AzureLinux" in shown["nodeImageVersion"], "the target, not what nodes run"
        assert shown["orchestratorVersion"] == "1.37", "an alias is kept"
        old = {node.labels["kubernetes.azure.com/os-sku"] for node in served.cluster.nodes()}
        assert old == {"Ubuntu"}
        await ended(served, answer[1])


async def test_machines_are_deleted_without_a_drain() -> None:
    delete, _, result, after = exchanges("02_delete_machines")
    async with served_aks() as served:
        served.adopt("c000003", POOL | {"count": 4})
        path = served.pool("c000003", "/deleteMachines")
        answer = await served.ask("POST", path, delete["request"])
        same_answer(answer, delete)
        assert served.cluster.advance(served.now) == [], "no node is cordoned and drained"
        await ended(served, answer[1])
        location = await served.ask("GET", answer[1]["location"])
        assert location[0] == result["status"]
        values = ("count", "provisioningState", "scaleDownMode", "upgradeSettings")
        same_answer(await served.ask("GET", served.pool("c000003")), after, *values)


async def test_the_status_of_a_creation_is_free_text() -> None:
    create, *polls = exchanges("03_create_status_text")
    async with served_aks() as served:
        served.adopt("system", POOL | {"mode": "System"})
        answer = await served.ask("PUT", served.pool("np2"), {"properties": POOL})
        same_answer(answer, create, "provisioningState")
        recorded_version = create["headers"]["Azure-AsyncOperation"].partition("api-version=")[2]
        url = answer[1]["azure-asyncoperation"]
        assert url.endswith(f"api-version={recorded_version}"), "the service's, not the caller's"
        texts = []
        for _ in range(90):
            body = (await served.ask("GET", url))[2]
            texts += [body["status"]] if body["status"] not in texts else []
            served.pass_time(1)
        texts.append((await served.ask("GET", url))[2]["status"])
        assert list(dict.fromkeys(texts)) == [poll["response"]["status"] for poll in polls]


async def test_a_pool_is_scaled_tagged_and_deleted() -> None:
    scale, _, tags, delete = exchanges("04_scale_tags_delete")
    async with served_aks() as served:
        own = {"tags": {"key1": "value1"}, "nodeLabels": {"label1": "value1"}}
        version = {"orchestratorVersion": served.cluster.shape.kubernetes_version}
        served.adopt("nodepool2", POOL | own)
        wanted = scale["request"]["properties"] | version
        answer = await served.ask("PUT", served.pool("nodepool2"), {"properties": wanted})
        same_answer(answer, scale, "provisioningState", "count", "upgradeSettings")
        await ended(served, answer[1])
        wanted |= {"tags": {"key2": "value2"}}
        answer = await served.ask("PUT", served.pool("nodepool2"), {"properties": wanted})
        assert answer[0] == tags["status"]
        assert answer[2]["properties"]["tags"] == {"key2": "value2"}, "replaced, not merged"
        assert answer[2]["properties"]["provisioningState"] == "Updating"
        await ended(served, answer[1])
        same_answer(await served.ask("DELETE", served.pool("nodepool2")), delete)


async def test_a_count_below_the_autoscalers_bounds_is_taken_and_raised() -> None:
    create, bounds, _, after = exchanges("05_autoscaler")
    version = "orchestratorVersion"
    async with served_aks() as served:
        served.adopt("system", POOL | {"mode": "System"})
        answer = await served.ask("PUT", served.pool("np1"), create["request"])
        values = ("count", "minCount", "maxCount", "provisioningState", "upgradeSettings")
        same_answer(answer, create, *values)
        served.pass_time(600)
        wanted = bounds["request"]["properties"] | {version: answer[2]["properties"][version]}
        answer = await served.ask("PUT", served.pool("np1"), {"properties": wanted})
        same_answer(answer, bounds, *values)
        await ended(served, answer[1])
        same_answer(await served.ask("GET", served.pool("np1")), after, *values)


async def test_a_stop_shows_a_count_that_the_next_read_contradicts() -> None:
    stop, reading, abort, _, result, after = exchanges("06_stop_and_abort")
    async with served_aks() as served:
        served.adopt("c000003", POOL | {"count": 2})
        inject(served.cluster, CallFault(Stall(600), "PutPool"))
        wanted = POOL | {"count": 2, "powerState": {"code": "Stopped"}}
        values = ("count", "provisioningState", "powerState")
        answer = await served.ask("PUT", served.pool("c000003"), {"properties": wanted})
        same_answer(answer, stop, *values)
        same_answer(await served.ask("GET", served.pool("c000003")), reading, *values)
        path = served.pool("c000003", "/abort").replace("managedClusters", "managedclusters")
        answer = await served.ask("POST", path)
        same_answer(answer, abort, *values)
        await ended(served, answer[1])
        assert (await served.ask("GET", answer[1]["location"]))[0] == result["status"]
        same_answer(await served.ask("GET", served.pool("c000003")), after, *values)


# Refusals

SPOT = {"scaleSetPriority": "Spot"}
REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "PUT agentPool, Spot priority, upgradeSettings.maxSurge set": (
        {},
        SPOT | {"upgradeSettings": {"maxSurge": "33%"}},
    ),
    "same, maxUnavailable": ({}, SPOT | {"upgradeSettings": {"maxUnavailable": "1"}}),
    "System pool on a size below 2 vCPU / 4 GB": (
        {},
        {"mode": "System", "vmSize": "Standard_D1_v2"},
    ),
    "agent pool at a patch that is no longer offered": ({}, {"orchestratorVersion": "1.36.1"}),
    "node creation beyond SNAT ports: allocatedOutboundPorts set, nodes (incl. maxCount and "
    "maxSurge) times ports exceed 64000 x IPs": (
        {"outbound_ports": 1280},
        # One System node with its surge, and 50 with theirs: more than 50 x 1280 ports.
        {"enableAutoScaling": True, "minCount": 1, "maxCount": 49},
    ),
    "any node-changing write while the MC_ resource group, or one resource in it, has a lock": (
        {"resource_group": "rg1", "name": "aks1", "location": "eastus"},
        {},
    ),
}


def _shape(text: str) -> str:
    """A message without its numbers and names, and without a link that newer answers lack."""
    sentence = text.partition(" Please see https://aka.ms/aks-naming-rules")[0]
    words = sentence.replace("upgrade.", "upgradeSettings.").removesuffix(" ...").split()
    return " ".join("#" if any(map(str.isdigit, word)) else word for word in words)


@pytest.mark.parametrize("when", REFUSED)
async def test_a_recorded_refusal(when: str) -> None:
    [theirs] = [
        refusal
        for refusal in recorded("exchanges/07_refusals_synchronous.json")["refusals"]
        if refusal["when"] == when
    ]
    shape, properties = REFUSED[when]
    region = Region(node_group_locks=("keep",)) if "lock" in when else None
    async with served_aks(region=region, **shape) as served:
        served.adopt("system", POOL | {"mode": "System"})
        name = "nodepool1" if properties.get("mode") == "System" else "np1"
        status, _, body = await served.ask(
            "PUT", served.pool(name), {"properties": POOL | properties}
        )
        assert str(status) == str(theirs["status"])[:3]
        assert set(body) == set(theirs["body"])
        for key in ("code", "subcode"):
            assert body[key] == theirs["body"][key]
        target = theirs["body"].get("target", "").replace("upgrade.", "upgradeSettings.")
        assert body.get("target", "") == target
        wanted = _shape(theirs["body"]["message"].replace("1.x.y", "1.36.1"))
        assert _shape(body["message"]).startswith(wanted)
