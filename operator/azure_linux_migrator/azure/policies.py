"""What becomes of each ARM property of a source pool when its target is made.

One table, field by field, held against the SDK's model by a test: a property that a newer SDK
brings fails the test until it is given a policy. Source: the AKS REST API 2026-08-01.
"""

from enum import StrEnum


class Policy(StrEnum):
    """How one property of the source comes into the target."""

    OVERRIDE = "override"
    """azlm sets it: the OS, the size, the version."""
    COPY = "copy"
    COPY_WITH_CARE = "copy with care"
    """Copied; a capacity that both pools need at once, which the preflight looks at."""
    FILTER = "filter"
    """Copied but for what AKS itself puts there, or refuses."""
    STRIP = "strip"
    """Never sent: read-only state, or what would pin the old OS's image."""
    REFUSE = "refuse"
    """Such a pool is not moved: a new one would not be the same."""


POLICIES: dict[str, Policy] = {
    "eTag": Policy.STRIP,
    "count": Policy.OVERRIDE,
    "vmSize": Policy.COPY,
    "osDiskSizeGB": Policy.COPY,
    "osDiskType": Policy.COPY,
    "kubeletDiskType": Policy.COPY,
    "workloadRuntime": Policy.COPY,
    "messageOfTheDay": Policy.COPY,
    "vnetSubnetID": Policy.COPY,
    "podSubnetID": Policy.COPY,
    "podIPAllocationMode": Policy.COPY,
    "maxPods": Policy.COPY,
    "osType": Policy.COPY,
    "osSKU": Policy.OVERRIDE,
    "maxCount": Policy.OVERRIDE,
    "minCount": Policy.OVERRIDE,
    "enableAutoScaling": Policy.OVERRIDE,
    "scaleDownMode": Policy.COPY,
    "type": Policy.COPY,
    "mode": Policy.COPY,
    "orchestratorVersion": Policy.OVERRIDE,
    "currentOrchestratorVersion": Policy.STRIP,
    "nodeImageVersion": Policy.STRIP,
    "upgradeSettings": Policy.COPY,
    "provisioningState": Policy.STRIP,
    "powerState": Policy.STRIP,
    "availabilityZones": Policy.COPY,
    "enableNodePublicIP": Policy.COPY,
    "nodePublicIPPrefixID": Policy.COPY_WITH_CARE,
    "scaleSetPriority": Policy.COPY,
    "scaleSetEvictionPolicy": Policy.COPY,
    "spotMaxPrice": Policy.COPY,
    "tags": Policy.COPY,
    "nodeLabels": Policy.FILTER,
    "nodeTaints": Policy.FILTER,
    "proximityPlacementGroupID": Policy.COPY_WITH_CARE,
    "kubeletConfig": Policy.COPY,
    "linuxOSConfig": Policy.COPY,
    "enableEncryptionAtHost": Policy.COPY,
    "enableUltraSSD": Policy.COPY,
    "enableFIPS": Policy.COPY,
    "gpuInstanceProfile": Policy.COPY,
    "creationData": Policy.STRIP,
    "capacityReservationGroupID": Policy.COPY_WITH_CARE,
    "hostGroupID": Policy.COPY_WITH_CARE,
    "networkProfile": Policy.COPY,
    "windowsProfile": Policy.REFUSE,
    "securityProfile": Policy.COPY,
    "gpuProfile": Policy.COPY,
    "gatewayProfile": Policy.REFUSE,
    "artifactStreamingProfile": Policy.COPY,
    "virtualMachinesProfile": Policy.COPY_WITH_CARE,
    "virtualMachineNodesStatus": Policy.STRIP,
    "status": Policy.STRIP,
    "localDNSProfile": Policy.COPY,
}


def fields(*policies: Policy) -> frozenset[str]:
    """The properties that have one of these policies."""
    return frozenset(name for name, policy in POLICIES.items() if policy in policies)
