"""One agent pool of the modelled AKS, and where its next node goes in its scale set."""

from collections import Counter

import msgspec

from azure_linux_migrator.simulator.aks import operations as ops
from azure_linux_migrator.simulator.aks.nodes import NodeRecord, NodeSetting, node_name
from azure_linux_migrator.simulator.aks.pools import Properties


class AgentPool(msgspec.Struct, eq=False):
    """One agent pool. `properties` are as ARM shows them; `count` is the number of nodes that
    the pool should have."""

    name: str
    properties: Properties
    nodes: dict[str, NodeRecord] = msgspec.field(default_factory=dict)
    deallocated: set[str] = msgspec.field(default_factory=set)
    """Nodes whose machines are stopped: registered, NotReady, not part of `count`."""
    operation: ops.Operation | None = None
    hidden_until: float = 0.0

    @property
    def running(self) -> ops.Operation | None:
        """The operation that occupies the pool, if any."""
        return self.operation if self.operation and self.operation.running else None

    @property
    def machines_running(self) -> list[NodeRecord]:
        """Its nodes without those that are deallocated, by their place in the scale set."""
        nodes = (node for name, node in self.nodes.items() if name not in self.deallocated)
        return sorted(nodes, key=lambda node: node.index)

    def emptiest_zone(self, location: str) -> str:
        """The zone with the fewest nodes: scale sets balance their zones. Empty without zones."""
        zones = [f"{location}-{zone}" for zone in self.properties.get("availabilityZones") or []]
        counts = Counter(node.zone for node in self.nodes.values())
        return min(zones, key=lambda zone: (counts[zone], zone), default="")

    def free_index(self, setting: NodeSetting) -> int:
        """The instance number after the highest one in use, as scale sets count."""
        index = max((node.index for node in self.nodes.values()), default=-1) + 1
        while node_name(self.name, setting.digits, index) in self.nodes:
            index += 1
        return index
