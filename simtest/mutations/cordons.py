"""Mutations of cordons: left out, too early, repeated, or taken over."""

from dataclasses import replace

from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.core.reconcile import decide as deciding
from azure_linux_migrator.core.reconcile import release as releasing
from azure_linux_migrator.core.steps.cordon_source import cordon_source
from azure_linux_migrator.core.steps.progress import DONE, Context, Progress, working
from azure_linux_migrator.core.steps.routes import Route
from azure_linux_migrator.kube import cordon as kube_cordon
from azure_linux_migrator.model.actions import CordonNode
from simtest.faults.fault import Fault
from simtest.mutations.mutation import Mutation, Patches
from simtest.mutations.route_changes import change_routes, replace_steps, skipping
from simtest.mutations.source import rewritten

KEEPS_CORDON = 'node_object["spec"].get("unschedulable") and owner != by'
"""The condition in `_cordoned` that leaves a cordon to its owner."""


def _takes_over_cordons() -> Patches:
    def cordon_all(ctx: Context) -> Progress:
        missing = [
            progress.node.name
            for progress in ctx.pool_progress.by_node.values()
            if progress.node.cordoned_by != ctx.migration.name
        ]
        if not missing:
            return DONE
        return working(
            Reason.CORDONING, "", *(CordonNode(name, ctx.migration.name) for name in missing)
        )

    cordoning = change_routes(
        lambda route: replace_steps(route, ("CordonSource", "CordonTarget"), cordon_all)
    )
    return [*cordoning, rewritten(kube_cordon, "_cordoned", KEEPS_CORDON, "False")]


def _recordons() -> Patches:
    def unsoaked(ctx: Context) -> Progress:
        status = ctx.migration.status.model_copy(update={"soak_started_at": None})
        return cordon_source(replace(ctx, migration=replace(ctx.migration, status=status)))

    return change_routes(lambda route: replace_steps(route, ("CordonSource",), unsoaked))


def _cordons_first() -> Patches:
    def early(route: Route) -> Route:
        steps = dict(route.steps)
        if "CreateTarget" not in steps:
            return route
        cordon = ("CordonSource", steps.pop("CordonSource"))
        rest = list(steps.items())
        guarded = route.guarded - {"CordonSource"}  # there is no target to be missed yet
        return replace(route, steps=(rest[0], cordon, *rest[1:]), guarded=guarded)

    return change_routes(early)


def _forgotten_uncordon() -> Patches:
    return [(module, "releases", lambda _ctx: ((), None)) for module in (releasing, deciding)]


CORDONS: tuple[Mutation, ...] = (
    Mutation("no-cordon", "the source is not cordoned", "cordoned-first", skipping("CordonSource")),
    Mutation(
        "no-target-cordon",
        "a rollback does not cordon the target",
        "cordoned-first",
        skipping("CordonTarget"),
    ),
    Mutation(
        "cordon-before-target",
        "the source is cordoned before the target is ready",
        "target-first",
        _cordons_first,
    ),
    Mutation(
        "recordon-in-soak",
        "a node that is uncordoned in the soak is cordoned again",
        "no-recordon-in-soak",
        _recordons,
        faults=(Fault("foreign-uncordon", 1.0, on="Soak"),),
    ),
    Mutation(
        "forgotten-uncordon", "a deletion leaves cordons of azlm", "released", _forgotten_uncordon
    ),
    Mutation(
        "foreign-cordons",
        "cordons of others count as those of azlm",
        "foreign-cordon-kept",
        _takes_over_cordons,
        faults=(Fault("foreign-cordon", 1.0, on="CreateTarget"),),
    ),
)
