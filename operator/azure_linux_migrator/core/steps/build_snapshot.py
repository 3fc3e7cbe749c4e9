"""The snapshot that the rules look at, from what was observed."""

from datetime import UTC, datetime

from azure_linux_migrator.core.drain.pod_filters import Fate
from azure_linux_migrator.core.drain.pod_tracker import Entry
from azure_linux_migrator.core.preflight.snapshot import Snapshot, Workload
from azure_linux_migrator.core.steps.pool_size import final_count, most_extra
from azure_linux_migrator.core.steps.progress import Context
from azure_linux_migrator.model.azure_facts import Survey
from azure_linux_migrator.model.cluster import Controller
from azure_linux_migrator.model.pool import Pool
from azure_linux_migrator.model.traits import JOB, LOCAL_VOLUME


def snapshot_of(ctx: Context) -> Snapshot:
    """What is known now; the pools were read, and the source is one of them."""
    survey = ctx.seen.survey or Survey()
    pools = ctx.seen.pools.pools if ctx.seen.pools else {}
    world = ctx.seen.world
    keys = {
        key
        for entry in ctx.planner.entries.values()
        if entry.verdict.fate is Fate.MOVE
        for key in world.budgets_of(entry.pod)
    }
    return Snapshot(
        spec=ctx.migration.spec,
        source=pools.get(ctx.migration.source) or Pool(ctx.migration.source),
        target=ctx.migration.target,
        extra=most_extra(ctx),
        final=final_count(ctx),
        pools=pools,
        today=datetime.fromtimestamp(ctx.now, UTC).date(),
        cluster=survey.cluster,
        usages=survey.usages,
        sizes=survey.sizes,
        subnets=survey.subnets,
        denied=survey.denied,
        locks=survey.locks,
        windows=survey.windows,
        extensions=survey.extensions,
        services=survey.services,
        images=survey.images,
        nodes=tuple(sorted(world.nodes.values(), key=lambda node: node.name)),
        workloads=_workloads(ctx),
        budgets=tuple(world.budgets[key] for key in sorted(keys)),
        blockers=ctx.plan.blockers,
    )


def _workloads(ctx: Context) -> tuple[Workload, ...]:
    pods = [
        _pod(ctx, entry)
        for _, entry in sorted(ctx.planner.entries.items())
        if entry.verdict.fate is not Fate.SKIP and not entry.pod.finished
    ]
    daemons = [
        Workload("DaemonSet", each.key, _named(each), 0, each.traits)
        for each in ctx.seen.world.catalog.of_kind("DaemonSet")
        if each.traits
    ]
    return (*pods, *daemons)


def _pod(ctx: Context, entry: Entry) -> Workload:
    pod = entry.pod
    catalog = ctx.seen.world.catalog
    found = catalog.governing(pod)
    more = []
    if any(each.local for each in catalog.volumes_of(pod)):
        more.append(LOCAL_VOLUME)
    if pod.owner is not None and pod.owner.kind == "Job":
        more.append(JOB)
    owner = _named(found) if found else ""
    if not owner and pod.owner:
        owner = f"{pod.owner.kind} {pod.key.namespace}/{pod.owner.name}"
    return Workload(
        "Pod",
        pod.key,
        owner,
        found.replicas if found else 0,
        (*pod.traits, *more),
        pod.labels,
    )


def _named(controller: Controller) -> str:
    return f"{controller.kind} {controller.key}"
