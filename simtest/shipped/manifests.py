"""The objects of the simulated cluster as the API server writes them: what kube/decode.py reads.

A test checks that decoding what is written here gives the records of the cluster again.
"""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from azure_linux_migrator.api.names import (
    AGENTPOOL_LABEL,
    BATCH,
    CORDONED_BY,
    DRAIN_REASON,
    OS_EFFECTIVE_LABEL,
    OS_SKU_LABEL,
    RESTARTED,
    SURGE,
    UPGRADE_STATUS_LABEL,
    ZONE_LABEL,
)
from azure_linux_migrator.kube.decode import DELETION_COST, MIRROR_ANNOTATION
from azure_linux_migrator.model.cluster import (
    Attachment,
    Budget,
    BudgetRule,
    Controller,
    Node,
    Pod,
    Volume,
)
from azure_linux_migrator.model.traits import NO_TRAITS
from simtest.shipped.scheduling_manifests import present, scheduling, selector

Manifest = dict[str, Any]


def _drain_conditions(report: str) -> list[Manifest]:
    by, _, condition = report.rpartition("/")
    told_by = {"reason": DRAIN_REASON, "message": f"migration {by}"}
    return [{"type": condition, "status": "True", **told_by}] if condition else []


def node_manifest(node: Node) -> Manifest:
    """A Node."""
    labels = dict(node.labels) | {
        AGENTPOOL_LABEL: node.pool,
        OS_SKU_LABEL: node.os_sku,
        OS_EFFECTIVE_LABEL: node.os_effective,
        UPGRADE_STATUS_LABEL: node.upgrade_status,
        ZONE_LABEL: node.zone or "0",
    }
    room = node.allocatable
    allocatable = {"cpu": f"{room.cpu}m", "memory": f"{room.memory}Mi", "pods": str(room.pods)}
    return {
        "metadata": {
            "name": node.name,
            "uid": f"uid-{node.name}",
            "labels": labels,
            "annotations": present({CORDONED_BY: node.cordoned_by, BATCH: node.batch}),
        },
        "spec": present({"unschedulable": node.unschedulable}),
        "status": {
            "allocatable": allocatable
            | {name: str(amount) for name, amount in room.extended_resources},
            "conditions": [
                {"type": "Ready", "status": "True" if node.ready else "Unknown"},
                *_drain_conditions(node.drain),
            ],
        },
    }


def pod_manifest(pod: Pod) -> Manifest:
    """A Pod. Raises ValueError for traits, which the simulated pods do not have."""
    if pod.traits != NO_TRAITS:
        raise ValueError(f"traits of pods are not encoded: {pod.key}")
    annotations = {
        MIRROR_ANNOTATION: "mirror" if pod.mirror else "",
        DELETION_COST: str(pod.deletion_cost) if pod.deletion_cost else "",
    }
    metadata: Manifest = {
        "name": pod.key.name,
        "namespace": pod.key.namespace,
        "uid": pod.uid,
        "creationTimestamp": written(pod.created),
        "labels": dict(pod.labels),
        "annotations": present(annotations),
    }
    if pod.terminating:
        metadata["deletionTimestamp"] = written(pod.deadline)
        metadata["deletionGracePeriodSeconds"] = 30
    if pod.finalizers:
        metadata["finalizers"] = ["example.com/keep"]
    if pod.owner is not None:
        metadata["ownerReferences"] = [_reference(pod.owner.kind, pod.owner.name, pod.owner.uid)]
    volumes: list[Manifest] = [{"name": "scratch", "emptyDir": {}}] if pod.empty_dir else []
    volumes += [
        {"name": claim, "persistentVolumeClaim": {"claimName": claim}} for claim in pod.claims
    ]
    spec = scheduling(pod.scheduling) | present(
        {"nodeName": pod.node, "volumes": volumes, "priority": pod.priority}
    )
    spec["containers"] = [_container(pod)]
    return {"metadata": metadata, "spec": spec, "status": _pod_status(pod)}


def _container(pod: Pod) -> Manifest:
    cpu, memory = pod.requests
    requests = present({"cpu": f"{cpu}m" if cpu else "", "memory": f"{memory}Mi" if memory else ""})
    requests |= {name: str(amount) for name, amount in pod.extended_resources}
    return {"name": "app", "image": "registry.example/app:1", "resources": {"requests": requests}}


def _pod_status(pod: Pod) -> Manifest:
    conditions: list[Manifest] = []
    if pod.unschedulable:
        conditions.append(
            {
                "type": "PodScheduled",
                "status": "False",
                "reason": "Unschedulable",
                "message": pod.unschedulable,
            }
        )
    if pod.ready or pod.unready_since:
        since = pod.created + pod.started_in if pod.ready else pod.unready_since
        ready = {"type": "Ready", "status": "True" if pod.ready else "False"}
        conditions.append(ready | {"lastTransitionTime": written(since)})
    status: Manifest = {"phase": pod.phase, "conditions": conditions}
    if pod.failing:
        reason, _, message = pod.failing.partition(": ")
        state = {"waiting": {"reason": reason, "message": message}}
        status["containerStatuses"] = [{"name": "app", "state": state}]
    return status


