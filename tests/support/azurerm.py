"""What `terraform plan` says about a node pool: the azurerm provider's schema as far as it decides.

The pool is refreshed into state as the provider's read functions do, the code is parsed, and each
argument is compared. Facts are those of hashicorp/terraform-provider-azurerm (69697b7fe6 of
2026-08-21: ForceNew, CustomizeDiff, and the properties that cycle a pool; the flatten functions of
internal/services/containers for what a read puts into the state).
"""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

import hcl2

from azure_linux_migrator.model.pool import Pool

DEFAULT_POOL = "default_node_pool"
RESOURCE = "azurerm_kubernetes_cluster_node_pool"


class Outcome(StrEnum):
    """What a plan does about a difference."""

    UPDATE = "updates the pool in place"
    ROTATE = "replaces every node, and needs temporary_name_for_rotation"
    REPLACE = "replaces the pool"
    CLUSTER = "replaces the cluster"


class Attribute(NamedTuple):
    """An argument: the ARM property that a read takes it from, what happens where it differs, what
    the provider takes where the code has none, and whether it then keeps what is there."""

    field: str
    outcome: Outcome
    default: object = None
    computed: bool = False
    of_default_pool: bool = True


def _force(field: str, default: object = None, *, of_default_pool: bool = True) -> Attribute:
    return Attribute(field, Outcome.REPLACE, default, of_default_pool=of_default_pool)


def _rotate(field: str, default: object = None, *, computed: bool = False) -> Attribute:
    return Attribute(field, Outcome.ROTATE, default, computed)


def _update(field: str, default: object = None, *, computed: bool = False) -> Attribute:
    return Attribute(field, Outcome.UPDATE, default, computed)


ATTRIBUTES: dict[str, Attribute] = {
    "name": _force("name"),
    "auto_scaling_enabled": _update("enableAutoScaling"),
    "capacity_reservation_group_id": _force("capacityReservationGroupID"),
    "eviction_policy": _force("scaleSetEvictionPolicy", of_default_pool=False),
    "fips_enabled": _rotate("enableFIPS"),
    "gpu_driver": _force("gpuProfile.driver", of_default_pool=False),
    "gpu_instance": _force("gpuInstanceProfile"),
    "host_encryption_enabled": _rotate("enableEncryptionAtHost"),
    "host_group_id": _force("hostGroupID"),
    "kubelet_disk_type": _rotate("kubeletDiskType", computed=True),
    "max_count": _update("maxCount"),
    "max_pods": _rotate("maxPods", computed=True),
    "min_count": _update("minCount"),
    "mode": Attribute("mode", Outcome.UPDATE, "User", of_default_pool=False),
    "node_count": _update("count", computed=True),
    "node_labels": _update("nodeLabels", computed=True),
    "node_public_ip_enabled": _rotate("enableNodePublicIP"),
    "node_public_ip_prefix_id": _force("nodePublicIPPrefixID"),
    "node_taints": Attribute("nodeTaints", Outcome.UPDATE, of_default_pool=False),
    "orchestrator_version": _update("orchestratorVersion", computed=True),
    "os_disk_size_gb": _rotate("osDiskSizeGB", computed=True),
    "os_disk_type": _rotate("osDiskType", "Managed"),
    "os_sku": Attribute("osSKU", Outcome.UPDATE, computed=True),
    "os_type": _force("osType", "Linux", of_default_pool=False),
    "pod_subnet_id": _rotate("podSubnetID"),
    "priority": _force("scaleSetPriority", "Regular", of_default_pool=False),
    "proximity_placement_group_id": _force("proximityPlacementGroupID"),
    "scale_down_mode": _update("scaleDownMode", "Delete"),
    "spot_max_price": _force("spotMaxPrice", -1.0, of_default_pool=False),
    "tags": _update("tags"),
    "ultra_ssd_enabled": _rotate("enableUltraSSD", default=False),
    "vm_size": _rotate("vmSize", computed=True),
    "vnet_subnet_id": _rotate("vnetSubnetID"),
    "workload_runtime": _update("workloadRuntime", computed=True),
    "zones": _rotate("availabilityZones"),
}
"""Arguments that hold one value, but for only_critical_addons_enabled."""

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
_LINUX = {
    "swap_file_size_mb": "swapFileSizeMB",
    "transparent_huge_page_enabled": "transparentHugePageEnabled",
    "transparent_huge_page_defrag": "transparentHugePageDefrag",
}
_NETWORK = {
    "allowed_host_ports": "allowedHostPorts",
    "application_security_group_ids": "applicationSecurityGroups",
    "node_public_ip_tags": "nodePublicIPTags",
}
_DEFAULTS = {"kubelet_config.cpu_cfs_quota_enabled": True}
"""Of arguments within blocks, where the block is in the code."""


