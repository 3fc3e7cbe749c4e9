"""The new pool as Terraform: what to change so that a plan destroys and replaces nothing.

For a User pool: a resource, its import, and the removal of the old one from the state. A System
pool is nearly always the `default_node_pool` of its cluster: a block of the cluster's resource, in
which a name that differs from the state plans the replacement of the cluster. There the names and
values in the block are changed, and nothing else. Arguments are those of azurerm 4
(github.com/hashicorp/terraform-provider-azurerm, website/docs); docs/azure-handover.md shows what a
plan says about each.
"""

from azure_linux_migrator.azure.hcl_format import aligned
from azure_linux_migrator.azure.iac_values import EMPTY, hcl, own_tags
from azure_linux_migrator.azure.terraform_blocks import Lines, blocks, without_argument
from azure_linux_migrator.model.pool import Pool

RESOURCE = "azurerm_kubernetes_cluster_node_pool"
CLUSTER = "azurerm_kubernetes_cluster.example"
OS_SKUS = frozenset(("AzureLinux", "AzureLinux3", "Ubuntu", "Ubuntu2204", "Ubuntu2404"))
"""Values of os_sku for Linux that the provider takes."""

ARGUMENTS = {
    "vm_size": "vmSize",
    "os_sku": "osSKU",
    "os_type": "osType",
    "mode": "mode",
    "orchestrator_version": "orchestratorVersion",
    "max_pods": "maxPods",
    "os_disk_size_gb": "osDiskSizeGB",
    "os_disk_type": "osDiskType",
    "kubelet_disk_type": "kubeletDiskType",
    "zones": "availabilityZones",
    "vnet_subnet_id": "vnetSubnetID",
    "pod_subnet_id": "podSubnetID",
    "node_public_ip_enabled": "enableNodePublicIP",
    "node_public_ip_prefix_id": "nodePublicIPPrefixID",
    "fips_enabled": "enableFIPS",
    "host_encryption_enabled": "enableEncryptionAtHost",
    "ultra_ssd_enabled": "enableUltraSSD",
    "host_group_id": "hostGroupID",
    "capacity_reservation_group_id": "capacityReservationGroupID",
    "proximity_placement_group_id": "proximityPlacementGroupID",
    "gpu_instance": "gpuInstanceProfile",
    "priority": "scaleSetPriority",
    "eviction_policy": "scaleSetEvictionPolicy",
    "spot_max_price": "spotMaxPrice",
    "scale_down_mode": "scaleDownMode",
    "workload_runtime": "workloadRuntime",
    "node_labels": "nodeLabels",
    "node_taints": "nodeTaints",
}
"""Arguments that hold one value by the ARM property it comes from, in the order of printing."""

UNMANAGED = (
    "messageOfTheDay",
    "podIPAllocationMode",
    "securityProfile",
    "artifactStreamingProfile",
    "localDNSProfile",
)
"""Properties that the provider does not know, and a plan does not show."""

_DEFAULT_POOL_LACKS = frozenset(
    ("mode", "os_type", "node_taints", "priority", "eviction_policy", "spot_max_price")
)
_RUNTIMES = frozenset(("", "OCIContainer"))
_ADD_ONS_ONLY = "CriticalAddonsOnly=true:NoSchedule"
_NOT_KNOWN = """# The azurerm provider cannot describe node pool {name}: {why}.
# Once pool {old} is gone, remove its resource from the code and from the state:
# terraform state rm {resource}.{old}"""
_BLOCK = """\
# Pool {old} was a System pool. If it is the default_node_pool of the azurerm_kubernetes_cluster,
# change that block as below; add no other resource, import nothing, remove nothing from the state.
# Apply only once pool {old} is gone: while it exists, the new name plans the
# REPLACEMENT OF THE CLUSTER; once it is gone, the old name does.
# The same holds if another System pool precedes {new} in `az aks nodepool list`: set its mode to
# User first, then run `terraform apply -refresh-only`, which has to show {new} as
# default_node_pool, then set it back. Afterwards a plan may do no more than remove azlm's tags.
# If pool {old} has a resource of its own: azlm handover --separate"""
"""The old pool is gone, or will be."""
_WAIT = """\
# Pool {old} was a System pool and stays. If it is the default_node_pool of the
# azurerm_kubernetes_cluster, change nothing until pool {old} is deleted: while it exists, the name
# of the new pool in that block plans the REPLACEMENT OF THE CLUSTER. Once it is deleted, the old
# name does: apply nothing then before azlm handover has printed the block and it is changed.
# If pool {old} has a resource of its own: azlm handover --separate"""
"""The old pool stays."""


