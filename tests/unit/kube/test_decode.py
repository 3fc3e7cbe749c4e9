"""What is read of nodes, pods and budgets: each field that a decision depends on."""

import json
from typing import Any

import msgspec
import pytest

from azure_linux_migrator.kube.decode import BudgetObject, NodeObject, PodObject, epoch
from azure_linux_migrator.kube.decode_owners import DeploymentObject, VolumeObject
from azure_linux_migrator.model.cluster import (
    Budget,
    BudgetRule,
    Controller,
    NamespacedName,
    Node,
    Owner,
    Pod,
    ScaleOwner,
    Volume,
)
from azure_linux_migrator.model.selectors import Selector

AT = "2026-05-01T10:00:00Z"
META = {
    "name": "a",
    "namespace": "shop",
    "uid": "uid-a",
    "resourceVersion": "17",
    "generation": 3,
    "creationTimestamp": AT,
}


def _decode(kind: type[Any], meta: dict[str, Any], **parts: Any) -> Any:
    body = json.dumps({"metadata": META | meta, **parts}).encode()
    return msgspec.json.decode(body, type=kind).record()


def _pod(
    meta: dict[str, Any] | None = None,
    spec: dict[str, Any] | None = None,
    status: dict[str, Any] | None = None,
) -> Pod:
    record: Pod = _decode(PodObject, meta or {}, spec=spec or {}, status=status or {})
    return record


def _budget(spec: dict[str, Any], **status: Any) -> Budget:
    record: Budget = _decode(BudgetObject, {}, spec=spec, status=status)
    return record


def _node(
    meta: dict[str, Any] | None = None,
    spec: dict[str, Any] | None = None,
    **conditions: str,
) -> Node:
    entries = [{"type": kind, "status": status} for kind, status in conditions.items()]
    record: Node = _decode(NodeObject, meta or {}, spec=spec or {}, status={"conditions": entries})
    return record


# Pods


def test_who_a_pod_is() -> None:
    pod = _pod(spec={"nodeName": "n"}, status={"phase": "Running"})
    assert (pod.key, pod.uid) == (NamespacedName("shop", "a"), "uid-a")
    assert (pod.node, pod.phase, pod.revision, pod.created) == ("n", "Running", 17, epoch(AT))
    values = (pod.ready, pod.terminating, pod.mirror, pod.empty_dir, pod.finalizers)
    assert values == (False,) * 5


def test_a_pod_on_its_way_out() -> None:
    pod = _pod({"deletionTimestamp": "2026-05-01T10:00:30Z", "finalizers": ["x"]})
    assert pod.terminating
    assert pod.deadline == epoch(AT) + 30.0
    assert pod.finalizers


def test_the_controller_of_a_pod_is_the_reference_that_says_so() -> None:
    listed = {"apiVersion": "v1", "kind": "ConfigMap", "name": "c", "uid": "1"}
    controls = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "name": "web",
        "uid": "2",
        "controller": True,
    }
    assert _pod({"ownerReferences": [listed, controls]}).owner == (
        Owner("ReplicaSet", "web", "2", "apps")
    )
    assert _pod({"ownerReferences": [listed]}).owner is None


def test_a_mirror_pod() -> None:
    assert _pod({"annotations": {"kubernetes.io/config.mirror": "x"}}).mirror


@pytest.mark.parametrize(("cost", "number"), [("7", 7), ("much", 0), (None, 0)])
def test_the_deletion_cost(cost: str | None, number: int) -> None:
    annotations = {"controller.kubernetes.io/pod-deletion-cost": cost} if cost else {}
    assert _pod({"annotations": annotations}).deletion_cost == number


def test_the_volumes_of_a_pod() -> None:
    volumes: list[dict[str, Any]] = [
        {"name": "scratch", "emptyDir": {}},
        {"name": "data", "persistentVolumeClaim": {"claimName": "data-a"}},
        {"name": "temp", "ephemeral": {"volumeClaimTemplate": {}}},
    ]
    pod = _pod(spec={"volumes": volumes})
    assert pod.empty_dir
    assert (pod.claims, pod.ephemeral_claims) == (("data-a",), ("a-temp",))
    assert not _pod(spec={"volumes": volumes[1:]}).empty_dir


