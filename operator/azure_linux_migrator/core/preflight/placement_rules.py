"""Checks of where the pods that move can land: by the labels, the taints and the room of the nodes
of the target, and by how their replicas have to spread."""

from collections.abc import Iterator

from azure_linux_migrator.api.spec_strategy import StrategyType
from azure_linux_migrator.core.preflight.findings import Finding
from azure_linux_migrator.core.preflight.rule import RuleResult, counted, groups, of_pool
from azure_linux_migrator.core.preflight.snapshot import PreflightSnapshot, WorkloadFacts
from azure_linux_migrator.core.preflight.target_nodes import (
    DISK_ZONE,
    ZONE,
    TargetNode,
    cores,
    mebibytes,
    most_nodes,
    source_nodes,
    target_nodes,
)
from azure_linux_migrator.model.scheduling import HOSTNAME, Taint, Toleration, TopologySpread
from azure_linux_migrator.model.selectors import Requirement

_DAEMONS_TOLERATE = frozenset(
    f"node.kubernetes.io/{what}"
    for what in (
        "not-ready",
        "unreachable",
        "disk-pressure",
        "memory-pressure",
        "pid-pressure",
        "unschedulable",
    )
)
"""AddOrUpdateDaemonPodTolerations in pkg/controller/daemon/util/daemonset_util.go."""

_ZONES = frozenset((ZONE, DISK_ZONE, "failure-domain.beta.kubernetes.io/zone"))
"""Labels whose value is the zone of the node."""


