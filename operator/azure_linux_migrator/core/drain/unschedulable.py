"""Pods that replace moved ones and that the scheduler finds no node for: while there are some,
nothing more is moved.

A workload misses pods where it has fewer with a node than when pods of it were moved
(evicted_owners.py): replicas that were Pending before, or that were added since, are not missed,
and pods of negative priority are Pending by design. Whose pods were moved is known from watching,
and lost with the process. What survives a restart: when the migration began, when each pod was
made, and where the other pods of its owner run.
"""

from collections.abc import Iterable, Mapping, Sized

from msgspec import Struct

from azure_linux_migrator.core.drain.evicted_owners import EvictedOwners
from azure_linux_migrator.core.drain.scope import Scope
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.model.cluster import NamespacedName, Pod

CHECK_SECONDS = 10.0
"""For so long it is taken for known where the owners of a namespace have pods."""

REPLACED_SECONDS = 60.0
"""A pod that left while no watch ran has its replacement after this at the latest."""


class PendingReplacements(Struct):
    """Of one namespace, as found `at` a time: owners with pods on the source or the target, and
    owners with pods on other nodes."""

    at: float
    ours: set[str]
    others: set[str]


class UnschedulableReplacements:
    """Of one migration. Times are in seconds since the epoch; 0 where there is none."""

    def __init__(
        self,
        world: World,
        scope: Scope,
        evicted_owners: EvictedOwners,
        on_source: Mapping[str, Sized],
    ) -> None:
        self._world = world
        self._scope = scope
        self._evicted_owners = evicted_owners
        self._on_source = on_source
        self._pending: dict[str, PendingReplacements] = {}

    def find(self, now: float, since: float, began: float) -> tuple[Pod, ...]:
        """The pods that stand for moved ones; the migration began at `since`, this batch at
        `began`. Of a workload that misses some, the newest."""
        self._evicted_owners.watched_since = self._evicted_owners.watched_since or now
        if not self._world.unschedulable:
            self._pending.clear()
            return ()
        replacements: list[Pod] = []
        for pods in self._waiting().values():
            owner = self._owner(pods, now, since, began)
            missing = self._evicted_owners.missing(owner) if owner else 0
            replacements += sorted(pods, key=_newest_first)[:missing]
        return tuple(replacements)

    def _waiting(self) -> dict[str, list[Pod]]:
        """Pods without a node that may be replacements, by workload."""
        waiting: dict[str, list[Pod]] = {}
        for pod in self._world.unschedulable.values():
            if pod.owner is None or pod.owner.kind == "DaemonSet" or pod.priority < 0:
                continue
            if pod.terminating:
                continue
            controller = self._world.owner_index.controller_of(pod)
            uid = controller.uid if controller is not None else pod.owner.uid
            waiting.setdefault(uid, []).append(pod)
        return waiting

    def _owner(self, pods: list[Pod], now: float, since: float, began: float) -> str:
        """The owner of these pods that lost some here; empty for none."""
        owner = next(pod.owner.uid for pod in pods if pod.owner is not None)
        if self._evicted_owners.lost_any(owner):
            return owner
        replacing = [
            pod
            for pod in pods
            if pod.created >= (since or began) > 0
            and pod.created <= self._evicted_owners.watched_since + REPLACED_SECONDS
            and self._replaces(pod, now, since)
        ]
        if not replacing:
            return ""
        self._evicted_owners.assume(owner, len(replacing))
        return owner

    def _replaces(self, pod: Pod, now: float, since: float) -> bool:
        """Whether a pod that was made since the migration began stands for one that was moved.

        Where its owner has other pods, they decide, as do those of a Deployment's other
        ReplicaSets. An owner without any, such as a singleton's, may have lost its pod while no
        watch ran, but not after that.
        """
        uids = self._world.owner_index.owners_of(pod.owner.uid) if pod.owner is not None else []
        if any(owner in self._on_source for owner in uids):
            return True
        pending = self._pending_in(pod.key.namespace, now)
        if not pending.ours.isdisjoint(uids):
            return True
        if not pending.others.isdisjoint(uids):
            return False
        if any(waiting_pod.created < since for waiting_pod in self._waiting_of(pod)):
            return False  # its owner found no room before either
        watched_since = self._evicted_owners.watched_since
        unwatched = 0 < since < watched_since and pod.created <= watched_since + REPLACED_SECONDS
        return unwatched and pod.owner is not None and pod.owner.kind != "Job"

    def _waiting_of(self, pod: Pod) -> Iterable[Pod]:
        """Pods of the same owner without a node."""
        uid = pod.owner.uid if pod.owner is not None else ""
        waiting = self._world.unschedulable.values()
        return (
            waiting_pod
            for waiting_pod in waiting
            if waiting_pod.owner is not None and waiting_pod.owner.uid == uid
        )

    def _pending_in(self, namespace: str, now: float) -> PendingReplacements:
        pending = self._pending.get(namespace)
        if pending is None or not 0 <= now - pending.at < CHECK_SECONDS:
            pending = self._pending[namespace] = self._pending_of(
                self._world.pods_in(namespace), now
            )
        return pending

    def _pending_of(self, pods: Iterable[Pod], now: float) -> PendingReplacements:
        replacements = PendingReplacements(now, set(), set())
        for pod in pods:
            node = self._world.nodes.get(pod.node) if pod.node else None
            if node is not None and pod.owner is not None:
                ours = self._scope.leaves(node) or self._scope.stays(node)
                (replacements.ours if ours else replacements.others).add(pod.owner.uid)
        return replacements


def _newest_first(pod: Pod) -> tuple[float, NamespacedName]:
    return -pod.created, pod.key
