"""The simulated AKS, driven by the real SDK: every call of the ARM subset, and its refusals."""

import random
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.mgmt.containerservice.aio import ContainerServiceClient
from azure.mgmt.containerservice.models import AgentPool

from azure_linux_migrator.api.spec import ClusterRef
from azure_linux_migrator.azure.client import open_pools
from azure_linux_migrator.azure.failures import classify_failure
from azure_linux_migrator.errors import AzureError
from azure_linux_migrator.model.actions import UpdatePool
from azure_linux_migrator.simulator.aks.limits import Timings
from azure_linux_migrator.simulator.aks.managed_cluster import ManagedCluster
from azure_linux_migrator.simulator.aks.port import SimulatedArm
from simtest.faults.azure_calls import CallFault, Refuse, inject
from testbed.aks.server import ArmServer

ZERO = "00000000-0000-0000-0000-000000000000"
WHERE = ("demo-rg", "demo")
POOL = {"count": 2, "vmSize": "Standard_D4s_v5", "osSKU": "Ubuntu", "mode": "User"}


class Bench:
    """A served cluster with one System pool, and the SDK's client of it."""

    def __init__(self, cluster: ManagedCluster, sdk: ContainerServiceClient, url: str) -> None:
        self.cluster = cluster
        self.sdk = sdk
        self.url = url

    async def create(self, name: str, **properties: Any) -> AgentPool:
        """Create a pool and wait for the end of its operation."""
        poller = await self.sdk.agent_pools.begin_create_or_update(
            *WHERE, name, AgentPool({"properties": POOL | properties})
        )
        return await poller.result()


@pytest.fixture
async def arm() -> AsyncIterator[Bench]:
    timings = Timings(boot=0.2, delete=0.1, update=0.1, abort=0.1)
    cluster = ManagedCluster(random.Random(1), timings=timings)
    cluster.adopt("system", POOL | {"mode": "System", "type": "VirtualMachineScaleSets"})
    server = ArmServer(cluster, None)
    url = await server.start(0)
    token: Any = object()
    sdk = ContainerServiceClient(
        token,
        ZERO,
        base_url=url,
        authentication_policy=SansIOHTTPPolicy(),
        retry_total=0,
        polling_interval=0.05,
    )
    yield Bench(cluster, sdk, url)
    await sdk.close()
    await server.stop()


async def test_a_pool_is_created_changed_and_deleted(arm: Bench) -> None:
    created = await arm.create("blue")
    assert (created.provisioning_state, created.count) == ("Succeeded", 2)
    assert (await arm.create("blue", count=3)).count == 3
    names = [pool.name async for pool in arm.sdk.agent_pools.list(*WHERE)]
    assert names == ["blue", "system"]
    machines = [machine.name async for machine in arm.sdk.machines.list(*WHERE, "blue")]
    assert len(machines) == 3
    await (await arm.sdk.agent_pools.begin_delete(*WHERE, "blue")).result()
    with pytest.raises(HttpResponseError) as gone:
        await arm.sdk.agent_pools.get(*WHERE, "blue")
    assert gone.value.status_code == 404


async def test_only_one_operation_runs_on_a_pool_and_it_can_be_aborted(arm: Bench) -> None:
    poller = await arm.sdk.agent_pools.begin_create_or_update(
        *WHERE, "blue", AgentPool({"properties": POOL}), polling=False
    )
    assert poller is not None
    with pytest.raises(HttpResponseError) as busy:
        await arm.sdk.agent_pools.begin_delete(*WHERE, "blue")
    assert busy.value.status_code == 409
    assert busy.value.error is not None
    assert busy.value.error.code == "OperationNotAllowed"
    await (await arm.sdk.agent_pools.begin_abort_latest_operation(*WHERE, "blue")).result()
    assert (await arm.sdk.agent_pools.get(*WHERE, "blue")).provisioning_state == "Canceled"


async def test_reads_beside_the_pools(arm: Bench) -> None:
    assert (await arm.sdk.managed_clusters.get(*WHERE)).name == "demo"
    profile = await arm.sdk.agent_pools.get_upgrade_profile(*WHERE, "system")
    assert profile.latest_node_image_version
    versions = await arm.sdk.agent_pools.get_available_agent_pool_versions(*WHERE)
    assert versions.agent_pool_versions


@pytest.mark.parametrize(
    ("name", "properties", "status", "code"),
    [
        ("blue", {"osSKU": "AmigaOS"}, 400, "InvalidParameter"),
        ("Blue", {}, 400, "InvalidParameter"),
    ],
)
async def test_refusals_have_akss_flat_body(
    arm: Bench, name: str, properties: dict[str, Any], status: int, code: str
) -> None:
    with pytest.raises(HttpResponseError) as refused:
        await arm.create(name, **properties)
    assert refused.value.error is not None
    assert (refused.value.status_code, refused.value.error.code) == (status, code)


