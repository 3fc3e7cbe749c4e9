"""The new pool as Terraform: what to change so that a plan is empty, and destroys nothing.

For a User pool: a resource, its import, and the removal of the old one from the state. A System
pool is nearly always the `default_node_pool` of its cluster: a block of the cluster's resource, in
which a name that differs from the state plans the replacement of the cluster. There the names and
values in the block are changed, and nothing else. Arguments are those of azurerm 4
(registry.terraform.io/providers/hashicorp/azurerm/latest/docs).
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from azure_linux_migrator.azure.iac_values import EMPTY, hcl, own_tags
from azure_linux_migrator.model.pool import Pool

RESOURCE = "azurerm_kubernetes_cluster_node_pool"
CLUSTER = "azurerm_kubernetes_cluster.example"
OS_SKUS = frozenset(("AzureLinux", "AzureLinux3", "Ubuntu", "Ubuntu2204", "Ubuntu2404"))
"""Values of os_sku for Linux that the provider takes."""


class Change(StrEnum):
    """What a plan does where the argument and the pool differ."""

    REPLACE = "replaces the pool"
    ROTATE = "needs temporary_name_for_rotation, and replaces every node"
    UPDATE = "updates the pool in place"


class Argument(NamedTuple):
    """An argument, the ARM property it comes from, and what a difference means."""

    name: str
    field: str
    change: Change


ARGUMENTS = (
    Argument("vm_size", "vmSize", Change.ROTATE),
    Argument("os_sku", "osSKU", Change.REPLACE),
    Argument("os_type", "osType", Change.REPLACE),
    Argument("mode", "mode", Change.UPDATE),
    Argument("orchestrator_version", "orchestratorVersion", Change.UPDATE),
    Argument("max_pods", "maxPods", Change.ROTATE),
    Argument("os_disk_size_gb", "osDiskSizeGB", Change.ROTATE),
    Argument("os_disk_type", "osDiskType", Change.ROTATE),
    Argument("kubelet_disk_type", "kubeletDiskType", Change.ROTATE),
    Argument("zones", "availabilityZones", Change.ROTATE),
    Argument("vnet_subnet_id", "vnetSubnetID", Change.ROTATE),
    Argument("pod_subnet_id", "podSubnetID", Change.ROTATE),
    Argument("node_public_ip_enabled", "enableNodePublicIP", Change.ROTATE),
    Argument("node_public_ip_prefix_id", "nodePublicIPPrefixID", Change.REPLACE),
    Argument("fips_enabled", "enableFIPS", Change.ROTATE),
    Argument("host_encryption_enabled", "enableEncryptionAtHost", Change.ROTATE),
    Argument("ultra_ssd_enabled", "enableUltraSSD", Change.ROTATE),
    Argument("host_group_id", "hostGroupID", Change.REPLACE),
    Argument("capacity_reservation_group_id", "capacityReservationGroupID", Change.REPLACE),
    Argument("proximity_placement_group_id", "proximityPlacementGroupID", Change.REPLACE),
    Argument("gpu_instance", "gpuInstanceProfile", Change.REPLACE),
    Argument("priority", "scaleSetPriority", Change.REPLACE),
    Argument("eviction_policy", "scaleSetEvictionPolicy", Change.REPLACE),
    Argument("spot_max_price", "spotMaxPrice", Change.REPLACE),
    Argument("scale_down_mode", "scaleDownMode", Change.UPDATE),
    Argument("workload_runtime", "workloadRuntime", Change.UPDATE),
    Argument("node_labels", "nodeLabels", Change.UPDATE),
    Argument("node_taints", "nodeTaints", Change.UPDATE),
)
"""Arguments that hold one value, in the order in which they are printed."""

BLOCKS = {
    "kubelet_config": "kubeletConfig",
    "linux_os_config": "linuxOSConfig",
    "upgrade_settings": "upgradeSettings",
    "node_network_profile": "networkProfile",
}
"""Nested blocks by ARM property; `gpu_driver` comes from gpuProfile."""

UNMANAGED = (
    "messageOfTheDay",
    "podIPAllocationMode",
    "securityProfile",
    "artifactStreamingProfile",
    "localDNSProfile",
    "virtualMachinesProfile",
)
"""Properties that the provider does not know: a plan neither shows nor changes them."""

_DEFAULT_POOL_LACKS = frozenset(
    ("mode", "os_type", "node_taints", "priority", "eviction_policy", "spot_max_price")
)
_KUBELET = {
    "allowed_unsafe_sysctls": "allowedUnsafeSysctls",
    "container_log_max_line": "containerLogMaxFiles",
    "container_log_max_size_mb": "containerLogMaxSizeMB",
    "cpu_cfs_quota_enabled": "cpuCfsQuota",
    "cpu_cfs_quota_period": "cpuCfsQuotaPeriod",
    "cpu_manager_policy": "cpuManagerPolicy",
    "image_gc_high_threshold": "imageGcHighThreshold",
    "image_gc_low_threshold": "imageGcLowThreshold",
    "pod_max_pid": "podMaxPids",
    "topology_manager_policy": "topologyManagerPolicy",
}
_SYSCTLS = {
    "fs_aio_max_nr": "fsAioMaxNr",
    "fs_file_max": "fsFileMax",
    "fs_inotify_max_user_watches": "fsInotifyMaxUserWatches",
    "fs_nr_open": "fsNrOpen",
    "kernel_threads_max": "kernelThreadsMax",
    "net_core_netdev_max_backlog": "netCoreNetdevMaxBacklog",
    "net_core_optmem_max": "netCoreOptmemMax",
    "net_core_rmem_default": "netCoreRmemDefault",
    "net_core_rmem_max": "netCoreRmemMax",
    "net_core_somaxconn": "netCoreSomaxconn",
    "net_core_wmem_default": "netCoreWmemDefault",
    "net_core_wmem_max": "netCoreWmemMax",
    "net_ipv4_neigh_default_gc_thresh1": "netIpv4NeighDefaultGcThresh1",
    "net_ipv4_neigh_default_gc_thresh2": "netIpv4NeighDefaultGcThresh2",
    "net_ipv4_neigh_default_gc_thresh3": "netIpv4NeighDefaultGcThresh3",
    "net_ipv4_tcp_fin_timeout": "netIpv4TcpFinTimeout",
    "net_ipv4_tcp_keepalive_intvl": "netIpv4TcpkeepaliveIntvl",
    "net_ipv4_tcp_keepalive_probes": "netIpv4TcpKeepaliveProbes",
    "net_ipv4_tcp_keepalive_time": "netIpv4TcpKeepaliveTime",
    "net_ipv4_tcp_max_syn_backlog": "netIpv4TcpMaxSynBacklog",
    "net_ipv4_tcp_max_tw_buckets": "netIpv4TcpMaxTwBuckets",
    "net_ipv4_tcp_tw_reuse": "netIpv4TcpTwReuse",
    "net_netfilter_nf_conntrack_buckets": "netNetfilterNfConntrackBuckets",
    "net_netfilter_nf_conntrack_max": "netNetfilterNfConntrackMax",
    "vm_max_map_count": "vmMaxMapCount",
    "vm_swappiness": "vmSwappiness",
    "vm_vfs_cache_pressure": "vmVfsCachePressure",
}
_UPGRADE = {
    "max_surge": "maxSurge",
    "drain_timeout_in_minutes": "drainTimeoutInMinutes",
    "node_soak_duration_in_minutes": "nodeSoakDurationInMinutes",
    "undrainable_node_behavior": "undrainableNodeBehavior",
}

Lines = list[str]


def change(pool: Pool, old: str) -> str:
    """What to change in the code of pool `old`, now that `pool` has replaced it."""
    if pool.os_sku not in OS_SKUS:
        return (
            f"# The azurerm provider does not know os_sku {pool.os_sku!r}: it can neither\n"
            f"# describe nor import node pool {pool.name}. Remove pool {old} from state and code:\n"
            f"# terraform state rm {RESOURCE}.{old}"
        )
    return default_pool(pool, old) if pool.mode == "System" else node_pool(pool, old)


def node_pool(pool: Pool, old: str) -> str:
    """A resource of its own, the import of the new pool, and the removal of the old one."""
    return "\n".join(
        [
            "import {",
            f"  to = {RESOURCE}.{pool.name}",
            f'  id = "${{{CLUSTER}.id}}/agentPools/{pool.name}"',
            "}",
            "",
            f"removed {{ # and delete the resource of pool {old} from the code",
            f"  from = {RESOURCE}.{old}",
            "  lifecycle { destroy = false }",
            "}",
            "",
            f'resource "{RESOURCE}" "{pool.name}" {{',
            f"  name = {hcl(pool.name)}",
            f"  kubernetes_cluster_id = {CLUSTER}.id",
            *_body(pool),
            "}",
            *_notes(pool),
        ]
    )


def default_pool(pool: Pool, old: str) -> str:
    """The cluster's own block. Any other way plans the replacement of the cluster."""
    return "\n".join(
        [
            f"# Do not apply before this is changed. Pool {old} was a System pool: if it is the",
            "# default_node_pool of the azurerm_kubernetes_cluster, change that block as below.",
            "# Add no other resource, import nothing, remove nothing from the state: the provider",
            "# takes the first System pool for the default one, and a name that differs from the",
            "# block's plans the REPLACEMENT OF THE CLUSTER. The plan must be empty afterwards.",
            f"# If pool {old} has a resource of its own: azlm handover --separate",
            "default_node_pool {",
            f"  name = {hcl(pool.name)}",
            *_body(pool, without=_DEFAULT_POOL_LACKS),
            *_critical_addons(pool),
            "}",
            *_notes(pool),
        ]
    )


