"""The cluster autoscaler of AKS: it grows a pool for pods that would fit a new node of it.

The rules are those of kubernetes/autoscaler, cluster-autoscaler: core/static_autoscaler.go (what is
on its way is counted first), estimator/binpacking_estimator.go (how many nodes), expander/waste
(which pool; AKS' own default picks at random), core/scaledown (what is not needed any more).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from azure_linux_migrator.model.cluster import Node, Pod, Room
from azure_linux_migrator.model.scheduling import HOSTNAME, Placing
from azure_linux_migrator.simulator.aks.errors import ArmError, ResponseLost
from azure_linux_migrator.simulator.cluster.node_lifecycle import Fleet, leaves
from azure_linux_migrator.simulator.cluster.scheduler import Scheduler
from azure_linux_migrator.simulator.cluster.scheduling_queue import Group
from azure_linux_migrator.simulator.cluster.store import Store
from azure_linux_migrator.simulator.cluster.workload import Machine
from azure_linux_migrator.simulator.kernel import Kernel

SCAN_SECONDS = 10.0
IDLE_SECONDS = 600.0
"""A node that was empty for so long is removed (scale-down-unneeded-time)."""
CALM_SECONDS = 600.0
"""None is removed until so long after a pool grew (scale-down-delay-after-add)."""


@dataclass(slots=True)
class _Wanted:
    """Pods of a group that have no place yet, of its `sample`'s size."""

    group: Group
    left: int


@dataclass(slots=True, eq=False)
class _Bin:
    """A node to come, and what is put on it."""

    room: Room
    machine: Machine
    held: dict[int, int] = field(default_factory=dict)

    def take(self, wanted: _Wanted, most: float) -> bool:
        """Put one more pod on it, if it has room for it."""
        pod, room, used = wanted.group.sample, self.room, self.machine
        here = self.held.get(id(wanted), 0)
        if here >= most:
            return False
        if room.pods and (
            used.pods >= room.pods
            or used.cpu + pod.requests[0] > room.cpu
            or used.memory + pod.requests[1] > room.memory
            or (pod.extras and room.lacks(used.extras, pod.extras))
        ):
            return False
        used.take(pod)
        self.held[id(wanted)] = here + 1
        return True


@dataclass(slots=True)
class _Option:
    """A way to grow: this many more nodes of a pool, of which such a part would stay empty."""

    waste: float
    pool: str
    nodes: int


