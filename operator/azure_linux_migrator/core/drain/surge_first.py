"""Singletons: moved without downtime where their Deployment can have one replica more for a while.

A Deployment is surged instead of evicted when it has a single replica, or when its budget can
never allow a disruption. Where its own rolling update surges (maxSurge ≥ 1, maxUnavailable 0) and
all its pods stand on the source, restarting the rollout does all of it: no GitOps tool and no
autoscaler undoes that. Else one replica is added,
awaited, the old pod is marked as the first to go, and the scale is restored. The number of replicas
to restore stands on the Deployment, written in the same request that changes the scale.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from azure_linux_migrator.api.names import LOWEST_DELETION_COST, RELINQUISHED
from azure_linux_migrator.core.drain.disruption_budgets import is_deadlocked
from azure_linux_migrator.model.actions import (
    Action,
    RelinquishScale,
    RestartRollout,
    RestoreScale,
    SetDeletionCost,
    SurgeReplica,
)
from azure_linux_migrator.model.cluster import Budget, Controller, Pod, ScaleOwner, Volume


def needs_surge(controller: Controller, budget: Budget | None, migration: str) -> bool:
    """Whether eviction would interrupt it, or can never happen."""
    deadlocked = budget is not None and is_deadlocked(budget)
    return controller.replicas == 1 or deadlocked or _marked(controller, migration)


def why_not(controller: Controller, volumes: Iterable[Volume], mark: str) -> str:
    """Why pods with these volumes that call for a surge cannot have one; empty where they can.

    `mark` is the record of a scale that this migration has left to others (see `yielded_mark`).
    """
    if controller.kind == "StatefulSet":
        return "a StatefulSet cannot have a second pod of the same identity"
    if controller.kind != "Deployment":
        return f"azlm adds replicas to Deployments only, and its controller is a {controller.kind}"
    if not controller.rolling:
        return "its Deployment's strategy is Recreate"
    if controller.surge == mark and controller.replicas > 1 and not restarts(controller):
        return "somebody else changed its scale while it was surged"
    for volume in volumes:
        if volume.one_node:
            return f"its disk {volume.name} can be attached to one node only"
        if volume.one_pod:
            return f"its volume {volume.name} is ReadWriteOncePod: one pod at a time can use it"
    return ""


def restarts(controller: Controller) -> bool:
    """Whether a restart of its rollout makes the new pods before it removes the old ones."""
    surges = controller.max_surge >= 1 and controller.max_unavailable == 0
    return surges and not controller.paused


def undone_by(controller: Controller, mark: str) -> str:
    """Who has taken an added replica back, or would; empty where nobody is known to, or where
    restarting the rollout does without one. Helm acts only when somebody runs it."""
    if restarts(controller):
        return ""
    if controller.surge == mark:
        return controller.scaled_by.value or "another writer"
    return "" if controller.scaled_by is ScaleOwner.HELM else controller.scaled_by.value


@dataclass(frozen=True, slots=True)
class Standing:
    """How a surged Deployment stands: its pods on the source, and all of them.

    `held` are those on nodes that are not to be upgraded now, which `on_source` leaves out; `stamp`
    is the uid of this migration, which its restarts are marked with.
    """

    controller: Controller
    on_source: tuple[Pod, ...]
    present: int
    healthy: int
    migration: str
    stamp: str
    held: tuple[Pod, ...] = ()


def next_action(standing: Standing) -> Action | None:
    """What to do for a surged Deployment now; None while Kubernetes is at it.

    A restart of a paused Deployment makes no new pod, so one replica is added to it instead. A
    restart would replace the pods on held nodes, too. A mark of another migration counts while its
    replica is there, and is a leftover after that.
    """
    controller, pods = standing.controller, standing.on_source
    if _marked(controller, standing.migration):
        return _under_surge(standing)
    spared = standing.present <= controller.replicas
    if any(pod.deletion_cost == LOWEST_DELETION_COST for pod in pods) and not spared:
        return None
    if _restarted(standing):
        return None
    if standing.held and restarts(controller):
        return None
    owned = controller.scaled_by not in {ScaleOwner.NOBODY, ScaleOwner.HELM}
    if restarts(controller) and (owned or standing.present == len(pods)):
        return RestartRollout(controller.key, f"{standing.stamp}@{_newest(standing)}")
    if standing.healthy < controller.replicas:
        return None
    return SurgeReplica(controller.key, controller.replicas, standing.migration)


class SurgeRecord(NamedTuple):
    """What a Deployment carries while a surge adds a replica: whose surge it is, and the replicas
    to go back to."""

    migration: str
    replicas: int


def surge_record(controller: Controller) -> SurgeRecord | None:
    """The record on a Deployment; None for none, and for that of a relinquished scale."""
    migration, _, number = controller.surge.rpartition("/")
    return SurgeRecord(migration, int(number)) if number.isdecimal() else None


def adds_replica(controller: Controller, migration: str) -> bool:
    """Whether a migration has recorded on it the replicas to go back to."""
    record = surge_record(controller)
    return record is not None and record.migration == migration


def lasting_replicas(controller: Controller) -> int:
    """The replicas without the one that a surge has added."""
    record = surge_record(controller)
    if record is None or controller.replicas != record.replicas + 1:
        return controller.replicas
    return record.replicas


def starts(standing: Standing) -> bool:
    """Whether it is for Kubernetes to make the new pod Ready: the replica that was added, that of a
    restart, or the one without which none may be added."""
    controller = standing.controller
    record = surge_record(controller)
    if record is not None and record.migration == standing.migration:
        return standing.healthy <= record.replicas
    return _restarted(standing) or standing.healthy < controller.replicas


def _marked(controller: Controller, migration: str) -> bool:
    """Whether a surge is recorded on it: of this migration, or a present one of another."""
    return adds_replica(controller, migration) or lasting_replicas(controller) < controller.replicas


def yielded_mark(migration: str, uid: str) -> str:
    """The record on a Deployment whose scale a migration has left to others: that of a former
    migration of the same name is another one."""
    return f"{migration}/{RELINQUISHED}.{uid}"


def _newest(standing: Standing) -> int:
    return max((int(pod.created) for pod in standing.on_source), default=0)


def _restarted(standing: Standing) -> bool:
    """Whether a restart of ours is replacing the pods; a paused Deployment replaces none."""
    controller = standing.controller
    covers = _covers(controller.restarted, standing.stamp, _newest(standing))
    return covers and not controller.paused


def _covers(restarted: str, stamp: str, newest: int) -> bool:
    """Whether a restart of ours is under way that replaces pods as new as the newest.

    The mark holds when the newest pod was created that the restart was for: repeated, it is the
    same, and for pods that came later it is another one.
    """
    by, _, covered = restarted.rpartition("@")
    return by == stamp and covered.isdecimal() and newest <= int(covered)


def _under_surge(standing: Standing) -> Action | None:
    controller, record = standing.controller, surge_record(standing.controller)
    if record is None or record.migration != standing.migration:
        return None
    original = record.replicas
    if controller.replicas != original + 1:
        return RelinquishScale(controller.key, standing.migration, standing.stamp)
    for pod in standing.held:
        if pod.deletion_cost == LOWEST_DELETION_COST:
            return SetDeletionCost(pod.key, pod.uid, first=False)
    if any(not pod.ready for pod in standing.held):
        return None
    if standing.healthy <= original or not standing.on_source:
        return RestoreScale(controller.key, original) if not standing.on_source else None
    candidate = min(standing.on_source, key=lambda pod: pod.key)
    if candidate.deletion_cost != LOWEST_DELETION_COST:
        return SetDeletionCost(candidate.key, candidate.uid)
    return RestoreScale(controller.key, original)