async def test_the_last_system_pool_stays_and_another_cluster_is_not_found(arm: Bench) -> None:
    with pytest.raises(HttpResponseError) as last:
        await arm.sdk.agent_pools.begin_delete(*WHERE, "system")
    assert last.value.status_code == 400
    with pytest.raises(HttpResponseError) as other:
        await arm.sdk.agent_pools.get("demo-rg", "other", "system")
    assert other.value.error is not None
    assert other.value.error.code == "ResourceNotFound"


async def test_an_etag_guards_a_change_and_if_none_match_a_creation(arm: Bench) -> None:
    pool = await arm.create("blue")
    await arm.create("blue", count=3)
    with pytest.raises(HttpResponseError) as stale:
        await arm.sdk.agent_pools.begin_delete(
            *WHERE, "blue", etag=pool.e_tag, match_condition=MatchConditions.IfNotModified
        )
    assert stale.value.status_code in {409, 412}
    with pytest.raises(HttpResponseError) as exists:
        await arm.sdk.agent_pools.begin_create_or_update(
            *WHERE,
            "blue",
            AgentPool({"properties": POOL}),
            etag="*",
            match_condition=MatchConditions.IfMissing,
        )
    assert exists.value.status_code in {409, 412}


async def test_our_adapter_creates_from_the_source_scales_and_deletes(arm: Bench) -> None:
    calls: list[tuple[str, str]] = []
    cluster = ClusterRef(subscription_id=ZERO, resource_group="demo-rg", name="demo")
    pools = open_pools(
        cluster,
        endpoint=arm.url,
        cloud="public",
        on_request=lambda operation, code, _: calls.append((operation, code)),
    )
    try:
        await arm.create("blue", nodeLabels={"tier": "web"}, maxPods=60)
        await pools.create_target(
            "blue", "green", os_sku="AzureLinux", count=None, overrides={}, tags={"azlm-x": "m"}
        )
        pool = (await pools.list_pools())["green"]
        assert (pool.os_sku, pool.count, pool.tag("azlm-x")) == ("AzureLinux", 2, "m")
        assert (await arm.sdk.agent_pools.get(*WHERE, "green")).node_labels == {"tier": "web"}
        blue = (await pools.list_pools())["blue"]
        await pools.update("blue", {"count": 0}, tags={"team": "b"}, etag=blue.etag)
        with pytest.raises(AzureError) as busy:
            await pools.delete("blue", etag="")
        assert classify_failure(busy.value).reason == "AzureBusy"
        await pools.delete("nosuch", etag="")
        refusal = Refuse(status=429, code="Throttled", retry_after=7.0)
        inject(arm.cluster, CallFault(refusal, call="ListPools"))
        with pytest.raises(AzureError) as throttled:
            await pools.list_pools()
        assert classify_failure(throttled.value).delay == 7.0
        assert ("list", "Throttled") in calls
        assert ("create", "200") in calls
    finally:
        await pools.close()


async def test_both_ports_give_the_same_error_with_what_its_details_say(arm: Bench) -> None:
    """Where the codes say nothing, these texts decide what a refusal is taken for."""
    cluster = ClusterRef(subscription_id=ZERO, resource_group="demo-rg", name="demo")
    pools = open_pools(cluster, endpoint=arm.url, cloud="public", on_request=lambda *_: None)
    stale = UpdatePool("system", (("count", 3),), etag="stale")
    try:
        with pytest.raises(AzureError) as real:
            await pools.update("system", {"count": 3}, tags={}, etag="stale")
    finally:
        await pools.close()
    with pytest.raises(AzureError) as simulated:
        SimulatedArm(arm.cluster).change(stale, time.time())
    assert "desc = Etag mismatched" in real.value.message
    assert vars(simulated.value) == vars(real.value)


async def test_the_sdk_waits_for_an_operation_whose_status_is_free_text(arm: Bench) -> None:
    poller = await arm.sdk.agent_pools.begin_create_or_update(
        *WHERE, "blue", AgentPool({"properties": POOL})
    )
    [operation] = [one for one in arm.cluster._engine.operations.values() if one.running]
    assert operation.body()["status"] == "CreatingAgentPools: 0/2 nodes completed"
    assert (await poller.result()).provisioning_state == "Succeeded"


async def test_flat_and_wrapped_errors_are_the_same_to_the_sdk(arm: Bench) -> None:
    codes = []
    for wrapped in (True, False):
        refusal = Refuse(409, "OperationNotAllowed", wrapped=wrapped)
        inject(arm.cluster, CallFault(refusal, call="GetPool"))
        with pytest.raises(HttpResponseError) as refused:
            await arm.sdk.agent_pools.get(*WHERE, "system")
        assert refused.value.error is not None
        codes.append((refused.value.status_code, refused.value.error.code))
    assert codes == [(409, "OperationNotAllowed")] * 2