class Autoscaler:
    """One for the whole cluster."""

    def __init__(self, store: Store, kernel: Kernel, fleet: Fleet, scheduler: Scheduler) -> None:
        self._store = store
        self._kernel = kernel
        self._fleet = fleet
        self._scheduler = scheduler
        self._idle_since: dict[str, float] = {}
        self._grew_at = float("-inf")

    def scan(self) -> None:
        """Look at the autoscaled pools now, and every SCAN_SECONDS from now on."""
        aks = self._fleet.aks
        bounds = {name: aks.autoscaled(name) for name in aks.pool_names()}
        pools = {name: each for name, each in bounds.items() if each is not None}
        nodes: dict[str, list[Node]] = {name: [] for name in pools}
        for node in self._store.nodes.values() if pools else ():
            if node.pool in nodes:
                nodes[node.pool].append(node)
        grew = self._grow({name: most for name, (_, most) in pools.items()}, nodes)
        for name, (least, _) in pools.items():
            self._shrink(name, nodes[name], least, held=grew)
        self._fleet.touched()
        self._kernel.after(SCAN_SECONDS, self.scan)

    # Up

    def _grow(self, pools: dict[str, int], nodes: dict[str, list[Node]]) -> bool:
        """Grow one pool, if that helps a pod that no node on its way would take."""
        stuck = [_Wanted(group, len(group.pods)) for group in self._scheduler.stuck()]
        if not stuck or not pools:
            return False
        aks = self._fleet.aks
        for pool in aks.pool_names():
            self._fill(pool, stuck, aks.coming(pool), nodes.get(pool, ()))
        options = []
        for pool, most in pools.items():
            there = len(nodes[pool]) + aks.coming(pool)
            copies = [_Wanted(each.group, each.left) for each in stuck]
            bins = self._fill(pool, copies, most - there, nodes[pool])
            used = [each for each in bins if each.held]
            if used:
                options.append(_Option(_waste(used), pool, len(used)))
        for option in sorted(options, key=lambda each: (each.waste, each.pool)):
            wanted = len(nodes[option.pool]) + aks.coming(option.pool) + option.nodes
            try:
                aks.autoscale(option.pool, wanted, self._kernel.now)
            except (ArmError, ResponseLost):
                continue  # that pool is busy
            self._grew_at = self._kernel.now
            return True
        return False

    def _fill(
        self, pool: str, stuck: list[_Wanted], most: int, present: Iterable[Node]
    ) -> list[_Bin]:
        """First fit of the pods on at most so many new nodes of a pool, the largest first."""
        if most <= 0:
            return []
        prospects = self._fleet.prospects(pool)
        room = prospects[0][0].room
        bins: list[_Bin] = []
        ranked = sorted(stuck, key=lambda each: each.group.sample.requests, reverse=True)
        for wanted in ranked:
            pod = wanted.group.sample
            if not wanted.left or not any(
                self._scheduler.admits(pod, node, machine) for node, machine in prospects
            ):
                continue
            limit = _limit(wanted.group.placing, pod)
            at = 0
            while wanted.left and at < most:
                fresh = at == len(bins)
                if fresh:
                    bins.append(_Bin(room, self._burdened(present)))
                if bins[at].take(wanted, limit):
                    wanted.left -= 1
                elif fresh:
                    break  # beside the DaemonSets' pods there is no room for it even there
                else:
                    at += 1
        return bins

    def _burdened(self, present: Iterable[Node]) -> Machine:
        """What every node of the pool has to carry: DaemonSets' pods, as far as one shows."""
        machine = Machine({})
        for node in present:
            for pod in self._store.pods_on[node.name].values():
                if not leaves(pod):
                    machine.take(pod)
            break
        return machine

    # Down

    def _shrink(self, pool: str, nodes: list[Node], least: int, *, held: bool) -> None:
        """Remove what has been idle for long. Pods that no node would help do not keep it."""
        idle = self._idle(nodes)
        if held or self._kernel.now - self._grew_at < CALM_SECONDS:
            return
        gone = idle[: max(0, len(nodes) - least)]
        if gone:
            try:
                self._fleet.aks.delete_machines(pool, gone, self._kernel.now)
            except (ArmError, ResponseLost):
                return  # the pool is busy; the next scan looks again

    def _idle(self, nodes: list[Node]) -> list[str]:
        now = self._kernel.now
        found = []
        for node in nodes:
            pods = self._store.pods_on[node.name].values()
            if any(leaves(pod) and not pod.finished for pod in pods):
                self._idle_since.pop(node.name, None)
            elif now - self._idle_since.setdefault(node.name, now) >= IDLE_SECONDS:
                found.append(node.name)
        return found


def _limit(placing: Placing, pod: Pod) -> float:
    """How many pods alike a new node takes, whatever its room."""
    if placing.alone(pod.key.namespace, pod.labels):
        return 1
    skews = [each.max_skew for each in placing.spread if each.topology == HOSTNAME]
    return min(skews, default=float("inf"))


def _waste(bins: list[_Bin]) -> float:
    """The part of CPU and memory that would stay empty, as expander/waste reckons."""
    cpu = sum(each.room.cpu for each in bins)
    memory = sum(each.room.memory for each in bins)
    free = sum(each.room.cpu - each.machine.cpu for each in bins) / max(1, cpu)
    return free + sum(each.room.memory - each.machine.memory for each in bins) / max(1, memory)
