"""The snapshot that the rules look at, from what was observed."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime

from msgspec import structs

from azure_linux_migrator.core.drain.disruption_budgets import is_deadlocked
from azure_linux_migrator.core.drain.node_estimate import daemon_requests
from azure_linux_migrator.core.drain.pod_filters import PodDisposition, runs_once
from azure_linux_migrator.core.drain.pod_tracker import TrackedPod
from azure_linux_migrator.core.drain.surge_first import needs_surge, restarts, undone_by, why_not
from azure_linux_migrator.core.preflight.snapshot import (
    BudgetFacts,
    PreflightSnapshot,
    WorkloadFacts,
)
from azure_linux_migrator.core.steps.companions import Companions
from azure_linux_migrator.core.steps.pool_size import final_count, most_extra
from azure_linux_migrator.core.steps.progress import Context
from azure_linux_migrator.model.azure_facts import AzureFacts
from azure_linux_migrator.model.cluster import (
    Allocatable,
    Controller,
    NamespacedName,
    Pod,
    ScaleOwner,
    Volume,
)
from azure_linux_migrator.model.pool import Pool

_STANDARD = frozenset({"DaemonSet", "Deployment", "Job", "ReplicaSet", "StatefulSet"})


def build_snapshot(ctx: Context) -> PreflightSnapshot:
    """What is known now; the pools were read, and the source is one of them."""
    pools = ctx.seen.pools.pools if ctx.seen.pools else {}
    world = ctx.seen.world
    return PreflightSnapshot(
        spec=ctx.migration.spec,
        source=pools.get(ctx.migration.source) or Pool(ctx.migration.source),
        target=ctx.migration.target,
        extra=most_extra(ctx),
        final=final_count(ctx),
        pools=pools,
        today=datetime.fromtimestamp(ctx.now, UTC).date(),
        facts=ctx.seen.azure_facts or AzureFacts(),
        nodes=tuple(sorted(world.nodes.values(), key=lambda node: node.name)),
        workloads=_workloads(ctx),
        daemons=_daemons(ctx),
        budgets=tuple(_budgets(ctx)),
        unread_scales=_unread_scales(ctx),
        now=ctx.now,
        blockers=ctx.plan.blockers,
    )


def _budgets(ctx: Context) -> Iterator[BudgetFacts]:
    """Budgets of pods that move and that allow nothing now, by name."""
    world = ctx.seen.world
    moving: defaultdict[NamespacedName, list[Pod]] = defaultdict(list)
    for _, entry in sorted(ctx.planner.tracker.entries.items()):
        if entry.filter_result.disposition is PodDisposition.MOVE and not entry.pod.finished:
            for key in world.budgets_of(entry.pod):
                moving[key].append(entry.pod)
    unready: defaultdict[NamespacedName, list[Pod]] = defaultdict(list)
    owned: Counter[str] = Counter()
    for namespace in {key.namespace for key in moving}:
        for pod in world.pods_in(namespace):
            owned[pod.owner.uid if pod.owner else ""] += 1
            if not pod.ready and not pod.terminating and not pod.finished:
                for key in world.budgets_of(pod):
                    unready[key].append(pod)
    for key, pods in sorted(moving.items()):
        budget = world.budgets[key]
        if budget.allowed > 0 and not is_deadlocked(budget):
            continue
        uids = {pod.owner.uid for pod in pods if pod.owner is not None}
        controllers = [world.owner_index.controller_of(pod) for pod in pods]
        yield BudgetFacts(
            budget=budget,
            pods=len(pods),
            owners=tuple(sorted({_owner_of(ctx, pod) for pod in pods})),
            standard=all(pod.owner is None or pod.owner.kind in _STANDARD for pod in pods),
            surged=all(
                controller is not None
                and not undone_by(controller, ctx.migration.name)
                and not _no_surge(ctx, pod, controller, tuple(world.owner_index.volumes_of(pod)))
                for pod, controller in zip(pods, controllers, strict=True)
            ),
            peers=sum(owned[uid] for uid in uids),
            unready=tuple(
                (pod.key, pod.unready_since)
                for pod in sorted(unready[key], key=lambda pod: pod.key)
            ),
        )


def _daemons(ctx: Context) -> Allocatable:
    """The least that the pods which stay on a source node request: a node of the target may have
    no more room than that leaves."""
    tracker = ctx.planner.tracker
    nodes = [progress.node for progress in ctx.pool_progress.by_node.values()]
    staying = [daemon_requests(tracker, [node]) for node in nodes]
    return Allocatable(
        min((resources.cpu for resources in staying), default=0),
        min((resources.memory for resources in staying), default=0),
        min((resources.pods for resources in staying), default=0),
    )


def _workloads(ctx: Context) -> tuple[WorkloadFacts, ...]:
    """The pods that must move, and the DaemonSets that run beside them but for those of AKS."""
    entries = [entry for _, entry in sorted(ctx.planner.tracker.entries.items())]
    companions = Companions(ctx)
    pods = [
        _pod(ctx, entry, companions)
        for entry in entries
        if entry.filter_result.disposition is not PodDisposition.SKIP and not entry.pod.finished
    ]
    running = {entry.pod.owner.uid for entry in entries if entry.pod.owner is not None}
    daemons = [
        WorkloadFacts(
            "DaemonSet",
            daemonset.key,
            _named(daemonset),
            traits=daemonset.traits,
            scheduling=daemonset.scheduling,
        )
        for daemonset in ctx.seen.world.owner_index.of_kind("DaemonSet")
        if daemonset.uid in running and not daemonset.addon
    ]
    others = {
        entry.pod.owner.uid: WorkloadFacts(
            "DaemonSet",
            entry.pod.key._replace(name=entry.pod.owner.name),
            _owner_of(ctx, entry.pod),
            traits=entry.pod.traits,
            scheduling=structs.replace(entry.pod.scheduling, terms=()),
            api_group=entry.pod.owner.api_group,
        )
        for entry in entries
        if entry.pod.owner is not None and entry.pod.owner.other_daemonset
    }
    return (*pods, *daemons, *others.values())


def _unread_scales(ctx: Context) -> dict[str, str]:
    """Of the kinds, and of the single objects, that own pods on the source."""
    owners: set[str] = set()
    for entry in ctx.planner.tracker.entries.values():
        if (owner := entry.pod.owner) is not None:
            key = entry.pod.key._replace(name=owner.name)
            owners |= {owner.qualified_kind, f"{owner.qualified_kind} {key}"}
    unread = ctx.seen.world.unread_scales
    return {subject: why for subject, why in unread.items() if subject in owners}


def _pod(ctx: Context, entry: TrackedPod, companions: Companions) -> WorkloadFacts:
    pod, world = entry.pod, ctx.seen.world
    controller = world.owner_index.controller_of(pod)
    volumes = tuple(world.owner_index.volumes_of(pod))
    companion = companions.of(entry) if pod.scheduling.near else None
    return WorkloadFacts(
        "Pod",
        pod.key,
        _owner_of(ctx, pod),
        controller.replicas if controller else 0,
        traits=pod.traits,
        scheduling=pod.scheduling,
        requests=pod.requests,
        extended_resources=pod.extended_resources,
        volumes=volumes,
        empty_dir=pod.empty_dir,
        priority=pod.priority,
        run_once=pod.run_once or runs_once(pod),
        owned=pod.owner is not None,
        labels=pod.labels,
        beside=(_owner_of(ctx, companion) or f"Pod {companion.key}") if companion else "",
        blocker=entry.filter_result.blocker,
        no_surge=_no_surge(ctx, pod, controller, volumes),
        scaled_by=controller.scaled_by if controller else ScaleOwner.NOBODY,
        restarts=controller is not None and restarts(controller),
        addon=controller is not None and controller.addon,
    )


def _no_surge(
    ctx: Context, pod: Pod, controller: Controller | None, volumes: tuple[Volume, ...]
) -> str:
    """Why a pod that calls for a surge cannot have one; empty where it can, or needs none."""
    if controller is None:
        return ""
    keys = ctx.seen.world.budgets_of(pod)
    budget = ctx.seen.world.budgets.get(keys[0]) if keys else None
    if not needs_surge(controller, budget, ctx.migration.name):
        return ""
    return why_not(controller, volumes, ctx.migration.name)


def _owner_of(ctx: Context, pod: Pod) -> str:
    """The governing controller as `Kind namespace/name`; empty for none."""
    controller = ctx.seen.world.owner_index.controller_of(pod)
    if controller is not None:
        return _named(controller)
    return f"{pod.owner.kind} {pod.key.namespace}/{pod.owner.name}" if pod.owner else ""


def _named(controller: Controller) -> str:
    return f"{controller.kind} {controller.key}"
