"""What the pod filters ask about the cluster: controllers, volumes, and the zones of the target."""

from azure_linux_migrator.core.drain.scope import Scope
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.model.cluster import Node, Pod, Volume


class FilterFacts:
    """The `Facts` of pod_filters.py for one drain. drain_listener.py counts the target's nodes."""

    def __init__(self, world: World, scope: Scope) -> None:
        self._world = world
        self._scope = scope
        self._zones: dict[str, int] = {}

    def exists(self, uid: str) -> bool:
        """Whether a controller of that uid is known."""
        return self._world.owner_index.exists(uid)

    def volumes_of(self, pod: Pod) -> list[Volume]:
        """The bound volumes of a pod."""
        return self._world.owner_index.volumes_of(pod)

    def target_zones(self) -> frozenset[str]:
        """Zones of the target's nodes; "" where there are nodes outside any zone. Empty where they
        do not matter: AKS replaces the nodes of a pool zone by zone."""
        if self._scope.new_sku:
            return frozenset()
        return frozenset(zone for zone, count in self._zones.items() if count > 0)

    def count_target_node(self, node: Node, change: int) -> bool:
        """A node joins the target (1) or leaves it (-1); returns whether its zones changed."""
        before = self.target_zones()
        self._zones[node.zone] = self._zones.get(node.zone, 0) + change
        return before != self.target_zones()
