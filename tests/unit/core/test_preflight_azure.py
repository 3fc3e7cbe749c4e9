"""What Azure has room for and what it refuses: quotas, addresses, ports, locks and versions."""

from dataclasses import replace
from typing import Any

import pytest

from azure_linux_migrator.core.preflight.findings import Finding, Severity
from azure_linux_migrator.core.preflight.rules import evaluate
from azure_linux_migrator.core.preflight.target_kubernetes import target_kubernetes
from azure_linux_migrator.model.azure_facts import (
    AzureFacts,
    ClusterFacts,
    Lock,
    SizeFacts,
    SubnetFacts,
    Unread,
    Usage,
)
from azure_linux_migrator.model.pool import Pool
from tests.support.preflight_snapshots import SIZES, SUBNET, snapshot, source, spec

NODE_SUBNET = ClusterFacts(network_plugin="azure", kubernetes_version="1.34.2")
OVERLAY = replace(NODE_SUBNET, network_plugin_mode="overlay", pod_cidrs=("10.244.0.0/16",))
POD_SUBNET = SUBNET.replace("/nodes", "/pods")


def findings(rule: str, **changes: Any) -> list[Finding]:
    return [finding for finding in evaluate(snapshot(**changes)) if finding.rule == rule]


@pytest.mark.parametrize(
    ("usages", "blocked_by"),
    [
        ({"dsv5": Usage(100, 100), "lowprioritycores": Usage(64, 300)}, ""),
        ({"dsv5": Usage(0, 100), "lowprioritycores": Usage(60, 64)}, "lowprioritycores"),
    ],
)
def test_spot_pools_have_a_quota_of_their_own(usages: dict[str, Usage], blocked_by: str) -> None:
    spot = source(settings={"scaleSetPriority": "Spot"})
    texts = [str(finding) for finding in findings("quota.vcpu", source=spot, usages=usages)]
    assert bool(texts) == bool(blocked_by)
    assert all(f"quota {blocked_by}, of which 4 of 64 are left" in text for text in texts)


@pytest.mark.parametrize(
    ("size", "facts", "blocks"),
    [
        ("Standard_DC4s_v3", SizeFacts("dcsv3", 4), False),
        ("Standard_DC4s_v2", None, False),
        ("Standard_DC4as_v5", SizeFacts("dcasv5", 4, confidential=True), True),
        ("Standard_DC4as_v5", None, True),
        ("Standard_EC4es_v5", None, True),
    ],
)
def test_enclaves_do_not_make_a_confidential_vm(
    size: str, facts: SizeFacts | None, *, blocks: bool
) -> None:
    sizes = SIZES | ({size.lower(): facts} if facts else {})
    trusted = {"securityProfile": {"enableVTPM": True, "enableSecureBoot": True}}
    pool = source(vm_size=size, settings=trusted)
    assert any(
        "cvm" in str(finding) for finding in findings("vm.image-combo", source=pool, sizes=sizes)
    ) == (blocks)


@pytest.mark.parametrize(
    ("lock", "policy", "severity"),
    [
        (Lock("keep", "ReadOnly", "MC_g_c_r", on_nodes=True), "Delete", Severity.BLOCK),
        (Lock("keep", "CanNotDelete", "MC_g_c_r", on_nodes=True), "Keep", Severity.BLOCK),
        (Lock("keep", "ReadOnly", "g"), "Delete", Severity.BLOCK),
        (Lock("keep", "CanNotDelete", "g"), "Delete", Severity.WARN),
        (Lock("keep", "CanNotDelete", "g"), "Keep", None),
    ],
)
def test_a_lock_counts_by_what_it_refuses(
    lock: Lock, policy: str, severity: Severity | None
) -> None:
    results = findings("lock.policy", locks=(lock,), spec=spec(sourcePool=policy))
    assert [finding.severity for finding in results] == ([severity] if severity else [])


def test_locks_that_one_scope_hides_do_not_hide_the_others() -> None:
    lock = Lock("keep", "ReadOnly", "MC_g_c_r", on_nodes=True)
    results = findings("lock.policy", locks=(lock,), lock_gaps=("group g may not be read",))
    assert {finding.severity for finding in results} == {Severity.BLOCK, Severity.UNCHECKED}