class Line(NamedTuple):
    """An argument in a plan: what is there, what the code asks for, and what comes of it."""

    argument: str
    there: object
    asked: object
    outcome: Outcome | None


def plan(text: str, pool: Pool) -> list[Line]:
    """Every argument that the pool or the code has; raises ValueError where the provider refuses
    the code."""
    code = _unquoted(dict(hcl2.load(io.StringIO(text + "\n"))))
    default_pool = DEFAULT_POOL in code
    block = _block_of(code, pool.name)
    state = dict(_state(pool, default_pool=default_pool))
    asked = dict(_asked(block))
    _validate(asked, block, pool, default_pool=default_pool)
    lines = []
    for name in sorted({*state, *asked}):
        there = state.get(name)
        planned = asked.get(name, _missing(name, there, asked, default_pool=default_pool))
        differs = _zeroed(planned) != _zeroed(there)
        result = outcome(name, default_pool=default_pool) if differs else None
        lines.append(Line(name, there, asked.get(name), result))
    return lines


def default_node_pool(pools: Sequence[Pool], named: str) -> Pool:
    """The pool that a read of the cluster takes for the default one: the one that the state names,
    whatever its mode is, or the first System pool of the list (findDefaultNodePool)."""
    by_name = [pool for pool in pools if pool.name == named]
    return next(iter([*by_name, *(pool for pool in pools if pool.mode == "System")]))


def _block_of(code: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    [block] = code[DEFAULT_POOL] if DEFAULT_POOL in code else code["resource"]
    own: Mapping[str, Any] = block if DEFAULT_POOL in code else block[RESOURCE][name]
    return {key: value for key, value in own.items() if not key.startswith("kubernetes_cluster_id")}


def _state(pool: Pool, *, default_pool: bool) -> Iterator[tuple[str, object]]:
    """What a read of the pool puts into the state."""
    own: dict[str, Any] = {**pool.properties, "name": pool.name, "tags": dict(pool.tags)}
    own |= {"osSKU": pool.os_sku, "count": pool.count, "mode": pool.mode}
    own |= {"enableAutoScaling": pool.autoscaling}
    for name, attribute in ATTRIBUTES.items():
        if default_pool and not attribute.of_default_pool:
            continue
        value: Any = own
        for part in attribute.field.split("."):
            value = (value or {}).get(part)
        yield name, attribute.default if value in (None, "") else value
    if default_pool:
        only = "CriticalAddonsOnly=true:NoSchedule" in (own.get("nodeTaints") or ())
        yield "only_critical_addons_enabled", only
    yield from _nested("kubelet_config", own.get("kubeletConfig"), _KUBELET)
    yield from _nested("linux_os_config", own.get("linuxOSConfig"), _LINUX)
    yield from _sysctls((own.get("linuxOSConfig") or {}).get("sysctls"))
    yield from _upgrade(own.get("upgradeSettings") or {}, default_pool=default_pool)
    network = own.get("networkProfile") or {}
    if network.keys() & set(_NETWORK.values()):
        yield from _nested("node_network_profile", network, _NETWORK)


def _nested(
    block: str, own: Mapping[str, Any] | None, names: Mapping[str, str]
) -> Iterator[tuple[str, object]]:
    if own is None:
        return
    yield block, True
    for name, field in names.items():
        value = own.get(field)
        if name == "node_public_ip_tags":
            value = {tag["ipTagType"]: tag["tag"] for tag in value or ()}
        if name == "allowed_host_ports":
            value = [[ports["port" + end] for end in ("Start", "End")] for ports in value or ()]
        yield f"{block}.{name}", value


def _sysctls(own: Mapping[str, Any] | None) -> Iterator[tuple[str, object]]:
    if own is None:
        return
    block = "linux_os_config.sysctl_config"
    yield block, True
    for field, value in own.items():
        if field == "netIpv4IpLocalPortRange":
            least, most = value.split()
            yield f"{block}.net_ipv4_ip_local_port_range_min", int(least)
            yield f"{block}.net_ipv4_ip_local_port_range_max", int(most)
            continue
        words = field.replace("Tcpkeepalive", "TcpKeepalive")
        snake = re.sub(r"(?<!^)(?=[A-Z])", "_", words).lower()
        yield f"{block}.{snake}", value


def _upgrade(own: Mapping[str, Any], *, default_pool: bool) -> Iterator[tuple[str, object]]:
    names = {
        "max_surge": "maxSurge",
        "max_unavailable": "maxUnavailable",
        "drain_timeout_in_minutes": "drainTimeoutInMinutes",
        "node_soak_duration_in_minutes": "nodeSoakDurationInMinutes",
        "undrainable_node_behavior": "undrainableNodeBehavior",
    }
    if default_pool:
        names = {key: names[key] for key in names if key[:6] not in {"max_un", "undrai"}}
    values = {name: own.get(field) for name, field in names.items()}
    if any(value is not None for value in values.values()):
        yield "upgrade_settings", True
        for name, value in values.items():
            yield f"upgrade_settings.{name}", None if value in ("0", "0%") else value


def _asked(block: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, object]]:
    """The arguments of the code, those of blocks with their block's name in front."""
    for key, value in block.items():
        name = f"{within}{key}"
        if key == "allowed_host_ports":
            yield name, [[ports["port_start"], ports["port_end"]] for ports in value]
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            yield name, True
            yield from _asked(value[0], f"{name}.")
        else:
            yield name, value


