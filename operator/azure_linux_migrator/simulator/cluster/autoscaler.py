"""The cluster autoscaler of AKS: it adds nodes to a pool for pods that would fit on them.

The rules are those of kubernetes/autoscaler, cluster-autoscaler: core/static_autoscaler.go (nodes
that are being added count first), estimator/binpacking_estimator.go (how many nodes),
expander/waste (which pool; the default of AKS is random), core/scaledown (which nodes are removed).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from azure_linux_migrator.model.cluster import Allocatable, Node, Pod
from azure_linux_migrator.model.scheduling import HOSTNAME, SchedulingConstraints
from azure_linux_migrator.simulator.aks.errors import ArmError, ResponseLost
from azure_linux_migrator.simulator.cluster.node_lifecycle import NodeLifecycle, leaves
from azure_linux_migrator.simulator.cluster.scheduler import Scheduler
from azure_linux_migrator.simulator.cluster.scheduling_queue import Group
from azure_linux_migrator.simulator.cluster.store import Store
from azure_linux_migrator.simulator.cluster.workload import NodeCapacity
from azure_linux_migrator.simulator.kernel import Kernel

SCAN_SECONDS = 10.0
IDLE_SECONDS = 600.0
"""A node that is empty for so many seconds is removed (scale-down-unneeded-time)."""
CALM_SECONDS = 600.0
"""No node is removed within so many seconds after a pool grew (scale-down-delay-after-add)."""


@dataclass(slots=True)
class _Wanted:
    """Pods of a group that have no node yet; all have the requests of its `sample`."""

    group: Group
    left: int


@dataclass(slots=True, eq=False)
class _Bin:
    """A new node, and the pods that are placed on it."""

    allocatable: Allocatable
    machine: NodeCapacity
    held: dict[int, int] = field(default_factory=dict)

    def take(self, wanted: _Wanted, most: float) -> bool:
        """Place one more pod on the node, if there is room."""
        pod, allocatable, used = wanted.group.sample, self.allocatable, self.machine
        here = self.held.get(id(wanted), 0)
        if here >= most:
            return False
        if allocatable.pods and (
            used.pods >= allocatable.pods
            or used.cpu + pod.requests[0] > allocatable.cpu
            or used.memory + pod.requests[1] > allocatable.memory
            or (
                pod.extended_resources
                and allocatable.lacks(used.extended_resources, pod.extended_resources)
            )
        ):
            return False
        used.take(pod)
        self.held[id(wanted)] = here + 1
        return True


@dataclass(slots=True)
class _Option:
    """An option to grow: so many new nodes of a pool, and the fraction of them that stays
    unused."""

    waste: float
    pool: str
    nodes: int


class Autoscaler:
    """The autoscaler of the cluster."""

    def __init__(
        self, store: Store, kernel: Kernel, node_lifecycle: NodeLifecycle, scheduler: Scheduler
    ) -> None:
        self._store = store
        self._kernel = kernel
        self._node_lifecycle = node_lifecycle
        self._scheduler = scheduler
        self._idle_since: dict[str, float] = {}
        self._grew_at = float("-inf")

    def scan(self) -> None:
        """Scan the autoscaled pools now, and every SCAN_SECONDS."""
        aks = self._node_lifecycle.aks
        bounds = {name: aks.autoscaled(name) for name in aks.pool_names()}
        pools = {name: limits for name, limits in bounds.items() if limits is not None}
        nodes: dict[str, list[Node]] = {name: [] for name in pools}
        for node in self._store.nodes.values() if pools else ():
            if node.pool in nodes:
                nodes[node.pool].append(node)
        grew = self._grow({name: most for name, (_, most) in pools.items()}, nodes)
        for name, (least, _) in pools.items():
            self._shrink(name, nodes[name], least, held=grew)
        self._node_lifecycle.touched()
        self._kernel.after(SCAN_SECONDS, self.scan)

    # Up

    def _grow(self, pools: dict[str, int], nodes: dict[str, list[Node]]) -> bool:
        """Add nodes to one pool, if that helps a pod that fits on no node that is being added."""
        stuck = [_Wanted(group, len(group.pods)) for group in self._scheduler.stuck()]
        if not stuck or not pools:
            return False
        aks = self._node_lifecycle.aks
        for pool in aks.pool_names():
            self._fill(pool, stuck, aks.coming(pool), nodes.get(pool, ()))
        options = []
        for pool, most in pools.items():
            there = len(nodes[pool]) + aks.coming(pool)
            copies = [_Wanted(request.group, request.left) for request in stuck]
            bins = self._fill(pool, copies, most - there, nodes[pool])
            used = [node_bin for node_bin in bins if node_bin.held]
            if used:
                options.append(_Option(_waste(used), pool, len(used)))
        for option in sorted(options, key=lambda option: (option.waste, option.pool)):
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
        """First fit of the pods on at most `most` new nodes of a pool, the largest pods first."""
        if most <= 0:
            return []
        prospects = self._node_lifecycle.prospects(pool)
        allocatable = prospects[0][0].allocatable
        bins: list[_Bin] = []
        ranked = sorted(stuck, key=lambda request: request.group.sample.requests, reverse=True)
        for wanted in ranked:
            pod = wanted.group.sample
            if not wanted.left or not any(
                self._scheduler.admits(pod, node, machine) for node, machine in prospects
            ):
                continue
            limit = _limit(wanted.group.scheduling, pod)
            at = 0
            while wanted.left and at < most:
                fresh = at == len(bins)
                if fresh:
                    bins.append(_Bin(allocatable, self._burdened(present)))
                if bins[at].take(wanted, limit):
                    wanted.left -= 1
                elif fresh:
                    break  # even an empty node of the pool has no room beside the DaemonSets' pods
                else:
                    at += 1
        return bins

    def _burdened(self, present: Iterable[Node]) -> NodeCapacity:
        """The requests of the DaemonSets' pods on every node of the pool."""
        machine = NodeCapacity({})
        for node in present:
            for pod in self._store.pods_on[node.name].values():
                if not leaves(pod):
                    machine.take(pod)
            break
        return machine

    # Down

    def _shrink(self, pool: str, nodes: list[Node], least: int, *, held: bool) -> None:
        """Remove nodes that are idle for long. Pods that no new node would help do not prevent
        it."""
        idle = self._idle(nodes)
        if held or self._kernel.now - self._grew_at < CALM_SECONDS:
            return
        gone = idle[: max(0, len(nodes) - least)]
        if gone:
            try:
                self._node_lifecycle.aks.delete_machines(pool, gone, self._kernel.now)
            except (ArmError, ResponseLost):
                return  # the pool is busy; the next scan tries again

    def _idle(self, nodes: list[Node]) -> list[str]:
        now = self._kernel.now
        names = []
        for node in nodes:
            pods = self._store.pods_on[node.name].values()
            if any(leaves(pod) and not pod.finished for pod in pods):
                self._idle_since.pop(node.name, None)
            elif now - self._idle_since.setdefault(node.name, now) >= IDLE_SECONDS:
                names.append(node.name)
        return names


def _limit(scheduling: SchedulingConstraints, pod: Pod) -> float:
    """The number of equal pods that a new node accepts, regardless of its size."""
    if scheduling.alone(pod.key.namespace, pod.labels):
        return 1
    skews = [spread.max_skew for spread in scheduling.spread if spread.topology == HOSTNAME]
    return min(skews, default=float("inf"))


def _waste(bins: list[_Bin]) -> float:
    """The fraction of CPU and memory that stays unused, as in expander/waste."""
    cpu = sum(node_bin.allocatable.cpu for node_bin in bins)
    memory = sum(node_bin.allocatable.memory for node_bin in bins)
    free = sum(node_bin.allocatable.cpu - node_bin.machine.cpu for node_bin in bins) / max(1, cpu)
    return free + sum(
        node_bin.allocatable.memory - node_bin.machine.memory for node_bin in bins
    ) / max(1, memory)
