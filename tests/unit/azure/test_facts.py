"""What the preflight reads from Azure: through the real SDK, each part by itself."""

import random
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from azure.core.pipeline.transport import AioHttpTransport

from azure_linux_migrator.api.spec import ClusterRef
from azure_linux_migrator.azure.client import AksPools, open_pools
from azure_linux_migrator.model.azure_facts import AzureFacts, Unread, Usage
from azure_linux_migrator.model.pool import Pool
from azure_linux_migrator.simulator.aks.limits import Limits
from azure_linux_migrator.simulator.aks.managed_cluster import ManagedCluster
from azure_linux_migrator.simulator.aks.region import Region
from simtest.faults.azure_calls import Call, CallFault, LoseResponse, Refuse, inject
from testbed.aks.server import ArmServer

ZERO = "00000000-0000-0000-0000-000000000000"
SUBNET = (
    f"/subscriptions/{ZERO}/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/v/"
    "subnets/nodes"
)
POOL = {"count": 0, "vmSize": "Standard_D4s_v5", "osSKU": "Ubuntu", "mode": "User"}
SOURCE = Pool("src", properties={"vnetSubnetID": SUBNET})


class Asked:
    """The Azure facts of a cluster with resources of every kind."""

    def __init__(self, pools: AksPools, cluster: ManagedCluster) -> None:
        self.pools = pools
        self.cluster = cluster

    async def azure_facts(self) -> AzureFacts:
        return await self.pools.azure_facts(SOURCE)


@pytest.fixture
async def asked() -> AsyncIterator[Asked]:
    region = Region(
        subnets={SUBNET.lower(): "10.1.0.0/24"},
        locks=("keep",),
        windows=("aksManagedAutoUpgradeSchedule",),
        extensions=("Antivirus",),
        restricted=frozenset({"Standard_D8s_v5"}),
    )
    cluster = ManagedCluster(random.Random(1), limits=Limits(vcpus_per_family=40), region=region)
    cluster.adopt("system", POOL | {"mode": "System", "count": 1})
    cluster.adopt("src", POOL)
    server = ArmServer(cluster, None)
    url = await server.start(0)
    where = ClusterRef(subscription_id=ZERO, resource_group="demo-rg", name="demo")
    pools = open_pools(where, endpoint=url, cloud="public", on_request=lambda *_: None)
    yield Asked(pools, cluster)
    await pools.close()
    await server.stop()


async def test_every_part_is_read(asked: Asked) -> None:
    facts = await asked.azure_facts()
    assert not isinstance(facts.cluster, Unread)
    assert (facts.cluster.location, facts.cluster.network_plugin_mode) == ("westeurope", "overlay")
    assert facts.cluster.kubernetes_version
    assert facts.cluster.pod_cidrs == ("10.244.0.0/16",)
    assert not isinstance(facts.usages, Unread)
    assert facts.usages["standarddsv5family"] == Usage(0, 40)
    assert not isinstance(facts.sizes, Unread)
    assert facts.sizes["standard_d4s_v5"].vcpus == 4
    assert facts.sizes["standard_d8s_v5"].unavailable == "NotAvailableForSubscription"
    assert facts.sizes["standard_nc24ads_a100_v4"].gpus == 1
    assert not isinstance(facts.subnets, Unread)
    assert facts.subnets[SUBNET.lower()].prefixes == ("10.1.0.0/24",)
    assert not isinstance(facts.locks, Unread)
    assert {(lock.name, lock.level) for lock in facts.locks} == {("keep", "CanNotDelete")}
    assert facts.identities == ()
    assert not isinstance(facts.versions, Unread)
    assert facts.cluster.kubernetes_version in facts.versions
    assert facts.cluster.max_pools == 100
    assert facts.windows == ("aksManagedAutoUpgradeSchedule",)
    assert facts.extensions == ("Antivirus",)
    assert facts.denied == ()


