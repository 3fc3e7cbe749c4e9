"""Checks of what runs on the source pool."""

from collections.abc import Iterator

from azure_linux_migrator.api.causes import Cause
from azure_linux_migrator.api.spec_drain import (
    EmptyDirPolicy,
    SingletonPolicy,
    TimeoutPolicy,
    UnmanagedPolicy,
)
from azure_linux_migrator.core.preflight.findings import Finding
from azure_linux_migrator.core.preflight.rule import RuleResult, counted, groups
from azure_linux_migrator.core.preflight.snapshot import PreflightSnapshot, WorkloadFacts
from azure_linux_migrator.model.azure_facts import Unread
from azure_linux_migrator.model.scheduling import SchedulingConstraints

_OF_POOL = frozenset(
    {
        "agentpool",
        "kubernetes.azure.com/agentpool",
        "kubernetes.azure.com/os-sku",
        "kubernetes.azure.com/os-sku-requested",
        "kubernetes.azure.com/os-sku-effective",
        "kubernetes.azure.com/node-image-version",
        "kubernetes.io/hostname",
    }
)
"""Node labels whose values change with the pool."""
_BUDGETS = frozenset(
    (
        Cause.BUDGET_DEADLOCKED,
        Cause.BUDGET_SYNC_FAILED,
        Cause.TWO_BUDGETS,
    )
)


