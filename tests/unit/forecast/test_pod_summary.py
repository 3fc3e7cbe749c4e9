"""Pods that move, stay, wait, are blocked or have finished: by workload, the most serious first."""

from azure_linux_migrator.api.spec import MigrationSpec
from azure_linux_migrator.forecast.forecast import as_run
from azure_linux_migrator.forecast.pod_summary import (
    MOST_WORKLOADS,
    PodOutcome,
    PodSummary,
    pod_summary,
)
from azure_linux_migrator.model.cluster import Controller, NamespacedName, Owner
from azure_linux_migrator.model.cluster_snapshot import ClusterSnapshot
from tests.support.forecasts import budget, deployment, pod, snapshot


def _summary(cluster_snapshot: ClusterSnapshot, **spec: object) -> PodSummary:
    given = MigrationSpec.model_validate({"source": {"nodePool": "workers"}, **spec})
    return pod_summary(cluster_snapshot, "m", as_run(given))


def _cluster() -> ClusterSnapshot:
    cluster_snapshot = snapshot()
    deployment(cluster_snapshot, "web", 3)
    deployment(cluster_snapshot, "cache", 2, empty_dir=True)
    cluster_snapshot.controllers.append(
        Controller("DaemonSet", NamespacedName("default", "agent"), "ds")
    )
    pod(cluster_snapshot, "agent-1", Owner("DaemonSet", "agent", "ds"))
    pod(cluster_snapshot, "report-1", Owner("Job", "report", "j"), empty_dir=True)
    pod(cluster_snapshot, "done-1", Owner("Job", "done", "j2"), phase="Succeeded", empty_dir=True)
    pod(
        cluster_snapshot,
        "proxy",
        Owner("Node", "aks-workers-12345678-vmss000000", "n"),
        mirror=True,
    )
    pod(cluster_snapshot, "bare", None)
    return cluster_snapshot


def test_pods_are_counted_by_disposition() -> None:
    summary = _summary(_cluster())
    counts = (
        summary.move,
        summary.stay,
        summary.wait,
        summary.blocked,
        summary.finished,
        summary.lose_data,
    )
    assert counts == (5, 2, 1, 1, 1, 2)
    assert summary.nodes == 2


def test_workloads_are_listed_the_gravest_first() -> None:
    listed = [
        (g.kind, g.name, g.disposition, g.pods, g.loses_data)
        for g in _summary(_cluster()).workloads
    ]
    assert listed == [
        ("Pod", "bare", PodOutcome.BLOCKED, 1, 0),
        ("Deployment", "cache", PodOutcome.MOVE, 2, 2),
        ("Job", "report", PodOutcome.WAIT, 1, 0),
        ("Deployment", "web", PodOutcome.MOVE, 3, 0),
        ("DaemonSet", "agent", PodOutcome.STAY, 1, 0),
        ("Pod", "proxy", PodOutcome.STAY, 1, 0),
        ("Job", "done", PodOutcome.FINISHED, 1, 0),
    ]


def test_the_reason_is_the_drains() -> None:
    summary = _summary(_cluster(), drain={"emptyDir": "Block"})
    reasons = {group.name: group.reason for group in summary.workloads}
    assert reasons["cache"] == "its emptyDir data would be lost"
    assert reasons["bare"] == "no controller would replace it"
    assert reasons["agent"] == "its DaemonSet runs one pod on every node"
    assert reasons["done"] == "ran to completion"
    assert reasons["web"] == ""
    assert summary.lose_data == 0


def test_a_large_cluster_does_not_make_a_large_list() -> None:
    cluster_snapshot = snapshot()
    for index in range(MOST_WORKLOADS + 7):
        deployment(cluster_snapshot, f"app-{index:03}", 1)
    summary = _summary(cluster_snapshot)
    assert len(summary.workloads) == MOST_WORKLOADS
    assert summary.more_workloads == 7
    assert summary.move == MOST_WORKLOADS + 7


def test_findings_are_gathered_by_rule_beyond_what_a_status_holds() -> None:
    cluster_snapshot = snapshot()
    for index in range(25):
        deployment(cluster_snapshot, f"app-{index:02}", 2, empty_dir=True)
    deployment(cluster_snapshot, "stuck", 2)
    budget(cluster_snapshot, "stuck", 0)
    warnings = _summary(cluster_snapshot).findings
    assert [warning.rule for warning in warnings][:1] == ["pdb.zero"], "what blocks comes first"
    assert warnings[0].subjects == ["PodDisruptionBudget default/stuck"]
    assert warnings[0].remedy
    local = next(warning for warning in warnings if warning.rule == "pod.local-data")
    assert (local.count, len(local.subjects)) == (25, 20)
    assert local.subjects[0] == "Deployment default/app-00"
    summary = _summary(cluster_snapshot, preflight={"acknowledge": ["pdb.zero"]})
    assert "pdb.zero" not in [finding.rule for finding in summary.findings]
