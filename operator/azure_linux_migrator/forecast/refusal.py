"""What the operator's preflight refuses of a snapshot: known without a run."""

from typing import Any

from azure_linux_migrator.api.conditions import ConditionType
from azure_linux_migrator.api.steps import Step
from azure_linux_migrator.core.reconcile.decide import decide
from azure_linux_migrator.forecast.pod_summary import situation
from azure_linux_migrator.forecast.run import Point, RunResult, StepTime
from azure_linux_migrator.model.cluster_snapshot import ClusterSnapshot


def refusal(snapshot: ClusterSnapshot, name: str, spec: dict[str, Any]) -> RunResult | None:
    """The result of a migration that does not begin, in the operator's words; None if it begins."""
    status = decide(*situation(snapshot, name, spec)).status
    ready = status.condition(ConditionType.READY)
    if ready is None or not status.is_true(ConditionType.STALLED):
        return None
    nodes = sum(node.pool == spec["source"]["nodePool"] for node in snapshot.nodes)
    return RunResult(
        seconds=0.0,
        succeeded=False,
        ending=ready.reason,
        message=status.message,
        steps=[StepTime(Step.PREFLIGHT, 0.0)],
        batches=[],
        points=[Point(0.0, status.pods.remaining, nodes, 0)],
        evictions=0,
        extra_nodes=0,
        node_hours=0.0,
        moving_seconds=0.0,
        pause_seconds=0.0,
        ideal_seconds=None,
        floor_seconds=None,
        limited_by="",
        blockers=status.blockers,
        findings=status.preflight.findings,
    )
