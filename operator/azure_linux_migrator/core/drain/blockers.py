"""Everything that holds a drain up, as blockers: found by a walk over what is known to be stuck."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import replace

from azure_linux_migrator.api.causes import Cause
from azure_linux_migrator.core.drain.blocker import (
    Blocker,
    of_backoff,
    of_held,
    of_pod,
    of_refusal,
    of_trouble,
)
from azure_linux_migrator.core.drain.disruption_budgets import (
    deadlock_remedy,
    is_deadlocked,
    starved,
)
from azure_linux_migrator.core.drain.eviction_queue import EvictionQueue, QueueId
from azure_linux_migrator.core.drain.node_progress import NodeProgress
from azure_linux_migrator.core.drain.pod_tracker import PodTracker
from azure_linux_migrator.core.state.implicit_budgets import ImplicitBudgets
from azure_linux_migrator.model.cluster import Budget, Controller, NamespacedName, Owner, Pod

SHOWN = 3
"""Pods that a message names."""


def find_blockers(
    tracker: PodTracker,
    blocking: Iterable[EvictionQueue],
    starving: Collection[EvictionQueue],
    stuck_terminating: Iterable[Pod],
    unsound: Iterable[Blocker],
) -> list[Blocker]:
    """Queues that never grant, queues that have not for long, pods that do not go, and what was
    moved or surged and is not Ready (`unsound`): sorted, and what holds nothing up comes last."""
    blockers = {
        _with_surge(tracker, queue, queue.blocker)
        for queue in blocking
        if queue.blocker is not None
    }
    for progress in tracker.pool_progress.blocked.values():
        blockers.update(_blocked(progress))
    for queue in starving:
        blockers.update(_starved_queue(tracker, queue))
    blockers.update(_refused(tracker))
    blockers.update(_backed_off(tracker, {queue.ident for queue in starving}))
    blockers.update(map(_stuck_pod, stuck_terminating))
    blockers.update(unsound)
    blockers.update(_abandoned(tracker))
    blockers.update(_surge_notes(tracker))
    blockers.update(
        _still_attached(progress) for progress in tracker.pool_progress.detaching.values()
    )
    return sorted(blockers, key=lambda blocker: (not blocker.blocks, blocker))


def _blocked(progress: NodeProgress) -> Iterable[Blocker]:
    """The blocked pods of a node; a held node is reported once."""
    pods = [
        blocker for blocker in progress.blocked.values() if blocker.cause is not Cause.NODE_HELD
    ]
    yield from pods
    if other_blocked := len(progress.blocked) - len(pods):
        yield of_held(progress.node, other_blocked)


def _starved_queue(tracker: PodTracker, queue: EvictionQueue) -> list[Blocker]:
    if isinstance(queue.ident, NamespacedName):
        budget = tracker.world.budgets.get(queue.ident)
        return [starved(budget, queue.left, _unready(tracker, budget))] if budget else []
    pod = next(iter(queue.pods()))
    controller = tracker.world.owner_index.controller_of(pod)
    return [_starved_owner(tracker.world.implicit_budgets, pod, controller, queue.left)]


def _with_surge(tracker: PodTracker, queue: EvictionQueue, blocker: Blocker) -> Blocker:
    """A deadlocked budget's remedy names SurgeFirst where all its pods here can be surged."""
    budget = tracker.world.budgets.get(blocker.key)
    if blocker.cause is not Cause.BUDGET_DEADLOCKED or budget is None:
        return blocker
    if not all(tracker.surges.would_help(pod) for pod in queue.pods()):
        return blocker
    return replace(blocker, remedy=deadlock_remedy(budget, surge_helps=True))


def _unready(tracker: PodTracker, budget: Budget) -> list[str]:
    """The first pods of a budget that are not Ready, on whatever node."""
    pods = (
        pod.key.name
        for pod in tracker.world.pods_in(budget.key.namespace)
        if not pod.ready
        and not pod.terminating
        and not pod.finished
        and budget.key in tracker.world.budgets_of(pod)
    )
    return sorted(pods)[:SHOWN]


def _starved_owner(
    budgets: ImplicitBudgets, pod: Pod, controller: Controller | None, pods: int
) -> Blocker:
    """Replicas without a budget, none of which may go for a while: others are not healthy."""
    owner = pod.owner or Owner("Pod", pod.key.name, pod.uid)
    kind, key, uid = owner.kind, NamespacedName(pod.key.namespace, owner.name), owner.uid
    if controller is not None:
        kind, key, uid = controller.kind, controller.key, controller.uid
    healthy, desired = budgets.healthy(owner.uid), budgets.wanted(owner.uid, controller)
    message = (
        f"{kind} {key} has {healthy} of {desired} pods healthy, so that none of the others is "
        "evicted"
    )
    remedy = (
        "see why its pods are not Ready: kubectl describe pods; spec.drain.implicitBudgets: Ignore "
        "moves the others without waiting"
    )
    return Blocker(Cause.OWNER_UNHEALTHY, kind, key, message, remedy, pods, uid)


