"""What other clients do to node pools with `az aks nodepool`."""

from typing import Any

from azure_linux_migrator.simulator.aks.errors import ArmError, ResponseLost
from azure_linux_migrator.simulator.assembly.simulated_cluster import SimulatedCluster

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
    """`az aks nodepool update`: the current pool with changes (None removes a property) is sent
    again. False if Azure refuses it now."""
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
    """`az aks nodepool delete`. False if there is no pool, or Azure refuses it now."""
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
