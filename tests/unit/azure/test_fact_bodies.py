"""Bodies of Azure Resource Manager, as the SDK and the documents of their providers show them."""

from typing import Any

import pytest

from azure_linux_migrator.azure.fact_bodies import (
    decode_attachments,
    decode_cluster,
    decode_identities,
    decode_lock,
    decode_size,
    decode_versions,
)
from azure_linux_migrator.model.azure_facts import ClusterFacts, Lock
from azure_linux_migrator.model.pool import Pool

GROUP = "/subscriptions/s/resourceGroups/g"
CLUSTER = f"{GROUP}/providers/Microsoft.ContainerService/managedClusters/c"
NODES = "/subscriptions/s/resourceGroups/MC_g_c_r"
LOCKS = "/providers/Microsoft.Authorization/locks/keep"


def size(**capabilities: str) -> dict[str, Any]:
    listed = [{"name": name, "value": value} for name, value in capabilities.items()]
    return {"name": "Standard_X", "family": "xFamily", "capabilities": listed}


@pytest.mark.parametrize(
    ("kind", "confidential"), [("SNP", True), ("TDX", True), ("SGX", False), ("", False)]
)
def test_only_whole_vms_are_confidential(kind: str, *, confidential: bool) -> None:
    assert decode_size(size(ConfidentialComputingType=kind)).confidential is confidential


@pytest.mark.parametrize(
    ("capabilities", "most"),
    [
        ({}, None),
        ({"CachedDiskBytes": "53687091200", "MaxResourceVolumeMB": "16384"}, 50),
        ({"CachedDiskBytes": "0", "NvmeDiskSizeInMiB": "225280"}, 220),
        ({"EphemeralOSDiskSupported": "False", "CachedDiskBytes": "53687091200"}, 0),
    ],
)
def test_an_ephemeral_os_disk_has_the_largest_place_of_the_size(
    capabilities: dict[str, str], most: int | None
) -> None:
    assert decode_size(size(**capabilities)).ephemeral_gib == most


def test_preview_versions_are_versions_of_new_pools() -> None:
    listed = [
        {"kubernetesVersion": "1.37.2"},
        {"kubernetesVersion": "1.38.0", "isPreview": True},
    ]
    assert decode_versions({"properties": {"agentPoolVersions": listed}}) == ("1.37.2", "1.38.0")


@pytest.mark.parametrize(
    ("scope", "lock"),
    [
        (CLUSTER, Lock("keep", "ReadOnly", "c")),
        (CLUSTER.lower(), Lock("keep", "ReadOnly", "c")),
        (GROUP, Lock("keep", "ReadOnly", "g")),
        (NODES, Lock("keep", "ReadOnly", "MC_g_c_r", on_nodes=True)),
        (f"{NODES}/providers/x/vnets/v", Lock("keep", "ReadOnly", "v", on_nodes=True)),
        ("/subscriptions/s", Lock("keep", "ReadOnly", "s", on_nodes=True)),
        (f"{GROUP}/providers/x/vaults/other", None),
        (f"{CLUSTER}2", None),
    ],
)
def test_a_lock_is_known_by_what_it_is_on(scope: str, lock: Lock | None) -> None:
    item = {"id": f"{scope}{LOCKS}", "name": "keep", "properties": {"level": "ReadOnly"}}
    decoded = decode_lock(item, CLUSTER, NODES)
    assert (decoded is None) == (lock is None)
    if decoded is not None and lock is not None:
        assert (decoded.level, decoded.on_nodes) == (lock.level, lock.on_nodes)
        assert decoded.scope.lower() == lock.scope.lower()


