"""Checks of what Azure holds ready in the region: quota, sizes and shared room."""

from collections.abc import Iterator

from azure_linux_migrator.core.preflight.findings import Finding
from azure_linux_migrator.core.preflight.rule import of_pool
from azure_linux_migrator.core.preflight.snapshot import PreflightSnapshot
from azure_linux_migrator.core.preflight.target_os import nearest
from azure_linux_migrator.model.azure_facts import Unread

SPOT_QUOTA = "lowprioritycores"
"""All Spot machines of a region count against this quota, and against no other
(learn.microsoft.com/azure/virtual-machines/spot-vms)."""
_SHARED = {
    "proximityPlacementGroupID": "proximity placement group",
    "capacityReservationGroupID": "capacity reservation group",
    "hostGroupID": "dedicated host group",
    "nodePublicIPPrefixID": "public IP prefix",
}


def quota(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """quota.vcpu: both pools stand side by side for a while."""
    result = of_pool(snapshot, "quota.vcpu")
    if isinstance(snapshot.facts.usages, Unread):
        yield result.unchecked(snapshot.facts.usages)
        return
    size, facts = snapshot.vm_size, snapshot.size_facts
    if facts is None:
        yield result.unchecked(snapshot.size_unread)
        return
    needed = facts.vcpus * snapshot.extra
    spot = snapshot.source.settings.priority == "Spot"
    for name in (SPOT_QUOTA,) if spot else (facts.family, "cores"):
        usage = snapshot.facts.usages.get(name)
        if usage is None:
            yield result.unchecked(Unread(f"this region does not list quota {name}"))
        if usage is not None and usage.current + needed > usage.limit:
            yield result.block(
                f"{snapshot.extra} more nodes of {size} need {needed} vCPUs of quota {name}, of "
                f"which {usage.limit - usage.current} of {usage.limit} are left",
                "ask for a higher quota, or use spec.strategy.type Rolling with a small maxSurge",
            )
        most = facts.vcpus * _most(snapshot)
        if usage is not None and usage.current + needed <= usage.limit < usage.current + most:
            yield result.warn(
                f"scaled to its maximum the new pool would need {most} vCPUs of quota {name}, of "
                f"which {usage.limit - usage.current} are left",
                "ask for a higher quota before the pool has to grow",
            )


def _most(snapshot: PreflightSnapshot) -> int:
    autoscaling = snapshot.spec.target.autoscaling
    return autoscaling.max if autoscaling else max(snapshot.source.bounds[1], snapshot.extra)


def capacity(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """sku.zone-capacity: the size may be used here, and nothing else is short of room."""
    result = of_pool(snapshot, "sku.zone-capacity")
    size = snapshot.spec.target.vm_size or snapshot.source.vm_size
    if isinstance(snapshot.facts.sizes, Unread):
        yield result.unchecked(snapshot.facts.sizes)
    elif (facts := snapshot.facts.sizes.get(size.lower())) is None:
        if snapshot.spec.target.vm_size and snapshot.facts.sizes:
            near = nearest(size, snapshot.facts.sizes)
            yield result.block(
                f"VM size {size} (spec.target.vmSize) does not exist in this region",
                f"set spec.target.vmSize to {near}" if near else "az vm list-skus shows the sizes",
            )
    else:
        zones = snapshot.spec.target.zones or snapshot.source.settings.zones
        strange = sorted(set(zones) - {*facts.zones, "auto"}) if facts.zones else []
        if strange:
            yield result.block(
                f"VM size {size} is not offered in zone {', '.join(strange)} of this region",
                f"set spec.target.zones to some of {', '.join(facts.zones)}",
            )
        missing_zones = sorted(set(zones) & set(facts.restricted_zones))
        if facts.unavailable:
            yield result.warn(
                f"VM size {size} cannot be used in this region: {facts.unavailable}",
                "set spec.target.vmSize, or ask Azure for access to the size",
            )
        if missing_zones:
            yield result.warn(
                f"VM size {size} is restricted in zone {', '.join(missing_zones)}",
                "set spec.target.zones without it",
            )
    for name, resource_id in snapshot.source.settings.shared:
        yield result.warn(
            f"both pools stand in one {_SHARED[name]} for a while, and it must have room for "
            f"{snapshot.extra} more nodes",
            f"see that {resource_id.rsplit('/', 1)[-1]} has that room",
        )
    if snapshot.source.settings.priority == "Spot":
        yield result.info("it is a Spot pool: Azure may have no capacity for both pools at a time")
