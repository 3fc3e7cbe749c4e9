"""The scheduler: filters that decide where a pod can land, then the node with the most room.

Modelled: cordons, readiness, taints, node selectors and required node affinity, requests, the
number of pods, zones of volumes, and pods of a kind that repel each other by host or zone. As in
kube-scheduler, not every node is looked at where there are many.
"""

import random
from collections.abc import Callable

from azure_linux_migrator.core.records import Key, Node, Pod, Volume
from azure_linux_migrator.sim.aks_nodes import Taint
from azure_linux_migrator.sim.cluster.shapes import Machine, Placing
from azure_linux_migrator.sim.cluster.store import Deaf, Store
from azure_linux_migrator.sim.cluster.workloads import Workloads
from azure_linux_migrator.sim.kernel import Kernel

ENOUGH = 8
"""Nodes that fit, after which no more are looked for."""
AGAIN_SECONDS = 5.0
"""A pod that fits nowhere is tried again after this, or when a node changes."""
CORDON = Taint("node.kubernetes.io/unschedulable", "", "NoSchedule")


class Scheduler(Deaf):
    """One scheduler; `lag` draws the seconds a pod waits for it."""

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
        self._waiting: dict[tuple[Key, str], None] = {}
        self._retrying = False
        store.watchers.append(self)

    def pod(self, old: Pod | None, new: Pod | None) -> None:
        """A pod without a node is scheduled soon; one that leaves makes room."""
        if new is not None and old is None and not new.node:
            uid = new.uid
            key = new.key
            self._kernel.after(self._lag(), lambda: self._schedule(key, uid))
        if new is None and old is not None and old.node and self._waiting:
            self._retry(1.0)

    def node(self, old: Node | None, new: Node | None) -> None:
        """What did not fit may fit now."""
        if (old is None) != (new is None):
            self._order = list(self._store.nodes)
        if self._waiting and new is not None:
            self._retry(0.1)

    def _retry(self, delay: float) -> None:
        if not self._retrying:
            self._retrying = True
            self._kernel.after(delay, self._flush)

    def _flush(self) -> None:
        self._retrying = False
        waiting, self._waiting = self._waiting, {}
        for key, uid in waiting:
            self._schedule(key, uid)

    def _schedule(self, key: Key, uid: str) -> None:
        pod = self._store.pods.get(key)
        if pod is None or pod.uid != uid or pod.node or pod.terminating:
            return
        node = self.fit(pod)
        if node is None:
            self._waiting[key, uid] = None
            text = f"0/{len(self._store.nodes)} nodes are available"
            self._store.change_pod(pod.key, unschedulable=text)
            self._retry(AGAIN_SECONDS)
        else:
            self._store.change_pod(pod.key, node=node, unschedulable="")

    def fit(self, pod: Pod) -> str | None:
        """The node that a pod would go to; None where it fits nowhere."""
        placing = self._workloads.template(pod).placing
        volumes = self._store.volumes_of(pod)
        taken = self._taken(pod, placing)
        order = self._order
        best: tuple[float, str] | None = None
        found = 0
        for step in range(len(order)):
            at = (self._from + step) % len(order)
            name = order[at]
            node, machine = self._store.nodes[name], self._store.machines[name]
            if not _fits(pod, placing, node, machine) or not _reaches(volumes, node):
                continue
            if placing.apart and (name if placing.apart == "host" else node.zone) in taken:
                continue
            score = _fullness(node, machine) + self._rng.random() * 0.01
            if best is None or score < best[0]:
                best = (score, name)
            found += 1
            if found >= ENOUGH:
                self._from = at + 1
                break
        return best[1] if best else None

    def _taken(self, pod: Pod, placing: Placing) -> set[str]:
        if not placing.apart:
            return set()
        workload = self._workloads.workload(pod)
        others = self._workloads.pods_of[workload.uid] if workload else ()
        nodes = {found.node for key in others if (found := self._store.pods[key]).node}
        if placing.apart == "host":
            return nodes
        return {node.zone for name in nodes if (node := self._store.nodes.get(name))}


def tolerated(placing: Placing, taint: Taint) -> bool:
    """Whether pods of that placing may be scheduled in spite of a taint."""
    if taint.effect == "PreferNoSchedule":
        return True
    return any(each.matches(taint) for each in placing.tolerations)


def _fits(pod: Pod, placing: Placing, node: Node, machine: Machine) -> bool:
    if not node.ready or (node.unschedulable and not tolerated(placing, CORDON)):
        return False
    room = node.room
    if room.pods and (
        machine.pods >= room.pods
        or machine.cpu + pod.requests[0] > room.cpu
        or machine.memory + pod.requests[1] > room.memory
    ):
        return False
    if machine.taints and not all(tolerated(placing, each) for each in machine.taints):
        return False
    labels = machine.labels
    if any(labels.get(key) != value for key, value in placing.selector):
        return False
    return not placing.terms or any(
        all(each.matches(labels) for each in term) for term in placing.terms
    )


def _reaches(volumes: list[Volume], node: Node) -> bool:
    return all(not each.zones or node.zone in each.zones for each in volumes)


def _fullness(node: Node, machine: Machine) -> float:
    if not node.room.cpu:
        return machine.pods / 110
    return machine.cpu / node.room.cpu + machine.memory / max(1, node.room.memory)
