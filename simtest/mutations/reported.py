"""Mutations of what the status tells, and of what is left behind or asked for too often."""

from azure_linux_migrator.core.reconcile import status, status_fields
from azure_linux_migrator.core.steps import autoscaler, create_target
from simtest.mutations.mutation import Mutation, Patches
from simtest.mutations.route_changes import change_routes, replace_steps
from simtest.mutations.source import rewritten


def _mutation(name: str, what: str, finds: str, *changes: tuple[object, str, str, str]) -> Mutation:
    def patches() -> Patches:
        return [rewritten(*change) for change in changes]

    return Mutation(name, what, finds, patches)


def _step_mutation(
    name: str, what: str, finds: str, step: str, change: tuple[object, str, str, str]
) -> Mutation:
    """The function of a step is another one: routes hold it."""

    def patches() -> Patches:
        _, _, function = rewritten(*change)
        return change_routes(lambda route: replace_steps(route, (step,), function))

    return Mutation(name, what, finds, patches)


REPORTED: tuple[Mutation, ...] = (
    _mutation(
        "terminating-not-left",
        "pods on their way out are not counted as left",
        "counts-true",
        (
            status_fields,
            "pods_of",
            "remaining=ctx.pool_progress.remaining",
            "remaining=ctx.pool_progress.remaining - ctx.pool_progress.terminating",
        ),
    ),
    _mutation(
        "last-batch-reported",
        "the batch before is reported as the one that is drained",
        "batch-true",
        (status_fields, "batch_of", "index=index,", "index=max(1, index - 1),"),
    ),
    _mutation(
        "drained-when-created",
        "Drained is reported once the target stands",
        "drained-true",
        (
            status,
            "progress_conditions",
            "drained = step_position is not None and step_position.moved and not back",
            "drained = step_position is not None and step_position.created and not back",
        ),
    ),
    _mutation(
        "blockers-misnamed",
        "blockers name objects that are not there",
        "blockers-true",
        (status_fields, "blockers_of", "name=blocker.key.name,", 'name=f"{blocker.key.name}-x",'),
    ),
    _mutation(
        "end-forecast-late",
        "the drain is reported to end a minute ago",
        "eta-true",
        (
            status_fields,
            "timing_of",
            "_eta(ctx, ctx.plan.rest + soaks)",
            "timestamp(ctx.now - 60.0)",
        ),
    ),
    _mutation(
        "bounds-untagged",
        "the bounds that are held are not reported in the target's tags",
        "tags-true",
        (
            create_target,
            "_create",
            'tags[TAG_AUTOSCALER] = "-".join(map(str, bounds))',
            "pass",
        ),
    ),
    _step_mutation(
        "hold-changes-more",
        "holding the autoscaler changes another setting of the source",
        "originals-back",
        "HoldAutoscaler",
        (
            autoscaler,
            "hold",
            '("maxCount", None),',
            '("maxCount", None), ("scaleDownMode", "Deallocate"),',
        ),
    ),
)