def test_what_the_cluster_tells_of_its_outbound_ports_and_pools() -> None:
    balancer = {"allocatedOutboundPorts": 8000, "effectiveOutboundIPs": [{"id": "a"}, {"id": "b"}]}
    properties = {
        "maxAgentPools": 20,
        "networkProfile": {"loadBalancerProfile": balancer},
        "hostedSystemProfile": {"enabled": True},
        "nodeDisruptionProfile": {"nodeDisruptionPolicy": "Block"},
        "identityProfile": {"kubeletidentity": {"resourceId": f"{GROUP}/identities/Kubelet"}},
    }
    cluster = decode_cluster({"properties": properties}, CLUSTER)
    assert (cluster.outbound_ports, cluster.outbound_addresses) == (8000, 2)
    assert (cluster.max_pools, cluster.hosted_system) == (20, True)
    assert cluster.node_disruption == "Block", "of a preview API, where one is asked"
    assert cluster.own_identities == (f"{GROUP}/identities/kubelet".lower(),)


def test_identities_of_aks_are_not_those_that_somebody_assigned() -> None:
    ids = (f"{NODES}/identities/omsagent", f"{GROUP}/identities/kubelet", f"{GROUP}/identities/app")
    scale_set: dict[str, Any] = {"identity": {"userAssignedIdentities": {name: {} for name in ids}}}
    cluster = ClusterFacts(
        node_resource_group="MC_g_c_r", own_identities=(f"{GROUP}/identities/kubelet".lower(),)
    )
    assert decode_identities([scale_set], cluster) == ("app",)


def test_what_was_attached_to_the_scale_set_outside_of_aks() -> None:
    network = "/subscriptions/s/resourceGroups/net/providers/Microsoft.Network"
    configuration = {
        "networkSecurityGroup": {"id": f"{NODES}/networkSecurityGroups/aks-agentpool-1-nsg"},
        "ipConfigurations": [
            {
                "properties": {
                    "loadBalancerBackendAddressPools": [
                        {"id": f"{NODES}/loadBalancers/kubernetes/backendAddressPools/kubernetes"},
                        {"id": f"{network}/loadBalancers/own/backendAddressPools/web"},
                    ],
                    "applicationGatewayBackendAddressPools": [
                        {"id": f"{network}/applicationGateways/g/backendAddressPools/shop"}
                    ],
                }
            }
        ],
    }
    profile = {
        "networkProfile": {"networkInterfaceConfigurations": [{"properties": configuration}]},
        "storageProfile": {"dataDisks": [{"lun": 0, "diskSizeGB": 64}]},
    }
    scale_set: dict[str, Any] = {"properties": {"virtualMachineProfile": profile}}
    cluster = ClusterFacts(node_resource_group="MC_g_c_r")
    assert decode_attachments([scale_set], cluster, Pool("src")) == (
        "application gateway backend pool shop",
        "data disk 0",
        "load balancer backend pool web",
    )
    configuration["networkSecurityGroup"] = {"id": f"{network}/networkSecurityGroups/own"}
    assert "network security group own" in decode_attachments([scale_set], cluster, Pool("src"))
    assert decode_attachments([{}], cluster, Pool("src")) == ()


def test_security_groups_of_the_pool_itself_are_not_attached_outside_of_aks() -> None:
    """The new pool gets them with the network profile; Azure spells an id in more than one way."""
    groups = "/subscriptions/s/resourceGroups/net/providers/Microsoft.Network"
    web, admin = (f"{groups}/applicationSecurityGroups/{name}" for name in ("web", "admin"))
    addresses = {"applicationSecurityGroups": [{"id": web}, {"id": admin}]}
    interface = {"properties": {"ipConfigurations": [{"properties": addresses}]}}
    profile = {"networkProfile": {"networkInterfaceConfigurations": [interface]}}
    scale_set = {"properties": {"virtualMachineProfile": profile}}
    network = {"applicationSecurityGroups": [web.replace("resourceGroups", "resourcegroups")]}
    source = Pool("src", properties={"networkProfile": network})
    cluster = ClusterFacts(node_resource_group="MC_g_c_r")
    assert decode_attachments([scale_set], cluster, source) == ("application security group admin",)
