"""From the properties that a pool should have to the steps of the operation.

Level-based: the steps follow from the difference between the pool's state and its properties, so
that a PUT after a failed or aborted operation completes it.
"""

from azure_linux_migrator.simulator.aks import operations as ops
from azure_linux_migrator.simulator.aks import pools
from azure_linux_migrator.simulator.aks.limits import Timings
from azure_linux_migrator.simulator.aks.nodes import NodeRecord, NodeSetting, relabelled
from azure_linux_migrator.simulator.aks.pool import AgentPool

_SCALES = (ops.Boot, ops.Remove, ops.Deallocate, ops.Restart)


def plan(
    pool: AgentPool, before: pools.Properties | None, setting: NodeSetting, timings: Timings
) -> tuple[str, list[ops.Step]]:
    """The `provisioningState`, and the steps that bring the nodes of the pool to its properties.

    `before` are the previous properties, None for a new pool.
    """
    after = pool.properties
    wanted = pools.wanted_nodes(after)
    ordered = pool.machines_running
    # AKS does not document which nodes it removes; scale sets remove the newest first.
    kept, surplus = ordered[:wanted], ordered[wanted:]
    stale = [node for node in kept if is_stale(node, after)]

    steps: list[ops.Step] = []
    if surplus:
        names = tuple(node.name for node in surplus)
        stays = after.get("scaleDownMode") == "Deallocate" and not pools.stopped(after)
        steps.append(ops.Deallocate(names) if stays else ops.Remove(names))
    if stale:
        steps += _upgrade(stale, pools.surge(after, len(kept)))
    if any(relabelled(node, setting, after) != node for node in kept):
        steps.append(ops.Relabel())
    if wanted > len(kept):
        steps += growth(pool, wanted - len(kept))
    return _state(before, after, steps, stale), steps or [ops.Wait(timings.update)]


def growth(pool: AgentPool, count: int) -> list[ops.Step]:
    """So many more nodes: deallocated ones come first."""
    back = tuple(sorted(pool.deallocated)[:count])
    steps: list[ops.Step] = [ops.Restart(back)] if back else []
    return [*steps, ops.Boot(count - len(back))] if count > len(back) else steps


def _upgrade(stale: list[NodeRecord], surge: int) -> list[ops.Step]:
    """A rolling upgrade: add the surge nodes, reimage batch by batch, remove the surge nodes.
    Without a surge, one node after another."""
    names = [node.name for node in stale]
    size = max(1, surge)
    batches = [tuple(names[at : at + size]) for at in range(0, len(names), size)]
    steps: list[ops.Step] = [ops.Reimage(batch) for batch in batches]
    if not surge:
        return steps
    return [ops.Boot(min(surge, len(names)), surge=True), *steps, ops.RemoveSurge()]


def _state(
    before: pools.Properties | None,
    after: pools.Properties,
    steps: list[ops.Step],
    stale: list[NodeRecord],
) -> str:
    if before is None:
        return "Creating"
    if pools.stopped(after) != pools.stopped(before):
        return "Stopping" if pools.stopped(after) else "Starting"
    if stale:  # also where only the OS SKU changed (recorded)
        return "Upgrading"
    if _bounds(before) != _bounds(after):
        return "Updating"
    if steps and all(isinstance(step, _SCALES) for step in steps):
        return "Scaling"
    return "Updating"


def _bounds(properties: pools.Properties) -> tuple[object, object, object]:
    return (
        properties["enableAutoScaling"],
        properties.get("minCount"),
        properties.get("maxCount"),
    )


def is_stale(node: NodeRecord, properties: pools.Properties) -> bool:
    """Whether the node runs another image or version than its pool asks for."""
    return (
        node.labels["kubernetes.azure.com/os-sku"] != properties["osSKU"]
        or node.kubelet_version != f"v{properties['currentOrchestratorVersion']}"
    )
