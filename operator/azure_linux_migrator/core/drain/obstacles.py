"""Everything that holds a drain up, as blockers: found by a walk over what is known to be stuck."""

from collections.abc import Iterable

from azure_linux_migrator.core.drain.blockers import Blocker, Cause, of_pod, of_refusal
from azure_linux_migrator.core.drain.budgets import starved
from azure_linux_migrator.core.drain.lanes import Lane
from azure_linux_migrator.core.drain.loads import NodeLoad
from azure_linux_migrator.core.drain.singletons import why_not
from azure_linux_migrator.core.drain.worklist import Worklist
from azure_linux_migrator.core.records import Key, Pod


def obstacles(
    work: Worklist, blocking: Iterable[Lane], starving: Iterable[Lane], overdue: Iterable[Key]
) -> list[Blocker]:
    """Sorted: lanes that will never grant, lanes that have not for long, pods that do not go."""
    found = {lane.blocker for lane in blocking if lane.blocker is not None}
    for load in work.loads.blocked.values():
        found.update(load.blocked.values())
    for lane in starving:
        found.update(_starved_lane(work, lane))
    for key, refusal in work.world.ledger.refusals.items():
        entry = work.entries.get(key)
        blocker = of_refusal(entry.pod, refusal) if entry else None
        if blocker is not None:
            found.add(blocker)
    found.update(_stuck_pod(work.entries[key].pod) for key in overdue)
    found.update(_surge_notes(work))
    found.update(_still_attached(load) for load in work.loads.detaching.values())
    return sorted(found)


def _starved_lane(work: Worklist, lane: Lane) -> list[Blocker]:
    if isinstance(lane.ident, Key):
        budget = work.world.budgets.get(lane.ident)
        return [starved(budget, lane.left)] if budget is not None else []
    pod = next(iter(lane.pods()))
    controller = work.world.catalog.governing(pod)
    return [work.world.owners.starved(pod, controller, lane.left)]


def _surge_notes(work: Worklist) -> list[Blocker]:
    notes: list[Blocker] = []
    for entry in work.notes.values():
        controller = work.world.catalog.governing(entry.pod)
        guards = work.world.budgets_of(entry.pod)
        budget = work.world.budgets.get(guards[0]) if guards else None
        if controller is not None:
            why = f"cannot be surged: {why_not(controller, budget, work.scope.migration)}"
            remedy = "it is evicted instead, and is away until its replacement is Ready"
            notes.append(of_pod(entry.pod, Cause.SURGE_IMPOSSIBLE, why, remedy))
    for uid in work.surging:
        controller = work.world.catalog.controller(uid)
        lane = work.surging[uid]
        if controller is not None and controller.stuck and not lane.empty:
            notes.append(
                Blocker(
                    Cause.SURGE_STUCK,
                    "Deployment",
                    controller.key,
                    f"Deployment {controller.key} does not progress: {controller.stuck}",
                    "see why its new pod does not become Ready",
                    lane.left,
                    controller.uid,
                )
            )
    return notes


def _stuck_pod(pod: Pod) -> Blocker:
    why = "is terminating long after its grace has ended"
    remedy = (
        "a finalizer holds it: see metadata.finalizers and the controller that should remove it"
        if pod.finalizers
        else "its kubelet does not answer: see its node"
    )
    return of_pod(pod, Cause.STUCK_TERMINATING, why, remedy)


def _still_attached(load: NodeLoad) -> Blocker:
    return Blocker(
        Cause.VOLUME_ATTACHED,
        "Node",
        Key("", load.node.name),
        f"volumes of pods that moved are still attached to node {load.node.name}",
        "see kubectl get volumeattachments and the CSI driver's log",
        0,
    )
