"""Which pods of a source node move, which stay, and which hold the drain up: with reasons.

The filters run in order and the first result counts; the order is that of kubectl's
(kubectl/pkg/drain/filters.go), with the volume filters behind it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from azure_linux_migrator.api.causes import Cause
from azure_linux_migrator.api.names import UPGRADE_STATUS_LABEL
from azure_linux_migrator.api.spec_drain import Drain, EmptyDirPolicy, JobPolicy, UnmanagedPolicy
from azure_linux_migrator.core.drain.blocker import Blocker, of_held, of_pod
from azure_linux_migrator.model.cluster import (
    Controller,
    NamespacedName,
    Node,
    Pod,
    ScaleOwner,
    Volume,
)


class PodDisposition(StrEnum):
    """What happens to a pod."""

    MOVE = "move"
    SKIP = "skip"
    WAIT = "wait"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class FilterResult:
    """The disposition of a pod; `blocker` where it is BLOCK."""

    disposition: PodDisposition
    reason: str = ""
    blocker: Blocker | None = None


class Facts(Protocol):
    """What filters need to know beside the pod."""

    def exists(self, uid: str) -> bool:
        """Whether a controller of that uid exists."""

    def volumes_of(self, pod: Pod) -> list[Volume]:
        """The bound volumes of a pod."""

    def target_zones(self) -> frozenset[str]:
        """Zones of the target's nodes; empty while there are none."""


MOVE = FilterResult(PodDisposition.MOVE)
Filter = Callable[[Pod, Drain, Facts], FilterResult | None]


def classify_pod(pod: Pod, policy: Drain, facts: Facts) -> FilterResult:
    """The disposition of a pod on a source node, and the reason for it."""
    for pod_filter in PIPELINE:
        filter_result = pod_filter(pod, policy, facts)
        if filter_result is not None:
            return filter_result
    return MOVE


def returns(pod: Pod) -> FilterResult:
    """Moving it would not help: pods of its owner return to the source when they are moved."""
    why = "pods of its owner come back to the source after being moved"
    remedy = (
        "its template tolerates node.kubernetes.io/unschedulable or names its node: take that out, "
        "or let its pods go with the pool: name pod.tolerates-cordon in spec.preflight.acknowledge"
    )
    return FilterResult(PodDisposition.BLOCK, why, of_pod(pod, Cause.RETURNS, why, remedy))


def two_budgets(pod: Pod, budgets: Sequence[NamespacedName]) -> FilterResult:
    """More than one budget selects it, which the eviction subresource answers with a 500."""
    why = (
        f"{len(budgets)} PodDisruptionBudgets select it "
        f"({', '.join(key.name for key in budgets)}); Kubernetes evicts no such pod"
    )
    return FilterResult(
        PodDisposition.BLOCK, why, of_pod(pod, Cause.TWO_BUDGETS, why, "leave it one budget")
    )


def surge_undone(pod: Pod, controller: Controller, by: str) -> FilterResult:
    """The replica that a surge adds is taken back at once, and an eviction would stop the pod."""
    why = f"{by} sets the replicas of Deployment {controller.key} and takes an added one back"
    remedy = (
        "let its rolling update surge (maxSurge: 1, maxUnavailable: 0), so that its rollout is "
        "restarted instead"
    )
    if controller.replicas == 1:
        scaled = controller.scaled_by is ScaleOwner.AUTOSCALER
        floor = "minReplicas of its HorizontalPodAutoscaler (KEDA: minReplicaCount)"
        remedy += (
            f", raise {floor if scaled else 'its replicas where they are set'} to 2 until it has "
            "moved, or set spec.drain.singletons to Evict"
        )
    return FilterResult(PodDisposition.BLOCK, why, of_pod(pod, Cause.SURGE_UNDONE, why, remedy))


def held(node: Node) -> FilterResult:
    """Its node is marked as not to be upgraded now."""
    why = f"node {node.name} is marked {UPGRADE_STATUS_LABEL}={node.upgrade_status}"
    return FilterResult(PodDisposition.BLOCK, why, of_held(node, 1))


LEFT_BEHIND = FilterResult(
    PodDisposition.SKIP,
    "pods of its owner come back to the source, and go with it: pod.tolerates-cordon is "
    "acknowledged",
)
ABANDONED = FilterResult(
    PodDisposition.SKIP, "its node does not answer, and its grace has ended long ago"
)


def _kind(pod: Pod) -> str:
    return pod.owner.kind if pod.owner else ""


