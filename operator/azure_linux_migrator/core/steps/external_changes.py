"""What others do to the two pools while we work: named, never guessed at.

The pools are read again every CHECK_SECONDS from the moment the target stands until the source is
retired.
"""

from dataclasses import dataclass, replace

from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.api.spec_strategy import StrategyType
from azure_linux_migrator.api.steps import Step
from azure_linux_migrator.core.steps.progress import CHECK_SECONDS, Context, Progress, refused
from azure_linux_migrator.model.actions import ReadPools
from azure_linux_migrator.model.migration import Migration
from azure_linux_migrator.model.pool import Pool
from azure_linux_migrator.model.provisioning_state import ProvisioningState

_HELD = frozenset(
    (
        Step.AWAIT_DRAIN_APPROVAL,
        Step.CORDON_SOURCE,
        Step.DRAIN,
        Step.SOAK,
        Step.AWAIT_RETIRE_APPROVAL,
    )
)
"""Steps during which the source's autoscaler is off by our doing."""


@dataclass(frozen=True, slots=True)
class ExternalChange:
    """Something that is not our doing. `stops` where going on would be a guess."""

    reason: Reason
    message: str
    stops: bool = False


def watched(ctx: Context, progress: Progress) -> Progress:
    """The step's progress, with the next look at the pools added to it."""
    due = ctx.seen.pools.at + CHECK_SECONDS if ctx.seen.pools else ctx.now
    if ctx.now < due:
        wake = due if progress.wake_at is None else min(progress.wake_at, due)
        return replace(progress, wake_at=wake)
    if any(isinstance(action, ReadPools) for action in progress.actions):
        return progress
    refresh = ctx.attempt(ReadPools(), progress.reason, progress.message)
    return replace(progress, actions=(*progress.actions, *refresh.actions))


def stopped(ctx: Context) -> Progress | None:
    """Refuse to go on where somebody else's change leaves no safe way."""
    for change in changes(ctx):
        if change.stops:
            return refused(change.reason, change.message, wake_at=ctx.now + CHECK_SECONDS)
    return None


def source_gone(ctx: Context) -> Progress | None:
    """Refuse to go on where the pools were read, and the source is not among them; a list may not
    show a pool that was just changed."""
    name = ctx.migration.old_pool
    if ctx.seen.pools is None or ctx.pool(name) is not None or ctx.hidden(name, CHECK_SECONDS):
        return None
    change = _gone(name)
    return refused(change.reason, change.message, wake_at=ctx.now + CHECK_SECONDS)


def changes(ctx: Context) -> list[ExternalChange]:
    """What somebody else changed, the gravest first."""
    if ctx.seen.pools is None:
        return []
    old, new = ctx.pool(ctx.migration.old_pool), ctx.pool(ctx.migration.new_pool)
    pool_changes = _of_source(ctx, old) + ([] if ctx.migration.in_place else _of_target(ctx, new))
    return sorted(
        pool_changes,
        key=lambda change: (
            not change.stops,
            change.reason is Reason.TARGET_NOT_ELASTIC,
            change.reason,
        ),
    )


def _gone(name: str) -> ExternalChange:
    return ExternalChange(
        Reason.SOURCE_POOL_GONE,
        f"node pool {name} was deleted by someone else; what was on it is up to its controllers. "
        "Delete this migration once the workloads are well",
        stops=True,
    )


