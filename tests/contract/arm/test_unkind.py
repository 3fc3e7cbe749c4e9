"""What the simulated AKS does that no recording shows: it follows documents and issues."""

import random
from typing import Any

import pytest

from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.azure.pools import pool_record
from azure_linux_migrator.simulator.aks import operations as ops
from azure_linux_migrator.simulator.aks.errors import ArmError
from azure_linux_migrator.simulator.aks.limits import ClusterShape, Limits, Timings
from azure_linux_migrator.simulator.aks.managed_cluster import ManagedCluster
from azure_linux_migrator.simulator.aks.nodes import make_node
from azure_linux_migrator.simulator.aks.region import Region
from simtest.faults import azure
from simtest.faults.azure_calls import CallFault, EndOperation, inject

NOW = 1_800_000_000.0
POOL: dict[str, Any] = {"count": 2, "vmSize": "Standard_D4s_v5", "osSKU": "Ubuntu", "mode": "User"}
SYSTEM = POOL | {"mode": "System"}


def cluster(
    *,
    limits: Limits | None = None,
    region: Region | None = None,
    drains: bool = False,
    **shape: Any,
) -> ManagedCluster:
    """A cluster with a System pool."""
    aks = ManagedCluster(
        random.Random(1),
        shape=ClusterShape(**shape),
        timings=Timings(boot=90, delete=60),
        limits=limits or Limits(refused_beside_others=0.0),
        region=region,
        digits="12345678",
        wait_for_drains=drains,
    )
    add(aks, "system", SYSTEM)
    return aks


def add(aks: ManagedCluster, name: str, properties: dict[str, Any]) -> list[str]:
    """A pool with its nodes, whose names are returned."""
    described = {
        "currentOrchestratorVersion": "1.37.2",
        "nodeImageVersion": "AKS-1",
        "type": "VirtualMachineScaleSets",
        **properties,
    }
    nodes = [make_node(aks.setting, name, described, at) for at in range(properties["count"])]
    aks.adopt(name, properties, nodes)
    return [node.name for node in nodes]


def refusal(aks: ManagedCluster, name: str, now: float = NOW, **properties: Any) -> str:
    """The code with which a PUT is refused."""
    with pytest.raises(ArmError) as refused:
        aks.put(name, {"properties": POOL | properties}, now)
    return refused.value.code


