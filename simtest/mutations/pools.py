"""Mutations of pool changes, rollbacks and records."""

from dataclasses import replace
from typing import Any

from azure_linux_migrator.api.names import TAG_AUTOSCALER
from azure_linux_migrator.api.status import RollbackStatus
from azure_linux_migrator.core.reconcile import decide as deciding
from azure_linux_migrator.core.reconcile import release as releasing
from azure_linux_migrator.core.reconcile import status, status_fields
from azure_linux_migrator.core.steps import autoscaler, cordon_source
from azure_linux_migrator.core.steps.progress import DONE, Context, Progress
from azure_linux_migrator.model.actions import UpdatePool
from azure_linux_migrator.model.migration import Migration
from azure_linux_migrator.simulator.aks import checks
from simtest.faults.fault import Fault
from simtest.mutations.mutation import Mutation, Patches
from simtest.mutations.route_changes import change_routes, replace_steps, skipping


def _holds_nothing() -> Patches:
    """The bounds are noted in the source's tags and the autoscaler stays on: in the step, and just
    before the first cordon. That it is on later is ignored."""
    real = autoscaler.hold

    def noted(ctx: Context) -> Progress:
        pool = ctx.pool(ctx.migration.source)
        if pool is not None and pool.tag(TAG_AUTOSCALER):
            return DONE
        progress = real(ctx)
        actions = (
            replace(action, changes=()) if isinstance(action, UpdatePool) else action
            for action in progress.actions
        )
        return replace(progress, actions=tuple(actions))

    holding = change_routes(lambda route: replace_steps(route, ("HoldAutoscaler",), noted))
    return [*holding, (cordon_source, "hold", noted), *_unstopped()]


def _wider(name: str) -> Patches:
    real = getattr(autoscaler, name)

    def wider(*asked: Any) -> tuple[int, int] | None:
        bounds = real(*asked)
        return (bounds[0], bounds[1] + 3) if bounds else None

    return [(autoscaler, name, wider)]


def _keeps_autoscaler() -> Patches:
    return [(releasing, "_gives_back", lambda _ctx: DONE)]


def _recounts() -> Patches:
    real = status_fields.source_record

    def source(ctx: Context) -> Any:
        record, pool = real(ctx), ctx.pool(ctx.migration.old_pool)
        return record.model_copy(update={"count": pool.count}) if pool else record

    return [(module, "source_record", source) for module in (status, status_fields)]


def _unstopped() -> Patches:
    return [(deciding, "stopped", lambda _ctx: None)]


def _owns_all() -> Patches:
    return [(Migration, "owns", lambda *_: True)]


def _forgets_token() -> Patches:
    real = status.report_back

    def forgetful(ctx: Context, why: RollbackStatus) -> Any:
        return real(ctx, why).model_copy(update={"handled_rollback": ""})

    return [(deciding, "report_back", forgetful)]


def _bounds_lost() -> Patches:
    """Only the spec has bounds: those of the status and of the target's tag are lost."""

    def wanted(ctx: Context) -> tuple[int, int] | None:
        asked = ctx.migration.spec.target.autoscaling
        return (asked.min, asked.max) if asked is not None else None

    return [(autoscaler, "wanted_bounds", wanted)]


def _no_etag() -> Patches:
    real = checks.check_etag
    return [(checks, "check_etag", lambda pool, _match, none, limits: real(pool, "", none, limits))]


POOLS: tuple[Mutation, ...] = (
    Mutation(
        "no-hold",
        "the source's autoscaler is not held",
        "autoscaler-held",
        _holds_nothing,
    ),
    Mutation(
        "no-hand-over",
        "the target does not get the autoscaler",
        "target-right",
        skipping("HandOverAutoscaler"),
    ),
    Mutation(
        "bounds-lost",
        "the source's bounds are not known any more at the hand-over",
        "target-right",
        _bounds_lost,
    ),
    Mutation(
        "handover-bounds-wider",
        "the target gets wider bounds",
        "bounds-handed-over",
        lambda: _wider("wanted_bounds"),
    ),
    Mutation(
        "no-give-back",
        "a rollback does not restore the autoscaler",
        "autoscaler-back",
        skipping("RestoreAutoscaler"),
    ),
    Mutation(
        "giveback-bounds-wider",
        "a rollback restores wider bounds",
        "bounds-given-back",
        lambda: _wider("held_bounds"),
    ),
    Mutation(
        "deleted-keeps-autoscaler-off",
        "a deletion does not restore the autoscaler",
        "autoscaler-back",
        _keeps_autoscaler,
    ),
    Mutation(
        "rollback-no-restore-size",
        "a rollback does not restore the source's size",
        "source-back",
        skipping("RestoreSource"),
    ),
    Mutation(
        "target-left",
        "a rollback does not remove the target",
        "source-back",
        skipping("RemoveTarget"),
    ),
    Mutation(
        "rollback-token-forgotten",
        "a rollback's token is not remembered",
        "token-once",
        _forgets_token,
        faults=(Fault("rollback", 1.0, 1.0, on="Drain"), Fault("edited", 300.0)),
    ),
    Mutation(
        "source-count-rerecorded",
        "the size of the source is recorded repeatedly",
        "source-fixed",
        _recounts,
    ),
    Mutation(
        "foreign-changes-ignored",
        "changes of the pools by others are ignored",
        "autoscaler-held",
        _unstopped,
    ),
    Mutation(
        "owns-everything", "every pool counts as the migration's own", "only-own-pools", _owns_all
    ),
    Mutation("no-etag", "pools are changed without an etag", "changed-unseen", _no_etag),
)
