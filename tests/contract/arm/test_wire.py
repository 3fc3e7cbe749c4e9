"""Recorded exchanges of the real service, replayed against the simulated AKS over HTTP.

Compared are statuses, the headers that clients act on, the order of an operation's states and the
keys of bodies; not the values, which are another cluster's.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from simtest.faults.azure_calls import CallFault, EndOperation, Stall, inject
from tests.support.recordings import recorded
from tests.support.served_aks import VERSION, ServedAks, served_aks

CLUSTER = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/clitest000001/providers/"
    "Microsoft.ContainerService/managedClusters/cliakstest000002"
)
POOL = {"count": 3, "vmSize": "Standard_DS2_v2", "osSKU": "AzureLinux", "mode": "User"}

NEWER = frozenset({"eTag", "securityProfile", "nodeLabels", "tags"})
"""Keys that newer API versions add to what was recorded in 2024 (the recordings' own notes)."""


@pytest.fixture
async def served() -> AsyncIterator[ServedAks]:
    where: dict[str, Any] = {"resource_group": "clitest000001", "name": "cliakstest000002"}
    async with served_aks(**where, location="westus2") as aks:
        aks.cluster.adopt("nodepool1", POOL | {"mode": "System"})
        yield aks


def same_pool(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    assert set(ours) == set(theirs)
    assert set(ours["properties"]) - NEWER == set(theirs["properties"]) - NEWER
    assert "/resourcegroups/" in ours["id"]


def same_headers(ours: dict[str, str], theirs: dict[str, str]) -> None:
    for name in ("azure-asyncoperation", "location", "retry-after"):
        assert (name in ours) == (name in theirs), name


async def test_creating_a_pool(served: ServedAks) -> None:
    create, running, ended, final = recorded("wire/01_create_agentpool.json")["exchanges"]
    request, response = create["request"], create["response"]
    status, headers, body = await served.ask("PUT", request["path"], request["body"])
    assert status == response["status"]
    same_headers(headers, response["headers"])
    same_pool(body, response["body"])
    assert body["properties"]["provisioningState"] == "Creating"

    operation = headers["azure-asyncoperation"]
    for seconds, theirs in ((1, running), (120, ended)):
        served.pass_time(seconds)
        status, headers, body = await served.ask("GET", operation)
        assert status == theirs["response"]["status"]
        assert set(body) == set(theirs["response"]["body"])
        goes_on = theirs["response"]["body"]["status"] == "InProgress"  # now free text: 03
        assert (body["status"] == "Succeeded") is not goes_on
        same_headers(headers, theirs["response"].get("headers") or {})
    status, _, body = await served.ask("GET", final["request"]["path"])
    assert status == final["response"]["status"]
    same_pool(body, final["response"]["body"])
    assert body["properties"]["provisioningState"] == "Succeeded"


async def test_deleting_a_pool(served: ServedAks) -> None:
    theirs = recorded("wire/03_delete_agentpool.json")["response"]
    served.cluster.adopt("c000003", POOL)
    path = f"{CLUSTER}/agentPools/c000003?{VERSION}"
    status, headers, body = await served.ask("DELETE", path)
    assert (status, body) == (theirs["status"], theirs["body"])
    same_headers(headers, theirs["headers"])
    served.pass_time(300)
    assert (await served.ask("DELETE", path))[0] == 204, "the SDK takes 204 for an absent pool"


async def test_aborting_an_operation(served: ServedAks) -> None:
    abort, poll, result, final = recorded("wire/04_abort.json")["exchanges"]
    served.cluster.adopt("c000003", POOL)
    inject(served.cluster, CallFault(Stall(600), "PutPool"))
    stop = {"properties": POOL | {"powerState": {"code": "Stopped"}}}
    await served.ask("PUT", f"{CLUSTER}/agentPools/c000003?{VERSION}", stop)

    status, headers, body = await served.ask("POST", abort["request"]["path"])
    assert status == abort["response"]["status"]
    same_headers(headers, abort["response"]["headers"])
    same_pool(body, abort["response"]["body"])
    assert body["properties"]["provisioningState"] == "Stopping"
    served.pass_time(10)
    operation, location = headers["azure-asyncoperation"], headers["location"]
    status, _, body = await served.ask("GET", operation)
    assert (status, body["status"]) == (
        poll["response"]["status"],
        poll["response"]["body"]["status"],
    )
    assert (await served.ask("GET", location))[0] == result["response"]["status"]
    status, _, body = await served.ask("GET", f"{CLUSTER}/agentPools/c000003?{VERSION}")
    assert status == final["response"]["status"]
    state = final["response"]["body"]["properties"]["provisioningState"]
    assert body["properties"]["provisioningState"] == state == "Canceled"
    again = await served.ask("POST", abort["request"]["path"])
    assert again[0] == 409, "nothing is left to abort"


async def test_listing_pools_leads_to_an_empty_second_page(served: ServedAks) -> None:
    first, second = recorded("wire/06_list_agentpools.json")["exchanges"]
    served.cluster.adopt("c000003", POOL)
    status, _, body = await served.ask("GET", first["request"]["path"])
    assert status == first["response"]["status"]
    assert set(body) == set(first["response"]["body"])
    theirs = first["response"]["body"]["value"]
    assert [item["name"] for item in body["value"]] == [their["name"] for their in theirs]
    for ours, one in zip(body["value"], theirs, strict=True):
        same_pool(ours, one)
    status, _, body = await served.ask("GET", body["nextLink"])
    assert (status, body) == (second["response"]["status"], second["response"]["body"])


async def test_an_operation_that_fails(served: ServedAks) -> None:
    theirs = recorded("wire/07_failed_operation.json")["response"]
    inject(served.cluster, CallFault(EndOperation("Failed", nodes=1), "PutPool"))
    path = f"{CLUSTER}/agentPools/c000009?{VERSION}"
    _, headers, _ = await served.ask("PUT", path, {"properties": POOL})
    served.pass_time(300)
    status, _, body = await served.ask("GET", headers["azure-asyncoperation"])
    assert (status, set(body)) == (theirs["status"], set(theirs["body"]))
    assert body["status"] == "Failed"
    assert set(body["error"]) == set(theirs["body"]["error"])
    assert body["error"]["code"] == theirs["body"]["error"]["code"]
    _, _, pool = await served.ask("GET", path)
    assert pool["properties"]["provisioningState"] == "Failed"
