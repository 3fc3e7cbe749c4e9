"""From the API's JSON to the core's records: typed, so that only needed fields are ever built."""

from datetime import datetime
from functools import lru_cache
from sys import intern

from msgspec import Struct, field

from azure_linux_migrator.api.names import (
    AGENTPOOL_LABEL,
    BATCH,
    CORDONED_BY,
    OS_EFFECTIVE_LABEL,
    OS_SKU_LABEL,
    UPGRADE_STATUS_LABEL,
    ZONE_LABEL,
)
from azure_linux_migrator.kube import resources
from azure_linux_migrator.kube.containers import ContainerStatus
from azure_linux_migrator.kube.node_conditions import drain_of
from azure_linux_migrator.kube.node_resource_group import CLUSTER_LABEL, node_resource_group_of
from azure_linux_migrator.kube.pod_spec import PodSpec
from azure_linux_migrator.kube.pod_traits import pod_traits
from azure_linux_migrator.kube.scheduling import scheduling
from azure_linux_migrator.kube.selectors import LabelSelector
from azure_linux_migrator.kube.zones import zone_of
from azure_linux_migrator.model.cluster import Budget, BudgetRule, NamespacedName, Node, Owner, Pod
from azure_linux_migrator.model.scheduling import CORDON, Taint
from azure_linux_migrator.model.selectors import Labels

SHARED = 100_000
"""Owners, and sets of labels, of which equal ones share one object."""

MIRROR_ANNOTATION = "kubernetes.io/config.mirror"
DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"


class OwnerReference(Struct, rename="camel"):
    """metadata.ownerReferences[]."""

    api_version: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool | None = False


class Metadata(Struct, rename="camel"):
    """metadata, as far as anyone here needs it."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    finalizers: list[str] | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    owner_references: list[OwnerReference] | None = None

    @property
    def revision(self) -> int:
        """The resourceVersion as a number; 0 where it is none."""
        return int(self.resource_version) if self.resource_version.isdecimal() else 0


class ObjectCondition(Struct):
    """status.conditions[]."""

    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""
    last_transition_time: str | None = field(default=None, name="lastTransitionTime")


class NodeSpec(Struct):
    """spec of a Node."""

    unschedulable: bool | None = False
    taints: list[Taint] | None = None
    provider_id: str = field(default="", name="providerID")


class _NodeStatus(Struct):
    conditions: list[ObjectCondition] | None = None
    allocatable: dict[str, object] | None = None


class NodeObject(Struct):
    """A v1 Node."""

    metadata: Metadata
    spec: NodeSpec = field(default_factory=NodeSpec)
    status: _NodeStatus = field(default_factory=_NodeStatus)

    def record(self) -> Node:
        """The core's record."""
        labels = self.metadata.labels or {}
        annotations = self.metadata.annotations or {}
        return Node(
            name=intern(self.metadata.name),
            pool=intern(labels.get(AGENTPOOL_LABEL) or labels.get("agentpool") or ""),
            ready=_is_true(self.status.conditions, "Ready"),
            unschedulable=bool(self.spec.unschedulable),
            cordoned_by=annotations.get(CORDONED_BY, ""),
            batch=annotations.get(BATCH, ""),
            os_sku=labels.get(OS_SKU_LABEL, ""),
            os_effective=labels.get(OS_EFFECTIVE_LABEL, ""),
            zone=zone_of(labels.get(ZONE_LABEL, "")),
            allocatable=resources.allocatable(self.status.allocatable),
            node_resource_group=node_resource_group_of(
                self.spec.provider_id, labels.get(CLUSTER_LABEL, "")
            ),
            taints=tuple(
                intern(str(taint))
                for taint in self.spec.taints or ()
                if taint.effect != "PreferNoSchedule" and taint.key != CORDON.key
            ),
            labels=_labels(labels),
            upgrade_status=labels.get(UPGRADE_STATUS_LABEL, ""),
            drain=drain_of(self.status.conditions or ()),
        )


class _PodStatus(Struct, rename="camel"):
    phase: str = ""
    conditions: list[ObjectCondition] | None = None
    init_container_statuses: list[ContainerStatus] | None = None
    container_statuses: list[ContainerStatus] | None = None

    @property
    def failing(self) -> str:
        """Why a container fails again and again; empty where none does."""
        statuses = (*(self.init_container_statuses or ()), *(self.container_statuses or ()))
        return next((status.failing for status in statuses if status.failing), "")[:300]


