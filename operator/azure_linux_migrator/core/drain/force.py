"""What spec.drain.onTimeout: Force deletes: all that is left in the batch, whatever held it up."""

from azure_linux_migrator.api.causes import Cause
from azure_linux_migrator.core.drain.order import LAST
from azure_linux_migrator.core.drain.pod_filters import Fate
from azure_linux_migrator.core.drain.pod_tracker import Entry
from azure_linux_migrator.core.drain.worklist import Worklist
from azure_linux_migrator.model.actions import DeletePod
from azure_linux_migrator.model.cluster import Key

_SPARED = frozenset(
    {Cause.UNMANAGED, Cause.EMPTY_DIR, Cause.LOCAL_VOLUME, Cause.VOLUME_ZONE, Cause.RETURNS}
)
"""Pods whose data or life would be lost, that could not run elsewhere, or that would only come
back: Force is against budgets, and not against these."""


def forced(work: Worklist, now: float) -> tuple[DeletePod, ...]:
    """Deletions of what is admitted and may be asked for now (`now`: seconds since the epoch).

    Pods that stay (of DaemonSets and the kubelet's own) stay, those that are leaving are waited
    for, and the operator's own pod is the last. Pauses that the apiserver asked for are kept, and
    what refuses every pod is met by one at a time.
    """
    ledger = work.world.ledger
    if now < ledger.throttled_until or not ledger.breaker.admits(now):
        return ()
    left = [entry for entry in _admitted(work) if not entry.pod.terminating]
    others = [entry for entry in left if entry.tier != LAST]
    due = [entry for entry in others or left if _may_go(work, entry)]
    # spec.drain.order holds here too: also what is on its way out holds the later ones.
    tier = min([*work.tiers, *(entry.tier for entry in due)], default=LAST)
    found = tuple(_delete(entry) for entry in due if entry.tier == tier)
    if ledger.breaker.trouble is None or not found:
        return found
    return (min(found, key=lambda each: ledger.refusals.times(each.pod, each.uid)),)


def _admitted(work: Worklist) -> list[Entry]:
    """What has to leave the nodes of all batches, by node."""
    names = sorted(name for batch, names in work.loads.batches.items() if batch for name in names)
    return [
        entry
        for name in names
        if work.loads.by_node[name].remaining
        for pod in work.world.pods_on(name)
        if (entry := work.entries.get(pod.key)) is not None and entry.verdict.fate is not Fate.SKIP
    ]


def _may_go(work: Worklist, entry: Entry) -> bool:
    blocker = entry.verdict.blocker
    spared = blocker is not None and blocker.cause in _SPARED
    return not spared and work.may_wait(entry.pod)


def _delete(entry: Entry) -> DeletePod:
    pod, ident = entry.pod, entry.lane.ident if entry.lane is not None else None
    budget = ident if isinstance(ident, Key) else None
    return DeletePod(pod.key, pod.uid, budget, pod.owner.uid if pod.owner else "")
