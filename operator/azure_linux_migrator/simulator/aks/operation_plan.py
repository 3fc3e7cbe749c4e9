"""From a pool's wanted properties to the steps of the operation that brings them about.

Level-based: the steps follow from what the pool has and what it should have, so that a PUT after a
failed or aborted operation takes up the rest.
"""

from azure_linux_migrator.simulator.aks import operations as ops
from azure_linux_migrator.simulator.aks import pools
from azure_linux_migrator.simulator.aks.limits import Timings
from azure_linux_migrator.simulator.aks.nodes import NodeRecord, NodeSetting, relabelled
from azure_linux_migrator.simulator.aks.pool import Pool


def plan(
    pool: Pool, before: pools.Properties | None, setting: NodeSetting, timings: Timings
) -> tuple[str, list[ops.Step]]:
    """The `provisioningState` and the steps that bring the pool's nodes to its properties.

    `before` are the properties until now, None for a new pool.
    """
    after = pool.properties
    wanted = 0 if pools.stopped(after) else int(after["count"])
    ordered = sorted(pool.nodes.values(), key=lambda node: node.index)
    # Which nodes go is AKS's choice and not documented; scale sets take the newest first.
    kept, surplus = ordered[:wanted], ordered[wanted:]
    stale = [node for node in kept if is_stale(node, after)]

    steps: list[ops.Step] = []
    if surplus:
        steps.append(ops.Remove(tuple(node.name for node in surplus)))
    if stale:
        steps += _upgrade(stale, pools.surge(after, len(kept)))
    if any(relabelled(node, setting, after) != node for node in kept):
        steps.append(ops.Relabel())
    if wanted > len(kept):
        steps.append(ops.Boot(wanted - len(kept)))
    return _state(before, after, steps, stale), steps or [ops.Wait(timings.update)]


def _upgrade(stale: list[NodeRecord], surge: int) -> list[ops.Step]:
    """A rolling upgrade: extra nodes first, then batch by batch, then the extra nodes go."""
    names = [node.name for node in stale]
    batches = [tuple(names[at : at + surge]) for at in range(0, len(names), surge)]
    return [
        ops.Boot(min(surge, len(names)), surge=True),
        *(ops.Reimage(batch) for batch in batches),
        ops.RemoveSurge(),
    ]


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
    version = "currentOrchestratorVersion"
    if stale and after[version] != before[version]:
        return "Upgrading"
    if steps and all(isinstance(step, ops.Boot | ops.Remove) for step in steps):
        return "Scaling"
    return "Updating"


def is_stale(node: NodeRecord, properties: pools.Properties) -> bool:
    """Tell whether the node runs another image or version than its pool asks for."""
    return (
        node.labels["kubernetes.azure.com/os-sku"] != properties["osSKU"]
        or node.kubelet_version != f"v{properties['currentOrchestratorVersion']}"
    )