class PodObject(Struct):
    """A v1 Pod."""

    metadata: Metadata
    spec: PodSpec = field(default_factory=PodSpec)
    status: _PodStatus = field(default_factory=_PodStatus)

    def record(self) -> Pod:
        """The core's record."""
        meta = self.metadata
        annotations = meta.annotations or {}
        created, ready_at = epoch(meta.creation_timestamp), 0.0
        unready_since = 0.0
        unschedulable = ""
        for condition in self.status.conditions or ():
            if condition.type == "Ready" and condition.status == "True":
                ready_at = epoch(condition.last_transition_time)
            elif condition.type == "Ready":
                since = epoch(condition.last_transition_time)
                unready_since = created if self.status.failing else since
            elif condition.type == "PodScheduled" and condition.reason == "Unschedulable":
                unschedulable = condition.message or condition.reason
        owner = _owner(meta.owner_references)
        requests, extended_resources = resources.requests(self.spec)
        return Pod(
            key=NamespacedName(intern(meta.namespace), meta.name),
            uid=meta.uid,
            node=intern(self.spec.node_name),
            phase=intern(self.status.phase),
            ready=_is_true(self.status.conditions, "Ready"),
            terminating=meta.deletion_timestamp is not None,
            labels=_labels(meta.labels),
            owner=owner,
            mirror=MIRROR_ANNOTATION in annotations,
            empty_dir=any(volume.empty_dir is not None for volume in self.spec.volumes or ()),
            revision=meta.revision,
            created=created,
            started_in=max(0.0, ready_at - created),
            deadline=epoch(meta.deletion_timestamp),
            finalizers=bool(meta.finalizers),
            unschedulable=unschedulable,
            claims=tuple(
                volume.persistent_volume_claim.claim_name
                for volume in self.spec.volumes or ()
                if volume.persistent_volume_claim is not None
            ),
            deletion_cost=_integer(annotations.get(DELETION_COST)),
            traits=pod_traits(self.spec, annotations),
            requests=requests,
            scheduling=scheduling(self.spec, meta.labels or {}, owner),
            unready_since=unready_since,
            extended_resources=extended_resources,
            priority=self.spec.priority or 0,
            failing=self.status.failing,
            run_once=self.spec.restart_policy != "Always",
            ephemeral_claims=tuple(
                f"{meta.name}-{volume.name}"
                for volume in self.spec.volumes or ()
                if volume.ephemeral is not None
            ),
        )


OWNED_BY = "ownedBy"
"""Annotation with which AKS's eviction autoscaler marks its budgets (Azure/eviction-autoscaler)."""


class _BudgetSpec(Struct, rename="camel"):
    min_available: int | str | None = None
    max_unavailable: int | str | None = None
    selector: LabelSelector | None = None
    unhealthy_pod_eviction_policy: str | None = None


class _BudgetStatus(Struct, rename="camel"):
    observed_generation: int = 0
    disruptions_allowed: int = 0
    current_healthy: int = 0
    desired_healthy: int = 0
    expected_pods: int = 0
    disrupted_pods: dict[str, object] | None = None
    conditions: list[ObjectCondition] | None = None


class BudgetObject(Struct):
    """A policy/v1 PodDisruptionBudget. No selector selects nothing, an empty one everything."""

    metadata: Metadata
    spec: _BudgetSpec = field(default_factory=_BudgetSpec)
    status: _BudgetStatus = field(default_factory=_BudgetStatus)

    def record(self) -> Budget:
        """The core's record."""
        failed = [
            condition.message
            for condition in self.status.conditions or ()
            if condition.type == "DisruptionAllowed" and condition.reason == "SyncFailed"
        ]
        return Budget(
            key=NamespacedName(intern(self.metadata.namespace), self.metadata.name),
            selector=None if self.spec.selector is None else self.spec.selector.record(),
            generation=self.metadata.generation,
            observed_generation=self.status.observed_generation,
            allowed=self.status.disruptions_allowed,
            healthy=self.status.current_healthy,
            desired=self.status.desired_healthy,
            expected=self.status.expected_pods,
            disrupted=frozenset(self.status.disrupted_pods or ()),
            unhealthy_policy=self.spec.unhealthy_pod_eviction_policy or "IfHealthyBudget",
            sync_failed=failed[0] if failed else "",
            revision=self.metadata.revision,
            uid=self.metadata.uid,
            rule=BudgetRule(self.spec.min_available, self.spec.max_unavailable),
            managed_by=(self.metadata.annotations or {}).get(OWNED_BY, ""),
        )


def epoch(text: str | None) -> float:
    """A time as Kubernetes writes it, in seconds since the epoch; 0 for none."""
    return datetime.fromisoformat(text).timestamp() if text else 0.0


def _integer(text: str | None) -> int:
    """A number in an annotation; 0 for none, or for something else."""
    try:
        return int(text or 0)
    except ValueError:
        return 0


def _is_true(conditions: list[ObjectCondition] | None, kind: str) -> bool:
    return any(
        condition.type == kind and condition.status == "True" for condition in conditions or ()
    )


def _owner(references: list[OwnerReference] | None) -> Owner | None:
    for reference in references or ():
        if reference.controller:
            group = reference.api_version.rpartition("/")[0]
            return _shared_owner(reference.kind, reference.name, reference.uid, group)
    return None


@lru_cache(SHARED)
def _shared_owner(kind: str, name: str, uid: str, group: str) -> Owner:
    return Owner(intern(kind), intern(name), intern(uid), intern(group))


def _labels(labels: dict[str, str] | None) -> Labels:
    """Labels as a sorted tuple; equal ones share one object, since a Deployment's pods do."""
    if not labels:
        return ()
    return _shared_labels(tuple(sorted((intern(key), value) for key, value in labels.items())))


@lru_cache(SHARED)
def _shared_labels(labels: Labels) -> Labels:
    return labels
