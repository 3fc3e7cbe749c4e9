"""An AKS node pool as last read, and why its last operation failed."""

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Struct

from azure_linux_migrator.api.quantities import is_size, share
from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.model.provisioning_state import SETTLED, ProvisioningState
from azure_linux_migrator.model.sensitivity import LeftOut, Message, PoolName, Public, Sensitivity


class Failure(Struct, frozen=True):
    """Why the last operation on a pool failed, classified. `delay` in seconds until a next try."""

    reason: Reason
    message: Message
    retryable: bool = False
    delay: float = 60.0


class PoolSettings(Struct, frozen=True):
    """ARM properties of a pool that are not fields of Pool. Strings are ARM's; empty where unset.

    `max_pods` is 0 where AKS does not show it. `shared` are the ids of what both pools of a
    migration take room in, by ARM's name of the property, of SHARED. `deallocates` is whether nodes
    which leave are kept, stopped; `upgrade_surge` is how many nodes an upgrade of AKS adds.
    `kubernetes_alias` is a version without a patch, such as `1.34`, that the pool was asked for.
    """

    kubernetes_version: str = ""
    kubernetes_alias: str = ""
    zones: tuple[str, ...] = ()
    max_pods: int = 0
    min_count: int | None = None
    max_count: int | None = None
    subnet_id: str = ""
    pod_subnet_id: str = ""
    pod_ip_allocation: str = ""
    os_disk_type: str = ""
    os_disk_gib: int = 0
    host_encryption: bool = False
    image: str = ""
    priority: str = ""
    workload_runtime: str = ""
    fips: bool = False
    secure_boot: bool = False
    vtpm: bool = False
    artifact_streaming: bool = False
    deallocates: bool = False
    upgrade_surge: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    taints: tuple[str, ...] = ()
    shared: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> "PoolSettings":
        """From the properties of an agent pool (REST API 2026-08-01)."""
        security = properties.get("securityProfile") or {}
        asked = _text(properties.get("orchestratorVersion"))
        return cls(
            kubernetes_version=_text(properties.get("currentOrchestratorVersion")) or asked,
            kubernetes_alias=asked if asked.count(".") == 1 else "",
            zones=tuple(str(zone) for zone in properties.get("availabilityZones") or ()),
            max_pods=_number(properties.get("maxPods")) or 0,
            min_count=_number(properties.get("minCount")),
            max_count=_number(properties.get("maxCount")),
            subnet_id=_text(properties.get("vnetSubnetID")),
            pod_subnet_id=_text(properties.get("podSubnetID")),
            pod_ip_allocation=_text(properties.get("podIPAllocationMode")),
            os_disk_type=_text(properties.get("osDiskType")),
            os_disk_gib=_number(properties.get("osDiskSizeGB")) or 0,
            host_encryption=bool(properties.get("enableEncryptionAtHost")),
            image=_text(properties.get("nodeImageVersion")),
            priority=_text(properties.get("scaleSetPriority")),
            workload_runtime=_text(properties.get("workloadRuntime")),
            fips=bool(properties.get("enableFIPS")),
            secure_boot=bool(security.get("enableSecureBoot")),
            vtpm=bool(security.get("enableVTPM")),
            artifact_streaming=bool(
                (properties.get("artifactStreamingProfile") or {}).get("enabled")
            ),
            deallocates=properties.get("scaleDownMode") == "Deallocate",
            upgrade_surge=_text((properties.get("upgradeSettings") or {}).get("maxSurge")),
            labels=tuple(sorted((properties.get("nodeLabels") or {}).items())),
            taints=tuple(properties.get("nodeTaints") or ()),
            shared=tuple((name, str(properties[name])) for name in SHARED if properties.get(name)),
        )


def _text(value: object) -> str:
    return str(value or "")


def _number(value: object) -> int | None:
    return None if value is None else int(str(value))


AKS_SURGE = "10%"
"""What an upgrade of AKS adds where the pool does not say; Spot pools add none
(learn.microsoft.com/azure/aks/upgrade-aks-node-pools-rolling)."""

SHARED = (
    "proximityPlacementGroupID",
    "capacityReservationGroupID",
    "hostGroupID",
    "nodePublicIPPrefixID",
)
"""Properties that name something that the nodes of several pools share."""


class Pool(Struct, frozen=True):
    """An AKS node pool as last read. `state` is its provisioningState, a free string."""

    name: PoolName
    os_sku: Public = ""
    os_type: Public = "Linux"
    mode: Public = "User"
    count: int = 0
    vm_size: Public = ""
    state: Public = "Succeeded"
    power: Public = "Running"
    autoscaling: bool = False
    kind: Public = "VirtualMachineScaleSets"
    etag: LeftOut = ""
    tags: Annotated[tuple[tuple[str, str], ...], Sensitivity.POOL_TAGS] = ()
    properties: Annotated[Mapping[str, Any], Sensitivity.POOL_PROPERTIES] = {}
    """All of its ARM properties as they were read: for what copies them or puts them into words."""
    failure: Failure | None = None

    def tag(self, name: str) -> str:
        """A tag's value, or an empty string."""
        return dict(self.tags).get(name, "")

    @property
    def settings(self) -> PoolSettings:
        """The properties that rules look at."""
        return PoolSettings.of(self.properties)

    @property
    def bounds(self) -> tuple[int, int]:
        """The cluster autoscaler's least and most nodes; the count where it does not scale."""
        least, most = self.settings.min_count, self.settings.max_count
        if not self.autoscaling or least is None or most is None:
            return self.count, self.count
        return least, most

    def surge(self, nodes: int) -> int:
        """How many nodes an upgrade of AKS adds to that many; none where maxSurge is 0."""
        size = self.settings.upgrade_surge or AKS_SURGE
        spot = self.settings.priority == "Spot"
        return share(size, nodes) if nodes and not spot and is_size(size) else 0

    @property
    def settled(self) -> bool:
        """Whether no operation of Azure is under way on it."""
        return self.state in SETTLED

    @property
    def succeeded(self) -> bool:
        """Whether its last operation has done its work, and no other is under way."""
        return self.state == ProvisioningState.SUCCEEDED
