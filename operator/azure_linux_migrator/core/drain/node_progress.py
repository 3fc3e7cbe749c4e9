"""What is left on each source node, and the sums over all of them: kept up to date by steps."""

from collections import defaultdict

from msgspec import Struct, field

from azure_linux_migrator.core.drain.blocker import Blocker
from azure_linux_migrator.model.cluster import NamespacedName, Node


class NodeProgress(Struct):
    """The pods of one node by fate; `moving` includes those already terminating."""

    node: Node
    batch: int = 0
    moving: int = 0
    terminating: int = 0
    waiting: int = 0
    skipped: int = 0
    blocked: dict[NamespacedName, Blocker] = field(default_factory=dict)
    detaching: bool = False

    @property
    def remaining(self) -> int:
        """Pods that have to leave before the node counts as drained."""
        return self.moving + self.waiting + len(self.blocked)

    @property
    def drained(self) -> bool:
        """Whether nothing is left to move, nothing is attached and nothing new can come."""
        return self.remaining == 0 and self.node.unschedulable and not self.detaching


class PoolProgress:
    """All source nodes. `before` and `after` bracket every change of a load."""

    def __init__(self) -> None:
        self.by_node: dict[str, NodeProgress] = {}
        self.open: set[str] = set()
        self.blocked: dict[str, NodeProgress] = {}
        self.blocked_pods = 0
        self.detaching: dict[str, NodeProgress] = {}
        self.batches: defaultdict[int, set[str]] = defaultdict(set)
        self.remaining = 0
        self.terminating = 0
        self.skipped = 0
        self.drained = 0
        self.undrained_admitted = 0

    def __len__(self) -> int:
        return len(self.by_node)

    @property
    def cordoned(self) -> int:
        """Nodes that take no new pods."""
        return len(self.by_node) - len(self.open)

    @property
    def unmarked(self) -> set[str]:
        """Nodes that have not joined a batch."""
        return self.batches.get(0, set())

    def before(self, load: NodeProgress) -> None:
        """Take a load out of the sums, because it is about to change."""
        self._count(load, -1)

    def after(self, load: NodeProgress) -> None:
        """Put a changed load back into the sums."""
        self._count(load, 1)

    def add(self, load: NodeProgress) -> None:
        """A node joins the source."""
        self.by_node[load.node.name] = load
        self._count(load, 1)

    def drop(self, name: str) -> None:
        """A node is gone."""
        load = self.by_node.pop(name, None)
        if load is not None:
            self._count(load, -1)

    def undrained(self) -> list[NodeProgress]:
        """The nodes that still hold something, or take new pods, by name."""
        loads = (load for load in self.by_node.values() if not load.drained)
        return sorted(loads, key=lambda load: load.node.name)

    def _count(self, load: NodeProgress, sign: int) -> None:
        name, drained = load.node.name, load.drained
        self.remaining += sign * load.remaining
        self.terminating += sign * load.terminating
        self.skipped += sign * load.skipped
        self.blocked_pods += sign * len(load.blocked)
        self.drained += sign * drained
        self.undrained_admitted += sign * (load.batch > 0 and not drained)
        if sign > 0:
            self.batches[load.batch].add(name)
            if not load.node.unschedulable:
                self.open.add(name)
            if load.blocked:
                self.blocked[name] = load
            if load.detaching:
                self.detaching[name] = load
        else:
            batch = self.batches[load.batch]
            batch.discard(name)
            if not batch:
                del self.batches[load.batch]
            self.open.discard(name)
            self.blocked.pop(name, None)
            self.detaching.pop(name, None)
