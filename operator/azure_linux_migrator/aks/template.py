"""The body of the target pool, from the source's: by an allow-list, field by field.

Re-sending a fetched pool would pin its old node image (`nodeImageVersion`, `creationData`), carry
read-only state, and break on fields a newer API added. What is not listed here is not copied.
"""

from collections.abc import Mapping
from typing import Any

from azure_linux_migrator.errors import AzureError

UNSUPPORTED = "AzlmUnsupportedPool"

COPIED = frozenset(
    [
        "vmSize",
        "osDiskSizeGB",
        "osDiskType",
        "kubeletDiskType",
        "workloadRuntime",
        "messageOfTheDay",
        "vnetSubnetID",
        "podSubnetID",
        "podIPAllocationMode",
        "maxPods",
        "osType",
        "scaleDownMode",
        "type",
        "mode",
        "upgradeSettings",
        "availabilityZones",
        "enableNodePublicIP",
        "nodePublicIPPrefixID",
        "scaleSetPriority",
        "scaleSetEvictionPolicy",
        "spotMaxPrice",
        "tags",
        "proximityPlacementGroupID",
        "kubeletConfig",
        "linuxOSConfig",
        "enableEncryptionAtHost",
        "enableUltraSSD",
        "enableFIPS",
        "gpuInstanceProfile",
        "capacityReservationGroupID",
        "hostGroupID",
        "networkProfile",
        "securityProfile",
        "gpuProfile",
        "artifactStreamingProfile",
        "virtualMachinesProfile",
        "localDNSProfile",
    ]
)
FILTERED = frozenset({"nodeLabels", "nodeTaints"})
OVERRIDDEN = frozenset(
    {"count", "osSKU", "minCount", "maxCount", "enableAutoScaling", "orchestratorVersion"}
)
STRIPPED = frozenset(
    [
        "eTag",
        "currentOrchestratorVersion",
        "nodeImageVersion",
        "provisioningState",
        "powerState",
        "creationData",
        "virtualMachineNodesStatus",
        "status",
    ]
)
REFUSED = frozenset({"windowsProfile", "gatewayProfile"})

_OWN_LABELS = ("kubernetes.azure.com/", "kubernetes.io/")
_SPOT_TAINT = "kubernetes.azure.com/scalesetpriority=spot:NoSchedule"


def target_body(
    source: Mapping[str, Any],
    *,
    os_sku: str,
    count: int | None,
    vm_size: str | None,
    tags: Mapping[str, str],
) -> dict[str, Any]:
    """The ARM body of the target pool; `source` are the source's ARM properties.

    Raises AzureError(AzlmUnsupportedPool) for pools whose replacement would change what they are.
    """
    for name in sorted(REFUSED):
        if source.get(name):
            raise AzureError(UNSUPPORTED, f"the source pool has a {name}; such pools are not moved")
    if source.get("type") == "AvailabilitySet":
        raise AzureError(UNSUPPORTED, "the source pool is of the retired type AvailabilitySet")
    body = _kept(source)
    version = source.get("currentOrchestratorVersion") or source.get("orchestratorVersion")
    body |= {
        "osSKU": os_sku,
        "count": count if count is not None else int(source.get("count") or 0),
        "enableAutoScaling": False,
        "tags": {**(source.get("tags") or {}), **tags},
    }
    if version:
        body["orchestratorVersion"] = version
    if vm_size:
        body["vmSize"] = vm_size
    return {"properties": body}


def scaled_body(pool: Mapping[str, Any], count: int) -> dict[str, Any]:
    """The ARM body that changes nothing of a pool but its count."""
    body = _kept(pool) | {
        name: pool[name]
        for name in ("osSKU", "orchestratorVersion", "enableAutoScaling")
        if pool.get(name) is not None
    }
    return {"properties": body | {"count": count}}


def _kept(source: Mapping[str, Any]) -> dict[str, Any]:
    body = {name: source[name] for name in sorted(COPIED) if source.get(name) is not None}
    labels = {
        key: value
        for key, value in (source.get("nodeLabels") or {}).items()
        if not key.startswith(_OWN_LABELS)
    }
    taints = [taint for taint in source.get("nodeTaints") or () if taint != _SPOT_TAINT]
    if source.get("mode") == "System":
        taints = [t for t in taints if t.startswith("CriticalAddonsOnly") or _prefers(t)]
    return (
        body
        | ({"nodeLabels": labels} if labels else {})
        | ({"nodeTaints": taints} if taints else {})
    )


def _prefers(taint: str) -> bool:
    return taint.endswith(":PreferNoSchedule")