def _critical_addons(pool: Pool) -> Lines:
    taints = pool.properties.get("nodeTaints") or ()
    only = "CriticalAddonsOnly=true:NoSchedule" in taints
    return ["  only_critical_addons_enabled = true"] if only else []


def _body(pool: Pool, without: Iterable[str] = ()) -> Lines:
    lines: Lines = []
    for argument in ARGUMENTS:
        value = pool.properties.get(argument.field)
        if value not in EMPTY and argument.name not in without:
            lines.append(f"  {argument.name} = {hcl(value, '  ')}")
    if driver := (pool.properties.get("gpuProfile") or {}).get("driver"):
        lines.append(f"  gpu_driver = {hcl(driver)}")
    if pool.autoscaling:
        least, most = pool.bounds
        lines += [
            "  auto_scaling_enabled = true",
            f"  min_count = {least}",
            f"  max_count = {most}",
        ]
    else:
        lines.append(f"  node_count = {pool.count}")
    if tags := own_tags(pool):
        lines.append(f"  tags = {hcl(tags, '  ')}")
    return lines + _blocks(pool)


def _blocks(pool: Pool) -> Lines:
    own = pool.properties
    upgrade = own.get("upgradeSettings") or {}
    return [
        *_block("kubelet_config", _mapped(own.get("kubeletConfig"), _KUBELET)),
        *_linux(own.get("linuxOSConfig") or {}),
        # Without maxSurge the block is refused: the provider requires it.
        *(
            _block("upgrade_settings", _mapped(upgrade, _UPGRADE))
            if upgrade.get("maxSurge")
            else ()
        ),
        *_network(own.get("networkProfile") or {}),
    ]