def _refused(tracker: PodTracker) -> Iterable[Blocker]:
    """Pods that the apiserver refuses; what it refuses for all of them is reported once."""
    trouble = tracker.world.inflight.breaker.trouble
    if trouble is not None and tracker.eligible:
        text = of_trouble(trouble, tracker.eligible)
        yield from () if text is None else (text,)
    for key, refusal in tracker.world.inflight.pod_refusals.by_pod.items():
        entry = tracker.entries.get(key)
        if entry is None or (trouble is not None and trouble.reason == refusal.reason):
            continue
        blocker = of_refusal(entry.pod, refusal)
        yield from () if blocker is None else (blocker,)


def _backed_off(tracker: PodTracker, ids: Collection[QueueId]) -> Iterable[Blocker]:
    """Budgets that refuse what they should grant, unless they are reported for another reason."""
    for key, backoff in tracker.world.inflight.budget_backoffs.by_budget.items():
        budget, left = tracker.world.budgets.get(key), tracker.queues.left(key)
        if budget is not None and left and key not in ids and not is_deadlocked(budget):
            blocker = of_backoff(budget, backoff, left)
            yield from () if blocker is None else (blocker,)


def _surge_notes(tracker: PodTracker) -> list[Blocker]:
    notes: list[Blocker] = []
    for entry in tracker.notes.values():
        controller = tracker.world.owner_index.controller_of(entry.pod)
        if controller is not None:
            why = f"cannot be surged: {tracker.surges.why_not(entry.pod, controller)}"
            remedy = "it is evicted instead, and is away until its replacement is Ready"
            notes.append(of_pod(entry.pod, Cause.SURGE_IMPOSSIBLE, why, remedy))
    return notes


def _stuck_pod(pod: Pod) -> Blocker:
    why = "is terminating long after its grace has ended"
    remedy = (
        "a finalizer holds it: see metadata.finalizers and the controller that should remove it"
        if pod.finalizers
        else "its kubelet does not answer: see its node"
    )
    return of_pod(pod, Cause.STUCK_TERMINATING, why, remedy)


def unschedulable(pod: Pod, pool: str) -> Blocker:
    """A replacement without a node, with what helps by the scheduler's own words."""
    why = f"replaces a pod that was moved and finds no node: {pod.unschedulable}"
    return of_pod(pod, Cause.UNSCHEDULABLE, why, scheduler_remedy(pod.unschedulable, pool))


def scheduler_remedy(words: str, pool: str) -> str:
    """What helps a pod without a node, by the scheduler's message."""
    remedy = next((text for part, text in _SCHEDULER_REMEDIES if part in words), _ROOM)
    return remedy.format(pool=pool)


_ROOM = (
    "give node pool {pool} more nodes: az aks nodepool scale, or a higher maximum of its autoscaler"
)
_SCHEDULER_REMEDIES = (
    (
        "topology spread",
        "its spread constraint counts cordoned nodes: set nodeTaintsPolicy: Honor on it",
    ),
    ("volume node affinity", "its volume cannot be attached to any node of {pool}: see its zone"),
    ("Insufficient", _ROOM),
    ("Too many pods", _ROOM),
    ("didn't match Pod's node affinity", "its nodeSelector or affinity excludes {pool}: change it"),
    ("untolerated taint", "the nodes of {pool} have a taint that it does not tolerate"),
)
"""Words of the scheduler's message (pkg/scheduler/framework/plugins), the most telling first: a
message counts every node of the cluster, those of other pools too."""


def _abandoned(tracker: PodTracker) -> Iterable[Blocker]:
    """Nodes that do not answer, with the pods on them that are waited for no longer."""
    counts = Counter(tracker.entries[key].pod.node for key in tracker.abandoned)
    for node, pods in counts.items():
        text = (
            f"node {node} does not answer; its {pods} pods whose grace has ended long ago are "
            "waited for no longer"
        )
        remedy = "see its virtual machine: they may still run there, until it is deleted"
        yield Blocker(Cause.NODE_LOST, "Node", NamespacedName("", node), text, remedy, pods)


def _still_attached(progress: NodeProgress) -> Blocker:
    return Blocker(
        Cause.VOLUME_ATTACHED,
        "Node",
        NamespacedName("", progress.node.name),
        f"volumes of pods that moved are still attached to node {progress.node.name}",
        "see kubectl get volumeattachments and the CSI driver's log",
        0,
    )
