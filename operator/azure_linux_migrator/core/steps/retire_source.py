"""RetireSource: delete the drained pool, scale it to zero, or leave it cordoned."""

from dataclasses import replace

from azure_linux_migrator.api.conditions import ConditionType
from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.api.spec import SourcePool
from azure_linux_migrator.core.steps.cordon_source import cordon_source
from azure_linux_migrator.core.steps.drain import drain
from azure_linux_migrator.core.steps.progress import (
    CHECK_SECONDS,
    DONE,
    FRESH_SECONDS,
    Context,
    Progress,
    refused,
    working,
)
from azure_linux_migrator.core.steps.target_health import target_not_ready
from azure_linux_migrator.model.actions import Action, DeletePool, UpdatePool
from azure_linux_migrator.model.pool import Pool
from azure_linux_migrator.model.provisioning_state import UNFINISHED, ProvisioningState

_CHANGING = frozenset(
    (
        ProvisioningState.DELETING,
        ProvisioningState.SCALING,
        ProvisioningState.UPDATING,
        ProvisioningState.CANCELING,
    )
)
"""States in which the retirement, or its cancellation, may be under way."""


_BY_READING = frozenset(
    (Reason.SOURCE_POOL_GONE, Reason.SYSTEM_POOL_CANNOT_BE_EMPTY, Reason.TARGET_MISSING)
)
"""Refusals that only another reading of the pools, or another spec, ends."""


def retire_source(ctx: Context) -> Progress:
    """Never touches a pool that is not drained, nor one whose target does not stand."""
    source = ctx.pool(ctx.migration.source)
    if not ctx.pools_newer_than(FRESH_SECONDS):
        refresh = ctx.refresh_pools(Reason.RETIRING_SOURCE, _message(ctx))
        keys = [] if source is None else [_action(ctx, source).key]
        return ctx.keep_refusal(_still_refused(ctx, refresh), *keys)
    if source is None and ctx.migration.spec.source_pool is not SourcePool.DELETE:
        text = (
            f"node pool {ctx.migration.source}, which spec.sourcePool keeps, was deleted by "
            "someone else; set spec.sourcePool to Delete, or delete this migration"
        )
        return refused(Reason.SOURCE_POOL_GONE, text, wake_at=ctx.now + CHECK_SECONDS)
    if ctx.migration.spec.source_pool is SourcePool.KEEP:
        return _unsafe(ctx) or DONE
    empties = ctx.migration.spec.source_pool is SourcePool.SCALE_TO_ZERO
    if empties and source is not None and source.mode == "System":
        text = (
            f"node pool {source.name} is a System pool, which AKS does not scale to zero; set "
            "spec.sourcePool to Delete or Keep, or make it a User pool: az aks nodepool update "
            f"--name {source.name} --mode User …"
        )
        return refused(Reason.SYSTEM_POOL_CANNOT_BE_EMPTY, text, wake_at=ctx.now + CHECK_SECONDS)
    nodes = len(ctx.pool_progress)
    emptied = source is not None and source.count == 0 and source.succeeded
    if source is None or (emptied and empties):
        if nodes == 0:
            return _unsafe(ctx) or DONE
        return working(Reason.RETIRING_SOURCE, f"waiting for {nodes} nodes of the old pool to go")
    if source.state in _CHANGING:
        return ctx.refresh_pools(Reason.RETIRING_SOURCE, _message(ctx), source.name)
    text = _message(ctx)
    if source.state in UNFINISHED:
        why = source.failure.message if source.failure else "see az aks nodepool show"
        text += f" again: AKS left it in state {source.state}: {why}"
    if (reason := _unsafe(ctx) or _in_use(ctx) or target_not_ready(ctx)) is not None:
        return reason
    return ctx.attempt(_action(ctx, source), Reason.RETIRING_SOURCE, text)


def _still_refused(ctx: Context, refresh: Progress) -> Progress:
    """A look at the pools, during which a refusal for what they were read as stays."""
    stalled = ctx.migration.status.condition(ConditionType.STALLED)
    if stalled is None or stalled.status != "True" or refresh.reason != Reason.RETIRING_SOURCE:
        return refresh
    reason = next((reason for reason in _BY_READING if reason == stalled.reason), None)
    if reason is None:
        return refresh
    return replace(refresh, state="refused", reason=reason, message=stalled.message)


def _action(ctx: Context, source: Pool) -> Action:
    if ctx.migration.spec.source_pool is SourcePool.SCALE_TO_ZERO:
        off: tuple[tuple[str, bool | None], ...] = (
            ("enableAutoScaling", False),
            ("minCount", None),
            ("maxCount", None),
        )
        empty: tuple[tuple[str, int | bool | None], ...] = (("count", 0),)
        changes = (*empty, *(off if source.autoscaling else ()))
        return UpdatePool(source.name, changes, source.etag, lost=ctx.planner.tracker.lost())
    return DeletePool(source.name, source.etag, ctx.planner.tracker.lost())


def _message(ctx: Context) -> str:
    verb = "scaling" if ctx.migration.spec.source_pool is SourcePool.SCALE_TO_ZERO else "deleting"
    return f"{verb} node pool {ctx.migration.source}"


def _unsafe(ctx: Context) -> Progress | None:
    target = ctx.pool(ctx.migration.target)
    if target is None or not ctx.migration.owns(target):
        stays = "is kept" if ctx.pool(ctx.migration.source) is not None else "is gone, too"
        return refused(
            Reason.TARGET_MISSING,
            f"target pool {ctx.migration.target} is gone; {ctx.migration.source} {stays}. Delete "
            "this migration and create another",
            wake_at=ctx.now + CHECK_SECONDS,
        )
    if not ctx.seen.world_ready:
        return working(
            Reason.READING_CLUSTER, "waiting for the first lists of nodes, pods and budgets"
        )
    return None


def _in_use(ctx: Context) -> Progress | None:
    """Pods or nodes that came to the pool late are moved like all others before it goes."""
    if not ctx.pool_progress.undrained():
        return None
    for step in (cordon_source, drain):
        progress = step(ctx)
        if progress.state != "done":
            text = f"{progress.message}; node pool {ctx.migration.source} is retired after that"
            return replace(progress, message=text)
    return working(Reason.POOL_NOT_DRAINED, f"node pool {ctx.migration.source} is not drained yet")
