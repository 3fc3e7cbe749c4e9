"""Which changes of the world concern one migration, so that others do not wake its worker.

These do: nodes of its two pools, pods on them, and everything in a namespace that has had a pod
there which a drain moves: pods that may be replacements, budgets, controllers, volumes. Where that
is not known, a change concerns it. What is missed is seen by the look that follows soon anyway.
"""

from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.model.cluster import NamespacedName, Node, Pod

_STAYING = frozenset({"DaemonSet", "Node"})
"""Controllers of pods that stay with their node: their namespaces are not followed for them."""


class PoolInterest:
    """A listener of the world, which notes whether anything concerned its migration."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._pools: frozenset[str] = frozenset()
        self._namespaces: set[str] = set()
        self._concerned = True

    def follow(self, pools: frozenset[str]) -> None:
        """The pools of the migration; empty while they are not known, when everything concerns."""
        if pools == self._pools:
            return
        if not self._pools:
            self._namespaces.clear()
        self._pools = pools
        self._concerned = True
        for pool in pools:
            for node in self._world.pool_nodes(pool):
                self._follow_pods(node)

    def take(self) -> bool:
        """Whether anything has concerned it since the last call."""
        concerned, self._concerned = self._concerned, False
        return concerned

    def node_changed(self, old: Node | None, new: Node | None) -> None:
        """A node appeared, changed or went."""
        for node in (old, new):
            if node is not None and self._is_ours(node):
                self._concerned = True
                self._follow_pods(node)

    def pod_changed(self, old: Pod | None, new: Pod | None) -> None:
        """A pod appeared, changed or went."""
        for pod in (old, new):
            if pod is None:
                continue
            node = self._world.nodes.get(pod.node) if pod.node else None
            if pod.node and (node is None or self._is_ours(node)):
                self._concerned = True
                if node is not None:
                    self._follow_pod(pod)
            elif pod.key.namespace in self._namespaces:
                self._concerned = True

    def budget_changed(self, key: NamespacedName) -> None:
        """A budget's figures changed."""
        self._see(key.namespace)

    def controller_changed(self, uid: str) -> None:
        """A controller appeared, changed or went. One that stands on every node concerns all."""
        controller = self._world.owner_index.controller(uid)
        if controller is None or controller.kind == "DaemonSet":
            self._concerned = True
        else:
            self._see(controller.key.namespace)

    def evictions_changed(
        self, pod: NamespacedName, budget: NamespacedName | None, owner: str
    ) -> None:
        """An eviction was sent, settled or refused."""
        self._see(pod.namespace)

    def namespace_regrouped(self, namespace: str) -> None:
        """Which budget selects which pod changed in a namespace."""
        self._see(namespace)

    def volumes_changed(self, claim: NamespacedName | None, node: str) -> None:
        """A claim's volume, or what is attached to a node, changed."""
        if claim is not None:
            self._see(claim.namespace)
        record = self._world.nodes.get(node) if node else None
        if node and (record is None or self._is_ours(record)):
            self._concerned = True

    def _is_ours(self, node: Node) -> bool:
        return not self._pools or node.pool in self._pools

    def _see(self, namespace: str) -> None:
        if not self._pools or namespace in self._namespaces:
            self._concerned = True

    def _follow_pods(self, node: Node) -> None:
        for pod in self._world.pods_on(node.name):
            self._follow_pod(pod)

    def _follow_pod(self, pod: Pod) -> None:
        if pod.owner is None or pod.owner.kind not in _STAYING:
            self._namespaces.add(pod.key.namespace)
