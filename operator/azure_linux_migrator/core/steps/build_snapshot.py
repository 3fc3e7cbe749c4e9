"""The snapshot that the rules look at, from what was observed."""

from datetime import UTC, datetime

from azure_linux_migrator.core.drain.pod_filters import PodDisposition
from azure_linux_migrator.core.drain.pod_tracker import TrackedPod
from azure_linux_migrator.core.preflight.snapshot import PreflightSnapshot, WorkloadFacts
from azure_linux_migrator.core.steps.pool_size import final_count, most_extra
from azure_linux_migrator.core.steps.progress import Context
from azure_linux_migrator.model.azure_facts import AzureFacts
from azure_linux_migrator.model.cluster import Controller
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
        budgets=tuple(world.budgets[key] for key in sorted(keys)),
        blockers=ctx.plan.blockers,
    )


def _workloads(ctx: Context) -> tuple[WorkloadFacts, ...]:
    pods = [
        _pod(ctx, entry)
        for _, entry in sorted(ctx.planner.tracker.entries.items())
        if entry.filter_result.disposition is not PodDisposition.SKIP and not entry.pod.finished
    ]
    daemons = [
        WorkloadFacts(
            "DaemonSet",
            each.key,
            _named(each),
            traits=each.traits,
            scheduling=each.scheduling,
        )
        for each in ctx.seen.world.owner_index.of_kind("DaemonSet")
    ]
    return (*pods, *daemons)


def _pod(ctx: Context, entry: TrackedPod) -> WorkloadFacts:
    pod = entry.pod
    owner_index = ctx.seen.world.owner_index
    controller = owner_index.controller_of(pod)
    owner = _named(controller) if controller else ""
    if not owner and pod.owner:
        owner = f"{pod.owner.kind} {pod.key.namespace}/{pod.owner.name}"
    return WorkloadFacts(
        "Pod",
        pod.key,
        owner,
        controller.replicas if controller else 0,
        traits=pod.traits,
        scheduling=pod.scheduling,
        empty_dir=pod.empty_dir,
        local_volume=any(volume.local for volume in owner_index.volumes_of(pod)),
        job=pod.owner is not None and pod.owner.kind == "Job",
    )


def _named(controller: Controller) -> str:
    return f"{controller.kind} {controller.key}"
