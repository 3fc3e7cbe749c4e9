"""A cluster out of API objects, and its preflight: findings and reason.

The objects are decoded as the watches decode them. Workloads get the pods that their controllers
would make, one worker after the other, and budgets the status that their controller would write.
"""

import json
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Any

import msgspec
import yaml

from azure_linux_migrator.api.spec import MigrationSpec
from azure_linux_migrator.api.status import MigrationStatus, timestamp
from azure_linux_migrator.azure.pools import pool_record
from azure_linux_migrator.core.drain.blocker import Blocker
from azure_linux_migrator.core.preflight.findings import Finding, Severity
from azure_linux_migrator.core.reconcile.context import context_of
from azure_linux_migrator.core.state.results import PoolReading
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.core.steps.decision_memory import DecisionMemory
from azure_linux_migrator.core.steps.observation import Observation
from azure_linux_migrator.core.steps.preflight import preflight
from azure_linux_migrator.core.steps.progress import Progress
from azure_linux_migrator.forecast.snapshot import with_azure
from azure_linux_migrator.kube.decode import BudgetObject, NodeObject, PodObject
from azure_linux_migrator.kube.decode_owners import (
    DaemonSetObject,
    DeploymentObject,
    ReplicaSetObject,
    StatefulSetObject,
    VolumeObject,
)
from azure_linux_migrator.kube.node_resource_group import CLUSTER_LABEL
from azure_linux_migrator.model.azure_facts import (
    AzureFacts,
    ClusterFacts,
    SizeFacts,
    Usage,
)
from azure_linux_migrator.model.cluster_snapshot import ClusterSnapshot
from azure_linux_migrator.model.migration import Migration
from azure_linux_migrator.model.pool import Pool
from tests.support.worlds import NOW

