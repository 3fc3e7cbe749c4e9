"""Pods that run to completion, whoever made them (cases 11 and 12)."""

import pytest

from azure_linux_migrator.core.preflight.findings import Severity
from tests.support.preflight_cluster import PreflightCluster


def runner(name: str, owner: str = "EphemeralRunner", policy: str = "Never") -> str:
    """A pod that a CI system made; without an owner, if that is empty."""
    reference = (
        f"ownerReferences: [{{apiVersion: actions.github.com/v1alpha1, kind: {owner}, "
        f"name: {name}, uid: {name}, controller: true}}]"
    )
    return f"""
apiVersion: v1
kind: Pod
metadata: {{name: {name}, {reference if owner else "labels: {a: b}"}}}
spec:
  restartPolicy: {policy}
  containers: [{{name: app, image: registry.example/runner:1}}]
---
"""


@pytest.mark.parametrize("policy", ["Never", "OnFailure"])
def test_pods_of_any_controller_that_run_once_are_waited_for(policy: str) -> None:
    cluster = PreflightCluster()
    cluster.apply(runner("build", policy=policy))
    [finding] = cluster.findings("pod.safe-to-evict")
    assert finding.severity is Severity.WARN
    assert "runs to completion and is not recreated" in finding.message
    assert "EphemeralRunner default/build" in finding.subject
    assert cluster.preflight().state == "done"
    assert "spec.drain.jobs: Evict" in finding.remedy
    [other] = cluster.findings("pod.safe-to-evict", drain={"jobs": "Evict"})
    assert "spec.drain.jobs: Wait" in other.remedy


def test_pods_that_are_started_again_are_not_taken_for_such() -> None:
    cluster = PreflightCluster()
    cluster.apply(runner("server", policy="Always"))
    assert not cluster.findings("pod.safe-to-evict")


def test_a_bare_pod_that_runs_once_can_be_waited_for() -> None:
    cluster = PreflightCluster()
    cluster.apply(runner("build", owner=""))
    [finding] = cluster.findings("pod.bare")
    assert finding.severity is Severity.BLOCK
    assert "to Wait to let it run to completion" in finding.remedy
    [waited] = cluster.findings("pod.bare", drain={"unmanagedPods": "Wait"})
    assert waited.severity is Severity.INFO
    assert "waited for until it ends" in waited.message
    [acknowledged] = cluster.findings("pod.bare", preflight={"acknowledge": ["pod.bare"]})
    assert not acknowledged.blocks


def test_a_bare_pod_without_an_end_is_not_waited_for() -> None:
    cluster = PreflightCluster()
    cluster.apply(runner("server", owner="", policy="Always"))
    [finding] = cluster.findings("pod.bare", drain={"unmanagedPods": "Wait"})
    assert finding.severity is Severity.BLOCK
    assert "Wait" not in finding.remedy