def _of_source(ctx: Context, pool: Pool | None) -> list[ExternalChange]:
    name, before = ctx.migration.old_pool, ctx.migration.status.source
    if pool is None or pool.state == ProvisioningState.DELETING:
        return [_gone(name)]
    source_changes = []
    if before.os_sku and pool.os_sku != before.os_sku:
        source_changes.append(
            ExternalChange(
                Reason.SOURCE_UPGRADED,
                f"somebody changed the OS SKU of node pool {name} from {before.os_sku} to "
                f"{pool.os_sku}; delete this migration, or change it back to go on",
                stops=True,
            )
        )
    if pool.power != "Running":
        text = f"somebody stopped node pool {name}; start it again to go on"
        source_changes.append(ExternalChange(Reason.SOURCE_STOPPED, text, stops=True))
    held = ctx.migration.status.step in _HELD
    # Before the first cordon it is held again (core/steps/cordon_source.py).
    if pool.autoscaling and held and cordon_begun(ctx):
        source_changes.append(
            ExternalChange(
                Reason.AUTOSCALER_TURNED_ON,
                f"somebody turned the autoscaler of node pool {name} on, which refills it; "
                f"turn it off: az aks nodepool update --name {name} --disable-cluster-autoscaler …",
                stops=True,
            )
        )
    source_changes += _upgrading(
        pool, Reason.SOURCE_UPGRADING, "nodes that come back are drained too"
    )
    rolling = ctx.migration.spec.strategy.type is StrategyType.ROLLING
    expected = before.count if before.count is not None else pool.count
    if pool.settled and (pool.count > expected or (pool.count < expected and not rolling)):
        text = f"somebody scaled node pool {name} from {expected} to {pool.count} nodes"
        source_changes.append(
            ExternalChange(Reason.SOURCE_SCALED, f"{text}; new nodes are drained too")
        )
    return source_changes


def cordon_begun(ctx: Context) -> bool:
    """Whether a node of the source carries this migration's cordon."""
    migration = ctx.migration
    nodes = ctx.seen.world.pool_nodes(migration.old_pool)
    return any(node.cordoned_by == migration.name for node in nodes)


def _of_target(ctx: Context, pool: Pool | None) -> list[ExternalChange]:
    name = ctx.migration.new_pool
    if pool is None or pool.state == ProvisioningState.DELETING:
        return [
            ExternalChange(
                Reason.TARGET_POOL_GONE,
                f"target pool {name} was deleted by someone else; nothing more is moved. Delete "
                "this migration to uncordon the source, then create it again",
                stops=True,
            )
        ]
    if not ctx.migration.owns(pool):
        return [
            ExternalChange(
                Reason.TARGET_TAGS_CHANGED,
                untagged(ctx.migration),
                stops=True,
            )
        ]
    if pool.power != "Running":
        return [
            ExternalChange(
                Reason.TARGET_STOPPED, f"somebody stopped node pool {name}; start it", stops=True
            )
        ]
    upgrading = _upgrading(
        pool, Reason.TARGET_UPGRADING, "pods on it may be moved once more by that"
    )
    return [*upgrading, *_not_elastic(ctx, pool)]


def _not_elastic(ctx: Context, pool: Pool) -> list[ExternalChange]:
    """A target that cannot grow while the source's autoscaler is held."""
    blue_green = ctx.migration.spec.strategy.type is StrategyType.BLUE_GREEN
    autoscaling = ctx.migration.spec.target.autoscaling or ctx.migration.status.source.autoscaler
    if (
        pool.autoscaling
        or not blue_green
        or autoscaling is None
        or ctx.migration.status.step not in _HELD
    ):
        return []
    problem = ctx.seen.problems.get(f"UpdatePool/{pool.name}")
    why = f" ({problem.message})" if problem is not None else ""
    text = (
        f"node pool {pool.name} has no autoscaler while the source's is off{why}: pods that need "
        f"more nodes stay Pending; az aks nodepool update --name {pool.name} "
        f"--enable-cluster-autoscaler --min-count {pool.count} --max-count {autoscaling.max} …"
    )
    return [ExternalChange(Reason.TARGET_NOT_ELASTIC, text)]


def untagged(migration: Migration) -> str:
    """What to do about a target without our tags."""
    tags = " and ".join(f"{key}={value}" for key, value in migration.tags)
    return (
        f"the tags that say that node pool {migration.new_pool} belongs to this migration are "
        f"gone; set {tags} on it to go on"
    )


def _upgrading(pool: Pool, reason: Reason, what: str) -> list[ExternalChange]:
    """An upgrade is never ours: azlm neither changes versions nor images."""
    if not pool.state.startswith(Reason.UPGRADING):
        return []
    return [ExternalChange(reason, f"somebody upgrades node pool {pool.name}; {what}")]
