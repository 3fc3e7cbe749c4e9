"""Checks of SurgeFirst beside tools that set the replicas of a Deployment themselves."""

from collections.abc import Iterator

from azure_linux_migrator.api.causes import Cause
from azure_linux_migrator.api.spec_drain import SingletonPolicy
from azure_linux_migrator.core.preflight.findings import Finding
from azure_linux_migrator.core.preflight.rule import (
    RuleResult,
    blocked_by,
    blocker_text,
    counted,
    groups,
)
from azure_linux_migrator.core.preflight.snapshot import PreflightSnapshot
from azure_linux_migrator.model.cluster import ScaleOwner


def gitops(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """surge.gitops: a tool that takes an added replica back within seconds."""
    yield from _undone(snapshot, "surge.gitops", autoscaled=False)


def autoscaled(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """surge.hpa: a HorizontalPodAutoscaler, or KEDA's, that takes an added replica back."""
    yield from _undone(snapshot, "surge.hpa", autoscaled=True)


def _undone(snapshot: PreflightSnapshot, rule: str, *, autoscaled: bool) -> Iterator[Finding]:
    for owner, pods, blocker in blocked_by(snapshot, Cause.SURGE_UNDONE):
        if (pods[0].scaled_by is ScaleOwner.AUTOSCALER) is autoscaled:
            yield RuleResult(rule, owner).forbid(
                f"{counted(pods)}: {blocker_text(blocker)}", blocker.remedy, blocker.cause
            )
    if snapshot.spec.drain.singletons is not SingletonPolicy.SURGE_FIRST:
        return
    for owner, pods in groups(
        snapshot, lambda workload: workload.replicas == 1 and not workload.no_surge
    ):
        by, result = pods[0].scaled_by, RuleResult(rule, owner)
        if (by is ScaleOwner.AUTOSCALER) is not autoscaled or by is ScaleOwner.NOBODY:
            continue
        if pods[0].restarts:
            yield result.fixed(
                f"{by} sets its replicas; its rollout is restarted, which {by} does not undo"
            )
        elif by is ScaleOwner.HELM:
            yield result.info(
                "Helm sets its replicas; do not upgrade the release while the pod moves"
            )
