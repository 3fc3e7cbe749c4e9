"""Bodies of Azure Resource Manager, decoded to the records that preflight rules look at. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from azure_linux_migrator.model.azure_facts import ClusterFacts, Lock, SizeFacts
from azure_linux_migrator.model.pool import Pool

Json = Mapping[str, Any]
_OWN_EXTENSION = re.compile(r"^(vmssCSE|.*AKSLinux.*|aks.*)$", re.IGNORECASE)


def decode_cluster(body: Json, cluster_id: str) -> ClusterFacts:
    """The managed cluster."""
    properties = body.get("properties") or {}
    network = properties.get("networkProfile") or {}
    balancer = network.get("loadBalancerProfile") or {}
    upgrades = properties.get("autoUpgradeProfile") or {}
    return ClusterFacts(
        state=str(properties.get("provisioningState") or ""),
        location=str(body.get("location") or ""),
        kubernetes_version=str(
            properties.get("currentKubernetesVersion") or properties.get("kubernetesVersion") or ""
        ),
        node_provisioning=str((properties.get("nodeProvisioningProfile") or {}).get("mode") or ""),
        network_plugin=str(network.get("networkPlugin") or ""),
        network_plugin_mode=str(network.get("networkPluginMode") or ""),
        pod_cidrs=strings(network.get("podCidrs") or [network.get("podCidr")]),
        ip_families=strings(network.get("ipFamilies")),
        node_resource_group=str(properties.get("nodeResourceGroup") or ""),
        subscription=cluster_id.split("/")[2],
        upgrade_channel=str(upgrades.get("upgradeChannel") or ""),
        node_os_channel=str(upgrades.get("nodeOSUpgradeChannel") or ""),
        autoscaler_profile=dict(properties.get("autoScalerProfile") or {}),
        max_pools=properties.get("maxAgentPools"),
        outbound_ports=int(balancer.get("allocatedOutboundPorts") or 0),
        outbound_addresses=_outbound_addresses(balancer),
        node_disruption=str(
            (properties.get("nodeDisruptionProfile") or {}).get("nodeDisruptionPolicy") or ""
        ),
        hosted_system=bool((properties.get("hostedSystemProfile") or {}).get("enabled")),
        own_identities=tuple(
            str(identity.get("resourceId") or "").lower()
            for identity in (properties.get("identityProfile") or {}).values()
        ),
    )


def _outbound_addresses(balancer: Json) -> int:
    """IPv4 addresses of the load balancer; 0 where they are not known: Azure shows only
    the id of a prefix."""
    if (balancer.get("outboundIPPrefixes") or {}).get("publicIPPrefixes"):
        return 0
    of_ipv6 = int((balancer.get("managedOutboundIPs") or {}).get("countIPv6") or 0)
    return max(0, len(balancer.get("effectiveOutboundIPs") or ()) - of_ipv6)


def decode_size(item: Json) -> SizeFacts:
    """A VM size of Microsoft.Compute/skus."""
    traits = {
        str(capability["name"]): str(capability["value"])
        for capability in item.get("capabilities") or ()
    }
    zones = {zone for place in item.get("locationInfo") or () for zone in place.get("zones") or ()}
    restrictions = item.get("restrictions") or ()
    blocked = next(
        (restriction for restriction in restrictions if restriction.get("type") == "Location"), None
    )
    restricted = {
        zone
        for restriction in restrictions
        if restriction.get("type") == "Zone"
        for zone in (restriction.get("restrictionInfo") or {}).get("zones") or ()
    }
    return SizeFacts(
        family=str(item.get("family") or "").lower(),
        vcpus=int(traits.get("vCPUs") or 0),
        memory_gb=float(traits.get("MemoryGB") or 0),
        arch=traits.get("CpuArchitectureType") or "x64",
        gpus=int(traits.get("GPUs") or 0),
        generations=tuple((traits.get("HyperVGenerations") or "V1,V2").split(",")),
        trusted_launch=traits.get("TrustedLaunchDisabled") != "True",
        confidential=traits.get("ConfidentialComputingType", "").upper() not in {"", "SGX"},
        data_disks=_count(traits.get("MaxDataDiskCount")),
        ephemeral_gib=_ephemeral(traits),
        host_encryption=traits.get("EncryptionAtHostSupported") != "False",
        zones=tuple(sorted(zones)),
        restricted_zones=tuple(sorted(restricted)),
        unavailable=str(blocked.get("reasonCode") or "restricted") if blocked else "",
    )


def _ephemeral(traits: Mapping[str, str]) -> int | None:
    """Where AKS places an ephemeral OS disk: on the cache, else the temporary or the NVMe disk
    (learn.microsoft.com/azure/virtual-machines/ephemeral-os-disks). In decimal
    MB and in bytes, as given there."""
    if traits.get("EphemeralOSDiskSupported") == "False":
        return 0
    cache = _count(traits.get("CachedDiskBytes"))
    places = (
        None if cache is None else cache // 2**30,
        None if (disk := _count(traits.get("MaxResourceVolumeMB"))) is None else disk // 1024,
        None if (nvme := _count(traits.get("NvmeDiskSizeInMiB"))) is None else nvme // 1024,
    )
    return max((place for place in places if place is not None), default=None)


def _count(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None


def decode_versions(body: Json) -> tuple[str, ...]:
    """Kubernetes versions for new pools (availableAgentPoolVersions). Previews too: a cluster of a
    preview version has pools of that version."""
    versions = (body.get("properties") or {}).get("agentPoolVersions") or ()
    return tuple(str(version["kubernetesVersion"]) for version in versions)


def decode_lock(item: Json, cluster_id: str, node_group: str) -> Lock | None:
    """A lock that concerns the cluster or its nodes; None for one on another resource."""
    on = str(item.get("id") or cluster_id).split("/providers/Microsoft.Authorization/locks")[0]
    on_nodes = bool(node_group) and (_within(on, node_group) or _within(node_group, on))
    if not (on_nodes or _within(cluster_id, on) or _within(on, cluster_id)):
        return None
    level = str((item.get("properties") or {}).get("level") or "CanNotDelete")
    return Lock(str(item["name"]), level, on.rsplit("/", 1)[-1], on_nodes)


def _within(inner: str, outer: str) -> bool:
    return f"{inner}/".lower().startswith(f"{outer}/".lower())


def decode_extensions(scale_sets: Iterable[Json]) -> tuple[str, ...]:
    """Names of the extensions that AKS has not put there."""
    types: set[str] = set()
    for machine in scale_sets:
        profile = (machine.get("properties") or {}).get("virtualMachineProfile") or {}
        listed = (profile.get("extensionProfile") or {}).get("extensions") or ()
        types |= {str(extension["name"]) for extension in listed}
    return tuple(sorted(name for name in types if not _OWN_EXTENSION.match(name)))


def decode_identities(scale_sets: Iterable[Json], cluster: ClusterFacts) -> tuple[str, ...]:
    """Identities that were assigned by hand: all but the kubelet's and those of add-ons, which AKS
    makes in the node resource group."""
    own = f"/resourcegroups/{cluster.node_resource_group}/".lower()
    assigned = {
        str(identity)
        for machine in scale_sets
        for identity in (machine.get("identity") or {}).get("userAssignedIdentities") or ()
    }
    return tuple(
        sorted(
            identity.rsplit("/", 1)[-1]
            for identity in assigned
            if own not in identity.lower() and identity.lower() not in cluster.own_identities
        )
    )


_BACKENDS = {
    "loadBalancerBackendAddressPools": "load balancer backend pool",
    "applicationGatewayBackendAddressPools": "application gateway backend pool",
    "applicationSecurityGroups": "application security group",
}
"""Of an IP configuration (Microsoft.Compute/virtualMachineScaleSets)."""


def decode_attachments(
    scale_sets: Iterable[Json], cluster: ClusterFacts, source: Pool
) -> tuple[str, ...]:
    """Data disks, and what of other resource groups machines are in. What is in the node resource
    group is AKS's own, and the pool's networkProfile goes to the new pool."""
    own = f"/resourcegroups/{cluster.node_resource_group}/".lower()
    network = source.properties.get("networkProfile") or {}
    copied = {str(id_).lower() for id_ in network.get("applicationSecurityGroups") or ()}
    attachments: set[str] = set()
    for machine in scale_sets:
        profile = (machine.get("properties") or {}).get("virtualMachineProfile") or {}
        disks = (profile.get("storageProfile") or {}).get("dataDisks") or ()
        attachments |= {f"data disk {disk.get('lun')}" for disk in disks}
        attachments |= {
            f"{kind} {id_.rsplit('/', 1)[-1]}"
            for kind, id_ in _network_of(profile)
            if own not in id_.lower() and id_.lower() not in copied
        }
    return tuple(sorted(attachments))


def _network_of(profile: Json) -> Iterator[tuple[str, str]]:
    """What the network interfaces of a scale set's machines are in, by kind and id."""
    network = profile.get("networkProfile") or {}
    for interface in network.get("networkInterfaceConfigurations") or ():
        settings = interface.get("properties") or {}
        if group := (settings.get("networkSecurityGroup") or {}).get("id"):
            yield "network security group", str(group)
        for configuration in settings.get("ipConfigurations") or ():
            addresses = configuration.get("properties") or {}
            for name, kind in _BACKENDS.items():
                for item in addresses.get(name) or ():
                    yield kind, str(item.get("id") or "")


def strings(values: Iterable[object] | None) -> tuple[str, ...]:
    """What is set, as text."""
    return tuple(str(value) for value in values or () if value)
