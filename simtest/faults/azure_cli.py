"""Node pools in other people's hands: what `az aks nodepool` does."""

from typing import Any

from azure_linux_migrator.simulator.aks.errors import ArmError, ResponseLost
from azure_linux_migrator.simulator.simulated_cluster import Scene

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


def update(scene: Scene, pool: str, **changes: Any) -> bool:
    """`az aks nodepool update`: the pool as it is, with changes (None takes a property away), sent
    again. False where Azure does not take it now."""
    now = scene.kernel.now
    found = scene.aks.properties(pool)
    if not found:
        return False
    body = {name: found[name] for name in _KEPT if found.get(name) is not None} | changes
    properties = {name: value for name, value in body.items() if value is not None}
    try:
        scene.aks.put(pool, {"properties": properties}, now)
    except (ArmError, ResponseLost):
        return False
    scene.fleet.touched()
    return True


def delete(scene: Scene, pool: str) -> bool:
    """`az aks nodepool delete`. False where there is none, or Azure does not take it now."""
    try:
        reply = scene.aks.delete(pool, scene.kernel.now)
    except (ArmError, ResponseLost):
        return False
    scene.fleet.touched()
    return reply.status != 204


def delete_machine(scene: Scene, pool: str, node: str) -> bool:
    """`az aks nodepool delete-machines`."""
    try:
        scene.aks.delete_machines(pool, [node], scene.kernel.now)
    except (ArmError, ResponseLost):
        return False
    scene.fleet.touched()
    return True
