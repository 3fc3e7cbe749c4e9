"""The snapshot that the rules look at, from what was observed."""

from datetime import UTC, datetime

from azure_linux_migrator.core.drain.node_estimate import daemon_requests
from azure_linux_migrator.core.drain.pod_filters import PodDisposition
from azure_linux_migrator.core.drain.pod_tracker import TrackedPod
from azure_linux_migrator.core.drain.surge_first import needs_surge, why_not
from azure_linux_migrator.core.preflight.snapshot import PreflightSnapshot, WorkloadFacts
from azure_linux_migrator.core.steps.pool_size import final_count, most_extra
from azure_linux_migrator.core.steps.progress import Context
from azure_linux_migrator.model.azure_facts import AzureFacts
from azure_linux_migrator.model.cluster import Controller, Node, Pod, Volume
from azure_linux_migrator.model.pool import Pool


def build_snapshot(ctx: Context) -> PreflightSnapshot:
    """What is known now; the pools were read, and the source is one of them."""
    pools = ctx.seen.pools.pools if ctx.seen.pools else {}
    world = ctx.seen.world
    keys = {
        key
        for entry in ctx.planner.tracker.entries.values()
        if entry.filter_result.disposition is PodDisposition.MOVE
        for key in world.budgets_of(entry.pod)
    }
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
        daemons=daemon_requests(ctx.planner.tracker, _nodes_of(ctx)),
        budgets=tuple(world.budgets[key] for key in sorted(keys)),
        blockers=ctx.plan.blockers,
    )


def _nodes_of(ctx: Context) -> list[Node]:
    return [progress.node for progress in ctx.pool_progress.by_node.values()]


def _workloads(ctx: Context) -> tuple[WorkloadFacts, ...]:
    """The pods that must move, and the DaemonSets that run beside them but for those of AKS."""
    entries = [entry for _, entry in sorted(ctx.planner.tracker.entries.items())]
    pods = [
        _pod(ctx, entry)
        for entry in entries
        if entry.filter_result.disposition is not PodDisposition.SKIP and not entry.pod.finished
    ]
    running = {entry.pod.owner.uid for entry in entries if entry.pod.owner is not None}
    daemons = [
        WorkloadFacts(
            "DaemonSet", each.key, _named(each), traits=each.traits, scheduling=each.scheduling
        )
        for each in ctx.seen.world.owner_index.of_kind("DaemonSet")
        if each.uid in running and not each.addon
    ]
    return (*pods, *daemons)


def _pod(ctx: Context, entry: TrackedPod) -> WorkloadFacts:
    pod, world = entry.pod, ctx.seen.world
    controller = world.owner_index.controller_of(pod)
    owner = _named(controller) if controller else ""
    if not owner and pod.owner:
        owner = f"{pod.owner.kind} {pod.key.namespace}/{pod.owner.name}"
    volumes = tuple(world.owner_index.volumes_of(pod))
    return WorkloadFacts(
        "Pod",
        pod.key,
        owner,
        controller.replicas if controller else 0,
        traits=pod.traits,
        scheduling=pod.scheduling,
        requests=pod.requests,
        extended_resources=pod.extended_resources,
        volumes=volumes,
        empty_dir=pod.empty_dir,
        job=pod.owner is not None and pod.owner.kind == "Job",
        blocker=entry.filter_result.blocker,
        no_surge=_no_surge(ctx, pod, controller, volumes),
    )


def _no_surge(
    ctx: Context, pod: Pod, controller: Controller | None, volumes: tuple[Volume, ...]
) -> str:
    """Why a pod that calls for a surge cannot have one; empty where it can, or needs none."""
    if controller is None:
        return ""
    keys = ctx.seen.world.budgets_of(pod)
    budget = ctx.seen.world.budgets.get(keys[0]) if keys else None
    why = why_not(controller, budget, ctx.migration.name)
    if not why and needs_surge(controller, budget):
        disk = next((volume for volume in volumes if volume.one_node), None)
        why = f"its disk {disk.name} can be attached to one node only" if disk else ""
    return why


def _named(controller: Controller) -> str:
    return f"{controller.kind} {controller.key}"
