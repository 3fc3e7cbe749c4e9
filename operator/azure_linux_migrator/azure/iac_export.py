"""What to change in code that manages the pools: the new pool, and the old one gone."""

from collections.abc import Mapping
from typing import Any

from azure_linux_migrator.api.names import TAG_COUNT, TAG_MIGRATION, TAG_SOURCE, TAG_TARGET_COUNT
from azure_linux_migrator.model.pool import Pool

_OWN_TAGS = frozenset((TAG_MIGRATION, TAG_SOURCE, TAG_COUNT, TAG_TARGET_COUNT))
_RESOURCE = "azurerm_kubernetes_cluster_node_pool"
_TYPE = "Microsoft.ContainerService/managedClusters/agentPools@2026-08-01"
_TERRAFORM = {
    "vm_size": "vmSize",
    "os_sku": "osSKU",
    "mode": "mode",
    "max_pods": "maxPods",
    "os_disk_size_gb": "osDiskSizeGB",
    "os_disk_type": "osDiskType",
    "zones": "availabilityZones",
    "vnet_subnet_id": "vnetSubnetID",
    "pod_subnet_id": "podSubnetID",
    "orchestrator_version": "orchestratorVersion",
    "fips_enabled": "enableFIPS",
    "host_encryption_enabled": "enableEncryptionAtHost",
    "node_labels": "nodeLabels",
    "node_taints": "nodeTaints",
    "priority": "scaleSetPriority",
    "eviction_policy": "scaleSetEvictionPolicy",
    "spot_max_price": "spotMaxPrice",
}
"""Arguments of azurerm_kubernetes_cluster_node_pool by ARM property (azurerm 4 documentation)."""

_BICEP = (
    "count",
    "enableAutoScaling",
    "minCount",
    "maxCount",
    *(name for name in _TERRAFORM.values()),
    "osType",
    "type",
)


def terraform(pool: Pool, old: str) -> str:
    """A resource for the new pool, the import of it, and the removal of the old one."""
    lines = [f'resource "{_RESOURCE}" "{pool.name}" {{']
    lines.append(f'  name                  = "{pool.name}"')
    lines.append("  kubernetes_cluster_id = azurerm_kubernetes_cluster.example.id")
    for argument, field in _TERRAFORM.items():
        value = pool.properties.get(field)
        if value not in (None, [], {}, ""):
            lines.append(f"  {argument} = {_hcl(value)}")
    if pool.autoscaling:
        least, most = pool.bounds
        lines += [
            "  auto_scaling_enabled = true",
            f"  min_count = {least}",
            f"  max_count = {most}",
        ]
    else:
        lines.append(f"  node_count = {pool.count}")
    tags = {key: value for key, value in pool.tags if key not in _OWN_TAGS}
    if tags:
        lines.append(f"  tags = {_hcl(tags)}")
    lines.append("}")
    lines += [
        "",
        "# The pool exists already; import it, and forget the old one:",
        f"# terraform import {_RESOURCE}.{pool.name} <cluster id>/agentPools/{pool.name}",
        f"# terraform state rm {_RESOURCE}.{old}",
    ]
    return "\n".join(lines)[:4096]


def bicep(pool: Pool, old: str) -> str:
    """A resource for the new pool in place of the old one."""
    lines = [
        f"// in place of the resource of pool {old}",
        f"resource {pool.name} '{_TYPE}' = {{",
        "  parent: cluster",
        f"  name: '{pool.name}'",
        "  properties: {",
    ]
    for field in dict.fromkeys(_BICEP):
        value = pool.properties.get(field)
        if value not in (None, [], {}, ""):
            lines.append(f"    {field}: {_bicep(value)}")
    return "\n".join([*lines, "  }", "}"])[:4096]


def _hcl(value: Any) -> str:
    return _literal(value, '"', " = ")


def _bicep(value: Any) -> str:
    return _literal(value, "'", ": ")


def _literal(value: Any, quote: str, equals: str) -> str:
    """A value on one line, in a language that quotes and assigns so; both separate by commas."""
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case Mapping():
            inner = ", ".join(
                f"{quote}{key}{quote}{equals}{_literal(each, quote, equals)}"
                for key, each in sorted(value.items())
            )
            return f"{{ {inner} }}"
        case list() | tuple():
            return f"[{', '.join(_literal(each, quote, equals) for each in value)}]"
    return f"{quote}{value}{quote}"