def _missing(
    name: str, there: object, asked: Mapping[str, object], *, default_pool: bool
) -> object:
    """What the provider takes for an argument that the code does not have."""
    block = name.rpartition(".")[0]
    if block:
        return _DEFAULTS.get(name) if block in asked else None
    attribute = ATTRIBUTES.get(name)
    if attribute is None or (attribute.computed and there is not None):
        return there if attribute else None
    return attribute.default


def outcome(name: str, *, default_pool: bool) -> Outcome:
    """What a difference in this argument leads to."""
    if name == "upgrade_settings.drain_timeout_in_minutes" and not default_pool:
        return Outcome.REPLACE  # where it is taken away
    if name == "upgrade_settings.undrainable_node_behavior":
        return Outcome.REPLACE
    if name.startswith(("kubelet_config", "linux_os_config", "only_critical")):
        return Outcome.ROTATE
    if name == "node_network_profile.node_public_ip_tags":
        return Outcome.CLUSTER if default_pool else Outcome.REPLACE
    attribute = ATTRIBUTES.get(name)
    if attribute is None:
        return Outcome.UPDATE
    forced = attribute.outcome is Outcome.REPLACE
    return Outcome.CLUSTER if default_pool and forced else attribute.outcome


def _validate(
    asked: Mapping[str, object], block: Mapping[str, Any], pool: Pool, *, default_pool: bool
) -> None:
    """What the provider refuses before it plans."""
    surges = "upgrade_settings.max_surge" in asked
    unavailable = "upgrade_settings.max_unavailable" in asked
    refused = {
        "os_sku": asked.get("os_sku")
        not in {None, "AzureLinux", "AzureLinux3", "Ubuntu", "Ubuntu2204", "Ubuntu2404"},
        "max_surge of Spot": asked.get("priority") == "Spot" and (surges or unavailable),
        "neither max_surge nor max_unavailable": "upgrade_settings" in asked
        and asked.get("priority") != "Spot"
        and not (surges or unavailable),
        "both max_surge and max_unavailable": surges and unavailable,
        "node_public_ip_prefix_id alone": "node_public_ip_prefix_id" in asked
        and "node_public_ip_enabled" not in asked,
        "unknown argument": bool(
            {name for name in block if name not in ATTRIBUTES}
            - {"kubelet_config", "linux_os_config", "upgrade_settings", "node_network_profile"}
            - ({"only_critical_addons_enabled"} if default_pool else set())
        ),
        "argument of another block": default_pool
        and any(not ATTRIBUTES[name].of_default_pool for name in block if name in ATTRIBUTES),
        "workload_runtime": default_pool
        and asked.get("workload_runtime") not in {None, "OCIContainer"},
    }
    if wrong := [why for why, is_wrong in refused.items() if is_wrong]:
        raise ValueError(f"{pool.name}: {', '.join(wrong)}")


def _zeroed(value: object) -> object:
    """The provider's plugin SDK does not tell an unset value from a zero one."""
    if value in (None, "", 0, False, [], {}, ()):
        return None
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _unquoted(value: Any) -> Any:
    """The parser keeps the quotes of strings, and adds marks of its own."""
    match value:
        case str():
            text = value.strip('"').replace('\\"', '"').replace("$${", "${")
            return text.replace("\\\\", "\\")
        case list():
            return [_unquoted(item) for item in value]
        case Mapping():
            return {
                _unquoted(key): _unquoted(item) for key, item in value.items() if "__" not in key
            }
    return value
