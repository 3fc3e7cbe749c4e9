"""Checks of pods that others tie to their node: by a required affinity, or by a disk they share."""

from collections import defaultdict
from collections.abc import Iterator

from azure_linux_migrator.api.spec_strategy import StrategyType
from azure_linux_migrator.core.preflight.findings import Finding
from azure_linux_migrator.core.preflight.placement_rules import domains, more_domains
from azure_linux_migrator.core.preflight.rule import RuleResult, counted, groups
from azure_linux_migrator.core.preflight.snapshot import PreflightSnapshot, WorkloadFacts
from azure_linux_migrator.core.preflight.target_nodes import target_nodes
from azure_linux_migrator.model.scheduling import HOSTNAME, TopologySpread

_ANTI_AFFINITY = "podAntiAffinity"
_PREFERRED = "make it preferredDuringSchedulingIgnoredDuringExecution"


def affinity(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """pod.affinity: replacements that the scheduler keeps from the target because of other pods.
    With InPlace the nodes and their zones stay, and so does what shares them."""
    if snapshot.spec.strategy.type is StrategyType.IN_PLACE:
        return
    yield from _near(snapshot)
    yield from _apart(snapshot)


def _near(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """Pods that must be beside others, all of which are on nodes that will be cordoned."""
    for owner, pods in groups(snapshot, lambda workload: workload.beside):
        own = pods[0].beside == owner
        others = "each other" if own else f"pods of {pods[0].beside}"
        remedy = (
            f"{_PREFERRED} until they have moved"
            if own
            else f"give those a lower order in spec.drain.order, so that they move first, or "
            f"{_PREFERRED}"
        )
        yield RuleResult("pod.affinity", owner).block(
            f"{counted(pods)} must run on the node of {others} (podAffinity): all of them are on "
            "the source, and nothing starts there once it is cordoned",
            remedy,
        )


def _apart(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """Replicas that cannot share a node, or a zone, where there are fewer of those."""
    nodes = target_nodes(snapshot)
    for owner, pods in groups(snapshot, lambda workload: nodes and _apart_by(workload)):
        for topology, why in _apart_by(pods[0]).items():
            room, _ = domains(TopologySpread(topology), pods[0], nodes, snapshot)
            replicas = max(pods[0].replicas, len(pods))
            if not room or replicas <= len(room):
                continue
            where = "nodes" if topology == HOSTNAME else f"values of {topology}"
            soft = "" if why != _ANTI_AFFINITY else f", or {_PREFERRED}"
            yield RuleResult("pod.affinity", owner).block(
                f"{counted(pods)} cannot share a value of {topology} ({why}): there are "
                f"{len(room)} {where} for {replicas} pods, and {replicas - len(room)} find no node",
                f"{more_domains(topology, snapshot)}{soft}",
            )


def _apart_by(workload: WorkloadFacts) -> dict[str, str]:
    """The node labels of which it shares no value with its own kind, and why."""
    namespace, ports = workload.key.namespace, workload.traits.host_ports
    apart = {HOSTNAME: f"hostPort {ports[0]}"} if ports else {}
    return apart | {
        term.topology: _ANTI_AFFINITY
        for term in workload.scheduling.apart
        if term.means(namespace, namespace, dict(workload.labels))
    }


def shared_disks(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """pod.shared-disk: pods that use one disk together, which follows to the new node only when the
    last of them has left the old one."""
    users: defaultdict[str, list[WorkloadFacts]] = defaultdict(list)
    for workload in snapshot.workloads:
        for volume in workload.volumes:
            if volume.one_node and not workload.run_once:
                users[volume.name].append(workload)
    for name, pods in sorted(users.items()):
        if len(pods) > 1:
            yield RuleResult("pod.shared-disk", pods[0].owner or f"Pod {pods[0].key}").block(
                f"{counted(pods)} share disk {name}, which one node can attach: the replacement of "
                "the first does not start before the last has left",
                "scale them to one replica until it has moved, or use a volume that is "
                "ReadWriteMany, such as Azure Files",
            )