SIZE = "Standard_D16s_v5"
CONTROLLERS: dict[str, Any] = {
    "DaemonSet": DaemonSetObject,
    "Deployment": DeploymentObject,
    "StatefulSet": StatefulSetObject,
}
SIZES = {
    "standard_d16s_v5": SizeFacts("dsv5", 16, 64.0, zones=("1", "2", "3")),
    "standard_d4s_v5": SizeFacts("dsv5", 4, 16.0, zones=("1", "2", "3")),
    "standard_d2s_v5": SizeFacts("dsv5", 2, 8.0, zones=("1", "2", "3")),
}
HEALTHY: dict[str, Any] = {
    "phase": "Running",
    "conditions": [
        {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    ],
}
AN_HOUR_AGO = timestamp(NOW - 3600)
FACTS = AzureFacts(
    cluster=ClusterFacts(
        location="westeurope",
        kubernetes_version="1.34.2",
        network_plugin="azure",
        network_plugin_mode="overlay",
        pod_cidrs=("10.244.0.0/16",),
    ),
    usages={"dsv5": Usage(0, 1000), "cores": Usage(0, 1000)},
    sizes=SIZES,
    subnets={},
    denied=(),
    locks=(),
    windows=(),
    extensions=(),
    services=(),
    versions=("1.33.9", "1.34.2"),
    identities=(),
    attachments=(),
    images=("AKSAzureLinux-V3gen2-202610.01.0",),
)


def deployment(name: str, pod: str, replicas: int = 2) -> str:
    """A Deployment whose pods have these fields, in YAML's flow style."""
    container = "{name: app, image: registry.example/app:1, resources: {requests: {cpu: 10m}}}"
    return f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec: {{containers: [{container}], {pod}}}
---
"""


@dataclass
class PreflightCluster:
    """Two pools, `workers` and `system`, and what runs on the workers. `properties` are ARM's of
    the worker pool, `system` those of the other one, `labels` those of the workers' nodes beside
    AKS's, `node_resource_group` what AKS shows in the label of that name."""

    properties: dict[str, Any] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    system: dict[str, Any] = field(default_factory=dict)
    node_resource_group: str = ""
    workers: int = 4
    facts: AzureFacts = FACTS
    world: World = field(default_factory=World)

    def __post_init__(self) -> None:
        """The nodes."""
        for pool, count in (("system", self.system.get("count", 1)), ("workers", self.workers)):
            for index in range(count):
                self.world.put_node(_decode(NodeObject, self._node(pool, index)))

    def host(self, index: int, pool: str = "workers") -> str:
        """The name of a node."""
        return f"aks-{pool}-28034063-vmss{index:06d}"

    def _node(self, pool: str, index: int) -> dict[str, Any]:
        name = self.host(index, pool)
        user = pool == "workers"
        labels = {
            "agentpool": pool,
            "kubernetes.azure.com/agentpool": pool,
            "kubernetes.azure.com/mode": "user" if user else "system",
            "kubernetes.azure.com/os-sku": "Ubuntu",
            "kubernetes.azure.com/os-sku-requested": "Ubuntu",
            "kubernetes.azure.com/os-sku-effective": "Ubuntu2204",
            "kubernetes.azure.com/node-image-version": "AKSUbuntu-2204gen2containerd-202601.27.0",
            "kubernetes.io/arch": "amd64",
            "kubernetes.io/hostname": name,
            "kubernetes.io/os": "linux",
            "node.kubernetes.io/instance-type": SIZE,
            "topology.kubernetes.io/region": "westeurope",
            "topology.kubernetes.io/zone": "0",
            **(self.properties.get("nodeLabels") or {} if user else {}),
            **(self.labels if user else {}),
            **({CLUSTER_LABEL: self.node_resource_group} if self.node_resource_group else {}),
        }
        allocatable = {"cpu": "15740m", "memory": "57000Mi", "pods": "110"}
        status = {"conditions": HEALTHY["conditions"], "allocatable": allocatable}
        return {"metadata": {"name": name, "labels": labels}, "status": status}

    def pools(self) -> dict[str, Pool]:
        """As Azure shows them."""
        common = {
            "vmSize": SIZE,
            "osSKU": "Ubuntu",
            "currentOrchestratorVersion": "1.34.2",
            "provisioningState": "Succeeded",
        }
        bodies = {
            "system": common | {"mode": "System", "count": 1} | self.system,
            "workers": common | {"mode": "User", "count": self.workers} | self.properties,
        }
        return {
            name: pool_record({"name": name, "properties": body}) for name, body in bodies.items()
        }

    def apply(self, text: str) -> None:
        """Objects in YAML, the budgets last, as their status counts pods."""
        objects = [manifest for manifest in yaml.safe_load_all(text) if manifest]
        for manifest in sorted(
            objects, key=lambda manifest: manifest["kind"] == "PodDisruptionBudget"
        ):
            self._put(manifest)

    def _put(self, manifest: dict[str, Any]) -> None:
        meta = manifest["metadata"]
        meta.setdefault("namespace", "default")
        meta.setdefault("uid", f"uid-{manifest['kind']}-{meta['name']}")
        match manifest["kind"]:
            case "Pod":
                manifest["spec"].setdefault("nodeName", self.host(0))
                manifest.setdefault("status", HEALTHY)
                self.world.put_pod(_decode(PodObject, manifest))
            case "PersistentVolume":
                self.world.put_volume(_decode(VolumeObject, manifest))
            case "PodDisruptionBudget":
                self.world.put_budget(_decode(BudgetObject, manifest | self._budget(manifest)))
            case kind:
                self.world.put_controller(_decode(CONTROLLERS[kind], manifest))
                self._pods(kind, manifest)

    def _pods(self, kind: str, manifest: dict[str, Any]) -> None:
        meta, spec = manifest["metadata"], manifest["spec"]
        owner = {"kind": kind, "name": meta["name"], "uid": meta["uid"]}
        if kind == "Deployment":
            replica_set = {"name": f"{meta['name']}-1", "uid": f"{meta['uid']}-1"}
            above = {"namespace": meta["namespace"], "ownerReferences": [_controlled_by(owner)]}
            body = {"metadata": replica_set | above, "spec": {"replicas": spec.get("replicas", 1)}}
            self.world.put_controller(_decode(ReplicaSetObject, body))
            owner = {"kind": "ReplicaSet", **replica_set}
        count = self.workers if kind == "DaemonSet" else spec.get("replicas", 1)
        claims = [claim["metadata"]["name"] for claim in spec.get("volumeClaimTemplates", ())]
        for index in range(count):
            name = f"{meta['name']}-{index}"
            template = json.loads(json.dumps(spec["template"]["spec"]))
            template["nodeName"] = self.host(index % self.workers)
            template.setdefault("volumes", []).extend(
                {"name": claim, "persistentVolumeClaim": {"claimName": f"{claim}-{name}"}}
                for claim in claims
            )
            pod = {
                "metadata": {
                    "name": name,
                    "namespace": meta["namespace"],
                    "creationTimestamp": AN_HOUR_AGO,
                    "uid": f"uid-{name}",
                    "labels": spec["template"]["metadata"].get("labels", {}),
                    "annotations": spec["template"]["metadata"].get("annotations", {}),
                    "ownerReferences": [_controlled_by(owner)],
                },
                "spec": template,
                "status": manifest.get("podStatus", HEALTHY),
            }
            self.world.put_pod(_decode(PodObject, pod))

    def _budget(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """The status of the disruption controller (pkg/controller/disruption/disruption.go)."""
        selector = _decode(BudgetObject, manifest).selector
        pods = [
            pod
            for pod in self.world.pods.values()
            if selector is not None
            and pod.key.namespace == manifest["metadata"]["namespace"]
            and selector.matches(dict(pod.labels))
        ]
        healthy, spec = sum(pod.ready for pod in pods), manifest["spec"]
        if "minAvailable" in spec:
            desired = _share(spec["minAvailable"], len(pods))
        else:
            desired = max(0, len(pods) - _share(spec["maxUnavailable"], len(pods)))
        status = {
            "observedGeneration": 1,
            "currentHealthy": healthy,
            "desiredHealthy": desired,
            "expectedPods": len(pods),
            "disruptionsAllowed": max(0, healthy - desired),
        }
        return {"metadata": manifest["metadata"] | {"generation": 1}, "status": status}

    def preflight(self, **spec: Any) -> Progress:
        """The answer of the step, which the command and the operator share."""
        return preflight(context_of(self.migration(**spec), self.observation(), NOW))

    def findings(self, rule: str, **spec: Any) -> list[Finding]:
        """What one rule finds, but for what could not be checked."""
        findings = self.preflight(**spec).findings or ()
        return [
            finding
            for finding in findings
            if finding.rule == rule and finding.severity is not Severity.UNCHECKED
        ]

    def blockers(self, **spec: Any) -> tuple[Blocker, ...]:
        """What the drain already knows to hold pods back."""
        return context_of(self.migration(**spec), self.observation(), NOW).plan.blockers

    def snapshot(self) -> ClusterSnapshot:
        """The same cluster as azlm plan reads it."""
        snapshot, world = ClusterSnapshot(NOW), self.world
        snapshot.nodes, snapshot.pods = list(world.nodes.values()), list(world.pods.values())
        snapshot.labels = {node.name: dict(node.labels) for node in snapshot.nodes}
        snapshot.scheduling = {
            pod.owner.uid if pod.owner else pod.uid: pod.scheduling for pod in snapshot.pods
        }
        snapshot.budgets = list(world.budgets.values())
        snapshot.rules = [budget.rule for budget in snapshot.budgets]
        snapshot.controllers = world.owner_index.all_controllers()
        snapshot.volumes = world.owner_index.all_volumes()
        return with_azure(snapshot, self.pools().values(), self.facts)

    def migration(self, **spec: Any) -> Migration:
        """The migration of the workers."""
        parsed = MigrationSpec.model_validate({"source": {"nodePool": "workers"}} | spec)
        return Migration("workers", "uid", 1, parsed, MigrationStatus())

    def observation(self) -> Observation:
        """Everything was read, and nothing is missing."""
        return Observation(
            world=self.world,
            memory=DecisionMemory(),
            pools=PoolReading(self.pools(), NOW),
            missing_access=(),
            azure_facts=replace(self.facts, at=NOW),
        )


def crashing() -> dict[str, Any]:
    """The status of a pod whose container fails again and again."""
    return {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": AN_HOUR_AGO}],
        "containerStatuses": [{"state": {"waiting": {"reason": "CrashLoopBackOff"}}}],
    }


def _controlled_by(owner: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "apps/v1", "controller": True, **owner}


def _share(value: int | str, count: int) -> int:
    return value if isinstance(value, int) else ceil(float(value.removesuffix("%")) * count / 100)


def _decode(kind: Any, manifest: dict[str, Any]) -> Any:
    return msgspec.json.decode(json.dumps(manifest), type=kind).record()
