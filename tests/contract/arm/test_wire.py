"""What the real service was recorded to answer, asked of the simulated AKS over HTTP.

wire.json has the facts: statuses, the headers that clients act on, the order of an operation's
states, and the keys of bodies; not the values, which are another cluster's.
"""

import json
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from azure_linux_migrator.simulator.aks.limits import ClusterShape, Timings
from azure_linux_migrator.simulator.aks.managed_cluster import ManagedCluster
from simtest.faults.azure_calls import CallFault, EndOperation, Stall, inject
from testbed.aks.server import ArmServer

Facts = dict[str, Any]
WIRE: dict[str, list[Facts]] = json.loads((Path(__file__).parent / "wire.json").read_text())
CLUSTER = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/"
    "Microsoft.ContainerService/managedClusters/aks"
)
VERSION = "api-version=2026-08-01"
POOL = {"count": 3, "vmSize": "Standard_DS2_v2", "osSKU": "AzureLinux", "mode": "User"}
WHOLE = POOL | {
    "osType": "Linux",
    "enableAutoScaling": False,
    "scaleDownMode": "Delete",
    "type": "VirtualMachineScaleSets",
    "upgradeSettings": {},
    "enableNodePublicIP": False,
    "scaleSetPriority": "Regular",
    "scaleSetEvictionPolicy": "Delete",
    "spotMaxPrice": -1.0,
    "nodeTaints": [],
    "enableEncryptionAtHost": False,
    "enableUltraSSD": False,
    "enableFIPS": False,
}
"""What the Azure CLI sends for a new pool; some of it is not echoed."""

NEWER = frozenset({"eTag", "securityProfile", "nodeLabels", "tags"})
"""Keys that newer API versions add to what was recorded in 2024."""
ENDS = frozenset({"Succeeded", "Failed", "Canceled"})
HEADERS = ("azure-asyncoperation", "location", "retry-after")


class Served:
    """The simulated AKS on a clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        shape = ClusterShape(resource_group="rg", name="aks", location="westus2")
        timings = Timings(boot=90, delete=60, update=5, abort=2)
        self.cluster = ManagedCluster(random.Random(1), shape=shape, timings=timings)
        self.cluster.adopt("nodepool1", POOL | {"mode": "System"})
        self.server = ArmServer(self.cluster, None, clock=lambda: self.now)
        self.url = ""

    async def ask(
        self, method: str, path: str, body: Any = None
    ) -> tuple[int, dict[str, str], Any]:
        """Status, headers by lower-case name, and the body."""
        url = path if path.startswith("http") else self.url + path
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, json=body) as answer,
        ):
            text = await answer.text()
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return answer.status, headers, json.loads(text) if text else None

    def pass_time(self, seconds: float) -> None:
        """Let that much time go by."""
        self.now += seconds
        self.cluster.advance(self.now)


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    served = Served()
    served.url = await served.server.start(0)
    yield served
    await served.server.stop()


Answer = tuple[int, dict[str, str], Any]


def same(answer: Answer, facts: Facts) -> None:
    """Compare an answer with what was recorded."""
    status, headers, body = answer
    assert status == facts["status"]
    if "headers" in facts:
        assert [name for name in HEADERS if name in headers] == facts["headers"]
    assert set(body or {}) == set(facts.get("keys", ()))
    if "properties" in facts:
        same_pool(body, facts)
    state = (body or {}).get("properties", {}).get("provisioningState") or (body or {}).get(
        "status"
    )
    if facts.get("state") == "InProgress":  # newer operations tell their progress in words
        assert state not in ENDS
    elif "state" in facts:
        assert state == facts["state"]


def same_pool(body: dict[str, Any], facts: Facts) -> None:
    """Compare the keys of a pool, and how its id is written."""
    assert set(body) == set(facts["keys"])
    assert set(body["properties"]) - NEWER == set(facts["properties"]) - NEWER
    assert "/resourcegroups/" in body["id"]


def path_of(pool: str) -> str:
    return f"{CLUSTER}/agentPools/{pool}?{VERSION}"


async def test_creating_a_pool(served: Served) -> None:
    created, running, ended, final = WIRE["create"]
    answer = await served.ask("PUT", path_of("c000004"), {"properties": WHOLE})
    same(answer, created)
    operation = answer[1]["azure-asyncoperation"]
    for seconds, facts in ((1, running), (120, ended)):
        served.pass_time(seconds)
        same(await served.ask("GET", operation), facts)
    same(await served.ask("GET", path_of("c000004")), final)


async def test_deleting_a_pool(served: Served) -> None:
    served.cluster.adopt("c000003", POOL)
    same(await served.ask("DELETE", path_of("c000003")), WIRE["delete"][0])
    served.pass_time(300)
    gone = await served.ask("DELETE", path_of("c000003"))
    assert gone[0] == 204, "the SDK takes 204 for an absent pool"


async def test_aborting_an_operation(served: Served) -> None:
    aborting, polled, result, final = WIRE["abort"]
    served.cluster.adopt("c000003", POOL)
    inject(served.cluster, CallFault(Stall(600), "PutPool"))
    stop = {"properties": POOL | {"powerState": {"code": "Stopped"}}}
    await served.ask("PUT", path_of("c000003"), stop)
    abort = f"{CLUSTER}/agentPools/c000003/abort?{VERSION}"
    answer = await served.ask("POST", abort)
    same(answer, aborting)
    served.pass_time(10)
    same(await served.ask("GET", answer[1]["azure-asyncoperation"]), polled)
    same(await served.ask("GET", answer[1]["location"]), result)
    same(await served.ask("GET", path_of("c000003")), final)
    again = await served.ask("POST", abort)
    assert again[0] == 409, "nothing is left to abort"


async def test_listing_pools_leads_to_an_empty_second_page(served: Served) -> None:
    first, second = WIRE["list"]
    for facts in first["pools"]:
        if facts["name"] != "nodepool1":
            served.cluster.adopt(facts["name"], POOL)
    answer = await served.ask("GET", f"{CLUSTER}/agentPools?{VERSION}")
    same(answer, {name: value for name, value in first.items() if name != "state"})
    pools = answer[2]["value"]
    assert [pool["name"] for pool in pools] == [facts["name"] for facts in first["pools"]]
    for pool, facts in zip(pools, first["pools"], strict=True):
        same_pool(pool, facts)
    last = await served.ask("GET", answer[2]["nextLink"])
    same(last, second)
    assert last[2]["value"] == second["pools"] == []


async def test_an_operation_that_fails(served: Served) -> None:
    facts = WIRE["fail"][0]
    inject(served.cluster, CallFault(EndOperation("Failed", nodes=1), "PutPool"))
    _, headers, _ = await served.ask("PUT", path_of("c000009"), {"properties": POOL})
    served.pass_time(300)
    answer = await served.ask("GET", headers["azure-asyncoperation"])
    same(answer, facts)
    assert set(answer[2]["error"]) == set(facts["error"]["keys"])
    assert answer[2]["error"]["code"] == facts["error"]["code"]
    _, _, pool = await served.ask("GET", path_of("c000009"))
    assert pool["properties"]["provisioningState"] == "Failed"
