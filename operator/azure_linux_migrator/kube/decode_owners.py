"""From the API's JSON to the core's records: controllers, volumes and volume attachments."""

from math import ceil, floor
from typing import Any

from msgspec import Struct, field

from azure_linux_migrator.api.names import RESTARTED, SURGE
from azure_linux_migrator.kube.decode import Metadata, ObjectCondition
from azure_linux_migrator.kube.pod_spec import NodeSelector, PodSpec
from azure_linux_migrator.kube.pod_traits import pod_traits
from azure_linux_migrator.kube.scale_owner import ManagedFields, scale_owner
from azure_linux_migrator.kube.scheduling import scheduling
from azure_linux_migrator.kube.zones import ZONE_KEYS, names_a_node, zone_of
from azure_linux_migrator.model.cluster import (
    AZURE_DISK,
    Attachment,
    Controller,
    NamespacedName,
    Volume,
)

HOSTNAME = "kubernetes.io/hostname"
ADDON_MODE = "addonmanager.kubernetes.io/mode"


class _Rolling(Struct, rename="camel"):
    max_surge: int | str | None = None
    max_unavailable: int | str | None = None


class _Strategy(Struct, rename="camel"):
    type: str = ""
    rolling_update: _Rolling | None = None


class _TemplateMetadata(Struct):
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class _Template(Struct):
    metadata: _TemplateMetadata = field(default_factory=_TemplateMetadata)
    spec: PodSpec = field(default_factory=PodSpec)


class _Ordinals(Struct):
    start: int = 0


class _Spec(Struct, rename="camel"):
    replicas: int | None = None
    paused: bool = False
    min_ready_seconds: int = 0
    pod_management_policy: str = "OrderedReady"
    ordinals: _Ordinals | None = None
    strategy: _Strategy | None = None
    update_strategy: _Strategy | None = None
    template: _Template = field(default_factory=_Template)


class _Status(Struct, rename="camel"):
    conditions: list[ObjectCondition] | None = None
    available_replicas: int = 0

    def why(self, kind: str, status: str) -> str:
        """What a condition says where it has this status; empty where it has not."""
        for condition in self.conditions or ():
            if condition.type == kind and condition.status == status:
                return condition.message or condition.reason
        return ""


class _Workload(Struct):
    metadata: Metadata
    spec: _Spec = field(default_factory=_Spec)
    status: _Status = field(default_factory=_Status)

    def controller(self, kind: str, **more: Any) -> Controller:
        """The fields that every kind has."""
        meta = self.metadata
        owner = next(
            (reference.uid for reference in meta.owner_references or () if reference.controller), ""
        )
        replicas = 1 if self.spec.replicas is None else self.spec.replicas
        return Controller(
            kind=kind,
            key=NamespacedName(meta.namespace, meta.name),
            uid=meta.uid,
            owner=owner,
            replicas=replicas,
            available=self.status.available_replicas if self.spec.min_ready_seconds > 0 else None,
            failing=self.status.why("ReplicaFailure", "True"),
            addon=is_addon(meta.namespace, meta.labels or {}),
            **more,
        )


_ADDON_NAMESPACES = frozenset(
    {
        "aks-command",
        "aks-istio-egress",
        "aks-istio-ingress",
        "aks-istio-system",
        "app-routing-system",
        "calico-system",
        "gatekeeper-system",
        "tigera-operator",
    }
)
"""Namespaces of add-ons of AKS whose workloads an operator of theirs makes, without AKS's labels:
learn.microsoft.com/azure/aks on network policies, Azure Policy, Istio and application routing."""


def is_addon(namespace: str, labels: dict[str, str]) -> bool:
    """Whether AKS itself installs and updates it."""
    labelled = labels.get("kubernetes.azure.com/managedby") == "aks" or ADDON_MODE in labels
    return labelled or namespace in _ADDON_NAMESPACES


class _ManagedMetadata(Metadata):
    managed_fields: list[ManagedFields] | None = None


class DeploymentObject(_Workload):
    """An apps/v1 Deployment."""

    metadata: _ManagedMetadata

    def record(self) -> Controller:
        """The core's record, its rolling update rounded as the Deployment controller rounds it."""
        strategy = self.spec.strategy or _Strategy()
        rolling = strategy.rolling_update or _Rolling("25%", "25%")
        replicas = 1 if self.spec.replicas is None else self.spec.replicas
        surge = resolve(rolling.max_surge, replicas, up=True)
        unavailable = resolve(rolling.max_unavailable, replicas, up=False)
        return self.controller(
            "Deployment",
            rolling=strategy.type != "Recreate",
            max_surge=surge,
            max_unavailable=unavailable or int(surge == 0),
            surge=(self.metadata.annotations or {}).get(SURGE, ""),
            restarted=(self.spec.template.metadata.annotations or {}).get(RESTARTED, ""),
            stuck=self.status.why("Progressing", "False"),
            paused=self.spec.paused,
            scaled_by=scale_owner(
                self.metadata.labels or {},
                self.metadata.annotations or {},
                self.metadata.managed_fields or (),
            ),
        )