def budget_manifest(budget: Budget, rule: BudgetRule) -> Manifest:
    """A PodDisruptionBudget."""
    spec: Manifest = {"unhealthyPodEvictionPolicy": budget.unhealthy_policy}
    if rule.min_available is not None:
        spec["minAvailable"] = rule.min_available
    if rule.max_unavailable is not None:
        spec["maxUnavailable"] = rule.max_unavailable
    if budget.selector is not None:
        spec["selector"] = selector(budget.selector)
    return {
        "metadata": {
            "name": budget.key.name,
            "namespace": budget.key.namespace,
            "uid": budget.uid,
            "generation": budget.generation,
        },
        "spec": spec,
        "status": {
            "observedGeneration": budget.observed_generation,
            "disruptionsAllowed": budget.allowed,
            "currentHealthy": budget.healthy,
            "desiredHealthy": budget.desired,
            "expectedPods": budget.expected,
            "disruptedPods": dict.fromkeys(sorted(budget.disrupted), "2027-01-15T08:00:00Z"),
        },
    }


def controller_manifest(controller: Controller) -> Manifest:
    """A Deployment, ReplicaSet, StatefulSet or DaemonSet."""
    annotations = present({SURGE: controller.surge})
    metadata: Manifest = {
        "name": controller.key.name,
        "namespace": controller.key.namespace,
        "uid": controller.uid,
        "annotations": annotations,
    }
    if controller.owner:
        metadata["ownerReferences"] = [_reference("Deployment", "owner", controller.owner)]
    spec: Manifest = {"replicas": controller.replicas}
    conditions: list[Manifest] = []
    if controller.failing:
        conditions.append(
            {"type": "ReplicaFailure", "status": "True", "message": controller.failing}
        )
    if controller.available is not None:
        spec["minReadySeconds"] = 10
    match controller.kind:
        case "Deployment":
            counts = {
                "maxSurge": controller.max_surge,
                "maxUnavailable": controller.max_unavailable,
            }
            kind = "RollingUpdate" if controller.rolling else "Recreate"
            spec["strategy"] = {"type": kind, "rollingUpdate": counts}
            restarted = present({RESTARTED: controller.restarted})
            spec["template"] = {"metadata": {"annotations": restarted}}
            if controller.paused:
                spec["paused"] = True
            if controller.stuck:
                conditions.append(
                    {"type": "Progressing", "status": "False", "message": controller.stuck}
                )
        case "StatefulSet":
            rolling = {"maxUnavailable": controller.max_unavailable}
            spec["updateStrategy"] = {"type": "RollingUpdate", "rollingUpdate": rolling}
            spec["podManagementPolicy"] = "OrderedReady" if controller.ordered else "Parallel"
            if controller.first_ordinal:
                spec["ordinals"] = {"start": controller.first_ordinal}
        case "DaemonSet":
            del spec["replicas"]
            spec["template"] = {"spec": scheduling(controller.scheduling)}
    status: Manifest = {"conditions": conditions}
    if controller.available is not None:
        status["availableReplicas"] = controller.available
    return {"metadata": metadata, "spec": spec, "status": status}


def volume_manifest(volume: Volume) -> Manifest:
    """A PersistentVolume that is bound."""
    spec: Manifest = {
        "claimRef": {"namespace": volume.claim.namespace, "name": volume.claim.name},
        "accessModes": list(volume.access_modes),
    }
    if volume.driver:
        spec["csi"] = {"driver": volume.driver}
    if volume.local:
        spec["local"] = {"path": "/disk"}
    if volume.zones:
        expression = {
            "key": ZONE_LABEL,
            "operator": "In",
            "values": [zone or "0" for zone in volume.zones],
        }
        terms = [{"matchExpressions": [expression]}]
        spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": terms}}
    return {"metadata": {"name": volume.name, "uid": f"uid-{volume.name}"}, "spec": spec}


def attachment_manifest(attachment: Attachment) -> Manifest:
    """A VolumeAttachment."""
    return {
        "metadata": {"name": attachment.name, "uid": f"uid-{attachment.name}"},
        "spec": {
            "nodeName": attachment.node,
            "source": {"persistentVolumeName": attachment.volume},
        },
    }


def written(seconds: float) -> str:
    """A time as Kubernetes writes it, in whole seconds."""
    return _written(int(seconds))


@lru_cache(4096)
def _written(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _reference(kind: str, name: str, uid: str) -> Manifest:
    version = "batch/v1" if kind == "Job" else "apps/v1"
    return {"apiVersion": version, "kind": kind, "name": name, "uid": uid, "controller": True}
