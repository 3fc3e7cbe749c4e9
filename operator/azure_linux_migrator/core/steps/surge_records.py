"""The records of surges on Deployments, and how they go: with the replica that was added, or by
themselves where another writer has changed the scale since."""

from azure_linux_migrator.api.names import LOWEST_DELETION_COST
from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.core.drain.surge_first import adds_replica, surge_record
from azure_linux_migrator.core.steps.progress import Context, Progress
from azure_linux_migrator.model.actions import Action, ForgetSurge, RestoreScale, SetDeletionCost


def scales_to_restore(ctx: Context) -> list[Action]:
    """Of Deployments that have a replica too many by our doing. The pod that leaves is not one on a
    node that is not to be upgraded now."""
    world, name = ctx.seen.world, ctx.migration.name
    actions: list[Action] = []
    for deployment in world.owner_index.surged_by(name):
        record = surge_record(deployment)
        if record is None or record.migration != name:
            continue
        spared = [
            SetDeletionCost(pod.key, pod.uid, first=False)
            for pod in world.pods_of(deployment)
            if pod.deletion_cost == LOWEST_DELETION_COST
            if (node := world.nodes.get(pod.node)) is not None and node.held
        ]
        actions += spared or [RestoreScale(deployment.key, record.replicas)]
    return actions


def surges_to_forget(ctx: Context) -> list[Action]:
    """Records of a scale that was left to others: nobody needs them once the drain is over."""
    name = ctx.migration.name
    return [
        ForgetSurge(deployment.key, deployment.surge)
        for deployment in ctx.seen.world.owner_index.surged_by(name)
        if not adds_replica(deployment, name)
    ]


def restore_scales(ctx: Context) -> Progress | None:
    """Take back what was added to Deployments whose pod left by itself meanwhile."""
    surged = scales_to_restore(ctx)
    if not surged:
        return None
    text = f"taking back the added replica of {len(surged)} Deployments"
    return ctx.attempt_all(surged, Reason.RESTORING_SCALE, text)


def forget_yielded(ctx: Context) -> Progress | None:
    """Remove the records of scales that others have changed, once everything has moved."""
    leftovers = surges_to_forget(ctx)
    if not leftovers:
        return None
    text = f"removing the record of {len(leftovers)} surges that others have undone"
    return ctx.attempt_all(leftovers, Reason.RESTORING_SCALE, text)
