"""Node pools in other people's hands: what `az aks nodepool` does."""

from typing import Any

from azure_linux_migrator.simulator.aks.errors import ArmError, ResponseLost
from azure_linux_migrator.simulator.simulated_cluster import SimulatedCluster

_KEPT = (
    "count",
    "vmSize",
    "osSKU",
    "mode",
    "type",
    "tags",
    "availabilityZones",
    "nodeLabels",
    "nodeTaints",
    "enableAutoScaling",
    "minCount",
    "maxCount",
)


def update(simulation: SimulatedCluster, pool: str, **changes: Any) -> bool:
    """`az aks nodepool update`: the pool as it is, with changes (None takes a property away), sent
    again. False where Azure does not take it now."""
    now = simulation.kernel.now
    current = simulation.aks.properties(pool)
    if not current:
        return False
    body = {name: current[name] for name in _KEPT if current.get(name) is not None} | changes
    properties = {name: value for name, value in body.items() if value is not None}
    try:
        simulation.aks.put(pool, {"properties": properties}, now)
    except (ArmError, ResponseLost):
        return False
    simulation.node_lifecycle.touched()
    return True


def delete(simulation: SimulatedCluster, pool: str) -> bool:
    """`az aks nodepool delete`. False where there is none, or Azure does not take it now."""
    try:
        reply = simulation.aks.delete(pool, simulation.kernel.now)
    except (ArmError, ResponseLost):
        return False
    simulation.node_lifecycle.touched()
    return reply.status != 204


def delete_machine(simulation: SimulatedCluster, pool: str, node: str) -> bool:
    """`az aks nodepool delete-machines`."""
    try:
        simulation.aks.delete_machines(pool, [node], simulation.kernel.now)
    except (ArmError, ResponseLost):
        return False
    simulation.node_lifecycle.touched()
    return True
