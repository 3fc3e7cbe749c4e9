"""`azlm preflight`, `azlm plan` and the operator give one answer (cases 08, 12, 22, 39)."""

from typing import Any

import pytest

from azure_linux_migrator.api.spec import MigrationSpec
from azure_linux_migrator.cli.render.findings import as_table
from azure_linux_migrator.forecast.forecast import forecast
from tests.support.preflight_cluster import PreflightCluster

LOCAL = """
apiVersion: v1
kind: PersistentVolume
metadata: {name: pv-0}
spec:
  claimRef: {namespace: default, name: data-db-0}
  local: {path: /mnt/d}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  selector: {matchLabels: {app: db}}
  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: db}]}}
  volumeClaimTemplates: [{metadata: {name: data}}]
"""
CACHE = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: cache}
spec:
  replicas: 2
  selector: {matchLabels: {app: cache}}
  template:
    metadata: {labels: {app: cache}}
    spec: {containers: [{name: c}], volumes: [{name: d, emptyDir: {}}]}
"""
BARE = """
apiVersion: v1
kind: Pod
metadata: {name: build-1}
spec: {restartPolicy: Never, containers: [{name: c}]}
"""
ORPHAN = """
apiVersion: v1
kind: Pod
metadata:
  name: agent-1
  ownerReferences: [{apiVersion: apps/v1, kind: DaemonSet, name: agent, uid: u, controller: true}]
spec: {containers: [{name: c}]}
"""
KEEP = {"drain": {"emptyDir": "Block"}}

REFUSED: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "a local volume": (LOCAL, {}, "pod.local-data", "on this node's own disk"),
    "an emptyDir": (CACHE, KEEP, "pod.local-data", "its emptyDir data would be lost"),
    "a bare pod": (BARE, {}, "pod.bare", "no controller would replace it"),
    "an orphan": (ORPHAN, {}, "pod.bare", "its DaemonSet is gone"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_drain_refuses_blocks_everywhere_in_the_same_words(name: str) -> None:
    objects, spec, rule, words = REFUSED[name]
    cluster = PreflightCluster()
    cluster.apply(objects)
    operator = cluster.preflight(**spec)
    assert operator.reason == "PodsBlocked"
    assert words in operator.message
    [finding] = [finding for finding in operator.findings or () if finding.blocks]
    assert finding.rule == rule
    assert words in finding.message
    assert finding.remedy in operator.message
    table = as_table(operator.findings or (), 120)
    assert "blocked: 1 block" in table
    parsed = MigrationSpec.model_validate({"source": {"nodePool": "workers"}} | spec)
    plan = forecast(cluster.snapshot(), "workers", parsed, runs=1, compare=0)
    assert plan.blocked
    assert plan.typical.ending == "PodsBlocked"
    assert plan.typical.message == operator.message
    assert plan.typical.seconds < 60


@pytest.mark.parametrize(
    ("objects", "spec", "rule", "begins"),
    [
        (BARE, {}, "pod.bare", True),
        (CACHE, KEEP, "pod.local-data", False),
        (LOCAL, {}, "pod.local-data", False),
    ],
)
def test_an_acknowledgement_counts_where_the_drain_can_go_on(
    objects: str, spec: dict[str, Any], rule: str, *, begins: bool
) -> None:
    cluster = PreflightCluster()
    cluster.apply(objects)
    progress = cluster.preflight(**spec, preflight={"acknowledge": [rule]})
    assert (progress.state == "done") is begins
    [finding] = [finding for finding in progress.findings or () if finding.severity == "Block"]
    assert finding.acknowledged is begins
    lines = as_table(progress.findings or (), 200).splitlines()
    [row] = [line for line in lines if rule in line.split()]
    assert row.split()[0] == "BLOCK"
    assert ("(acknowledged)" in row) is begins
    assert "To go on all the same" not in lines[-1], "nothing is left to be acknowledged"


def test_the_way_on_names_what_can_be_acknowledged() -> None:
    cluster = PreflightCluster()
    cluster.apply(BARE)
    progress = cluster.preflight()
    way = "set spec.preflight.acknowledge: [pod.bare]"
    assert way in progress.message
    assert way in as_table(progress.findings or (), 120).splitlines()[-1]


def test_a_daemonset_of_another_api_group_is_no_orphan() -> None:
    cluster = PreflightCluster()
    cluster.apply(ORPHAN.replace("apps/v1", "apps.kruise.io/v1alpha1"))
    progress = cluster.preflight()
    assert progress.state == "done"
    [finding] = cluster.findings("pod.daemonset-selector")
    assert finding.severity == "Warn"
    assert "DaemonSet of apps.kruise.io, which azlm does not know" in finding.message
    parsed = MigrationSpec.model_validate(
        {"source": {"nodePool": "workers"}, "strategy": {"finalSoak": "0s"}}
    )
    plan = forecast(cluster.snapshot(), "workers", parsed, runs=1, compare=0)
    assert not plan.blocked
    assert plan.pod_summary.stay == 1