@pytest.mark.parametrize(
    ("subnet", "needed"),
    [
        # 4 nodes and 1 of surge for each pool, of 31 addresses; 124 are the source's own.
        (SubnetFacts(("10.0.0.0/23",), 124), ""),
        (SubnetFacts(("10.0.0.0/23",), 324), "need 310 addresses of 307 beside 200 that others"),
        (SubnetFacts(("10.0.0.0/25", "10.1.0.0/24"), 124), ""),
        (SubnetFacts(("10.0.0.0/25",), 124), "need 310 addresses of 123;"),
    ],
)
def test_a_node_subnet_holds_nodes_pods_surge_and_other_residents(
    subnet: SubnetFacts, needed: str
) -> None:
    pool = source(settings={"vnetSubnetID": SUBNET})
    results = findings("subnet.ip", cluster=NODE_SUBNET, source=pool, subnets={SUBNET: subnet})
    assert bool(results) == bool(needed)
    assert all(needed in str(finding) for finding in results)


def test_the_nodes_of_an_overlay_need_addresses_of_their_subnet() -> None:
    pool = source(settings={"vnetSubnetID": SUBNET})
    small = {SUBNET: SubnetFacts(("10.0.0.0/29",), 3)}
    [results] = findings("subnet.ip", cluster=OVERLAY, source=pool, subnets=small)
    assert "need 10 addresses of 3" in str(results)


@pytest.mark.parametrize(
    ("mode", "needed"),
    [
        ("DynamicIndividual", "need 160 addresses of 59"),
        ("StaticBlock", "need 320 addresses of 59"),
    ],
)
def test_a_pod_subnet_gives_addresses_in_batches(mode: str, needed: str) -> None:
    pool = source(
        settings={"vnetSubnetID": SUBNET, "podSubnetID": POD_SUBNET, "podIPAllocationMode": mode}
    )
    subnets = {
        SUBNET: SubnetFacts(("10.0.0.0/24",), 4),
        POD_SUBNET: SubnetFacts(("10.1.0.0/26",), 60),
    }
    [results] = findings("subnet.ip", cluster=NODE_SUBNET, source=pool, subnets=subnets)
    assert needed in str(results)


def test_the_source_counts_as_it_is_since_its_autoscaler_is_held_first() -> None:
    scaled = source(
        autoscaling=True, settings={"vnetSubnetID": SUBNET, "minCount": 3, "maxCount": 100}
    )
    subnets = {SUBNET: SubnetFacts(("10.0.0.0/23",), 124)}
    assert not findings("subnet.ip", cluster=NODE_SUBNET, source=scaled, subnets=subnets)


def test_spot_pools_and_pools_without_surge_add_no_nodes_in_an_upgrade() -> None:
    for settings in ({"scaleSetPriority": "Spot"}, {"upgradeSettings": {"maxSurge": "0"}}):
        assert source(settings=settings).surge(40) == 0
    assert source().surge(40) == 4
    assert source(settings={"upgradeSettings": {"maxSurge": "33%"}}).surge(10) == 4


@pytest.mark.parametrize(
    ("own", "offered", "plane", "version"),
    [
        ("1.34.1", ("1.34.1", "1.34.2"), "1.34.2", "1.34.1"),
        ("1.34.1", ("1.33.9", "1.34.2", "1.34.10", "1.34.11"), "1.34.10", "1.34.10"),
        ("1.34.1", ("1.33.9", "1.35.2"), "1.35.2", None),
        ("1.34.1", ("1.34.2",), "1.34.1", None),
        ("1.34.1", (), "1.34.2", "1.34.1"),
        ("", ("1.34.2",), "1.34.2", ""),
    ],
)
def test_the_target_gets_a_patch_that_is_offered(
    own: str, offered: tuple[str, ...], plane: str, version: str | None
) -> None:
    facts = AzureFacts(ClusterFacts(kubernetes_version=plane), versions=offered)
    pool = Pool("src", properties={"currentOrchestratorVersion": own})
    assert target_kubernetes(pool, facts) == version


