"""How many nodes the pods that move need, by what they request: an estimate, reported as one.

First fit, the largest first, zone by zone for pods whose volumes are bound to one; every node keeps
room for the DaemonSets' pods. Affinity between pods is not modelled: pods that repel each other by
host name take a node each.
"""

from collections import defaultdict
from dataclasses import dataclass

from azure_linux_migrator.core.drain.pod_filters import PodDisposition
from azure_linux_migrator.core.drain.pod_tracker import PodTracker
from azure_linux_migrator.model.cluster import Allocatable, ExtendedResources, Node, Pod

HEADROOM = 0.9
"""Part of a node's allocatable that the estimate fills: the scheduler packs less tightly."""


@dataclass(frozen=True, slots=True)
class NodeEstimate:
    """`count` nodes for `pods` pods; the capacity of `unknown` nodes is not known."""

    count: int
    pods: int
    unknown: int = 0


def nodes_needed(tracker: PodTracker) -> NodeEstimate:
    """What the pods on the source need; as many nodes as there are where that is not known."""
    nodes = [progress.node for progress in tracker.pool_progress.by_node.values()]
    sized = [node for node in nodes if node.allocatable.pods]
    if not sized:
        return NodeEstimate(max(1, len(nodes)), 0, len(nodes))
    usual = min(
        (node.allocatable for node in sized),
        key=lambda allocatable: (allocatable.cpu, allocatable.memory),
    )
    free = _minus(_scaled(usual), daemon_requests(tracker, sized))
    pods = [
        entry.pod
        for entry in tracker.entries.values()
        if entry.filter_result.disposition in (PodDisposition.MOVE, PodDisposition.WAIT)
        and not entry.pod.finished
    ]
    zones: defaultdict[str, list[Pod]] = defaultdict(list)
    for pod in pods:
        zones[_zone(tracker, pod)].append(pod)
    bins: list[Allocatable] = []
    for zone in sorted(zones, reverse=True):  # the pods that may go anywhere fill what is left
        fresh = bins if not zone else []
        _fill(zones[zone], free, fresh)
        if zone:
            bins += fresh
    return NodeEstimate(max(1, len(bins)), len(pods), len(nodes) - len(sized))


def _fill(pods: list[Pod], empty: Allocatable, bins: list[Allocatable]) -> None:
    """First fit; a node's room shrinks as pods are put on it."""
    alone: defaultdict[str, set[int]] = defaultdict(set)
    for pod in sorted(pods, key=lambda pod: (pod.requests, pod.key), reverse=True):
        cpu, memory = pod.requests
        group = (
            pod.owner.uid
            if pod.owner and pod.scheduling.alone(pod.key.namespace, pod.labels)
            else ""
        )
        for index, allocatable in enumerate(bins):
            fits = allocatable.pods and allocatable.cpu >= cpu and allocatable.memory >= memory
            fits = fits and not (
                pod.extended_resources and allocatable.lacks({}, pod.extended_resources)
            )
            if fits and not (group and index in alone[group]):
                break
        else:
            bins.append(empty)
            index = len(bins) - 1
        allocatable = bins[index]
        extended = (
            _less(allocatable.extended_resources, pod.extended_resources)
            if pod.extended_resources
            else allocatable.extended_resources
        )
        bins[index] = Allocatable(
            allocatable.cpu - cpu, allocatable.memory - memory, allocatable.pods - 1, extended
        )
        if group:
            alone[group].add(index)


def _zone(tracker: PodTracker, pod: Pod) -> str:
    zones = {zone for volume in tracker.world.owner_index.volumes_of(pod) for zone in volume.zones}
    return zones.pop() if len(zones) == 1 else ""


def daemon_requests(tracker: PodTracker, nodes: list[Node]) -> Allocatable:
    """What stays on the fullest node: DaemonSet and mirror pods."""
    cpu = memory = count = 0
    for node in nodes:
        stay = [
            pod
            for pod in tracker.world.pods_on(node.name)
            if (entry := tracker.entries.get(pod.key))
            and entry.filter_result.disposition is PodDisposition.SKIP
        ]
        cpu = max(cpu, sum(pod.requests[0] for pod in stay))
        memory = max(memory, sum(pod.requests[1] for pod in stay))
        count = max(count, len(stay))
    return Allocatable(cpu, memory, count)


def _scaled(allocatable: Allocatable) -> Allocatable:
    """Devices are counted, not filled to a part."""
    return allocatable._replace(
        cpu=int(allocatable.cpu * HEADROOM), memory=int(allocatable.memory * HEADROOM)
    )


def _minus(allocatable: Allocatable, used: Allocatable) -> Allocatable:
    return allocatable._replace(
        cpu=allocatable.cpu - used.cpu,
        memory=allocatable.memory - used.memory,
        pods=allocatable.pods - used.pods,
    )


def _less(extended_resources: ExtendedResources, resources: ExtendedResources) -> ExtendedResources:
    """Never empty where it was not: nothing left is not the same as nothing known."""
    used = dict(resources)
    return tuple((name, amount - used.get(name, 0)) for name, amount in extended_resources)
