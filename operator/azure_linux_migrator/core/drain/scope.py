"""What a drain is about: which nodes are emptied, which take the pods, and by what policy."""

from dataclasses import dataclass, replace

from azure_linux_migrator.api.spec_drain import Drain
from azure_linux_migrator.model.cluster import NamespacedName, Node


@dataclass(frozen=True, slots=True)
class Scope:
    """What a drain is about. `last` is the operator's own pod, which leaves last; `accepted` are
    the checks of the preflight whose findings an admin has accepted (api/checks.py).

    Where one pool is both (InPlace), `new_sku` separates its target nodes from its source nodes.
    """

    migration: str
    source: str
    target: str
    policy: Drain
    last: NamespacedName | None = None
    new_sku: str = ""
    uid: str = ""
    accepted: frozenset[str] = frozenset()

    def leaves(self, node: Node) -> bool:
        """Whether a node is to be emptied."""
        return node.pool == self.source and not (self.new_sku and node.runs(self.new_sku))

    def stays(self, node: Node) -> bool:
        """Whether a node is to take the pods."""
        return node.pool == self.target and (not self.new_sku or node.runs(self.new_sku))

    def alike(self, other: "Scope") -> bool:
        """Whether the same nodes are emptied, by whatever policy."""
        policy, last, accepted = other.policy, other.last, other.accepted
        return replace(self, policy=policy, last=last, accepted=accepted) == other
