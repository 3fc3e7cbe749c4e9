"""InPlace: AKS changes the pool's own OS SKU, node by node; we ask, watch, and name what blocks.

AKS's upgrade surges, cordons and drains by itself with budgets kept, and cannot be paused: only
the decision to begin is ours. Source: learn.microsoft.com/azure/azure-linux, tutorial on migrating
nodes.
"""

from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.core.steps.operation_retry import failed_operation, once_more
from azure_linux_migrator.core.steps.progress import (
    DONE,
    FRESH_SECONDS,
    Context,
    Progress,
    refused,
    working,
)
from azure_linux_migrator.model.actions import UpdatePool
from azure_linux_migrator.model.pool import Pool
from azure_linux_migrator.model.provisioning_state import UNFINISHED

SHOWS_SECONDS = 120.0
"""Nodes of a pool that AKS says is changed are waited for so long, then it is asked again."""

ATTEMPTS = 5
"""After so many failures in a row an admin is waited for, also where the cause passes by itself:
each attempt may cordon and drain nodes."""


def update_in_place(ctx: Context) -> Progress:
    """Ask once, then follow until every node runs the new OS."""
    pool = ctx.pool(ctx.migration.source)
    os_sku = ctx.migration.spec.target.os_sku
    if ctx.seen.pools is None:
        return ctx.refresh_pools(Reason.UPDATING_IN_PLACE, "reading the cluster's node pools")
    if pool is None:
        return refused(Reason.SOURCE_POOL_GONE, f"node pool {ctx.migration.source} is gone")
    if not _shows(ctx, pool, os_sku):
        return _ignored(ctx, pool, os_sku) or _ask(ctx, pool, os_sku)
    if pool.state in UNFINISHED:
        return _failed(ctx, pool, os_sku)
    unchanged = _unchanged(ctx, pool, os_sku)
    if pool.succeeded and unchanged and not _shows_soon(ctx, pool):
        return _ask(ctx, pool, os_sku)
    if not pool.succeeded or unchanged:
        text = f"AKS changes node pool {pool.name} to {os_sku}: {_left(ctx)}"
        answer = ctx.refresh_pools(Reason.UPDATING_IN_PLACE, text, pool.name)
        if (reason := _held_by(ctx)) and answer.reason == Reason.UPDATING_IN_PLACE:
            return working(
                Reason.UPDATING_IN_PLACE, text + reason, *answer.actions, wake_at=answer.wake_at
            )
        return answer
    return DONE


def _failed(ctx: Context, pool: Pool, os_sku: str) -> Progress:
    """Ask again, ATTEMPTS times in all, where the cause passes by itself; else wait for an admin.

    AKS fails an upgrade after a drain of half an hour or more: that does not pass by itself.
    """
    failure, blocked = pool.failure, _held_by(ctx)
    passes = failure is not None and failure.reason is not Reason.DRAIN_FAILED_IN_AZURE
    times = failed_operation(ctx, pool.name).times
    if failure is not None and failure.retryable and passes and times < ATTEMPTS:
        text = f"AKS could not change node pool {pool.name}: {failure.message}{blocked}"
        return once_more(ctx, failure, _change(ctx, pool, os_sku), text)
    return refused(
        Reason.UPDATE_FAILED,
        f"AKS left node pool {pool.name} in state {pool.state} with {_left(ctx)}"
        f"{f' after {times} attempts' if times > 1 else ''}"
        f"{': ' + failure.message if failure else ''}{blocked}; fix that and "
        f"start it again with az aks nodepool update --name {pool.name} --os-sku {os_sku} …",
        *ctx.pool_reads(FRESH_SECONDS),
        wake_at=ctx.now + FRESH_SECONDS,
    )


def _held_by(ctx: Context) -> str:
    """What AKS's own drain waits for, as the rest of a sentence."""
    blockers = [str(blocker) for blocker in ctx.plan.blockers if blocker.blocks]
    return f"; AKS will wait for: {'; '.join(blockers[:3])}" if blockers else ""


def _shows(ctx: Context, pool: Pool, os_sku: str) -> bool:
    """Whether the pool is, or becomes, what was asked for: by its own field, or by its nodes'."""
    if pool.os_sku.casefold() == os_sku.casefold():
        return True
    nodes = list(ctx.seen.world.pool_nodes(pool.name))
    return bool(nodes) and all(node.runs(os_sku) for node in nodes)


def _unchanged(ctx: Context, pool: Pool, os_sku: str) -> bool:
    """Whether nodes with the old OS are left that AKS has to change.

    Deallocated nodes stay registered, NotReady, and are not part of the pool's count
    (learn.microsoft.com/azure/aks/scale-down-mode): nothing is waited for on them.
    """
    if not pool.settings.deallocates:
        return bool(ctx.pool_progress.by_node)
    changed = [node for node in ctx.seen.world.pool_nodes(pool.name) if node.runs(os_sku)]
    return len(changed) < pool.count


def _ignored(ctx: Context, pool: Pool, os_sku: str) -> Progress | None:
    """AKS has taken the change and shows another OS SKU: the next request waits."""
    asked_at = ctx.seen.asked.get(pool.name)
    if asked_at is None or not pool.settled:
        return None
    text = (
        f"AKS was asked to change node pool {pool.name} to {os_sku} and shows {pool.os_sku}; see "
        f"az aks nodepool show --name {pool.name} …, and whether this cluster has {os_sku}"
    )
    due = asked_at + SHOWS_SECONDS
    if ctx.now < due:
        refresh = ctx.refresh_pools(Reason.UPDATING_IN_PLACE, text, pool.name)
        return working(Reason.UPDATING_IN_PLACE, text, *refresh.actions, wake_at=refresh.wake_at)
    again = _ask(ctx, pool, os_sku)
    return refused(Reason.UPDATE_IGNORED, text, *again.actions, wake_at=again.wake_at)


def _shows_soon(ctx: Context, pool: Pool) -> bool:
    """Whether nodes that were changed may just not show it yet.

    Somebody's scaling of a pool whose change has failed leaves it Succeeded, with its old nodes.
    """
    return ctx.now - ctx.seen.asked.get(pool.name, 0.0) < SHOWS_SECONDS


def _ask(ctx: Context, pool: Pool, os_sku: str) -> Progress:
    text = f"asking AKS to change node pool {pool.name} to {os_sku}: {_left(ctx)}"
    if not pool.settled:
        return ctx.refresh_pools(Reason.UPDATING_IN_PLACE, text, pool.name)
    if not ctx.pools_newer_than(FRESH_SECONDS):
        refresh = ctx.refresh_pools(Reason.UPDATING_IN_PLACE, text)
        return ctx.keep_refusal(refresh, f"UpdatePool/{pool.name}")
    return ctx.attempt(_change(ctx, pool, os_sku), Reason.UPDATING_IN_PLACE, text)


def _change(ctx: Context, pool: Pool, os_sku: str) -> UpdatePool:
    # The pool's own upgrade settings apply: AKS refuses maxSurge for Spot pools, and what is set
    # beside maxUnavailable, or in place of the owner's value, stays for good.
    profile = ctx.migration.spec.target.security.settings
    return UpdatePool(pool.name, (("osSKU", os_sku), *profile.items()), pool.etag)


def _left(ctx: Context) -> str:
    return f"{len(ctx.pool_progress.by_node)} nodes left to change"
