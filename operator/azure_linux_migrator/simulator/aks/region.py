"""The Azure resources around a modelled AKS: quotas, VM sizes, subnets, locks."""

from typing import Any

import msgspec

from azure_linux_migrator.simulator.aks import catalog
from azure_linux_migrator.simulator.aks.limits import ClusterShape, Limits
from azure_linux_migrator.simulator.aks.pool import AgentPool


class Region(msgspec.Struct, frozen=True):
    """The parameters. A subnet is its address prefix by lower-case resource id; `locks` are on the
    cluster, `node_group_locks` on its node resource group, all of level CanNotDelete."""

    cores: int = 10_000
    zones: tuple[str, ...] = ("1", "2", "3")
    sizes: tuple[str, ...] = (
        "Standard_D2s_v5",
        "Standard_D4s_v5",
        "Standard_D8s_v5",
        "Standard_D16s_v5",
        "Standard_NC24ads_A100_v4",
    )
    restricted: frozenset[str] = frozenset()
    subnets: dict[str, str] = {}
    locks: tuple[str, ...] = ()
    node_group_locks: tuple[str, ...] = ()
    windows: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()


def usages(region: Region, limits: Limits, pools: dict[str, AgentPool]) -> list[dict[str, Any]]:
    """Compute usages: every family in use, and the cores of the region."""
    used: dict[str, int] = {}
    for pool in pools.values():
        size = catalog.vm_size(pool.properties["vmSize"])
        used[size.family] = used.get(size.family, 0) + size.cpus * len(pool.nodes)
    most = limits.vcpus_per_family if limits.vcpus_per_family is not None else region.cores
    families = {catalog.vm_size(name).family for name in region.sizes} | used.keys()
    entries = [_usage(name, used.get(name, 0), most) for name in sorted(families)]
    return [*entries, _usage("cores", sum(used.values()), region.cores)]


def _usage(name: str, current: int, limit: int) -> dict[str, Any]:
    named = {"value": name, "localizedValue": name}
    return {"unit": "Count", "currentValue": current, "limit": limit, "name": named}


def skus(region: Region, shape: ClusterShape) -> list[dict[str, Any]]:
    """VM sizes of the region."""
    return [_sku(name, region, shape) for name in region.sizes]


def _sku(name: str, region: Region, shape: ClusterShape) -> dict[str, Any]:
    size = catalog.vm_size(name)
    traits = {
        "vCPUs": str(size.cpus),
        "MemoryGB": str(size.memory_mib / 1024),
        "CpuArchitectureType": "Arm64" if size.arch == "arm64" else "x64",
        "HyperVGenerations": "V1,V2",
        "GPUs": "1" if name.startswith("Standard_N") else "0",
    }
    blocked = {"type": "Location", "reasonCode": "NotAvailableForSubscription"}
    return {
        "resourceType": "virtualMachines",
        "name": name,
        "family": size.family,
        "locations": [shape.location],
        "locationInfo": [{"location": shape.location, "zones": list(region.zones)}],
        "capabilities": [{"name": key, "value": value} for key, value in traits.items()],
        "restrictions": [blocked] if name in region.restricted else [],
    }


def subnet(prefix: str, used: int) -> dict[str, Any]:
    """A subnet with that many addresses in use."""
    taken = [{"id": f"/ip/{number}"} for number in range(used)]
    return {"properties": {"addressPrefix": prefix, "ipConfigurations": taken}}


def locks(region: Region, node_group: str) -> list[dict[str, Any]]:
    """Management locks. Those of the node resource group, whose id is given, tell it in theirs."""
    level = {"properties": {"level": "CanNotDelete"}}
    on_nodes = f"{node_group}/providers/Microsoft.Authorization/locks"
    return [
        *({"name": name, **level} for name in region.locks),
        *({"id": f"{on_nodes}/{name}", "name": name, **level} for name in region.node_group_locks),
    ]


def windows(region: Region) -> list[dict[str, Any]]:
    """Maintenance configurations."""
    return [{"name": name, "properties": {}} for name in region.windows]


def scale_sets(region: Region, pools: dict[str, AgentPool]) -> list[dict[str, Any]]:
    """The scale sets of the pools; each has the extension of AKS."""
    names = ("vmssCSE", *region.extensions)
    profile = {"extensionProfile": {"extensions": [{"name": name} for name in names]}}
    return [
        {
            "name": f"aks-{name}-vmss",
            "tags": {"aks-managed-poolName": name},
            "properties": {"virtualMachineProfile": profile},
        }
        for name in sorted(pools)
    ]
