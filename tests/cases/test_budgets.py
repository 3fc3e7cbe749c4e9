"""Budgets that allow nothing, and why: reported before the start (cases 01, 02, 03, 36, 38)."""

from dataclasses import replace

import pytest
import yaml

from azure_linux_migrator.core.preflight.findings import Severity
from tests.support.preflight_cluster import FACTS, PreflightCluster, crashing


def budget(name: str, spec: str, annotations: str = "") -> str:
    """A PodDisruptionBudget over the pods of this app."""
    return f"""
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{name: {name}, annotations: {{{annotations}}}}}
spec: {{selector: {{matchLabels: {{app: {name}}}}}, {spec}}}
---
"""


def deployment(name: str, replicas: int, app: str = "") -> str:
    """A Deployment with a rolling update."""
    return f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: {replicas}
  strategy: {{type: RollingUpdate, rollingUpdate: {{maxSurge: 1, maxUnavailable: 0}}}}
  selector: {{matchLabels: {{app: {app or name}, part: {name}}}}}
  template:
    metadata: {{labels: {{app: {app or name}, part: {name}}}}}
    spec: {{containers: [{{name: app}}]}}
---
"""


def custom(kind: str, name: str, *labels: str) -> str:
    """Pods of a controller that only its operator knows, each with these labels."""
    return "".join(
        f"""
apiVersion: v1
kind: Pod
metadata:
  name: {name}-{index}
  labels: {{{text}}}
  ownerReferences: [{{apiVersion: x/v1, kind: {kind}, name: {name}, uid: u, controller: true}}]
spec: {{containers: [{{name: app}}]}}
---
"""
        for index, text in enumerate(labels)
    )


@pytest.mark.parametrize(
    ("replicas", "spec", "more"),
    [
        (1, "minAvailable: 80%", "run at least 5 replicas"),
        (1, "minAvailable: 1", "run at least 2 replicas"),
        (2, "maxUnavailable: 0", ""),
        (3, "minAvailable: 100%", ""),
    ],
)
def test_a_remedy_is_one_that_makes_a_slot(replicas: int, spec: str, more: str) -> None:
    cluster = PreflightCluster()
    cluster.apply(deployment("web", replicas) + budget("web", spec))
    [finding] = cluster.findings("pdb.zero")
    assert finding.blocks
    assert f"{replicas} of {replicas} pods healthy" in finding.message
    assert "spec.drain.singletons to SurgeFirst" in finding.remedy
    assert more in finding.remedy
    assert bool(more) is ("replicas" in finding.remedy)
    [surged] = cluster.findings("pdb.zero", drain={"singletons": "SurgeFirst"})
    assert surged.severity is Severity.FIXED


def test_budgets_that_aks_manages_are_reported_once() -> None:
    cluster = PreflightCluster()
    for name in ("api", "front"):
        mark = "ownedBy: EvictionAutoScaler"
        cluster.apply(deployment(name, 3) + budget(name, "minAvailable: 3", mark))
    [finding] = cluster.findings("pdb.zero")
    assert finding.severity is Severity.INFO
    assert finding.message.startswith("2 budgets are managed by AKS")


def test_a_budget_that_a_webhook_answers_for_is_no_deadlock() -> None:
    facts = replace(FACTS, webhooks=("strimzi-drain-cleaner",))
    cluster = PreflightCluster(facts=facts)
    cluster.apply(custom("StrimziPodSet", "kafka", *["app: kafka"] * 3))
    cluster.apply(deployment("web", 2))
    cluster.apply(budget("kafka", "minAvailable: 3") + budget("web", "minAvailable: 2"))
    by_subject = {finding.subject: finding for finding in cluster.findings("pdb.zero")}
    kafka = by_subject["PodDisruptionBudget default/kafka"]
    assert kafka.severity is Severity.WARN
    assert "webhook strimzi-drain-cleaner" in kafka.message
    assert by_subject["PodDisruptionBudget default/web"].blocks, "no webhook moves a Deployment"
    without = PreflightCluster(facts=replace(FACTS, webhooks=()))
    without.apply(custom("StrimziPodSet", "kafka", *["app: kafka"] * 3))
    without.apply(budget("kafka", "minAvailable: 3"))
    [blocked] = without.findings("pdb.zero")
    assert blocked.blocks
    assert "replica" not in blocked.remedy


def test_the_budget_of_a_primary_follows_its_role() -> None:
    cluster = PreflightCluster()
    cluster.apply(custom("Cluster", "pg", "app: pg-primary", "app: pg", "app: pg"))
    cluster.apply(budget("pg-primary", "minAvailable: 1") + budget("pg", "minAvailable: 1"))
    [finding] = cluster.findings("pdb.zero")
    assert finding.severity is Severity.WARN
    assert "Cluster default/pg moves the role" in finding.message
    assert "replica" not in finding.remedy
    alone = PreflightCluster()
    alone.apply(custom("Cluster", "pg", "app: pg-primary"))
    alone.apply(budget("pg-primary", "minAvailable: 1"))
    [blocked] = alone.findings("pdb.zero")
    assert blocked.blocks
    assert "replica" not in blocked.remedy


@pytest.mark.parametrize("policy", ["IfHealthyBudget", "AlwaysAllow"])
def test_a_budget_that_crashing_pods_use_up_is_reported_before_the_start(policy: str) -> None:
    cluster = PreflightCluster()
    bad = yaml.safe_load(deployment("hook-bad", 2, "hook").rstrip("-\n")) | {
        "podStatus": crashing()
    }
    cluster.apply(deployment("hook", 1) + yaml.safe_dump(bad))
    cluster.apply(budget("hook", f"minAvailable: 2, unhealthyPodEvictionPolicy: {policy}"))
    [finding] = cluster.findings("pdb.unhealthy")
    assert finding.severity is Severity.WARN
    assert "1 of 3 pods healthy, 2 needed" in finding.message
    assert "pods hook-bad-0, hook-bad-1 are not Ready for 1 h" in finding.message
    assert ("AlwaysAllow" in finding.remedy) is (policy != "AlwaysAllow")
    assert not cluster.findings("pdb.zero")