def budgets(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """pdb.zero: a budget that will never let its pods go."""
    policy = snapshot.spec.drain
    for blocker in snapshot.blockers:
        if blocker.cause in _BUDGETS:
            result = RuleResult("pdb.zero", f"{blocker.kind} {blocker.key}")
            cured = (
                policy.on_timeout is TimeoutPolicy.FORCE
                or policy.singletons is SingletonPolicy.SURGE_FIRST
            )
            say = result.warn if cured else result.block
            told = blocker.message.removeprefix(f"{blocker.kind} {blocker.key} ")
            yield say(f"{told} ({blocker.pods} pods)", blocker.remedy)


def selectors(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """pod.selector-pool: pods that name the old pool, OS or image find no place on the new one."""
    if str(snapshot.spec.strategy.type) == "InPlace":
        return
    labels = snapshot.spec.target.labels or {}
    for owner, pods in groups(snapshot, lambda each: _lost(each, snapshot, labels)):
        lost = sorted({label for pod in pods for label in _lost(pod, snapshot, labels)})
        yield RuleResult("pod.selector-pool", owner).block(
            f"{counted(pods)} must run on nodes with {', '.join(lost[:3])}, which nodes of pool "
            f"{snapshot.target} will not have",
            "select a label of your own instead, and set it in spec.target.labels",
        )


def _lost(
    workload: WorkloadFacts, snapshot: PreflightSnapshot, labels: dict[str, str]
) -> list[str]:
    """Labels it selects that the target's nodes will not have."""
    new = {
        "agentpool": snapshot.target,
        "kubernetes.azure.com/agentpool": snapshot.target,
        "kubernetes.azure.com/os-sku": snapshot.spec.target.os_sku,
        "kubernetes.azure.com/os-sku-requested": snapshot.spec.target.os_sku,
        **labels,
    }
    pairs = _selected(workload.scheduling)
    kept = {key for key, value in pairs if new.get(key) == value}
    return [f"{key}={value}" for key, value in pairs if key not in kept]


def _selected(scheduling: SchedulingConstraints) -> list[tuple[str, str]]:
    """Labels that change with the pool, as a node selector or a required affinity wants them."""
    wanted = {pair for pair in scheduling.selector if pair[0] in _OF_POOL}
    wanted |= {
        (requirement.key, value)
        for term in scheduling.terms
        for requirement in term.expressions
        if requirement.operator == "In" and requirement.key in _OF_POOL
        for value in requirement.values
    }
    return sorted(wanted)


def daemon_selectors(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """pod.daemonset-selector: agents that would silently not start on the new nodes."""
    labels = snapshot.spec.target.labels or {}
    wanted = groups(snapshot, lambda each: _lost(each, snapshot, labels), "DaemonSet")
    for owner, each in wanted:
        lost = ", ".join(_lost(each[0], snapshot, labels)[:3])
        yield RuleResult("pod.daemonset-selector", owner).warn(
            f"it selects nodes with {lost} and will not run on pool {snapshot.target}",
            "widen its node selector before the migration",
        )


def bare(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """pod.bare: pods that nobody makes again."""
    for owner, pods in groups(snapshot, lambda each: not each.owner):
        result = RuleResult("pod.bare", owner)
        if snapshot.spec.drain.unmanaged_pods is UnmanagedPolicy.EVICT:
            yield result.warn(f"{counted(pods)} will be gone for good", "keep its manifest at hand")
        else:
            yield result.block(
                f"{counted(pods)} without a controller would not come back",
                "give it one, delete it, or set spec.drain.unmanagedPods to Evict",
            )


def local_data(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """pod.local-data: what is on a node's disk stays there."""
    for owner, pods in groups(snapshot, lambda each: each.local_volume):
        yield RuleResult("pod.local-data", owner).warn(
            f"{counted(pods)} has a volume on its node's own disk",
            "move the data first; the pod holds the drain up",
        )
    if snapshot.spec.drain.empty_dir is EmptyDirPolicy.EVICT:
        for owner, pods in groups(snapshot, lambda each: each.empty_dir):
            yield RuleResult("pod.local-data", owner).warn(
                f"{counted(pods)} will lose emptyDir data",
                "see that it is a cache, or set spec.drain.emptyDir to Block",
            )


def volume_zones(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """pod.pv-zone: volumes that no node of the target can attach."""
    for blocker in snapshot.blockers:
        if blocker.cause is Cause.VOLUME_ZONE:
            yield RuleResult("pod.pv-zone", f"{blocker.kind} {blocker.key}").block(
                blocker.message, blocker.remedy
            )
    zones = snapshot.spec.target.zones
    before = set(snapshot.source.settings.zones)
    lost = sorted(before - set(zones)) if zones is not None and "auto" not in zones else []
    if lost:
        yield RuleResult("pod.pv-zone", f"nodepool {snapshot.target}").warn(
            f"spec.target.zones leaves out zone {', '.join(lost)} of the source",
            "see that no volume is in it",
        )


def kept(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """pod.safe-to-evict: pods that ask to be left alone, end slowly, or run a Job."""
    for owner, pods in groups(snapshot, lambda each: each.traits.kept_by):
        yield RuleResult("pod.safe-to-evict", owner).warn(
            f"{counted(pods)} asks with {pods[0].traits.kept_by[0]} not to be evicted; "
            "a drain moves it all the same",
            "see that it can be moved now",
        )
    for owner, pods in groups(snapshot, lambda each: each.traits.grace_seconds):
        yield RuleResult("pod.safe-to-evict", owner).warn(
            f"{counted(pods)} takes up to {pods[0].traits.grace_seconds} s to end",
            "let spec.drain.timeout be longer than that",
        )
    for owner, pods in groups(snapshot, lambda each: each.job):
        yield RuleResult("pod.safe-to-evict", owner).warn(
            f"{counted(pods)} runs a Job (spec.drain.jobs: {snapshot.spec.drain.jobs})",
            "let it end before, or choose what spec.drain.jobs says",
        )


def single(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """pod.single-replica: one replica, moved by eviction, is down for a while."""
    if snapshot.spec.drain.singletons is SingletonPolicy.SURGE_FIRST:
        return
    for owner, pods in groups(snapshot, lambda each: each.replicas == 1):
        yield RuleResult("pod.single-replica", owner).warn(
            f"{counted(pods)} is its only replica and will be down while it moves",
            "add a replica, or set spec.drain.singletons to SurgeFirst",
        )


def dual_stack(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """os.ipv6: Azure Linux nodes do not route IPv6 health probes."""
    result = RuleResult("os.ipv6", "the cluster")
    if isinstance(snapshot.facts.services, Unread):
        yield result.unchecked(snapshot.facts.services)
        return
    if snapshot.facts.services:
        names = ", ".join(snapshot.facts.services[:3])
        yield result.block(
            f"IPv6 LoadBalancer services with externalTrafficPolicy Cluster ({names}) are not "
            "served by Azure Linux nodes",
            "set externalTrafficPolicy: Local on them",
        )