@pytest.mark.parametrize(
    ("own", "offered", "plane", "version"),
    [
        ("1.34.1", ("1.34.1", "1.34.2"), "1.34.2", "1.34"),
        ("1.34.1", ("1.34.2", "1.34.3"), "1.34.3", "1.34"),
        ("1.34.1", ("1.34.1", "1.34.2", "1.34.3"), "1.34.2", "1.34.2"),
        ("1.34.1", ("1.33.9", "1.35.2"), "1.35.2", None),
        ("1.34.1", ("1.34.2",), "1.34.1", None),
        ("1.34.1", (), "1.34.2", "1.34"),
        ("1.34.1", ("1.34.2",), "", "1.34"),
    ],
)
def test_an_alias_is_passed_on_where_aks_makes_a_version_of_it_that_works(
    own: str, offered: tuple[str, ...], plane: str, version: str | None
) -> None:
    facts = AzureFacts(ClusterFacts(kubernetes_version=plane), versions=offered)
    asked = {"orchestratorVersion": "1.34", "currentOrchestratorVersion": own}
    assert target_kubernetes(Pool("src", properties=asked), facts) == version


def test_what_becomes_of_an_alias_is_reported() -> None:
    asked = {"orchestratorVersion": "1.34", "currentOrchestratorVersion": "1.34.1"}
    pool = source(settings=asked)
    [fixed] = findings("os.target-k8s", source=pool, versions=("1.34.1", "1.34.2"))
    assert (fixed.severity, "gets 1.34.2" in str(fixed)) == (Severity.FIXED, True)
    assert not findings("os.target-k8s", source=pool, versions=("1.34.1",))
    [blocked] = findings("os.target-k8s", source=pool, versions=("1.33.9",))
    assert blocked.blocks


def test_a_patch_that_the_control_plane_is_too_old_for_needs_the_control_plane_first() -> None:
    [blocked] = findings("os.target-k8s", versions=("1.34.9",))
    assert "az aks upgrade --control-plane-only --kubernetes-version 1.34.9" in blocked.remedy


def test_a_withdrawn_patch_is_replaced_and_a_withdrawn_minor_blocks() -> None:
    [fixed] = findings("os.target-k8s", versions=("1.34.1",))
    assert (fixed.severity, "gets 1.34.1" in str(fixed)) == (Severity.FIXED, True)
    [blocked] = findings("os.target-k8s", versions=("1.33.9",))
    assert blocked.blocks
    assert "1.34.2 is not offered for new pools" in str(blocked)
    in_place = {"spec": spec(strategy={"type": "InPlace"}), "target": "src"}
    assert not findings("os.target-k8s", versions=("1.33.9",), **in_place)


@pytest.mark.parametrize(
    ("sku", "severity"), [("AzureLinux", Severity.WARN), ("AzureLinux3", Severity.BLOCK)]
)
def test_from_kubernetes_1_37_on_azure_linux_is_a_preview_of_4_0(
    sku: str, severity: Severity
) -> None:
    pool = source(settings={"currentOrchestratorVersion": "1.37.0"})
    results = findings(
        "os.target-k8s", source=pool, spec=spec(target={"osSKU": sku}), versions=("1.37.0",)
    )
    assert [finding.severity for finding in results] == [severity]


NO_ANSWER = Unread("the operator's identity may not do that")
SCALE_SETS = "Microsoft.Compute/virtualMachineScaleSets/read"
JOIN = "Microsoft.Network/virtualNetworks/subnets/join/action"


@pytest.mark.parametrize(
    ("changes", "severity", "words"),
    [
        (
            {"denied": (SCALE_SETS,), "extensions": NO_ANSWER},
            Severity.WARN,
            "it has the role azlm surveyor elsewhere: assign it on the node resource group too",
        ),
        (
            {
                "denied": ("Microsoft.Compute/skus/read",),
                **dict.fromkeys(("usages", "sizes", "subnets", "extensions"), NO_ANSWER),
            },
            Severity.WARN,
            "assign the role azlm surveyor on the subscription",
        ),
        ({"denied": (JOIN,)}, Severity.BLOCK, "azlm node pool writer elsewhere: assign it on the"),
        (
            {
                "denied": ("Microsoft.ContainerService/managedClusters/agentPools/write",),
                "cluster": NO_ANSWER,
                "windows": NO_ANSWER,
            },
            Severity.BLOCK,
            "assign the role azlm node pool writer on the cluster (docs/azure-role.md)",
        ),
    ],
)
def test_a_role_on_too_narrow_a_scope_is_told_from_no_role(
    changes: dict[str, Any], severity: Severity, words: str
) -> None:
    [finding] = findings("rbac.arm", **changes)
    assert finding.severity is severity
    assert words in finding.remedy
