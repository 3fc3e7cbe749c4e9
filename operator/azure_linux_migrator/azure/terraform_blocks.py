"""The nested blocks of a node pool in Terraform: what the azurerm provider reads of a pool into
them, so that a plan finds no difference.

A block that the pool has and the code has not counts as a difference, even where none of its values
is set; that of `kubelet_config` and `linux_os_config` replaces every node. Source: the provider's
expand and flatten functions (hashicorp/terraform-provider-azurerm, internal/services/containers).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from azure_linux_migrator.azure.iac_values import EMPTY, hcl
from azure_linux_migrator.model.pool import AKS_SURGE, Pool

Lines = list[str]

BLOCKS = {
    "kubelet_config": "kubeletConfig",
    "linux_os_config": "linuxOSConfig",
    "upgrade_settings": "upgradeSettings",
    "node_network_profile": "networkProfile",
}
"""By ARM property."""

KUBELET = {
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
SYSCTLS = {
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
UPGRADE = {
    "max_surge": "maxSurge",
    "max_unavailable": "maxUnavailable",
    "drain_timeout_in_minutes": "drainTimeoutInMinutes",
    "node_soak_duration_in_minutes": "nodeSoakDurationInMinutes",
    "undrainable_node_behavior": "undrainableNodeBehavior",
}
NOT_OF_DEFAULT_POOL = frozenset(("max_unavailable", "undrainable_node_behavior"))
"""Arguments of `upgrade_settings` that the block of a default_node_pool has not."""

_HUGE_PAGES = {
    "swap_file_size_mb": "swapFileSizeMB",
    "transparent_huge_page_enabled": "transparentHugePageEnabled",
    "transparent_huge_page_defrag": "transparentHugePageDefrag",
}
_NETWORK = frozenset(("allowedHostPorts", "applicationSecurityGroups", "nodePublicIPTags"))
_NONE = frozenset(("0", "0%"))
"""Values of maxSurge and maxUnavailable that the provider takes for none."""


def blocks(pool: Pool, *, default_pool: bool) -> Lines:
    """All that the pool has."""
    own = pool.properties
    return [
        *_kubelet(own.get("kubeletConfig")),
        *_linux(own.get("linuxOSConfig")),
        *_upgrade(pool, default_pool=default_pool),
        *_network(own.get("networkProfile") or {}),
    ]


def without_argument(pool: Pool, *, default_pool: bool) -> Iterator[str]:
    """Settings within these properties that no argument holds."""
    own = pool.properties
    upgrade = own.get("upgradeSettings") or {}
    for name in sorted(NOT_OF_DEFAULT_POOL if default_pool else ()):
        value = upgrade.get(UPGRADE[name])
        if value not in EMPTY and str(value) not in _NONE:
            yield f"upgradeSettings.{UPGRADE[name]}"
    if (own.get("kubeletConfig") or {}).get("failSwapOn"):
        yield "kubeletConfig.failSwapOn"
    network = own.get("networkProfile") or {}
    yield from (
        f"networkProfile.{name}"
        for name, value in network.items()
        if name not in _NETWORK and value not in EMPTY
    )


def _kubelet(own: object) -> Lines:
    if not isinstance(own, Mapping):
        return []
    values = _mapped(own, KUBELET)
    # The provider reads an unset value as false and takes true where the argument is missing.
    values.setdefault("cpu_cfs_quota_enabled", False)
    return _block("kubelet_config", values)


def _linux(own: object) -> Lines:
    if not isinstance(own, Mapping):
        return []
    inner: Lines = []
    if isinstance(sysctls := own.get("sysctls"), Mapping):
        values = _mapped(sysctls, SYSCTLS)
        least, _, most = str(sysctls.get("netIpv4IpLocalPortRange") or "").partition(" ")
        if least.isdecimal() and most.strip().isdecimal():
            values["net_ipv4_ip_local_port_range_min"] = int(least)
            values["net_ipv4_ip_local_port_range_max"] = int(most)
        inner = _block("sysctl_config", values, indent="    ")
    return _block("linux_os_config", _mapped(own, _HUGE_PAGES), inner)


def _upgrade(pool: Pool, *, default_pool: bool) -> Lines:
    own = pool.properties.get("upgradeSettings") or {}
    without = NOT_OF_DEFAULT_POOL if default_pool else frozenset()
    values = {
        name: value
        for name, value in _mapped(own, UPGRADE).items()
        if name not in without and str(value) not in _NONE
    }
    if pool.settings.priority == "Spot":  # AKS refuses both there, and so does the provider
        values.pop("max_surge", None)
        values.pop("max_unavailable", None)
    elif values and not {"max_surge", "max_unavailable"} & values.keys():
        values = {"max_surge": AKS_SURGE} | values  # one of them is required
    return _block("upgrade_settings", values) if values else []


def _network(own: Mapping[str, Any]) -> Lines:
    values = _mapped(own, {"application_security_group_ids": "applicationSecurityGroups"})
    if tags := own.get("nodePublicIPTags"):
        values["node_public_ip_tags"] = {tag["ipTagType"]: tag["tag"] for tag in tags}
    names = {"port_start": "portStart", "port_end": "portEnd", "protocol": "protocol"}
    inner: Lines = []
    for ports in own.get("allowedHostPorts") or ():
        inner += _block("allowed_host_ports", _mapped(ports, names), indent="    ")
    return _block("node_network_profile", values, inner) if _NETWORK & own.keys() else []


def _mapped(own: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {name: value for name, field in names.items() if (value := own.get(field)) not in EMPTY}


def _block(
    name: str, values: Mapping[str, Any], inner: Sequence[str] = (), indent: str = "  "
) -> Lines:
    lines = [f"{indent}  {key} = {hcl(value, indent + '  ')}" for key, value in values.items()]
    return [f"{indent}{name} {{", *lines, *inner, f"{indent}}}"]