PARTS: list[tuple[Call, str, str]] = [
    ("Usages", "usages", "Microsoft.Compute/locations/usages/read"),
    ("Skus", "sizes", "Microsoft.Compute/skus/read"),
    ("Subnet", "subnets", "Microsoft.Network/virtualNetworks/subnets/read"),
    ("Locks", "locks", "Microsoft.Authorization/locks/read"),
    ("MaintenanceConfigurations", "windows", "maintenanceConfigurations/read"),
    ("ScaleSets", "extensions", "Microsoft.Compute/virtualMachineScaleSets/read"),
]


@pytest.mark.parametrize(("call", "part", "action"), PARTS)
async def test_a_part_that_is_forbidden_says_so_and_the_others_are_read(
    asked: Asked, call: Call, part: str, action: str
) -> None:
    inject(asked.cluster, CallFault(Refuse(403, "AuthorizationFailed"), call, times=None))
    facts = await asked.azure_facts()
    lost = getattr(facts, part)
    assert isinstance(lost, Unread)
    assert action in lost.why
    assert not isinstance(facts.denied, Unread)
    assert any(action in action_name for action_name in facts.denied)
    for _, other, _ in PARTS:
        if other != part:
            assert not isinstance(getattr(facts, other), Unread), other


async def test_a_scope_whose_locks_are_forbidden_does_not_hide_the_others(asked: Asked) -> None:
    inject(asked.cluster, CallFault(Refuse(403, "AuthorizationFailed"), "Locks", times=1))
    facts = await asked.azure_facts()
    assert not isinstance(facts.locks, Unread)
    assert {lock.name for lock in facts.locks} == {"keep"}
    assert len(facts.lock_gaps) == 1


async def test_an_azure_that_does_not_answer_is_reported_as_that(asked: Asked) -> None:
    inject(asked.cluster, CallFault(LoseResponse(committed=False), "Usages", times=None))
    inject(asked.cluster, CallFault(Refuse(503, "ServerBusy"), "Skus", times=None))
    facts = await asked.azure_facts()
    assert isinstance(facts.usages, Unread)
    assert isinstance(facts.sizes, Unread)
    assert "503" in facts.sizes.why


async def test_without_the_cluster_nothing_is_guessed(asked: Asked) -> None:
    inject(asked.cluster, CallFault(Refuse(403, "AuthorizationFailed"), "GetCluster", times=None))
    facts = await asked.azure_facts()
    assert isinstance(facts.cluster, Unread)
    assert isinstance(facts.usages, Unread)
    assert "location" in facts.usages.why
    assert not isinstance(facts.locks, Unread)


class RecordingTransport(AioHttpTransport):  # type: ignore[misc]  # aiohttp's transport is untyped
    """The SDK's transport, which keeps what was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []

    async def send(self, request: Any, **more: Any) -> Any:
        self.urls.append(request.url)
        return await super().send(request, **more)


async def test_a_cloud_that_lags_is_asked_in_the_api_version_that_it_has() -> None:
    """Of AKS alone; the providers of computers, networks and locks have their own."""
    cluster = ManagedCluster(random.Random(1))
    cluster.adopt("src", POOL)
    server = ArmServer(cluster, None)
    url = await server.start(0)
    where = ClusterRef(subscription_id=ZERO, resource_group="demo-rg", name="demo")
    transport = RecordingTransport()
    pools = open_pools(
        where,
        endpoint=url,
        cloud="china",
        on_request=lambda *_: None,
        api_version="2026-03-01",
        transport=transport,
    )
    try:
        listed = await pools.list_pools()
        await pools.azure_facts(listed["src"])
    finally:
        await pools.close()
        await server.stop()
    asked = [(url, parse_qs(urlsplit(url).query)["api-version"]) for url in transport.urls]
    of_aks = [version for url, version in asked if url.partition("?")[0].count("/managedClusters/")]
    assert len(of_aks) >= 4
    assert set(map(tuple, of_aks)) <= {("2026-03-01",), ("2016-09-01",)}, "locks have their own"
    assert ["2026-03-01"] in of_aks
    assert ["2026-08-01"] not in [version for _, version in asked]