def selectors(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """pod.selector-pool: pods whose selector or required affinity no node of the target meets."""
    nodes = target_nodes(snapshot)
    in_place = snapshot.spec.strategy.type is StrategyType.IN_PLACE
    where = "nodeLabels of the pool" if in_place else "spec.target.labels"
    for owner, pods in groups(snapshot, lambda workload: _unmet(workload, nodes)):
        yield RuleResult("pod.selector-pool", owner).block(
            f"{counted(pods)} must run on nodes with {_words(pods[0], nodes)}, which nodes of pool "
            f"{snapshot.target} will not have{_by_hand(pods[0], nodes, snapshot)}",
            f"let it select a label of your own, and set that in {where} beside those that the "
            "pool has",
        )


def daemon_selectors(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """pod.daemonset-selector: agents that would silently not start on the new nodes."""
    nodes = target_nodes(snapshot)
    for owner, [daemon, *_] in groups(snapshot, lambda daemon: _unmet(daemon, nodes), "DaemonSet"):
        yield RuleResult("pod.daemonset-selector", owner).warn(
            f"it selects nodes with {_words(daemon, nodes)} and will not run on pool "
            f"{snapshot.target}{_by_hand(daemon, nodes, snapshot)}",
            "widen its node selector before the migration",
        )
    for owner, [daemon, *_] in groups(snapshot, lambda daemon: daemon.api_group, "DaemonSet"):
        yield RuleResult("pod.daemonset-selector", owner).warn(
            f"it is a DaemonSet of {daemon.api_group}, which azlm does not know: its pods stay "
            "with their nodes, as those of a DaemonSet do",
            f"see that it runs its pods on the nodes of pool {snapshot.target}, too",
        )
    for owner, [daemon, *_] in groups(snapshot, lambda daemon: True, "DaemonSet"):
        tolerations = (
            *daemon.scheduling.tolerations,
            *(Toleration(key, "Exists") for key in _DAEMONS_TOLERATE),
        )
        for taint in nodes[0].taints if nodes else ():
            hard = taint.effect != "PreferNoSchedule"
            if hard and not any(toleration.matches(taint) for toleration in tolerations):
                yield RuleResult("pod.daemonset-selector", owner).warn(
                    f"it does not tolerate taint {taint} and will not run on pool "
                    f"{snapshot.target}",
                    "add that toleration to its template before the migration",
                )


def fit(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """pod.fit: pods that no node of the target takes for its taints or its size."""
    nodes = [node for node in target_nodes(snapshot) if node.free.pods or node.taints]
    yield from _unknown_room(snapshot, "pod.fit")
    for owner, pods in groups(snapshot, lambda workload: _misfit(workload, nodes)):
        taint = _taint(pods[0], nodes)
        result = RuleResult("pod.fit", owner)
        if taint is not None:
            yield result.block(
                f"{counted(pods)} does not tolerate taint {taint}, which every node of pool "
                f"{snapshot.target} will have",
                "add the toleration to its template, or leave the taint out of spec.target.taints",
            )
        else:
            size = snapshot.spec.target.vm_size or snapshot.source.vm_size
            yield result.block(
                f"{counted(pods)} requests {nodes[0].lacks(pods[0])}: no node of pool "
                f"{snapshot.target} ({size}) has room for it",
                "set spec.target.vmSize to a larger size, or lower what it requests",
            )


def capacity(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """pool.capacity: the target as a whole holds what moves, by what the pods request.

    Pods of negative priority keep room for others and give way to them.
    """
    nodes = target_nodes(snapshot)
    free = nodes[0].free if nodes else None
    pods = [
        workload
        for workload in snapshot.workloads
        if workload.kind == "Pod" and workload.priority >= 0
    ]
    most = most_nodes(snapshot)
    yield from _unknown_room(snapshot, "pool.capacity")
    if free is None or not free.pods or not pods or not most:
        return
    cpu, memory = (sum(pod.requests[at] for pod in pods) for at in (0, 1))
    if cpu > most * free.cpu or memory > most * free.memory or len(pods) > most * free.pods:
        size = snapshot.spec.target.vm_size or snapshot.source.vm_size
        there = [cores(most * free.cpu), mebibytes(most * free.memory), f"{most * free.pods} pods"]
        yield of_pool(snapshot, "pool.capacity").block(
            f"the {len(pods)} pods that move request {cores(cpu)} and {mebibytes(memory)}; {most} "
            f"nodes of {size} have room for {', '.join(there)} beside their DaemonSets",
            "raise spec.target.count (Auto takes what the pods request), or set a larger "
            "spec.target.vmSize",
        )


def _unknown_room(snapshot: PreflightSnapshot, rule: str) -> Iterator[Finding]:
    """What a node of another VM size holds comes from Azure."""
    if snapshot.resizes and snapshot.size_facts is None:
        yield of_pool(snapshot, rule).unchecked(snapshot.size_unread)


def spread(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """pod.spread: cordoned nodes are domains of a topology spread constraint, and count as empty
    once they are drained; with fewer domains than minDomains, the emptiest counts as empty, too
    (pkg/scheduler/framework/plugins/podtopologyspread/filtering.go)."""
    if snapshot.spec.strategy.type is StrategyType.IN_PLACE:
        return
    nodes = target_nodes(snapshot)
    blue_green = snapshot.spec.strategy.type is StrategyType.BLUE_GREEN
    for owner, pods in groups(snapshot, lambda workload: workload.scheduling.spread):
        for constraint in pods[0].scheduling.spread:
            placeable, left = domains(constraint, pods[0], nodes, snapshot)
            replicas = max(pods[0].replicas, len(pods))
            room = constraint.max_skew * len(placeable)
            if not placeable or replicas <= room:
                continue
            by = "host name" if constraint.topology == HOSTNAME else constraint.topology
            text = f"{replicas} replicas with maxSkew {constraint.max_skew} by {by}"
            if constraint.min_domains > len(placeable):
                yield RuleResult("pod.spread", owner).block(
                    f"{text}: minDomains is {constraint.min_domains}, and there will be "
                    f"{len(placeable)}, so that {replicas - room} pods find no node",
                    f"{more_domains(constraint.topology, snapshot)}, or lower its minDomains",
                )
            elif blue_green and left - placeable:
                yield RuleResult("pod.spread", owner).block(
                    f"{text} on {len(placeable)} new domains: cordoned nodes count as empty ones, "
                    f"so that {replicas - room} pods find no node while the drained nodes stand",
                    "set nodeTaintsPolicy: Honor in its topologySpreadConstraints, or use "
                    "spec.strategy.type Rolling",
                )


def more_domains(topology: str, snapshot: PreflightSnapshot) -> str:
    """How replicas get more values of a node label: its pool has one of any label but two."""
    if topology == HOSTNAME:
        return "raise spec.target.count"
    if topology in _ZONES:
        return "add zones to spec.target.zones"
    return (
        f"place replicas on other pools, as pool {snapshot.target} has one value of {topology} for "
        "all its nodes"
    )


def domains(
    constraint: TopologySpread,
    pod: WorkloadFacts,
    nodes: list[TargetNode],
    snapshot: PreflightSnapshot,
) -> tuple[set[str], set[str]]:
    """Domains where replicas can land, and those of cordoned nodes that count all the same."""

    def counts(name: str, labels: dict[str, str]) -> bool:
        complete = bool(labels) and constraint.honor_affinity
        return not complete or pod.scheduling.selects(name, labels)

    def domain(name: str, labels: dict[str, str]) -> str:
        return labels.get(constraint.topology, name if constraint.topology == HOSTNAME else "")

    left = {
        domain(node.name, dict(node.labels))
        for node in source_nodes(snapshot)
        if not constraint.honor_taints and counts(node.name, dict(node.labels))
    }
    others = [
        (node.name, dict(node.labels))
        for node in snapshot.nodes
        if node.pool != snapshot.source.name
        and not node.unschedulable
        and all(pod.scheduling.tolerates(Taint.parse(text)) for text in node.taints)
        and node.labels
        and pod.scheduling.selects(node.name, dict(node.labels))
    ]
    placeable = {domain(name, labels) for name, labels in others}
    accepted = [node for node in nodes if not node.unmet(pod.scheduling)]
    if constraint.topology == HOSTNAME and accepted:
        placeable |= {f"{snapshot.target}/{index}" for index in range(most_nodes(snapshot))}
    else:
        placeable |= {domain(node.name, dict(node.labels)) for node in accepted}
    return placeable - {""}, left - {""}


def _unmet(workload: WorkloadFacts, nodes: list[TargetNode]) -> list[Requirement]:
    """What it requires where no node of the target will do: of the node that lacks least."""
    unmet = [node.unmet(workload.scheduling) for node in nodes]
    return min(unmet, key=len, default=[])


def _words(workload: WorkloadFacts, nodes: list[TargetNode]) -> str:
    return ", ".join(str(requirement) for requirement in _unmet(workload, nodes)[:3])


def _by_hand(workload: WorkloadFacts, nodes: list[TargetNode], snapshot: PreflightSnapshot) -> str:
    """A hint where the nodes of the source have a label that their pool does not define."""
    on_source = {key for node in source_nodes(snapshot) for key, _ in node.labels}
    of_target = {key for node in nodes for key in node.labels}
    strange = [
        requirement.key
        for requirement in _unmet(workload, nodes)
        if requirement.key in on_source - of_target
    ]
    return f" ({strange[0]} was set on the old nodes by hand)" if strange else ""


def _misfit(workload: WorkloadFacts, nodes: list[TargetNode]) -> bool:
    """Whether the taints or the size of every node that it selects keep it away."""
    selected = [node for node in nodes if not node.unmet(workload.scheduling)]
    return bool(selected) and all(
        node.untolerated(workload.scheduling) or node.lacks(workload) for node in selected
    )


def _taint(workload: WorkloadFacts, nodes: list[TargetNode]) -> Taint | None:
    return next((taint for node in nodes for taint in node.untolerated(workload.scheduling)), None)
