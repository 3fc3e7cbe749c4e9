"""What is left on each source node, and the sums over all of them: kept up to date by steps."""

from collections import defaultdict

from msgspec import Struct, field

from azure_linux_migrator.core.drain.blocker import Blocker
from azure_linux_migrator.model.cluster import NamespacedName, Node


class NodeProgress(Struct):
    """The pods of one node by disposition; `moving` includes those already terminating."""

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
    """All source nodes. `before` and `after` bracket every change of one of them."""

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

    def before(self, progress: NodeProgress) -> None:
        """Take a node out of the sums, because it is about to change."""
        self._count(progress, -1)

    def after(self, progress: NodeProgress) -> None:
        """Put a changed node back into the sums."""
        self._count(progress, 1)

    def add(self, progress: NodeProgress) -> None:
        """A node joins the source."""
        self.by_node[progress.node.name] = progress
        self._count(progress, 1)

    def drop(self, name: str) -> None:
        """A node is gone."""
        progress = self.by_node.pop(name, None)
        if progress is not None:
            self._count(progress, -1)

    def undrained(self) -> list[NodeProgress]:
        """The nodes that still hold something, or take new pods, by name."""
        undrained = (progress for progress in self.by_node.values() if not progress.drained)
        return sorted(undrained, key=lambda progress: progress.node.name)

    def _count(self, progress: NodeProgress, sign: int) -> None:
        name, drained = progress.node.name, progress.drained
        self.remaining += sign * progress.remaining
        self.terminating += sign * progress.terminating
        self.skipped += sign * progress.skipped
        self.blocked_pods += sign * len(progress.blocked)
        self.drained += sign * drained
        self.undrained_admitted += sign * (progress.batch > 0 and not drained)
        if sign > 0:
            self.batches[progress.batch].add(name)
            if not progress.node.unschedulable:
                self.open.add(name)
            if progress.blocked:
                self.blocked[name] = progress
            if progress.detaching:
                self.detaching[name] = progress
        else:
            batch = self.batches[progress.batch]
            batch.discard(name)
            if not batch:
                del self.batches[progress.batch]
            self.open.discard(name)
            self.blocked.pop(name, None)
            self.detaching.pop(name, None)