def kinds(events: list[ops.Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def test_on_a_system_pool_only_the_add_ons_are_moved_before_machines_are_deleted() -> None:
    aks = cluster(drains=True)
    [node, _] = (record.name for record in aks.nodes("system"))
    aks.delete_machines("system", [node], NOW)
    [drain] = aks.advance(NOW)
    assert isinstance(drain, ops.NodeDrains)
    assert drain.evicts is ops.Evicts.ADD_ONS
    aks.drained(node, NOW)
    assert kinds(aks.advance(NOW + 600)) == ["NodeVanishes", "OperationEnds"]


def test_deallocated_nodes_stay_and_come_back_first() -> None:
    aks = cluster()
    names = add(aks, "src", POOL | {"scaleDownMode": "Deallocate"})
    wanted = POOL | {"scaleDownMode": "Deallocate", "count": 1}
    aks.put("src", {"properties": wanted}, NOW)
    assert "NodeStops" in kinds(aks.advance(NOW + 600))
    assert [node.name for node in aks.nodes("src")] == names
    assert aks.get("src", NOW)["properties"]["count"] == 1
    aks.put("src", {"properties": wanted | {"count": 3}}, NOW + 600)
    events = kinds(aks.advance(NOW + 1200))
    assert sorted(events) == ["NodeAppears", "NodeStarts", "OperationEnds"]


@pytest.mark.parametrize("mode", ["Delete", "Deallocate"])
def test_deleted_machines_are_gone_whatever_the_scale_down_mode(mode: str) -> None:
    aks = cluster()
    names = add(aks, "src", POOL | {"scaleDownMode": mode})
    aks.delete_machines("src", names[:1], NOW)
    assert kinds(aks.advance(NOW + 600)) == ["NodeVanishes", "OperationEnds"]
    assert [node.name for node in aks.nodes("src")] == names[1:]


def test_azure_linux_3_ends_before_kubernetes_1_37() -> None:
    assert refusal(cluster(), "one", osSKU="AzureLinux3") == "InvalidOSSKU"
    aks = cluster(kubernetes_version="1.36.5")
    aks.put("one", {"properties": POOL | {"osSKU": "AzureLinux3"}}, NOW)
    aks = cluster()
    add(aks, "src", POOL | {"osSKU": "AzureLinux3"})
    aks.put("src", {"properties": POOL | {"osSKU": "AzureLinux3", "count": 3}}, NOW)


def test_an_alias_is_the_newest_patch_on_offer_and_pools_keep_a_removed_one() -> None:
    aks = cluster()
    aks.put("one", {"properties": POOL | {"orchestratorVersion": "1.36"}}, NOW)
    shown = aks.get("one", NOW)["properties"]
    assert shown["orchestratorVersion"] == "1.36"
    assert shown["currentOrchestratorVersion"] == "1.36.5"
    add(aks, "old", POOL | {"orchestratorVersion": "1.36.1"})
    aks.put("old", {"properties": POOL | {"orchestratorVersion": "1.36.1", "count": 3}}, NOW)
    assert refusal(aks, "new", orchestratorVersion="1.36.1") == "AgentPoolK8sVersionNotSupported"


def test_a_change_is_refused_now_and_then_while_another_pool_is_changed() -> None:
    aks = cluster(limits=Limits(refused_beside_others=0.5, throttling=False))
    add(aks, "src", POOL)
    for at in range(3):
        aks.put("src", {"properties": POOL | {"tags": {"at": str(at)}}}, NOW + 60 * at)
        aks.advance(NOW + 60 * at + 30)
    aks.put("src", {"properties": POOL | {"count": 9}}, NOW + 600)
    answers = []
    for at in range(40):
        try:
            aks.put(f"p{at}", {"properties": POOL | {"count": 0}}, NOW + 600)
        except ArmError as error:
            answers.append((error.status, error.code, "Another operation" in error.message))
    assert set(answers) == {(409, "OperationNotAllowed", True)}
    assert 8 < len(answers) < 32


def test_a_lock_on_the_node_resource_group_refuses_what_changes_nodes() -> None:
    aks = cluster(region=Region(node_group_locks=("keep",)))
    names = add(aks, "src", POOL)
    assert refusal(aks, "new") == "ResourceGroupLocked"
    assert refusal(aks, "src", count=3) == "ResourceGroupLocked"
    assert aks.get("src", NOW)["properties"]["count"] == 2, "nothing is changed by a refusal"
    aks.put("src", {"properties": POOL | {"tags": {"team": "a"}}}, NOW)
    aks.advance(NOW + 60)
    with pytest.raises(ArmError, match="is locked"):
        aks.delete_machines("src", names[:1], NOW + 60)
    with pytest.raises(ArmError, match="is locked"):
        aks.delete("src", NOW + 60)


def test_a_lock_on_the_cluster_refuses_deletions_alone() -> None:
    aks = cluster(region=Region(locks=("keep",)))
    names = add(aks, "src", POOL)
    with pytest.raises(ArmError) as refused:
        aks.delete("src", NOW)
    assert (refused.value.status, refused.value.code) == (409, "ScopeLocked")
    aks.delete_machines("src", names[:1], NOW)


def test_surge_nodes_count_for_addresses() -> None:
    # 2 System nodes and their surge of 1 leave 5 of 8: 4 and their surge.
    limits = Limits(pod_addresses=8 * 256, refused_beside_others=0.0)
    assert refusal(cluster(limits=limits), "one", count=5) == "InsufficientSubnetSize"
    cluster(limits=limits).put("one", {"properties": POOL | {"count": 4}}, NOW)
    spot = POOL | {"count": 5, "scaleSetPriority": "Spot"}
    cluster(limits=limits).put("one", {"properties": spot}, NOW)


def test_a_spot_pool_is_upgraded_without_a_surge() -> None:
    aks = cluster()
    names = add(aks, "src", POOL | {"scaleSetPriority": "Spot"})
    aks.put("src", {"properties": POOL | {"osSKU": "AzureLinux"}}, NOW)
    joined = [e.node.name for e in aks.advance(NOW + 900) if isinstance(e, ops.NodeAppears)]
    assert joined == names, "one after another, under its name"


def test_an_upgrade_whose_drain_does_not_end_names_too_many_requests() -> None:
    aks = cluster(drains=True)
    add(aks, "src", POOL)
    aks.put("src", {"properties": POOL | {"osSKU": "AzureLinux"}}, NOW)
    events = aks.advance(NOW + 7200)
    drained = {event.name for event in events if isinstance(event, ops.NodeDrains)}
    kept = {name for event in events if isinstance(event, ops.OperationEnds) for name in event.kept}
    assert kept == drained != set(), "undrainableNodeBehavior is Schedule by default"
    body = aks.get("src", NOW + 7200)
    error = body["properties"]["status"]["provisioningError"]
    assert error["code"] == "UpgradeFailed"
    assert "Too Many Requests" in error["message"]
    failure = pool_record(body).failure
    assert failure is not None
    assert failure.reason is Reason.DRAIN_FAILED_IN_AZURE


FAILURES = [
    (azure.COMPUTE_THROTTLE, Reason.AZURE_THROTTLED),
    (azure.INTERNAL, Reason.AZURE_UNAVAILABLE),
    (azure.NO_ZONE, Reason.CAPACITY_SHORT),
    (azure.SUBNET_FULL, Reason.SUBNET_TOO_SMALL),
    (azure.FAMILY_QUOTA, Reason.QUOTA_EXCEEDED),
]


@pytest.mark.parametrize(("ending", "reason"), FAILURES, ids=[reason for _, reason in FAILURES])
def test_a_failed_operation_wraps_its_cause(ending: EndOperation, reason: Reason) -> None:
    aks = cluster()
    inject(aks, CallFault(ending, "PutPool"))
    reply = aks.put("one", {"properties": POOL}, NOW)
    aks.advance(NOW + 600)
    error = aks.operation(reply.operation, NOW + 600)["error"]
    body = aks.get("one", NOW + 600)
    assert body["properties"]["status"]["provisioningError"] == error
    failure = pool_record(body).failure
    assert failure is not None
    assert failure.reason is reason