def _mapped(own: object, names: Mapping[str, str]) -> dict[str, Any]:
    fields = own if isinstance(own, Mapping) else {}
    return {
        name: value for name, field in names.items() if (value := fields.get(field)) not in EMPTY
    }


def _block(
    name: str, values: Mapping[str, Any], inner: Sequence[str] = (), indent: str = "  "
) -> Lines:
    if not values and not inner:
        return []
    lines = [f"{indent}  {key} = {hcl(value, indent + '  ')}" for key, value in values.items()]
    return [f"{indent}{name} {{", *lines, *inner, f"{indent}}}"]


def _linux(own: Mapping[str, Any]) -> Lines:
    huge_pages = {
        "swap_file_size_mb": "swapFileSizeMB",
        "transparent_huge_page": "transparentHugePageEnabled",
        "transparent_huge_page_defrag": "transparentHugePageDefrag",
    }
    sysctls = own.get("sysctls") or {}
    values = _mapped(sysctls, _SYSCTLS)
    least, _, most = str(sysctls.get("netIpv4IpLocalPortRange") or "").partition(" ")
    if least.isdecimal() and most.strip().isdecimal():
        values["net_ipv4_ip_local_port_range_min"] = int(least)
        values["net_ipv4_ip_local_port_range_max"] = int(most)
    inner = _block("sysctl_config", values, indent="    ")
    return _block("linux_os_config", _mapped(own, huge_pages), inner)


def _network(own: Mapping[str, Any]) -> Lines:
    values = _mapped(own, {"application_security_group_ids": "applicationSecurityGroups"})
    if tags := own.get("nodePublicIPTags"):
        values["node_public_ip_tags"] = {tag["ipTagType"]: tag["tag"] for tag in tags}
    names = {"port_start": "portStart", "port_end": "portEnd", "protocol": "protocol"}
    inner: Lines = []
    for ports in own.get("allowedHostPorts") or ():
        inner += _block("allowed_host_ports", _mapped(ports, names), indent="    ")
    return _block("node_network_profile", values, inner)


def _notes(pool: Pool) -> Lines:
    """What stands on the pool and has no argument."""
    unmanaged = [name for name in UNMANAGED if pool.properties.get(name) not in EMPTY]
    if "maxUnavailable" in (pool.properties.get("upgradeSettings") or {}):
        unmanaged.append("upgradeSettings.maxUnavailable")
    return ["", f"# Not managed by the provider: {', '.join(unmanaged)}"] if unmanaged else []
