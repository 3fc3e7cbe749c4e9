"""What spec.drain.onTimeout: Force deletes: all that is left in the batch, whatever held it up."""

from azure_linux_migrator.api.causes import Cause
from azure_linux_migrator.core.drain.order import LAST
from azure_linux_migrator.core.drain.pod_filters import PodDisposition
from azure_linux_migrator.core.drain.pod_tracker import PodTracker, TrackedPod
from azure_linux_migrator.model.actions import DeletePod
from azure_linux_migrator.model.cluster import NamespacedName

_SPARED = frozenset(
    {
        Cause.UNMANAGED,
        Cause.EMPTY_DIR,
        Cause.LOCAL_VOLUME,
        Cause.VOLUME_ZONE,
        Cause.RETURNS,
        Cause.NODE_HELD,
    }
)
"""Pods whose data or life would be lost, that could not run elsewhere, that would only come back,
or whose node somebody holds: Force is against budgets, and not against these."""


def forced(tracker: PodTracker, now: float) -> tuple[DeletePod, ...]:
    """Deletions of what is admitted and may be asked for now (`now`: seconds since the epoch).

    Pods that stay (of DaemonSets and the kubelet's own) stay, those that are leaving are waited
    for, and the operator's own pod is the last. Pauses that the apiserver asked for are kept, and
    what refuses every pod is met by one at a time.
    """
    inflight = tracker.world.inflight
    if now < inflight.throttled_until or not inflight.breaker.admits(now):
        return ()
    entries = [entry for entry in _admitted(tracker) if not entry.pod.terminating]
    others = [entry for entry in entries if entry.tier != LAST]
    due = [entry for entry in others or entries if _may_go(tracker, entry)]
    # spec.drain.order holds here too: also what is on its way out holds the later ones.
    tier = min([*tracker.tiers, *(entry.tier for entry in due)], default=LAST)
    deletions = tuple(_delete(entry) for entry in due if entry.tier == tier)
    if inflight.breaker.trouble is None or not deletions:
        return deletions
    return (
        min(
            deletions, key=lambda deletion: inflight.pod_refusals.times(deletion.pod, deletion.uid)
        ),
    )


def _admitted(tracker: PodTracker) -> list[TrackedPod]:
    """What has to leave the nodes of all batches, by node."""
    names = sorted(
        name for batch, names in tracker.pool_progress.batches.items() if batch for name in names
    )
    return [
        entry
        for name in names
        if tracker.pool_progress.by_node[name].remaining
        for pod in tracker.world.pods_on(name)
        if (entry := tracker.entries.get(pod.key)) is not None
        and entry.filter_result.disposition is not PodDisposition.SKIP
    ]


def _may_go(tracker: PodTracker, entry: TrackedPod) -> bool:
    blocker = entry.filter_result.blocker
    spared = blocker is not None and blocker.cause in _SPARED
    return not spared and tracker.may_wait(entry.pod)


def _delete(entry: TrackedPod) -> DeletePod:
    pod, ident = entry.pod, entry.queue.ident if entry.queue is not None else None
    budget = ident if isinstance(ident, NamespacedName) else None
    return DeletePod(pod.key, pod.uid, budget, pod.owner.uid if pod.owner else "")