@pytest.mark.parametrize(
    ("condition", "ready", "unschedulable"),
    [
        ({"type": "Ready", "status": "True", "lastTransitionTime": AT}, True, ""),
        ({"type": "Ready", "status": "Unknown", "lastTransitionTime": AT}, False, ""),
        (
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no"},
            False,
            "no",
        ),
        ({"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}, False, ""),
    ],
)
def test_what_conditions_tell(condition: dict[str, str], ready: bool, unschedulable: str) -> None:
    pod = _pod(status={"conditions": [condition]})
    assert (pod.ready, pod.unschedulable) == (ready, unschedulable)


def test_how_long_a_pod_took_to_start() -> None:
    at = "2026-05-01T10:00:42Z"
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": at}
    assert _pod(status={"conditions": [ready]}).started_in == 42.0


@pytest.mark.parametrize(("policy", "once"), [("Always", False), ("OnFailure", True)])
def test_whether_it_runs_to_its_end(policy: str, once: bool) -> None:
    assert _pod(spec={"restartPolicy": policy}).run_once is once


# Budgets


def test_what_a_budget_says_and_what_its_controller_says() -> None:
    budget = _budget(
        {"maxUnavailable": "25%", "selector": {"matchLabels": {"app": "a"}}},
        observedGeneration=2,
        disruptionsAllowed=1,
        currentHealthy=4,
        desiredHealthy=3,
        expectedPods=5,
        disruptedPods={"a-1": AT},
    )
    assert (budget.generation, budget.observed_generation) == (3, 2)
    assert (budget.allowed, budget.healthy, budget.desired, budget.expected) == (1, 4, 3, 5)
    assert budget.disrupted == {"a-1"}
    assert budget.rule == BudgetRule(None, "25%")
    assert budget.selector == Selector((("app", "a"),), ())
    assert (budget.revision, budget.uid) == (17, "uid-a")


def test_no_selector_selects_nothing_and_an_empty_one_everything() -> None:
    assert _budget({}).selector is None
    everything = _budget({"selector": {}}).selector
    assert everything is not None
    assert everything.matches({"app": "a"})


@pytest.mark.parametrize(
    ("asked", "policy"), [(None, "IfHealthyBudget"), ("AlwaysAllow", "AlwaysAllow")]
)
def test_what_unhealthy_pods_cost(asked: str | None, policy: str) -> None:
    assert _budget({"unhealthyPodEvictionPolicy": asked}).unhealthy_policy == policy


def test_a_budget_that_cannot_be_computed() -> None:
    failed = {"type": "DisruptionAllowed", "status": "False", "reason": "SyncFailed"}
    other = {"type": "DisruptionAllowed", "status": "False", "reason": "InsufficientPods"}
    assert _budget({}, conditions=[failed | {"message": "no scale"}]).sync_failed == "no scale"
    assert _budget({}, conditions=[other | {"message": "none left"}]).sync_failed == ""


# Nodes


def test_whose_cordon_and_which_batch() -> None:
    notes = {"azlm.dev/cordoned-by": "m", "azlm.dev/batch": "m.1.2"}
    node = _node({"annotations": notes}, {"unschedulable": True}, Ready="True")
    assert (node.cordoned_by, node.batch, node.unschedulable, node.ready) == (
        "m",
        "m.1.2",
        True,
        True,
    )


@pytest.mark.parametrize("status", ["False", "Unknown"])
def test_a_node_that_is_silent_is_not_ready(status: str) -> None:
    assert not _node(Ready=status).ready
    assert not _node(MemoryPressure="True").ready


@pytest.mark.parametrize(
    ("labels", "pool"),
    [
        ({"kubernetes.azure.com/agentpool": "new", "agentpool": "old"}, "new"),
        ({"agentpool": "old"}, "old"),
        ({}, ""),
    ],
)
def test_the_pool_of_a_node(labels: dict[str, str], pool: str) -> None:
    assert _node({"labels": labels}).pool == pool


def test_the_taints_that_keep_pods_away() -> None:
    taints = [
        {"key": "gpu", "value": "yes", "effect": "NoSchedule"},
        {"key": "soft", "effect": "PreferNoSchedule"},
        {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"},
    ]
    assert _node(spec={"taints": taints}).taints == ("gpu=yes:NoSchedule",)


@pytest.mark.parametrize(("label", "zone"), [("westeurope-1", "westeurope-1"), ("0", ""), ("", "")])
def test_a_fault_domain_is_no_zone(label: str, zone: str) -> None:
    assert _node({"labels": {"topology.kubernetes.io/zone": label}}).zone == zone


# Deployments and volumes


def _deployment(spec: dict[str, Any], **meta: Any) -> Controller:
    record: Controller = _decode(DeploymentObject, meta, spec=spec)
    return record


@pytest.mark.parametrize(
    ("rolling", "surge", "unavailable"),
    [
        ({"maxSurge": "25%", "maxUnavailable": "25%"}, 2, 1),
        ({"maxSurge": 0, "maxUnavailable": "10%"}, 0, 1),
        ({"maxSurge": 1, "maxUnavailable": 0}, 1, 0),
    ],
)
def test_a_rolling_update_is_rounded_as_the_controller_does(
    rolling: dict[str, Any], surge: int, unavailable: int
) -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": rolling}
    record = _deployment({"replicas": 6, "strategy": strategy})
    assert (record.max_surge, record.max_unavailable, record.rolling) == (surge, unavailable, True)


def test_a_deployment_that_recreates_or_pauses() -> None:
    assert not _deployment({"strategy": {"type": "Recreate"}}).rolling
    assert _deployment({"paused": True}).paused


@pytest.mark.parametrize(("seconds", "available"), [(0, None), (10, 2)])
def test_min_ready_seconds(seconds: int, available: int | None) -> None:
    status = {"availableReplicas": 2}
    record = _decode(DeploymentObject, {}, spec={"minReadySeconds": seconds}, status=status)
    assert record.available == available


def _managed(manager: str, subresource: str = "") -> dict[str, Any]:
    fields: dict[str, Any] = {"f:spec": {"f:replicas": {}}}
    return {"manager": manager, "subresource": subresource, "fieldsV1": fields}


@pytest.mark.parametrize(
    ("meta", "owner"),
    [
        ({"annotations": {"argocd.argoproj.io/tracking-id": "x"}}, ScaleOwner.ARGO_CD),
        ({"managedFields": [_managed("argocd-controller")]}, ScaleOwner.ARGO_CD),
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "x"}}, ScaleOwner.FLUX),
        ({"managedFields": [_managed("kube-controller-manager", "scale")]}, ScaleOwner.AUTOSCALER),
        ({"managedFields": [_managed("kubectl-client-side", "scale")]}, ScaleOwner.NOBODY),
        ({"labels": {"app.kubernetes.io/managed-by": "Helm"}}, ScaleOwner.HELM),
        ({}, ScaleOwner.NOBODY),
    ],
)
def test_who_else_sets_the_scale(meta: dict[str, Any], owner: ScaleOwner) -> None:
    assert _deployment({}, **meta).scaled_by is owner


def _volume(**spec: Any) -> Volume:
    record: Volume = _decode(VolumeObject, {}, spec=spec)
    return record


def _affinity(key: str, *values: str) -> dict[str, Any]:
    term = {"matchExpressions": [{"key": key, "operator": "In", "values": list(values)}]}
    return {"required": {"nodeSelectorTerms": [term]}}


def test_where_a_volume_can_be_attached() -> None:
    zoned = _volume(nodeAffinity=_affinity("topology.disk.csi.azure.com/zone", "westeurope-1"))
    assert (zoned.zones, zoned.local) == (("westeurope-1",), False)
    assert _volume(local={"path": "/x"}).local
    assert _volume(hostPath={"path": "/x"}).local
    pinned = _volume(nodeAffinity=_affinity("topology.topolvm.io/node", "n1"))
    assert (pinned.local, pinned.bound_by) == (True, "topology.topolvm.io/node")
