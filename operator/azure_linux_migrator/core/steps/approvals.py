"""Where an admin's word is waited for (spec.approval)."""

from azure_linux_migrator.api.names import APPROVE
from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.api.spec import Approval
from azure_linux_migrator.core.steps.progress import DONE, FRESH_SECONDS, Context, Progress, working

TOKEN_LIMIT = 256
"""Characters of a token that are looked at, and kept in the status."""


def before_drain(ctx: Context) -> Progress:
    """Nothing was moved yet: the target stands, and nothing of the source was touched."""
    return _gate(ctx, Approval.BEFORE_DRAIN, f"pods are moved off {ctx.migration.source}")


def before_retire(ctx: Context) -> Progress:
    """The last moment at which going back is one uncordon away.

    Passed only with a fresh look at the pools: a source that somebody else deleted looks drained.
    While an admin is waited for, the pools are read no more often than during other steps.
    """
    waiting = _gate(ctx, Approval.BEFORE_RETIRE, f"node pool {ctx.migration.source} is retired")
    if waiting is not DONE:
        return waiting
    if not ctx.pools_newer_than(FRESH_SECONDS):
        return ctx.refresh_pools(
            Reason.READING_POOLS, "looking at the pools before the source is retired"
        )
    source = ctx.pool(ctx.migration.source)
    if source is not None and not source.settled:
        # Somebody else's operation: nodes that it brings back are cordoned and drained first.
        text = f"Azure works on node pool {source.name} ({source.state}); it is retired after that"
        return ctx.refresh_pools(Reason.SOURCE_CHANGING, text, source.name)
    return DONE


def _gate(ctx: Context, gate: Approval, what: str) -> Progress:
    if ctx.migration.spec.approval is not gate or approved(ctx) == gate:
        return DONE
    return working(
        Reason.AWAITING_APPROVAL,
        f"waiting for an admin before {what}: kubectl annotate azlm {ctx.migration.name} "
        f"{APPROVE}={_word(ctx, gate)} --overwrite",
    )


def _word(ctx: Context, gate: Approval) -> str:
    """The value that the annotation has to have: another than in an earlier attempt."""
    name, _, number = ctx.migration.status.handled_approval.partition(".")
    if name != gate:
        return str(gate)
    return f"{gate}.{int(number) + 1 if number.isdecimal() else 2}"


def approved(ctx: Context) -> str:
    """The gate that was let pass, remembered after the annotation is gone.

    The annotation names it, with or without a suffix (BeforeDrain.2). A word that was there when
    an attempt ended is none for the next.
    """
    approval = ctx.migration.annotations.get(APPROVE, "")[:TOKEN_LIMIT]
    gate = approval.partition(".")[0]
    fresh = gate in set(Approval) and approval != ctx.migration.status.handled_approval
    return gate if fresh else ctx.migration.status.approved
