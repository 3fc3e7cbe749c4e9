"""What a drain is about: which nodes are emptied, which take the pods, and by what policy."""

from dataclasses import dataclass, replace

from azure_linux_migrator.api.spec_drain import Drain
from azure_linux_migrator.model.cluster import NamespacedName, Node


@dataclass(frozen=True, slots=True)
class Scope:
    """What a drain is about. `last` is the operator's own pod, which leaves last.

    Where one pool is both (InPlace), `new_sku` tells its target nodes from its source nodes.
    """

    migration: str
    source: str
    target: str
    policy: Drain
    last: NamespacedName | None = None
    new_sku: str = ""
    uid: str = ""

    def leaves(self, node: Node) -> bool:
        """Whether a node is to be emptied."""
        return node.pool == self.source and not (self.new_sku and node.runs(self.new_sku))

    def stays(self, node: Node) -> bool:
        """Whether a node is to take the pods."""
        return node.pool == self.target and (not self.new_sku or node.runs(self.new_sku))

    def alike(self, other: "Scope") -> bool:
        """Whether the same nodes are emptied, by whatever policy."""
        return replace(self, policy=other.policy, last=other.last) == other
