"""Which pods to evict now: an eviction is planned only into a slot that is known to be free.

Pods of one budget compete for its slots in this order: those that cost nothing, then those on the
node with the fewest pods left, so that nodes become empty early. A pod without a budget takes a
slot of its owner (owners.py); one without either moves at once.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from azure_linux_migrator.core.actions import EvictPod
from azure_linux_migrator.core.drain.budgets import arithmetic, is_deadlocked, is_free, slots
from azure_linux_migrator.core.drain.survey import NodeLoad
from azure_linux_migrator.core.records import Key, Pod
from azure_linux_migrator.core.world import World


@dataclass(slots=True)
class Plan:
    """Evictions to send, pods that wait for a slot, and lines naming what blocks for good."""

    evictions: list[EvictPod] = field(default_factory=list)
    waiting: int = 0
    blockers: list[str] = field(default_factory=list)


def plan(world: World, loads: Iterable[NodeLoad]) -> Plan:
    """Plan the evictions of the admitted nodes."""
    result = Plan()
    by_budget: defaultdict[Key, list[Pod]] = defaultdict(list)
    by_owner: defaultdict[str, list[Pod]] = defaultdict(list)
    for load in sorted(loads, key=lambda load: (load.remaining, load.node.name)):
        for pod in load.moving:
            if pod.terminating or world.ledger.under_way(pod.key, pod.uid):
                continue
            guards = world.budgets_of(pod)
            if not guards:
                if pod.owner is None or not pod.ready:
                    result.evictions.append(_evict(pod, None))
                else:
                    by_owner[pod.owner.uid].append(pod)
            elif pod.phase == "Pending" or pod.finished:
                result.evictions.append(_evict(pod, None))
            elif len(guards) > 1:
                result.waiting += 1
                result.blockers.append(
                    f"pod {pod.key} is selected by {len(guards)} PodDisruptionBudgets "
                    f"({', '.join(key.name for key in guards)}); Kubernetes evicts no such pod: "
                    "leave it one"
                )
            else:
                by_budget[guards[0]].append(pod)
    for key, pods in by_budget.items():
        _plan_budget(world, key, pods, result)
    for owner, pods in by_owner.items():
        free = max(world.owners.slots(owner, world.ledger.unseen_of_owner(owner)), 0)
        result.evictions += [_evict(pod, None) for pod in pods[:free]]
        result.waiting += len(pods[free:])
    result.blockers.sort()
    return result


def _plan_budget(world: World, key: Key, pods: list[Pod], result: Plan) -> None:
    budget = world.budgets[key]
    free = [pod for pod in pods if is_free(pod, budget)]
    costly = [pod for pod in pods if not is_free(pod, budget)]
    granted = max(slots(world, budget), 0)
    result.evictions += [_evict(pod, None) for pod in free]
    result.evictions += [_evict(pod, key) for pod in costly[:granted]]
    held = len(costly[granted:])
    result.waiting += held
    if held and budget.sync_failed:
        result.blockers.append(
            f"PodDisruptionBudget {key} cannot be computed: {budget.sync_failed}; mend or delete it"
        )
    elif held and is_deadlocked(budget):
        result.blockers.append(
            f"{arithmetic(budget)}; add a replica or let the budget allow a disruption"
        )


def _evict(pod: Pod, budget: Key | None) -> EvictPod:
    return EvictPod(pod.key, pod.uid, budget, pod.owner.uid if pod.owner else "")
