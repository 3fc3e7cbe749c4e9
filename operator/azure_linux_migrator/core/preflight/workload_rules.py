"""Checks of what runs on the source pool."""

from collections.abc import Iterator

from azure_linux_migrator.api.causes import Cause
from azure_linux_migrator.api.quantities import LONGEST_HOURS, seconds
from azure_linux_migrator.api.spec_drain import (
    EmptyDirPolicy,
    JobPolicy,
    SingletonPolicy,
    UnmanagedPolicy,
)
from azure_linux_migrator.core.drain.pod_filters import named_zones
from azure_linux_migrator.core.preflight.findings import Finding
from azure_linux_migrator.core.preflight.rule import (
    RuleResult,
    blocked_by,
    blocker_text,
    counted,
    groups,
)
from azure_linux_migrator.core.preflight.snapshot import PreflightSnapshot, WorkloadFacts
from azure_linux_migrator.core.preflight.target_nodes import target_nodes
from azure_linux_migrator.model.azure_facts import Unread
from azure_linux_migrator.model.cluster import ScaleOwner, Volume


def bare(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """pod.bare: pods that nobody recreates."""
    refused = blocked_by(snapshot, Cause.UNMANAGED)
    for owner, pods, blocker in refused:
        yield RuleResult("pod.bare", owner).block(
            f"{counted(pods)}: {blocker_text(blocker)}", blocker.remedy, blocker.cause
        )
    if snapshot.spec.drain.unmanaged_pods is UnmanagedPolicy.WAIT:
        for owner, pods in groups(
            snapshot, lambda workload: workload.run_once and not workload.owned
        ):
            yield RuleResult("pod.bare", owner).info(
                f"{counted(pods)} is waited for until it ends (spec.drain.unmanagedPods: Wait)"
            )
    if snapshot.spec.drain.unmanaged_pods is UnmanagedPolicy.EVICT:
        for owner, pods in groups(snapshot, lambda workload: not workload.owner):
            yield RuleResult("pod.bare", owner).warn(
                f"{counted(pods)} will be gone for good", "keep its manifest at hand"
            )


def local_data(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """pod.local-data: what is on a node's disk stays there and is deleted with it."""
    for owner, pods, blocker in blocked_by(snapshot, Cause.LOCAL_VOLUME):
        volume = next(volume for volume in pods[0].volumes if volume.local)
        driver = f" (driver {volume.driver}, key {volume.bound_by})" if volume.driver else ""
        yield RuleResult("pod.local-data", owner).forbid(
            f"{counted(pods)}: {blocker_text(blocker)}{driver}", blocker.remedy, blocker.cause
        )
    for owner, pods, blocker in blocked_by(snapshot, Cause.EMPTY_DIR):
        yield RuleResult("pod.local-data", owner).forbid(
            f"{counted(pods)}: {blocker_text(blocker)}", blocker.remedy, blocker.cause
        )
    for owner, pods in groups(snapshot, lambda workload: workload.traits.data_paths):
        yield RuleResult("pod.local-data", owner).block(
            f"{counted(pods)} keeps data in {', '.join(pods[0].traits.data_paths)} of its node; it "
            "stays there and is deleted with the pool",
            "save or move the data, or acknowledge this if the pod can begin with an empty "
            "directory",
        )
    for owner, pods in groups(
        snapshot, lambda workload: workload.traits.read_paths and not workload.addon
    ):
        yield RuleResult("pod.local-data", owner).warn(
            f"{counted(pods)} reads {', '.join(pods[0].traits.read_paths)} of its node; a new node "
            "has there what a DaemonSet puts there, and nothing else",
            "see that something puts it on every node, or use a ConfigMap, an image or a volume",
        )
    for owner, [daemon, *_] in groups(
        snapshot, lambda daemon: daemon.traits.data_paths, "DaemonSet"
    ):
        yield RuleResult("pod.local-data", owner).info(
            f"it keeps {', '.join(daemon.traits.data_paths)} on each node; on the new nodes it "
            "begins with an empty directory"
        )
    if snapshot.spec.drain.empty_dir is EmptyDirPolicy.EVICT:
        for owner, pods in groups(
            snapshot, lambda workload: workload.empty_dir and not workload.addon
        ):
            yield RuleResult("pod.local-data", owner).warn(
                f"{counted(pods)} will lose emptyDir data",
                "see that it is a cache, or set spec.drain.emptyDir to Block",
            )


def volume_zones(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """pod.pv-zone: volumes that no node of the target can attach."""
    zones = frozenset(snapshot.spec.target.zones or snapshot.source.settings.zones)
    for owner, pods in groups(snapshot, lambda workload: _out_of_zone(workload, zones)):
        volume = _out_of_zone(pods[0], zones) or pods[0].volumes[0]
        yield RuleResult("pod.pv-zone", owner).block(
            f"{counted(pods)} has volume {volume.name}, which can be attached in "
            f"{named_zones(volume.zones)} only, where pool {snapshot.target} will have no node",
            "add that zone to spec.target.zones, or move the data to another volume",
        )
    missing_zones = (
        sorted(set(snapshot.source.settings.zones) - zones) if "auto" not in zones else []
    )
    if missing_zones:
        yield RuleResult("pod.pv-zone", f"nodepool {snapshot.target}").warn(
            f"spec.target.zones leaves out zone {', '.join(missing_zones)} of the source",
            "see that no volume is in it",
        )


def _out_of_zone(workload: WorkloadFacts, zones: frozenset[str]) -> Volume | None:
    """A volume of it that can be attached in none of these zones; None where any zone is one."""
    if "auto" in zones:
        return None
    for volume in workload.volumes:
        numbers = {zone.rpartition("-")[2] for zone in volume.zones}
        if volume.zones and not numbers & (zones or {""}):
            return volume
    return None


def kept(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """pod.safe-to-evict: pods that ask to be left alone, end slowly, or run a Job."""
    for owner, pods in groups(snapshot, lambda workload: workload.traits.kept_by):
        yield RuleResult("pod.safe-to-evict", owner).warn(
            f"{counted(pods)} asks with {pods[0].traits.kept_by[0]} not to be evicted; "
            "a drain moves it all the same",
            "see that it can be moved now",
        )
    for owner, pods in groups(snapshot, lambda workload: workload.traits.grace_seconds):
        yield RuleResult("pod.safe-to-evict", owner).warn(
            f"{counted(pods)} takes up to {pods[0].traits.grace_seconds} s to end",
            _long_enough(snapshot, pods[0].traits.grace_seconds),
        )
    jobs = snapshot.spec.drain.jobs
    for owner, pods in groups(snapshot, lambda workload: workload.run_once and workload.owned):
        job = owner.startswith("Job ")
        does = (
            "runs a Job" if job else "runs to completion and is not recreated (its restartPolicy)"
        )
        yield RuleResult("pod.safe-to-evict", owner).warn(
            f"{counted(pods)} {does}; spec.drain.jobs: {jobs}",
            "let it end before, or set spec.drain.jobs: Evict to stop it"
            if jobs is JobPolicy.WAIT
            else "let it end before, or set spec.drain.jobs: Wait to wait for it",
        )


def _long_enough(snapshot: PreflightSnapshot, grace: int) -> str:
    """What helps against a grace that outlasts the drain's timeout, which has a maximum."""
    timeout = snapshot.spec.drain.timeout
    if not seconds(timeout) or grace < seconds(timeout):
        return f"nothing, if it may take so long: spec.drain.timeout ({timeout}) allows it"
    if grace < LONGEST_HOURS * 3600:
        return f"set spec.drain.timeout, which is {timeout}, to more than that"
    return "lower its terminationGracePeriodSeconds, or set spec.drain.timeout to 0s for no limit"


def single(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """pod.single-replica: one replica, moved by eviction, is down for a while."""
    surges = snapshot.spec.drain.singletons is SingletonPolicy.SURGE_FIRST
    nodes = target_nodes(snapshot)
    addons = groups(snapshot, lambda workload: workload.replicas == 1 and workload.addon)
    if names := [owner for owner, _ in addons]:
        yield RuleResult("pod.single-replica", "the cluster").info(
            f"add-ons of AKS that have one replica are down while they move: {', '.join(names)}"
        )
    for owner, pods in groups(
        snapshot, lambda workload: workload.replicas == 1 and not workload.addon
    ):
        why, result = pods[0].no_surge, RuleResult("pod.single-replica", owner)
        if why:
            yield result.warn(
                f"{counted(pods)} is its only replica and will be down while it moves; SurgeFirst "
                f"cannot help: {why}",
                "move it at a time when that does no harm",
            )
        elif not surges:
            unscheduled = nodes and all(node.unmet(pods[0].scheduling) for node in nodes)
            yield result.warn(
                f"{counted(pods)} is its only replica and will be down while it moves",
                _second_replica(pods[0], placed=not unscheduled),
            )


def _second_replica(pod: WorkloadFacts, *, placed: bool) -> str:
    """How a single replica moves without being away, by who sets the number of replicas."""
    if not placed:
        return (
            "correct its node selector first (pod.selector-pool): a second replica would find no "
            "node either"
        )
    if pod.restarts or pod.scaled_by in {ScaleOwner.NOBODY, ScaleOwner.HELM}:
        return "add a replica, or set spec.drain.singletons to SurgeFirst"
    add = (
        "raise minReplicas of its HorizontalPodAutoscaler (KEDA: minReplicaCount)"
        if pod.scaled_by is ScaleOwner.AUTOSCALER
        else f"add a replica where {pod.scaled_by} has it from"
    )
    return f"{add}, or let its rolling update surge (maxSurge: 1, maxUnavailable: 0)"


def owner_scales(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """pod.owner-scale: how many pods a custom resource should have, where that is not known."""
    for subject, why in sorted(snapshot.unread_scales.items()):
        yield RuleResult("pod.owner-scale", subject).unchecked(
            Unread(
                f"its scale cannot be read ({why}); without it, the pods that are there count as "
                "all that there should be"
            ),
            "if a right is missing, add the component scale (rights.scale in the chart); if the "
            "object has no replicas, set them in its spec",
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
