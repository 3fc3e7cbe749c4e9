"""Slim, frozen records of the objects of a cluster. The core uses no other form.

They are built by kube/decode.py from watch events and by the simulator from its own state.
Strings that repeat (names of nodes, namespaces, labels) are interned where they are built.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, NamedTuple

from msgspec import Struct

from azure_linux_migrator.model.scheduling import ANYWHERE, SchedulingConstraints
from azure_linux_migrator.model.selectors import Labels, Selector
from azure_linux_migrator.model.sensitivity import (
    Identifier,
    LabelKey,
    LeftOut,
    Mark,
    Message,
    MigrationName,
    NamespaceName,
    NodeName,
    ObjectName,
    PoolName,
    Public,
    Sensitivity,
    TaintText,
)
from azure_linux_migrator.model.traits import NO_TRAITS, PodTraits


class NamespacedName(NamedTuple):
    """Identity of a namespaced object within its kind."""

    namespace: NamespaceName
    name: ObjectName

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


ExtendedResources = Annotated[tuple[tuple[str, int], ...], Sensitivity.RESOURCE_AMOUNTS]
"""Amounts of other resources by name, sorted, such as (("nvidia.com/gpu", 8),): of ephemeral
storage in bytes, of devices their number. Empty for nearly all pods, and shared by those alike."""


class Allocatable(NamedTuple):
    """What a node can hold: thousandths of a CPU, MiB of memory, pods. 0 pods: not known."""

    cpu: int = 0
    memory: int = 0
    pods: int = 0
    extended_resources: ExtendedResources = ()

    def lacks(self, used: Mapping[str, int], resources: ExtendedResources) -> str:
        """The first of the other resources that it has too little of; empty where it has all.

        A device that a node does not list it does not have. Ephemeral storage and huge pages every
        kubelet lists, so a room without extras is one that was only guessed: those it has.
        """
        have = dict(self.extended_resources)
        for name, amount in resources:
            counted = "/" in name or self.extended_resources
            if counted and used.get(name, 0) + amount > have.get(name, 0):
                return name
        return ""


AZURE_LOCAL = "moc"
"""In place of a node resource group: a machine of AKS enabled by Azure Arc."""


class Node(Struct, frozen=True, gc=False):
    """A node of the cluster. `batch` is the index this migration's annotation gives it, or 0;
    `zone` is empty outside any zone, `os_effective` the version to which AKS resolves `os_sku`;
    `node_resource_group` is that of the machine, as `subscription/group` where the subscription is
    known too, in lower case, or empty. `taints` are those that keep pods away, but
    for the cordon's, such as `key=value:NoSchedule`. A ClusterSnapshot keeps `labels` beside it.
    `upgrade_status` is the value of kubernetes.azure.com/upgrade-status; `drain` is the condition
    that azlm has set to report its drain, as `migration/type`.
    """

    name: NodeName
    pool: PoolName
    ready: bool = True
    unschedulable: bool = False
    cordoned_by: MigrationName = ""
    batch: Mark = ""
    os_sku: Public = ""
    os_effective: Public = ""
    zone: Public = ""
    allocatable: Allocatable = Allocatable()
    node_resource_group: LeftOut = ""
    taints: tuple[TaintText, ...] = ()
    labels: Labels = ()
    upgrade_status: Public = ""
    drain: Mark = ""

    @property
    def on_azure_local(self) -> bool:
        """Whether it is of AKS enabled by Azure Arc, on Azure Local or an edge device."""
        return self.node_resource_group == AZURE_LOCAL

    @property
    def held(self) -> bool:
        """Whether a workload or AKS has marked it as not to be upgraded now (Azure/AKS#5944)."""
        status = self.upgrade_status
        return bool(status) and status.casefold() in {"paused", "quarantined"}

    def runs(self, os_sku: str) -> bool:
        """Whether that is its OS, however AKS writes it: a pool of AzureLinux3 may show AzureLinux,
        with the version in a label beside it."""
        return os_sku.casefold() in (self.os_sku.casefold(), self.os_effective.casefold())


class Owner(Struct, frozen=True, gc=False):
    """The controller that owns a pod; `api_group` is empty where it is not known."""

    kind: Identifier
    name: Annotated[str, Sensitivity.OWNER_NAME]
    uid: Identifier
    api_group: Identifier = ""

    @property
    def other_daemonset(self) -> bool:
        """Whether it is a DaemonSet of another API group than Kubernetes' own."""
        return self.kind == "DaemonSet" and self.api_group not in {"", "apps"}

    @property
    def custom(self) -> bool:
        """Whether nothing is watched of its kind, so that only its scale can state how many pods it
        should have. One without a group is of an unknown one, but for ReplicationControllers."""
        if self.kind in {"DaemonSet", "ReplicationController"}:
            return self.kind == "ReplicationController"
        return self.api_group not in {"", "apps", "batch"}

    @property
    def qualified_kind(self) -> str:
        """Its kind with the API group, as kubectl has it: `CloneSet.apps.kruise.io`."""
        return f"{self.kind}.{self.api_group}" if self.custom and self.api_group else self.kind


class Pod(Struct, frozen=True):
    """A pod. `revision` is its resourceVersion as an integer, 0 where unknown.

    Times are in seconds: `created` since the epoch, `started_in` from creation to Ready (0 where
    it is not Ready), `deadline` since the epoch, when a terminating pod should be gone;
    `unready_since` since the epoch, 0 where it is Ready or that is not known, and its creation
    where its containers fail again and again, for the reason in `failing`.
    `unschedulable` is why the scheduler finds no node for it; `claims` are the names of its
    persistent volume claims, `ephemeral_claims` of those that are made and deleted with it
    (kubernetes.io/docs/concepts/storage/ephemeral-volumes); `run_once` is whether its restart
    policy is Never or OnFailure, so that it runs to completion; `deletion_cost` is what its
    ReplicaSet ranks it by; `traits` are what is notable in its spec; `requests` are thousandths of
    a CPU and MiB of memory, `extended_resources` the rest of what it requests; `scheduling` is
    where it may land. In a ClusterSnapshot that is left out, and kept once for each owner.
    """

    key: NamespacedName
    uid: Identifier
    node: NodeName
    phase: Public
    ready: bool
    terminating: bool
    labels: Labels = ()
    owner: Owner | None = None
    mirror: bool = False
    empty_dir: bool = False
    revision: int = 0
    created: float = 0.0
    started_in: float = 0.0
    deadline: float = 0.0
    finalizers: bool = False
    unschedulable: Message = ""
    claims: tuple[ObjectName, ...] = ()
    deletion_cost: int = 0
    traits: PodTraits = NO_TRAITS
    requests: tuple[int, int] = (0, 0)
    scheduling: SchedulingConstraints = ANYWHERE
    unready_since: float = 0.0
    extended_resources: ExtendedResources = ()
    priority: int = 0
    failing: Message = ""
    ephemeral_claims: tuple[ObjectName, ...] = ()
    run_once: bool = False

    @property
    def all_claims(self) -> tuple[str, ...]:
        """Claims whose volumes are attached to its node because of it."""
        return self.claims + self.ephemeral_claims if self.ephemeral_claims else self.claims

    @property
    def finished(self) -> bool:
        """Whether it ran to completion; its containers will not run again."""
        return self.phase in {"Succeeded", "Failed"}


class BudgetRule(Struct, frozen=True):
    """The spec of a budget: one of the two is set, a number or a percentage such as `25%`."""

    min_available: Annotated[int | str | None, Sensitivity.PUBLIC] = None
    max_unavailable: Annotated[int | str | None, Sensitivity.PUBLIC] = None


class Budget(Struct, frozen=True):
    """A PodDisruptionBudget and what its controller says. `disrupted` are names of evicted pods
    whose deletion the controller has not seen yet; `managed_by` is the add-on that made it. A
    ClusterSnapshot keeps `rule` beside it."""

    key: NamespacedName
    selector: Selector | None
    generation: int = 1
    observed_generation: int = 1
    allowed: int = 0
    healthy: int = 0
    desired: int = 0
    expected: int = 0
    disrupted: frozenset[ObjectName] = frozenset()
    unhealthy_policy: Public = "IfHealthyBudget"
    sync_failed: Message = ""
    revision: int = 0
    uid: Identifier = ""
    rule: BudgetRule = BudgetRule()
    managed_by: Identifier = ""

    @property
    def capacity(self) -> int:
        """Disruptions it allows once all its pods are healthy."""
        return self.expected - self.desired

    @property
    def never_allows(self) -> bool:
        """Whether it allows no disruption, however healthy its pods are."""
        return self.expected <= self.desired


class ScaleOwner(StrEnum):
    """Who else sets the number of a Deployment's replicas, by the marks on it."""

    NOBODY = ""
    ARGO_CD = "Argo CD"
    FLUX = "Flux"
    HELM = "Helm"
    AUTOSCALER = "an autoscaler"


class Controller(Struct, frozen=True):
    """A Deployment, ReplicaSet, StatefulSet or DaemonSet, or, by its scale alone, one of another
    kind, such as `CloneSet.apps.kruise.io`.

    `owner` is the uid of its own controller. `max_unavailable` and `max_surge` are those of a
    rolling update, rounded as Kubernetes rounds them; `rolling` is False where the pods are
    recreated, and `paused` is whether its rollouts stand still. `surge` and `restarted` are our
    annotations; `stuck` is why a rollout does not progress, `failing` why its pods are not made,
    `scaled_by` who else sets its replicas. `available` are the pods that were Ready for
    minReadySeconds; None where that is 0. Of a StatefulSet: `ordered` is whether its pods start one
    after the other, and `first_ordinal` where their numbers begin. Of a DaemonSet: `traits` and
    `scheduling` are those of its template; its pods carry another node affinity, which names their
    node. `addon` is whether AKS installs it.
    """

    kind: Public
    key: NamespacedName
    uid: Identifier
    owner: Identifier = ""
    replicas: int = 1
    rolling: bool = False
    max_unavailable: int = 0
    max_surge: int = 0
    surge: Mark = ""
    restarted: Mark = ""
    stuck: Message = ""
    traits: PodTraits = NO_TRAITS
    ordered: bool = False
    first_ordinal: int = 0
    scheduling: SchedulingConstraints = ANYWHERE
    addon: bool = False
    paused: bool = False
    failing: Message = ""
    available: Annotated[int | None, Sensitivity.PUBLIC] = None
    scaled_by: Annotated[ScaleOwner, Sensitivity.PUBLIC] = ScaleOwner.NOBODY

    @property
    def polled(self) -> bool:
        """Whether only its scale is known, which is read now and then (see Owner.custom)."""
        return self.kind == "ReplicationController" or "." in self.kind


class Volume(Struct, frozen=True):
    """A bound persistent volume: the zones it can be attached in ("" for nodes outside any zone; no
    zones at all for anywhere), or the fact that it is local, which `bound_by` explains: the
    node label by which its driver binds it. `driver` is the CSI driver, or empty."""

    name: Identifier
    claim: NamespacedName
    zones: tuple[Public, ...] = ()
    local: bool = False
    bound_by: LabelKey = ""
    driver: Identifier = ""
    access_modes: tuple[Public, ...] = ()

    @property
    def one_node(self) -> bool:
        """Whether it can be attached to one node at a time. Shares are mounted without being
        attached, and then ReadWriteOnce holds nobody back
        (kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes)."""
        attached = bool(self.driver) and self.driver not in SHARES
        return attached and set(self.access_modes) == {"ReadWriteOnce"}

    @property
    def one_pod(self) -> bool:
        """Whether the scheduler lets one pod at a time use it, whatever it is."""
        return "ReadWriteOncePod" in self.access_modes


AZURE_DISK = "disk.csi.azure.com"
SHARES = frozenset(
    (
        "file.csi.azure.com",
        "blob.csi.azure.com",
        "azurelustre.csi.azure.com",
        "nfs.csi.k8s.io",
        "smb.csi.k8s.io",
    )
)
"""CSI drivers with attachRequired: false in their CSIDriver object; its default is true."""


class Attachment(Struct, frozen=True):
    """A VolumeAttachment: this volume is attached to this node."""

    name: Identifier
    node: NodeName
    volume: Identifier
