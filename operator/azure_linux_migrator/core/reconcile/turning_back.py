"""Whether a migration turns back: because a step failed, or because an admin asks for it.

The way back itself is a route (core/steps/routes.py) that decide.py walks.
"""

from azure_linux_migrator.api.names import ROLLBACK
from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.api.spec import FailurePolicy
from azure_linux_migrator.api.spec_drain import TimeoutPolicy
from azure_linux_migrator.api.status import RollbackStatus, timestamp
from azure_linux_migrator.api.steps import Step
from azure_linux_migrator.core.reconcile.intents import token
from azure_linux_migrator.core.steps.drain import HOLDS, TIMED_OUT
from azure_linux_migrator.core.steps.progress import Context
from azure_linux_migrator.core.steps.routes import FINAL, route_of

_NO_WAY_BACK = frozenset(
    (Reason.TARGET_POOL_EXISTS, Reason.SOURCE_POOL_GONE, Reason.POOL_GONE, Reason.NODE_UNCORDONED)
)
"""Refusals that a rollback would make worse: there is no pool to go back to, none of ours to leave,
or an admin has just decided otherwise."""

_LATE = frozenset((TIMED_OUT, *HOLDS, Reason.TARGET_NODES_NOT_READY, Reason.NODES_HELD))
"""Refusals that spec.drain.onTimeout is about: a batch, or a wait, lasted too long."""


def gives_up(ctx: Context, step: str, reason: str) -> bool:
    """Whether a refused step is a failure that spec.onFailure turns into a rollback."""
    spec = ctx.migration.spec
    late = reason in _LATE and spec.drain.on_timeout is TimeoutPolicy.ROLLBACK
    return (
        (late or spec.on_failure is FailurePolicy.ROLLBACK)
        and not ctx.migration.paused
        and not ctx.migration.in_place
        and step != Step.PREFLIGHT
        and route_of(ctx.migration).before(step, FINAL)
        and reason not in _NO_WAY_BACK
    )


def asked_back(ctx: Context) -> RollbackStatus | None:
    """An admin's word to go back: taken once, and until the source is being retired."""
    value = token(ctx.migration, ROLLBACK)
    route, step = route_of(ctx.migration), ctx.migration.status.step
    begun = route.position(step) > 0 and not ctx.migration.in_place
    if not value or not begun or not route.before(step, FINAL):
        return None
    message = f"asked for by the annotation {ROLLBACK}={value[:64]}"
    return rollback_because(ctx, Reason.REQUESTED, message)


def rollback_because(ctx: Context, reason: str, message: str) -> RollbackStatus:
    """The record of a rollback that begins now."""
    return RollbackStatus(reason=reason, message=message[:1024], requested_at=timestamp(ctx.now))
