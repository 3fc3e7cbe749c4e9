"""CreateTarget: the whole Azure Linux pool stands, Ready, before anything moves."""

from dataclasses import replace

from azure_linux_migrator.api.names import TAG_AUTOSCALER, TAG_COUNT, TAG_TARGET_COUNT
from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.core.preflight.target_kubernetes import target_kubernetes
from azure_linux_migrator.core.steps.autoscaler import held_bounds, tagged_bounds
from azure_linux_migrator.core.steps.external_changes import source_gone
from azure_linux_migrator.core.steps.node_agents import node_agents_not_ready
from azure_linux_migrator.core.steps.operation_retry import once_more
from azure_linux_migrator.core.steps.pool_size import final_count, initial_count, old_count
from azure_linux_migrator.core.steps.progress import DONE, Context, Progress, refused, working
from azure_linux_migrator.core.steps.target_health import strange_taints
from azure_linux_migrator.core.steps.waits import bounded
from azure_linux_migrator.model.actions import CreatePool, ReadAzureFacts, UpdatePool
from azure_linux_migrator.model.pool import Pool
from azure_linux_migrator.model.provisioning_state import UNFINISHED

RECHECK_SECONDS = 15.0


def create_target(ctx: Context) -> Progress:
    """Create the pool once, then wait for AKS and for its nodes.

    While that is refused the source cannot grow, since its autoscaler is held: the message says so.
    """
    progress = _create(ctx)
    source = ctx.pool(ctx.migration.source)
    bounds = tagged_bounds(source)
    if progress.state != "refused" or source is None or source.autoscaling or bounds is None:
        return progress
    text = (
        f"{progress.message}. Meanwhile the autoscaler of node pool {source.name} "
        f"({bounds[0]} to {bounds[1]} nodes) is off: kubectl azlm abort {ctx.migration.name} "
        "gives it back"
    )
    return replace(progress, message=text)


def _create(ctx: Context) -> Progress:
    migration = ctx.migration
    target = ctx.pool(migration.target)
    if target is None:
        if gone := source_gone(ctx):
            return replace(gone, actions=ctx.pool_reads(RECHECK_SECONDS))
        if not ctx.pools_newer_than(5.0):
            refresh = ctx.refresh_pools(Reason.READING_POOLS, "reading the cluster's node pools")
            return ctx.keep_refusal(refresh, f"CreatePool/{migration.target}")
        source = ctx.pool(migration.source)
        if ctx.seen.azure_facts is None and source is not None:
            # After a restart: the version of the new pool depends on what AKS offers.
            text = "reading which Kubernetes versions AKS offers for new pools"
            return ctx.attempt(ReadAzureFacts(source), Reason.READING_AZURE, text)
        spec = migration.spec.target
        first = initial_count(ctx)
        tags = {**(spec.tags or {}), **dict(migration.tags), TAG_COUNT: str(old_count(ctx))}
        if (bounds := held_bounds(ctx, source)) is not None:
            tags[TAG_AUTOSCALER] = "-".join(map(str, bounds))
        if spec.count == "Auto":
            tags[TAG_TARGET_COUNT] = str(final_count(ctx))
        return ctx.attempt(
            CreatePool(
                migration.source,
                migration.target,
                spec.os_sku,
                first,
                {**spec.settings, **_version(ctx)},
                tuple(sorted(tags.items())),
            ),
            Reason.CREATING_TARGET,
            f"creating node pool {migration.target} with {first} nodes and OS SKU {spec.os_sku}",
        )
    return _created(ctx, target)


def _version(ctx: Context) -> dict[str, object]:
    """The Kubernetes version, where it is not the source's as it runs."""
    source, facts = ctx.pool(ctx.migration.source), ctx.seen.azure_facts
    if source is None or facts is None:
        return {}
    version = target_kubernetes(source, facts)
    other = version and version != source.settings.kubernetes_version
    return {"orchestratorVersion": version} if other else {}


def _created(ctx: Context, target: Pool) -> Progress:
    if not ctx.migration.owns(target):
        return refused(
            Reason.TARGET_POOL_EXISTS,
            f"node pool {target.name} exists and was not created by this migration; set "
            "spec.target.nodePool to a free name or delete that pool",
            wake_at=ctx.now + 60.0,
        )
    if target.state in UNFINISHED:
        return failed(ctx, target)
    if not target.succeeded:
        return ctx.refresh_pools(
            Reason.CREATING_TARGET, f"AKS creates node pool {target.name}", target.name
        )
    if target.power != "Running":
        text = f"somebody stopped node pool {target.name}; start it"
        refresh = ctx.refresh_pools(Reason.TARGET_STOPPED, text, interval=RECHECK_SECONDS)
        return refused(Reason.TARGET_STOPPED, text, *refresh.actions, wake_at=refresh.wake_at)
    if target.count == 0 and not target.autoscaling and (first := initial_count(ctx)):
        # Somebody has deleted its only machine, or scaled it, before it was of use.
        text = f"growing node pool {target.name} from 0 to {first} nodes"
        grow = UpdatePool(target.name, (("count", first),), target.etag)
        return ctx.attempt(grow, Reason.GROWING_TARGET, text)
    ready = ctx.seen.world.ready_nodes(target.name)
    count = max(target.count, 1)
    if ready < count:
        # Read again: somebody may have deleted a machine of it, or scaled it.
        text = f"{ready} of {count} nodes of pool {target.name} are Ready"
        return ctx.refresh_pools(Reason.TARGET_NODES_NOT_READY, text, target.name)
    tainted = bounded(ctx, "tainted", _tainted(ctx, target))
    return tainted or node_agents_not_ready(ctx) or DONE


def _tainted(ctx: Context, target: Pool) -> Progress | None:
    """Nodes that are Ready and take no pod of the source, since a startup taint is still there."""
    nodes = [node for node in ctx.seen.world.pool_nodes(target.name) if node.ready]
    tainted = [taints for node in nodes if (taints := strange_taints(ctx, node))]
    if not tainted:
        return None
    text = (
        f"{len(tainted)} of {len(nodes)} Ready nodes of pool {target.name} are tainted "
        f"{', '.join(tainted[0])}: check the agent that removes it. Nothing is cordoned until then"
    )
    return working(Reason.TARGET_NODES_TAINTED, text, wake_at=ctx.now + RECHECK_SECONDS)


def _why(pool: Pool) -> str:
    return f": {pool.failure.message}" if pool.failure else ""


def failed(ctx: Context, target: Pool) -> Progress:
    """Let AKS try again where that may help, else wait for an admin.

    A PUT that changes nothing has AKS bring the pool to what it should be.
    """
    if target.failure is not None and target.failure.retryable:
        text = f"AKS could not make node pool {target.name}: {target.failure.message}"
        return once_more(ctx, target.failure, UpdatePool(target.name, (), target.etag), text)
    return refused(
        Reason.TARGET_FAILED,
        f"AKS left node pool {target.name} in state {target.state}{_why(target)}; see az "
        f"aks nodepool show --name {target.name} … Fix that and let AKS try again with az aks "
        f"nodepool update --name {target.name} …, or delete the pool: it is then created again",
        *ctx.pool_reads(RECHECK_SECONDS),
        wake_at=ctx.now + RECHECK_SECONDS,
    )