class ReplicaSetObject(_Workload):
    """An apps/v1 ReplicaSet."""

    def record(self) -> Controller:
        """The core's record."""
        return self.controller("ReplicaSet")


class StatefulSetObject(_Workload):
    """An apps/v1 StatefulSet."""

    def record(self) -> Controller:
        """The core's record: one pod out at a time, unless its update strategy says otherwise."""
        strategy = self.spec.update_strategy or _Strategy()
        rolling = strategy.rolling_update or _Rolling()
        replicas = 1 if self.spec.replicas is None else self.spec.replicas
        unavailable = resolve(rolling.max_unavailable, replicas, up=True)
        return self.controller(
            "StatefulSet",
            rolling=True,
            max_unavailable=max(1, unavailable),
            ordered=self.spec.pod_management_policy != "Parallel",
            first_ordinal=self.spec.ordinals.start if self.spec.ordinals else 0,
        )


class DaemonSetObject(_Workload):
    """An apps/v1 DaemonSet."""

    def record(self) -> Controller:
        """The core's record."""
        template = self.spec.template
        return self.controller(
            "DaemonSet",
            traits=pod_traits(template.spec, template.metadata.annotations or {}),
            scheduling=scheduling(template.spec, template.metadata.labels or {}, None),
        )


def resolve(value: int | str | None, replicas: int, *, up: bool) -> int:
    """An int-or-percent against a number of replicas, rounded up or down."""
    if value is None:
        return 0
    if isinstance(value, int):
        return value
    share = float(value.removesuffix("%")) * replicas / 100
    return ceil(share) if up else floor(share)


class _ClaimRef(Struct):
    namespace: str = ""
    name: str = ""


class _Affinity(Struct):
    required: NodeSelector | None = None


class _Csi(Struct):
    driver: str = ""


class _VolumeSpec(Struct, rename="camel"):
    claim_ref: _ClaimRef | None = None
    local: dict[str, object] | None = None
    host_path: dict[str, object] | None = None
    node_affinity: _Affinity | None = None
    csi: _Csi | None = None
    azure_disk: dict[str, object] | None = None
    access_modes: list[str] | None = None

    @property
    def driver(self) -> str:
        """The CSI driver, also where the volume is written as an in-tree Azure disk, which that
        driver serves (kubernetes.io/docs/concepts/storage/volumes/#csi-migration)."""
        if self.csi:
            return self.csi.driver
        return AZURE_DISK if self.azure_disk is not None else ""


class VolumeObject(Struct):
    """A v1 PersistentVolume."""

    metadata: Metadata
    spec: _VolumeSpec = field(default_factory=_VolumeSpec)

    def record(self) -> Volume:
        """The core's record; one that no claim has yet is bound to the claim without a name."""
        claim = self.spec.claim_ref or _ClaimRef()
        wanted = self.spec.node_affinity.required if self.spec.node_affinity else None
        terms = [
            expression
            for term in (wanted.node_selector_terms if wanted else None) or ()
            for expression in term.match_expressions or ()
            if expression.operator == "In"
        ]
        named = {zone for term in terms if term.key in ZONE_KEYS for zone in term.values or ()}
        zones = {zone_of(zone) for zone in named}
        nodes = {(term.key, value) for term in terms for value in term.values or ()}
        keys = [key for key, _ in sorted(nodes) if names_a_node(key)]
        pinned = next((key for key in keys if key == HOSTNAME or keys.count(key) == 1), "")
        disk = self.spec.local is not None or self.spec.host_path is not None
        return Volume(
            self.metadata.name,
            NamespacedName(claim.namespace, claim.name),
            tuple(sorted(zones)),
            local=disk or bool(pinned),
            bound_by=pinned,
            driver=self.spec.driver,
            access_modes=tuple(self.spec.access_modes or ()),
        )


class _Source(Struct, rename="camel"):
    persistent_volume_name: str | None = None


class _AttachmentSpec(Struct, rename="camel"):
    node_name: str = ""
    source: _Source = field(default_factory=_Source)


class AttachmentObject(Struct):
    """A storage.k8s.io/v1 VolumeAttachment; without a volume it is one that nothing waits for."""

    metadata: Metadata
    spec: _AttachmentSpec = field(default_factory=_AttachmentSpec)

    def record(self) -> Attachment:
        """The core's record."""
        return Attachment(
            self.metadata.name,
            self.spec.node_name,
            self.spec.source.persistent_volume_name or "",
        )
