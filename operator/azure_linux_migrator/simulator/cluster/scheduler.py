"""The scheduler: filters that decide where a pod fits, then the node with the most room.

Modelled: conditions of a node itself (node_filters.py), affinity between pods and topology spread
(pod_affinity.py). As in kube-scheduler, only some of many nodes are checked. Pods that fit nowhere
wait (scheduling_queue.py) for an event that could help.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from azure_linux_migrator.model.cluster import NamespacedName, Node, Pod, Volume
from azure_linux_migrator.model.scheduling import PodTerm, SchedulingConstraints, Taint
from azure_linux_migrator.simulator.cluster.node_filters import obstacle
from azure_linux_migrator.simulator.cluster.pod_affinity import PodAffinityIndex, concerns
from azure_linux_migrator.simulator.cluster.scheduling_queue import LEFTOVER_SECONDS, Group, Sort
from azure_linux_migrator.simulator.cluster.store import NullWatcher, Store, holds
from azure_linux_migrator.simulator.cluster.workload import NodeCapacity
from azure_linux_migrator.simulator.cluster.workloads import Workloads
from azure_linux_migrator.simulator.kernel import Kernel

ENOUGH = 8
"""The number of feasible nodes after which no more are checked."""


@dataclass(slots=True)
class Misfit:
    """No node admits the pod; the number of nodes for each reason."""

    nodes: int
    reasons: dict[str, int]

    def __str__(self) -> str:
        counts = ", ".join(f"{n} {why}" for why, n in Counter(self.reasons).most_common())
        return f"0/{self.nodes} nodes are available" + (f": {counts}" if counts else "")


class Scheduler(NullWatcher):
    """One scheduler; `lag` draws the seconds until it tries a pod. `bare` are the constraints of
    pods without an owner, by their uid."""

    def __init__(
        self,
        store: Store,
        kernel: Kernel,
        workloads: Workloads,
        rng: random.Random,
        lag: Callable[[], float],
    ) -> None:
        self._store = store
        self._kernel = kernel
        self._workloads = workloads
        self._rng = rng
        self._lag = lag
        self._order: list[str] = []
        self._from = 0
        self._groups: dict[Sort, Group] = {}
        self._pod_affinity: PodAffinityIndex | None = None
        self._labels_and_taints: dict[str, tuple[dict[str, str], tuple[Taint, ...]]] = {}
        self.bare: Mapping[str, SchedulingConstraints] = {}
        store.watchers.append(self)

    # Deciding

    def scheduling(self, pod: Pod) -> SchedulingConstraints:
        """The scheduling constraints of a pod."""
        if pod.owner is None:
            return self.bare.get(pod.uid) or SchedulingConstraints()
        return self._workloads.template(pod).scheduling

    def fit(self, pod: Pod) -> str | Misfit:
        """The node that a pod would be bound to, or why there is none."""
        scheduling = self.scheduling(pod)
        volumes = self._store.volumes_of(pod)
        view = self._pod_affinity.view(pod, scheduling) if self._pod_affinity else None
        order = self._order
        best: tuple[float, str] | None = None
        feasible = 0
        reasons: dict[str, int] = {}
        for step in range(len(order)):
            at = (self._from + step) % len(order)
            name = order[at]
            node, machine = self._store.nodes[name], self._store.machines[name]
            why = obstacle(pod, scheduling, volumes, node, machine)
            if not why and view is not None:
                why = view.obstacle(name, machine.labels)
            if why:
                reasons[why] = reasons.get(why, 0) + 1
                continue
            score = _fullness(node, machine) + self._rng.random() * 0.01
            if best is None or score < best[0]:
                best = (score, name)
            feasible += 1
            if feasible >= ENOUGH:
                self._from = at + 1
                break
        return best[1] if best else Misfit(len(order), reasons)

    def admits(self, pod: Pod, node: Node, machine: NodeCapacity) -> bool:
        """Whether a pod fits on a node, which exists or is only planned."""
        scheduling = self.scheduling(pod)
        if obstacle(pod, scheduling, self._store.volumes_of(pod), node, machine):
            return False
        view = self._pod_affinity.view(pod, scheduling) if self._pod_affinity else None
        return view is None or not view.obstacle(node.name, machine.labels)

    def stuck(self) -> Iterator[Group]:
        """Groups of pods that fit nowhere at present."""
        return (group for group in self._groups.values() if group.stuck)

    # Events that could help pods (EventsToRegister and queueing hints of the plugins)

    def pod(self, old: Pod | None, new: Pod | None) -> None:
        """A pod without a node is tried soon; a pod that leaves frees resources."""
        if new is not None and old is None and not new.node:
            key, uid = new.key, new.uid
            self._kernel.after(self._lag(), lambda: self._schedule(key, uid))
        if self._pod_affinity is not None:
            self._pod_affinity.count(old, new)
        elif new is not None and self.scheduling(new).social:
            self._pod_affinity = PodAffinityIndex(
                self._store, self.scheduling
            )  # counts this pod too
        if self._groups:
            if new is None and old is not None and not old.node:
                self._forget(old)
            elif _stands(old) != _stands(new):
                self._moved(old, new)

    def node(self, old: Node | None, new: Node | None) -> None:
        """A pod that did not fit may fit now; another number of domains may change a spread."""
        if (old is None) != (new is None):
            self._order = list(self._store.nodes)
        machine = self._store.machines[new.name] if new is not None else None
        other = self._differs(new.name if new is not None else old.name if old else "", machine)
        if other and self._pod_affinity is not None:
            self._pod_affinity.nodes_changed()
        if not self._groups or not (other or _better(old, new)):
            return
        for group in list(self._groups.values()):
            if new is not None and machine and self.admits(group.sample, new, machine):
                self._requeue(group, at_once=True)
            elif other and group.scheduling.spread:
                self._requeue(group)

    def volume(self, old: Volume | None, new: Volume | None) -> None:
        """A claim is bound. This is rare enough to try all groups."""
        for group in list(self._groups.values()):
            self._requeue(group)

    def _differs(self, name: str, machine: NodeCapacity | None) -> bool:
        """Whether a node was added or removed, or its labels or taints changed."""
        if machine is None:
            return self._labels_and_taints.pop(name, None) is not None
        seen = self._labels_and_taints.get(name)
        if seen is not None and seen[0] is machine.labels and seen[1] is machine.taints:
            return False
        self._labels_and_taints[name] = (machine.labels, machine.taints)
        return True

    def _moved(self, old: Pod | None, new: Pod | None) -> None:
        """A pod was bound, begins to leave its node, or has left it."""
        moved = new or old
        node = self._store.nodes.get(old.node) if old is not None and holds(old) else None
        freed = None if holds(new) else node
        if moved is None:
            return
        repels = self.scheduling(moved).apart if freed and self._pod_affinity else ()
        for group in list(self._groups.values()):
            if freed and self.admits(group.sample, freed, self._store.machines[freed.name]):
                self._requeue(group, at_once=True)
            elif self._pod_affinity and _concerns(group, moved, repels):
                self._requeue(group)

    # Trying

    def _schedule(self, key: NamespacedName, uid: str) -> None:
        pod = self._store.pods.get(key)
        if pod is None or pod.uid != uid or pod.node or pod.terminating:
            return
        group = self._groups.get(self._sort(pod))
        if group is not None and group.stuck:
            self._join(group, pod)
        else:
            self._try(pod)

    def _try(self, pod: Pod) -> None:
        placement = self.fit(pod)
        if isinstance(placement, str):
            self._store.change_pod(pod.key, node=placement, unschedulable="")
            return
        sort = self._sort(pod)
        group = self._groups.get(sort)
        if group is None:
            group = self._groups[sort] = Group(sort, pod, self.scheduling(pod))
        group.why, group.stuck = str(placement), True
        group.attempts += 1
        group.tried = self._kernel.now
        self._at(group, self._kernel.now + LEFTOVER_SECONDS)
        self._join(group, pod)

    def _join(self, group: Group, pod: Pod) -> None:
        group.pods[pod.key, pod.uid] = None
        self._store.change_pod(pod.key, unschedulable=group.why)

    def _requeue(self, group: Group, *, at_once: bool = False) -> None:
        """Try a group again. From 1.33 on an idle kube-scheduler does not wait for the back-off
        (SchedulerPopFromBackoffQ); here it waits unless the event certainly helps."""
        due = self._kernel.now + self._lag()
        if not at_once:
            due = max(due, group.ready_at())
        if group.stuck or group.timer is None or due < group.timer.at:
            group.stuck = False
            self._at(group, due)

    def _at(self, group: Group, due: float) -> None:
        if group.timer is not None:
            group.timer.cancel()
        group.timer = self._kernel.at(due, lambda: self._flush(group))

    def _flush(self, group: Group) -> None:
        """Bind as many pods of a group as fit; the first that does not fit stands for the rest."""
        group.timer, group.stuck = None, False
        for key, uid in list(group.pods):
            pod = self._store.pods.get(key)
            if pod is None or pod.uid != uid or pod.node or pod.terminating:
                group.pods.pop((key, uid), None)
                continue
            self._try(pod)
            if group.stuck:
                return
            group.pods.pop((key, uid), None)
        self._drop(group)

    def _forget(self, pod: Pod) -> None:
        group = self._groups.get(self._sort(pod))
        if group is not None:
            group.pods.pop((pod.key, pod.uid), None)
            self._drop(group)

    def _drop(self, group: Group) -> None:
        if not group.pods:
            if group.timer is not None:
                group.timer.cancel()
            self._groups.pop(group.sort, None)

    def _sort(self, pod: Pod) -> Sort:
        zones = tuple(volume.zones for volume in self._store.volumes_of(pod)) if pod.claims else ()
        return (
            pod.owner.uid if pod.owner else pod.uid,
            pod.requests,
            pod.extended_resources,
            zones,
        )


def _stands(pod: Pod | None) -> tuple[str, bool] | None:
    return (pod.node, pod.terminating) if pod is not None and holds(pod) else None


def _concerns(group: Group, moved: Pod, repels: tuple[PodTerm, ...]) -> bool:
    """Whether a moved pod may admit a group by their affinity terms."""
    sample, namespace = group.sample, moved.key.namespace
    if group.scheduling.social and concerns(
        group.scheduling, sample.key.namespace, namespace, moved.labels
    ):
        return True
    return any(
        repel.means(namespace, sample.key.namespace, dict(sample.labels)) for repel in repels
    )


def _better(old: Node | None, new: Node | None) -> bool:
    """Whether a node admits more pods than before."""
    if old is None or new is None:
        return new is not None
    return (
        (new.ready and not old.ready)
        or (old.unschedulable and not new.unschedulable)
        or new.allocatable != old.allocatable
    )


def _fullness(node: Node, machine: NodeCapacity) -> float:
    if not node.allocatable.cpu:
        return machine.pods / 110
    return machine.cpu / node.allocatable.cpu + machine.memory / max(1, node.allocatable.memory)
