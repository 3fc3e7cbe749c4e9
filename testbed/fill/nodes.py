"""Nodes as AKS creates them, for pools that exist before the simulated AKS starts."""

import random
from typing import Any

from azure_linux_migrator.simulator.aks import catalog
from azure_linux_migrator.simulator.aks.limits import ClusterShape
from azure_linux_migrator.simulator.aks.nodes import NodeSetting, make_node
from testbed.aks.nodes import manifest


def pool_nodes(
    pool: str, count: int, *, os_sku: str = "Ubuntu", mode: str = "User", seed: int = 1
) -> list[dict[str, Any]]:
    """Manifests of a pool's nodes. A System pool takes critical add-ons only."""
    shape = ClusterShape()
    digits = str(random.Random(seed).randrange(10_000_000, 100_000_000))
    setting = NodeSetting(
        shape.subscription, shape.resource_group, shape.name, shape.location, digits
    )
    properties = {
        "osSKU": os_sku,
        "vmSize": "Standard_D16s_v5",
        "mode": mode,
        "type": "VirtualMachineScaleSets",
        "nodeImageVersion": f"AKS{os_sku}-202607.09.0",
        "currentOrchestratorVersion": catalog.KUBERNETES_VERSION,
        "nodeTaints": ["CriticalAddonsOnly=true:NoSchedule"] if mode == "System" else [],
    }
    return [manifest(make_node(setting, pool, properties, index)) for index in range(count)]