def _mirror(pod: Pod, _: Drain, __: Facts) -> FilterResult | None:
    return (
        FilterResult(PodDisposition.SKIP, "mirror pod of its node's kubelet")
        if pod.mirror
        else None
    )


def _daemon(pod: Pod, _: Drain, facts: Facts) -> FilterResult | None:
    if pod.owner is None or pod.owner.kind != "DaemonSet" or pod.finished:
        return None
    if pod.owner.other_daemonset:
        why = f"its DaemonSet ({pod.owner.api_group}) runs one pod on every node"
        return FilterResult(PodDisposition.SKIP, why)
    if facts.exists(pod.owner.uid):
        return FilterResult(PodDisposition.SKIP, "its DaemonSet runs one pod on every node")
    return None


def _leaving(pod: Pod, _: Drain, __: Facts) -> FilterResult | None:
    return MOVE if pod.finished or pod.terminating else None


def _unmanaged(pod: Pod, policy: Drain, facts: Facts) -> FilterResult | None:
    if policy.unmanaged_pods is UnmanagedPolicy.EVICT:
        return None
    orphan = pod.owner is not None and _kind(pod) == "DaemonSet" and not facts.exists(pod.owner.uid)
    if pod.owner is not None and not orphan:
        return None
    if policy.unmanaged_pods is UnmanagedPolicy.WAIT and pod.run_once:
        return FilterResult(
            PodDisposition.WAIT, "it runs to completion (spec.drain.unmanagedPods is Wait)"
        )
    why = "its DaemonSet is gone" if orphan else "no controller would replace it"
    waits = ", to Wait to let it run to completion" if pod.run_once else ""
    remedy = f"delete it, or set spec.drain.unmanagedPods to Evict{waits}"
    return FilterResult(PodDisposition.BLOCK, why, of_pod(pod, Cause.UNMANAGED, why, remedy))


def _empty_dir(pod: Pod, policy: Drain, _: Facts) -> FilterResult | None:
    if not pod.empty_dir or policy.empty_dir is EmptyDirPolicy.EVICT:
        return None
    why = "its emptyDir data would be lost"
    remedy = "save the data and delete the pod, or set spec.drain.emptyDir to Evict"
    return FilterResult(PodDisposition.BLOCK, why, of_pod(pod, Cause.EMPTY_DIR, why, remedy))


def runs_once(pod: Pod) -> bool:
    """Whether a controller created it to run to completion: a Job, a workflow, a CI runner."""
    return pod.owner is not None and (pod.run_once or pod.owner.kind == "Job")


def _run_once(pod: Pod, policy: Drain, _: Facts) -> FilterResult | None:
    if not runs_once(pod) or policy.jobs is JobPolicy.EVICT:
        return None
    return FilterResult(
        PodDisposition.WAIT, f"its {_kind(pod)} is waited for (spec.drain.jobs is Wait)"
    )


def _local_volume(pod: Pod, _: Drain, facts: Facts) -> FilterResult | None:
    local = next((volume for volume in facts.volumes_of(pod) if volume.local), None)
    if local is None:
        return None
    why = f"its volume {local.name} is on this node's own disk, and no other node can attach it"
    remedy = "move the data and delete the claim and the pod"
    return FilterResult(PodDisposition.BLOCK, why, of_pod(pod, Cause.LOCAL_VOLUME, why, remedy))


def _volume_zone(pod: Pod, _: Drain, facts: Facts) -> FilterResult | None:
    zones = facts.target_zones()
    for volume in facts.volumes_of(pod) if zones else ():
        if volume.zones and not zones.intersection(volume.zones):
            why = (
                f"its volume {volume.name} is in {named_zones(volume.zones)}, and the pool it "
                f"would move to has nodes in {named_zones(zones)} only"
            )
            remedy = (
                f"scale that pool until it has a node in {named_zones(volume.zones)}, or move the "
                "data to a volume that its nodes can attach"
            )
            return FilterResult(
                PodDisposition.BLOCK, why, of_pod(pod, Cause.VOLUME_ZONE, why, remedy)
            )
    return None


def named_zones(zones: Iterable[str]) -> str:
    """Zones in words; a disk without one goes only to machines without one."""
    zone_names = sorted(zone for zone in zones if zone)
    text = f"zone {', '.join(zone_names)}" if zone_names else ""
    return " and ".join(part for part in (text, "no zone" if "" in zones else "") if part)


PIPELINE: tuple[Filter, ...] = (
    _mirror,
    _daemon,
    _leaving,
    _unmanaged,
    _empty_dir,
    _run_once,
    _local_volume,
    _volume_zone,
)
