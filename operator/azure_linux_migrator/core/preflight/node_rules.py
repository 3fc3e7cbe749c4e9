"""Checks of what keeps pods on the nodes of the source: a mark on a node, or a toleration."""

from collections.abc import Iterator

from azure_linux_migrator.api.causes import Cause
from azure_linux_migrator.api.names import UPGRADE_STATUS_LABEL
from azure_linux_migrator.core.preflight.findings import Finding
from azure_linux_migrator.core.preflight.rule import RuleResult, counted, groups
from azure_linux_migrator.core.preflight.snapshot import PreflightSnapshot, WorkloadFacts
from azure_linux_migrator.core.preflight.target_nodes import source_nodes
from azure_linux_migrator.model.cluster import Node
from azure_linux_migrator.model.scheduling import CORDON


def held(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """node.held: nodes that a workload or AKS has marked as not to be upgraded now."""
    for node in source_nodes(snapshot):
        if node.held:
            pods = [pod for pod in snapshot.workloads if _held_with(pod, node)]
            stay = f"{counted(pods)} stay" if pods else "its pods stay"
            yield RuleResult("node.held", f"Node {node.name}").warn(
                f"it is marked {UPGRADE_STATUS_LABEL}={node.upgrade_status}: it joins no batch, "
                f"and {stay}, until the label is gone",
                "remove the label when the workload that set it is ready",
            )


def _held_with(pod: WorkloadFacts, node: Node) -> bool:
    blocker = pod.blocker
    held = blocker is not None and blocker.cause is Cause.NODE_HELD
    return held and blocker is not None and blocker.key.name == node.name


def tolerates_cordon(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """pod.tolerates-cordon: pods that the scheduler may put on cordoned nodes again."""
    for owner, pods in groups(snapshot, lambda pod: pod.scheduling.tolerates(CORDON)):
        yield RuleResult("pod.tolerates-cordon", owner).warn(
            f"{counted(pods)} tolerates {CORDON.key}: the scheduler may put its replacement on a "
            "cordoned node again, and after three returns the drain is blocked",
            "take the toleration out of its template, or acknowledge this check: pods that come "
            "back three times then end with the pool, all at once and without a look at budgets",
        )