def change(pool: Pool, old: str, *, stays: bool = False) -> str:
    """What to change in the code of pool `old`, now that `pool` has replaced it.

    `stays` is whether pool `old` is there and not deleted at the end of the migration.
    """
    default = pool.mode == "System"
    return default_pool(pool, old, stays=stays) if default else node_pool(pool, old, stays=stays)


def is_block(pool: Pool, *, separate: bool) -> bool:
    """Whether the text is for a block within another resource, and so no file of its own."""
    return pool.mode == "System" and not separate


def node_pool(pool: Pool, old: str, *, stays: bool = False) -> str:
    """A resource of its own, the import of the new pool, and the removal of the old one."""
    if why := _inexpressible(pool):
        return _NOT_KNOWN.format(name=pool.name, why=why, old=old, resource=RESOURCE)
    removal = (
        f"removed {{ # pool {old} stays: leave this block out to keep managing it"
        if stays
        else f"removed {{ # and delete the resource of pool {old} from the code"
    )
    return _code(
        [
            "# Apply after the migration has ended: azlm finds its pool by tags that this removes.",
            "import {",
            f"  to = {RESOURCE}.{pool.name}",
            f'  id = "${{{CLUSTER}.id}}/agentPools/{pool.name}"',
            "}",
            "",
            removal,
            f"  from = {RESOURCE}.{old}",
            "  lifecycle { destroy = false }",
            "}",
            "",
            f'resource "{RESOURCE}" "{pool.name}" {{',
            f"  name = {hcl(pool.name)}",
            f"  kubernetes_cluster_id = {CLUSTER}.id",
            *_body(pool, default_pool=False),
            "}",
            *_notes(pool, default_pool=False),
        ]
    )


def default_pool(pool: Pool, old: str, *, stays: bool = False) -> str:
    """The cluster's own block, and when it may be changed: a read looks for the pool that the state
    names, and takes the first System pool of the cluster if that is gone
    (github.com/hashicorp/terraform-provider-azurerm, findDefaultNodePool)."""
    runtime = pool.settings.workload_runtime
    why = _inexpressible(pool) or ("" if runtime in _RUNTIMES else f"workload_runtime {runtime}")
    if why:
        return (
            f"# The azurerm provider cannot describe node pool {pool.name} as default_node_pool:\n"
            f"# {why}. An apply REPLACES THE CLUSTER if pool {old} is its default_node_pool\n"
            "# and is gone: do not apply; make a System pool that it can describe, and name that."
        )
    if stays:
        return _WAIT.format(old=old)
    return _code(
        [
            _BLOCK.format(old=old, new=pool.name),
            "default_node_pool {",
            f"  name = {hcl(pool.name)}",
            *_body(pool, default_pool=True),
            *(["  only_critical_addons_enabled = true"] if _ADD_ONS_ONLY in _taints(pool) else []),
            "}",
            *_notes(pool, default_pool=True),
        ]
    )


def _code(lines: Lines) -> str:
    return aligned("\n".join(lines))


def _taints(pool: Pool) -> tuple[str, ...]:
    return pool.settings.taints


def _inexpressible(pool: Pool) -> str:
    """What the provider refuses or would replace the pool for; empty if nothing."""
    if pool.os_sku not in OS_SKUS:
        return f"it does not know os_sku {pool.os_sku!r}"
    if pool.kind != "VirtualMachineScaleSets":
        return f"it does not know pools of type {pool.kind}"
    return ""


def _body(pool: Pool, *, default_pool: bool) -> Lines:
    lines: Lines = []
    for name, field in ARGUMENTS.items():
        value = pool.properties.get(field)
        if value not in EMPTY and not (default_pool and name in _DEFAULT_POOL_LACKS):
            lines.append(f"  {name} = {hcl(value, '  ')}")
    driver = (pool.properties.get("gpuProfile") or {}).get("driver")
    if driver and not default_pool:
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
    return lines + blocks(pool, default_pool=default_pool)


def _notes(pool: Pool, *, default_pool: bool) -> Lines:
    """What stands on the pool and has no argument."""
    names = [name for name in UNMANAGED if pool.properties.get(name) not in EMPTY]
    names += without_argument(pool, default_pool=default_pool)
    gpu = pool.properties.get("gpuProfile") or {}
    unknown = ("driver", "nvidia") if default_pool else ("nvidia",)
    names += [f"gpuProfile.{name}" for name in unknown if gpu.get(name) not in EMPTY]
    if default_pool and set(_taints(pool)) - {_ADD_ONS_ONLY}:
        names.append("nodeTaints")
    if not names:
        return []
    when = (
        "An update of the block is sent without them."
        if default_pool
        else "An update by Terraform leaves them as they are."
    )
    return ["", f"# The provider has no argument for: {', '.join(names)}.", f"# {when}"]
