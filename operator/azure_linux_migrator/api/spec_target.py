"""spec.target: the Azure Linux pool. What is not given here is copied from the source pool."""

from typing import Annotated, Literal

from pydantic import Field

from azure_linux_migrator.api.cel_rules import CelRule, Ruled, RuledModel, matching
from azure_linux_migrator.api.fields import LABEL_KEYS, LabelValue, OsSku, PoolName, VmSize
from azure_linux_migrator.api.quantities import MOST_NODES

Taint = Annotated[
    str,
    Field(max_length=400, description="A taint, as kubectl taint writes it."),
    matching(
        r"^[A-Za-z0-9./_-]+(=[A-Za-z0-9._-]*)?:(NoSchedule|PreferNoSchedule|NoExecute)$",
        "must be key=value:Effect, such as dedicated=web:NoSchedule",
    ),
]
Zone = Annotated[
    str,
    Field(max_length=4, description="A zone's number."),
    matching(r"^([1-9]|auto)$", "must be the number of an availability zone, such as 1, or auto"),
]


_OF_AKS = ("kubernetes.azure.com/", "kubernetes.io/")
_OF_AKS_KEYS = frozenset({"agentpool", "storageprofile", "storagetier", "accelerator"})
_OWN_LABELS = Ruled(
    CelRule(
        "",
        "must not set labels that AKS sets itself: agentpool, storageprofile, storagetier, "
        "accelerator, and what begins with kubernetes.azure.com/ or kubernetes.io/; use a key of "
        "your own, such as team or example.com/team",
        lambda labels: not any(key in _OF_AKS_KEYS or key.startswith(_OF_AKS) for key in labels),
    )
)
_TAG_PREFIXES = ("microsoft", "azure", "windows", "azlm-", "aks-managed-")
_TAGS = Ruled(
    CelRule(
        "",
        "must have names of at most 512 characters without < > % & \\ ? /, and none that begins "
        "with microsoft, azure, windows, azlm- or aks-managed-",
        lambda tags: all(
            0 < len(name) <= 512
            and not set(name) & set("<>%&\\?/")
            and not name.lower().startswith(_TAG_PREFIXES)
            for name in tags
        ),
    )
)
"""Names that Azure refuses or keeps for itself (tag-resources), and ours."""


class Autoscaling(RuledModel):
    """Bounds of the cluster autoscaler; they come into force once the source is retired."""

    rules = (
        CelRule(
            "self.min <= self.max",
            "spec.target.autoscaling.min must not exceed max",
            lambda bounds: bounds.min <= bounds.max,
            ".min",
        ),
    )

    min: Annotated[int, Field(ge=0, le=MOST_NODES, description="Fewest nodes.")]
    max: Annotated[int, Field(ge=1, le=MOST_NODES, description="Most nodes.")]


class SecurityProfile(RuledModel):
    """Secure Boot and vTPM of the nodes (Trusted Launch). What is not given is the source's."""

    enable_secure_boot: Annotated[
        bool | None,
        Field(description="Whether only signed boot loaders, kernels and drivers boot."),
    ] = None
    enable_vtpm: Annotated[
        bool | None,
        Field(alias="enableVTPM", description="Whether nodes have a virtual TPM."),
    ] = None

    @property
    def settings(self) -> dict[str, bool]:
        """The ARM settings that are given, as updates of the profile."""
        given = {"enableSecureBoot": self.enable_secure_boot, "enableVTPM": self.enable_vtpm}
        return {f"securityProfile.{name}": on for name, on in given.items() if on is not None}


class Target(RuledModel):
    """The Azure Linux pool to move to. What is not given is copied from the source pool."""

    rules = (
        CelRule(
            "!has(self.count) || !has(self.autoscaling) || type(self.count) != int || "
            "(self.count >= self.autoscaling.min && self.count <= self.autoscaling.max)",
            "spec.target.count must be from spec.target.autoscaling.min to max",
            lambda target: (
                target.autoscaling is None
                or not isinstance(target.count, int)
                or target.autoscaling.min <= target.count <= target.autoscaling.max
            ),
            ".count",
        ),
    )

    node_pool: Annotated[
        PoolName | None,
        Field(
            description="Name of the pool to create. Default: the source's name, shortened where "
            "needed, followed by `azl`."
        ),
    ] = None
    os_sku: Annotated[
        OsSku,
        Field(
            alias="osSKU",
            description="AKS OS SKU: AzureLinux, AzureLinux3, AzureContainerLinux, or a newer one.",
        ),
    ] = "AzureLinux"
    count: Annotated[
        int | Literal["Auto"] | None,
        Field(
            description="Nodes in the target pool: a number, or Auto for what the pods that move "
            "request. Default: as the source has.",
            json_schema_extra={"x-kubernetes-int-or-string": True},
        ),
        Ruled(
            CelRule(
                f"type(self) == int ? (self >= 1 && self <= {MOST_NODES}) : string(self) == 'Auto'",
                f"must be a number of nodes from 1 to {MOST_NODES}, or Auto",
                lambda count: count == "Auto" or 1 <= count <= MOST_NODES,
            )
        ),
    ] = None
    vm_size: Annotated[
        VmSize | None,
        Field(
            alias="vmSize",
            description="VM size of the target pool. Default: the source's.",
        ),
    ] = None
    autoscaling: Annotated[
        Autoscaling | None,
        Field(description="Bounds of the cluster autoscaler. Default: the source's, if it has."),
    ] = None
    zones: Annotated[
        tuple[Zone, ...] | None,
        Field(max_length=9, description="Availability zones. Default: the source's."),
    ] = None
    labels: Annotated[
        dict[str, LabelValue] | None,
        Field(max_length=64, description="Node labels, in place of the source's."),
        LABEL_KEYS,
        _OWN_LABELS,
    ] = None
    taints: Annotated[
        tuple[Taint, ...] | None,
        Field(max_length=32, description="Node taints, in place of the source's."),
    ] = None
    tags: Annotated[
        dict[str, Annotated[str, Field(max_length=256, description="A tag's value.")]] | None,
        Field(max_length=40, description="Azure tags, beside the source's."),
        _TAGS,
    ] = None
    max_pods: Annotated[
        int | None, Field(ge=10, le=250, description="Pods per node. Default: the source's.")
    ] = None
    os_disk_size_gb: Annotated[
        int | None,
        Field(
            alias="osDiskSizeGB",
            ge=30,
            le=2048,
            description="OS disk in GB. Default: the source's.",
        ),
    ] = None
    os_disk_type: Annotated[
        Literal["Managed", "Ephemeral"] | None,
        Field(description="Kind of OS disk. Default: the source's."),
    ] = None
    security_profile: Annotated[
        SecurityProfile | None,
        Field(
            description="Secure Boot and vTPM, both of which AzureContainerLinux needs. "
            "Default: the source's."
        ),
    ] = None

    @property
    def security(self) -> SecurityProfile:
        """The security profile; one that asks for nothing where it is not given."""
        return self.security_profile or SecurityProfile()

    @property
    def settings(self) -> dict[str, object]:
        """The ARM properties that are given here in place of the source's; one setting of a profile
        by a dotted name."""
        given: dict[str, object] = {
            "vmSize": self.vm_size,
            "availabilityZones": list(self.zones) if self.zones is not None else None,
            "nodeLabels": self.labels,
            "nodeTaints": list(self.taints) if self.taints is not None else None,
            "maxPods": self.max_pods,
            "osDiskSizeGB": self.os_disk_size_gb,
            "osDiskType": self.os_disk_type,
        }
        own = {name: value for name, value in given.items() if value is not None}
        return own | self.security.settings
