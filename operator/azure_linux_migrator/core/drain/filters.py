"""Which pods of a source node move, which stay, and which hold the drain up: with reasons.

The order is that of kubectl's filters (kubectl/pkg/drain/filters.go); the first that speaks wins.
"""

from enum import StrEnum

from azure_linux_migrator.api.spec import Drain, EmptyDirPolicy, JobPolicy, UnmanagedPolicy
from azure_linux_migrator.core.records import Pod


class Fate(StrEnum):
    """What happens to a pod."""

    MOVE = "move"
    SKIP = "skip"
    WAIT = "wait"
    BLOCK = "block"


def fate(pod: Pod, policy: Drain) -> tuple[Fate, str]:
    """The fate of a pod on a source node, and the reason for it."""
    kind = pod.owner.kind if pod.owner else ""
    if pod.mirror:
        return Fate.SKIP, "mirror pod of its node's kubelet"
    if kind == "DaemonSet" and not pod.finished:
        return Fate.SKIP, "its DaemonSet runs one pod on every node"
    if pod.finished or pod.terminating:
        return Fate.MOVE, ""
    return _by_policy(pod, kind, policy)


def _by_policy(pod: Pod, kind: str, policy: Drain) -> tuple[Fate, str]:
    if not kind and policy.unmanaged_pods is UnmanagedPolicy.BLOCK:
        return Fate.BLOCK, "no controller would replace it (spec.drain.unmanagedPods is Block)"
    if pod.empty_dir and policy.empty_dir is EmptyDirPolicy.BLOCK:
        return Fate.BLOCK, "its emptyDir data would be lost (spec.drain.emptyDir is Block)"
    if kind == "Job" and policy.jobs is JobPolicy.WAIT:
        return Fate.WAIT, "its Job is waited for (spec.drain.jobs is Wait)"
    return Fate.MOVE, ""
