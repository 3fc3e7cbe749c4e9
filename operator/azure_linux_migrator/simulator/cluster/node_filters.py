"""Why a node does not admit a pod, in the words of kube-scheduler.

Owns the filters that look at one node only: cordons, readiness, labels, taints, resources, zones of
volumes. Knows nothing of other pods; see pod_affinity.py.
"""

from collections.abc import Iterable

from azure_linux_migrator.model.cluster import Node, Pod, Volume
from azure_linux_migrator.model.scheduling import CORDON, SchedulingConstraints
from azure_linux_migrator.simulator.cluster.workload import NodeCapacity


def obstacle(
    pod: Pod,
    scheduling: SchedulingConstraints,
    volumes: Iterable[Volume],
    node: Node,
    machine: NodeCapacity,
) -> str:
    """Why a node does not admit a pod; empty if the node itself does."""
    if not node.ready:
        return "node(s) were not ready"
    if node.unschedulable and not scheduling.tolerates(CORDON):
        return "node(s) were unschedulable"
    for taint in machine.taints:
        if not scheduling.tolerates(taint):
            return "node(s) had untolerated taint(s)"
    if (scheduling.selector or scheduling.terms) and not scheduling.selects(
        node.name, machine.labels
    ):
        return "node(s) didn't match Pod's node affinity/selector"
    for volume in volumes:
        if volume.zones and node.zone not in volume.zones:
            return "node(s) had volume node affinity conflict"
    return _tight(pod, node, machine)


def _tight(pod: Pod, node: Node, machine: NodeCapacity) -> str:
    """The resource that is insufficient. Only requested resources count, so a pod without
    requests fits on a full node (fitsRequest in plugins/noderesources/fit.go)."""
    allocatable = node.allocatable
    if not allocatable.pods:
        return ""
    if machine.pods >= allocatable.pods:
        return "Too many pods"
    cpu, memory = pod.requests
    if cpu and machine.cpu + cpu > allocatable.cpu:
        return "Insufficient cpu"
    if memory and machine.memory + memory > allocatable.memory:
        return "Insufficient memory"
    lacks = (
        allocatable.lacks(machine.extended_resources, pod.extended_resources)
        if pod.extended_resources
        else ""
    )
    return f"Insufficient {lacks}" if lacks else ""
