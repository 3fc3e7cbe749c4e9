"""What is called at every change of the world, after the world has it."""

from typing import Protocol

from azure_linux_migrator.model.cluster import NamespacedName, Node, Pod


class Listener(Protocol):
    """Each method costs no more than the change is large."""

    def node_changed(self, old: Node | None, new: Node | None) -> None:
        """A node appeared, changed or went."""

    def pod_changed(self, old: Pod | None, new: Pod | None) -> None:
        """A pod appeared, changed or went."""

    def budget_changed(self, key: NamespacedName) -> None:
        """A budget's figures changed."""

    def controller_changed(self, uid: str) -> None:
        """A controller appeared, changed or went."""

    def evictions_changed(
        self, pod: NamespacedName, budget: NamespacedName | None, owner: str
    ) -> None:
        """An eviction was sent, settled or refused."""

    def namespace_regrouped(self, namespace: str) -> None:
        """Which budget selects which pod changed in a namespace."""

    def volumes_changed(self, claim: NamespacedName | None, node: str) -> None:
        """A claim's volume, or what is attached to a node, changed."""
