"""What there is to move off a set of nodes: counted once per decision."""

from dataclasses import dataclass, field

from azure_linux_migrator.api.spec import Drain
from azure_linux_migrator.core.drain.filters import Fate, fate
from azure_linux_migrator.core.records import Node, Pod
from azure_linux_migrator.core.world import World


@dataclass(slots=True)
class NodeLoad:
    """The pods of one node by fate; `moving` includes those already terminating."""

    node: Node
    moving: list[Pod] = field(default_factory=list)
    waiting: list[Pod] = field(default_factory=list)
    blocked: list[tuple[Pod, str]] = field(default_factory=list)
    skipped: int = 0

    @property
    def remaining(self) -> int:
        """Pods that have to leave before the node counts as drained."""
        return len(self.moving) + len(self.waiting) + len(self.blocked)

    @property
    def drained(self) -> bool:
        """Whether nothing is left to move and nothing new can come."""
        return self.node.unschedulable and self.remaining == 0


@dataclass(frozen=True, slots=True)
class Survey:
    """The loads of all source nodes, by node name."""

    loads: tuple[NodeLoad, ...]

    @property
    def remaining(self) -> int:
        """Pods still to leave."""
        return sum(load.remaining for load in self.loads)

    @property
    def drained(self) -> int:
        """Nodes that are drained."""
        return sum(load.drained for load in self.loads)

    @property
    def cordoned(self) -> int:
        """Nodes that take no new pods."""
        return sum(load.node.unschedulable for load in self.loads)

    @property
    def terminating(self) -> int:
        """Pods on their way out."""
        return sum(pod.terminating for load in self.loads for pod in load.moving)

    @property
    def skipped(self) -> int:
        """Pods that stay with their node."""
        return sum(load.skipped for load in self.loads)


def survey(world: World, pool: str, policy: Drain) -> Survey:
    """Sort the pods on a pool's nodes by what happens to them."""
    return Survey(tuple(_load(world, node, policy) for node in world.pool_nodes(pool)))


def _load(world: World, node: Node, policy: Drain) -> NodeLoad:
    load = NodeLoad(node)
    for pod in world.pods_on(node.name):
        verdict, reason = fate(pod, policy)
        match verdict:
            case Fate.MOVE:
                load.moving.append(pod)
            case Fate.WAIT:
                load.waiting.append(pod)
            case Fate.BLOCK:
                load.blocked.append((pod, reason))
            case Fate.SKIP:
                load.skipped += 1
    return load
