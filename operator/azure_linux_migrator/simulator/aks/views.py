"""The JSON of the resources of the modelled AKS."""

import copy
from collections.abc import Iterable
from typing import Any

from azure_linux_migrator.simulator.aks import catalog, versions
from azure_linux_migrator.simulator.aks.limits import ClusterShape
from azure_linux_migrator.simulator.aks.nodes import NodeRecord, NodeSetting
from azure_linux_migrator.simulator.aks.pool import AgentPool
from azure_linux_migrator.simulator.aks.pools import stopped

_TYPE = "Microsoft.ContainerService/managedClusters"


def cluster_id(shape: ClusterShape) -> str:
    """The cluster's resource id; AKS answers with a lower-case `resourcegroups`."""
    return (
        f"/subscriptions/{shape.subscription}/resourcegroups/{shape.resource_group}"
        f"/providers/{_TYPE}/{shape.name}"
    )


def pool(shape: ClusterShape, record: AgentPool, *, answers_write: bool = False) -> dict[str, Any]:
    """An agent pool; absent fields are left out and not null.

    A stopped pool shows no nodes. The answer to the request that stops it does so at once; a read
    shows the old count until the operation ends.
    """
    properties = copy.deepcopy(record.properties)
    if stopped(properties) and (answers_write or record.running is None):
        properties["count"] = 0
    return {
        "id": f"{cluster_id(shape)}/agentPools/{record.name}",
        "name": record.name,
        "type": f"{_TYPE}/agentPools",
        "properties": properties,
    }


def cluster(
    setting: NodeSetting, shape: ClusterShape, state: str, etag: str, pools: Iterable[AgentPool]
) -> dict[str, Any]:
    """The managed cluster with its pools as profiles."""
    dns_prefix = f"{shape.name}-{shape.resource_group}"
    profiles = sorted(pools, key=lambda record: record.name)
    return {
        "id": cluster_id(shape),
        "name": shape.name,
        "type": "Microsoft.ContainerService/ManagedClusters",
        "location": shape.location,
        "sku": {"name": "Base", "tier": "Standard"},
        "identity": {"type": "SystemAssigned"},
        "eTag": etag,
        "properties": {
            "provisioningState": state,
            "powerState": {"code": "Running"},
            "kubernetesVersion": shape.kubernetes_version,
            "currentKubernetesVersion": shape.kubernetes_version,
            "dnsPrefix": dns_prefix,
            "fqdn": f"{dns_prefix}.hcp.{shape.location}.azmk8s.io",
            "agentPoolProfiles": [
                {"name": record.name, **pool(shape, record)["properties"]} for record in profiles
            ],
            "nodeResourceGroup": setting.node_resource_group,
            "enableRBAC": True,
            "supportPlan": "KubernetesOfficial",
            "maxAgentPools": catalog.MAX_POOLS,
            "networkProfile": {
                "networkPlugin": "azure",
                "networkPluginMode": shape.network_plugin_mode,
                "networkDataplane": "azure",
                "loadBalancerSku": "standard",
                "outboundType": "loadBalancer",
                "loadBalancerProfile": {
                    "allocatedOutboundPorts": shape.outbound_ports,
                    "effectiveOutboundIPs": [
                        {"id": f"/publicIPAddresses/{number}"}
                        for number in range(shape.outbound_ips)
                    ],
                },
                "podCidr": shape.pod_cidr,
                "serviceCidr": "10.0.0.0/16",
                "dnsServiceIP": "10.0.0.10",
                "ipFamilies": list(shape.ip_families),
            },
            "nodeProvisioningProfile": {
                "mode": shape.node_provisioning,
                "defaultNodePools": "Auto",
            },
            "autoUpgradeProfile": {
                "nodeOSUpgradeChannel": "NodeImage",
                "upgradeChannel": shape.upgrade_channel,
            },
        },
    }


def machine(shape: ClusterShape, pool_name: str, node: NodeRecord) -> dict[str, Any]:
    """One machine of a pool."""
    body: dict[str, Any] = {
        "id": f"{cluster_id(shape)}/agentPools/{pool_name}/machines/{node.name}",
        "name": node.name,
        "type": f"{_TYPE}/agentPools/machines",
        "properties": {"resourceId": node.provider_id.removeprefix("azure://")},
    }
    if node.zone != "0":
        body["zones"] = [node.zone.rpartition("-")[2]]
    return body


def upgrade_profile(shape: ClusterShape, record: AgentPool) -> dict[str, Any]:
    """Where the pool can be upgraded to, and the newest image of its own OS."""
    properties = record.properties
    current = properties["currentOrchestratorVersion"]
    newer = [v for v in versions.offered(shape) if versions.numbers(v) > versions.numbers(current)]
    return {
        "id": f"{cluster_id(shape)}/agentPools/{record.name}/upgradeprofiles/default",
        "name": "default",
        "type": f"{_TYPE}/agentPools/upgradeProfiles",
        "properties": {
            "kubernetesVersion": current,
            "osType": properties["osType"],
            "upgrades": [{"kubernetesVersion": version} for version in newer],
            "latestNodeImageVersion": catalog.OS_SKUS[properties["osSKU"]].image_version,
        },
    }


def available_versions(shape: ClusterShape) -> dict[str, Any]:
    """Kubernetes versions that a new pool can have; the control plane's is the default."""
    *older, newest = versions.offered(shape)
    listed: list[dict[str, Any]] = [{"kubernetesVersion": version} for version in older]
    listed.append({"kubernetesVersion": newest, "default": True})
    return {
        "id": f"{cluster_id(shape)}/availableagentpoolversions",
        "name": "default",
        "type": f"{_TYPE}/availableAgentpoolVersions",
        "properties": {"agentPoolVersions": listed},
    }
