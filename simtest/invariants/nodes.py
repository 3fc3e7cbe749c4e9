"""Nodes: which accept pods and why, who cordoned them, and which join a batch."""

from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.model.actions import (
    Action,
    CordonNode,
    DeletePod,
    EvictPod,
    MarkNode,
    ReleaseNode,
)
from azure_linux_migrator.model.cluster import Node, Pod
from azure_linux_migrator.simulator.cluster.store import NullWatcher
from simtest.custom_resource import Body
from simtest.invariants.asked import length_of, size_of
from simtest.invariants.context import JudgeContext, Part
from simtest.invariants.readings import in_batch, leaves
from simtest.scenario import NAME

KNOWN_SECONDS = 5.0
"""After so many seconds a process knows the effect of its actions."""
CORDONING = frozenset(("CordonSource", "CordonTarget"))
WATCH_STALE_SECONDS = 90.0
"""No watch is held up for longer than this."""


class Openings(Part, NullWatcher):
    """Since when a node accepts new pods, and whether somebody else caused that."""

    def __init__(self, context: JudgeContext) -> None:
        super().__init__(context)
        now = context.now
        self._opened = dict.fromkeys(context.store.nodes, (now, False))

    def since(self, node: str) -> float | None:
        """Since when the node accepts pods; None if it does not."""
        opened = self._opened.get(node)
        return opened[0] if opened else None

    def by_others(self, node: str) -> bool:
        """Whether the node accepts pods because of others."""
        opened = self._opened.get(node)
        return opened is not None and opened[1]

    def node(self, old: Node | None, new: Node | None) -> None:
        """A node is added, removed, cordoned or uncordoned."""
        node = new or old
        if node is None:
            return
        if new is None or new.unschedulable:
            self._opened.pop(node.name, None)
        elif old is None or old.unschedulable:
            self._opened[new.name] = (self.context.now, self.context.action is None)

    def written(self, old: MigrationStatus, body: Body) -> None:
        """Nodes that accept pods when the migration turns back do so because of azlm."""
        if (old.rollback is None) != (body.status.rollback is None):
            self._opened = {name: (at, False) for name, (at, _) in self._opened.items()}


class NodeInvariants(Part, NullWatcher):
    """Judges cordons, marks, and moves while a node accepts pods."""

    def __init__(self, context: JudgeContext, openings: Openings) -> None:
        super().__init__(context)
        self._openings = openings
        self.foreign: set[str] = set()
        """Nodes that somebody else has cordoned and azlm had not."""
        self._taken_back: set[str] = set()
        self._others = False
        self._left_batch: dict[int, float] = {}
        self._begun: set[int] = set()

    # Others

    def foreign_cordon(self, node: Node) -> None:
        """Somebody cordons a node; a node that azlm has cordoned already stays azlm's."""
        self._taken_back.discard(node.name)
        if node.cordoned_by != NAME:
            self.foreign.add(node.name)

    def gone(self) -> None:
        """The resource is gone: the cordons that azlm took back belong to nobody."""
        self._taken_back.clear()

    def foreign_uncordon(self, node: Node) -> None:
        """Somebody uncordons a node."""
        self.foreign.discard(node.name)
        if self.context.status.soak_started_at and node.unschedulable:
            self._taken_back.add(node.name)

    # What happens

    def node(self, old: Node | None, new: Node | None) -> None:
        """A node that is gone has no cordon."""
        if new is None and old is not None:
            self.foreign.discard(old.name)
            self._taken_back.discard(old.name)

    def pod(self, old: Pod | None, new: Pod | None) -> None:
        """When the last pod left a batch."""
        if old is None or new is not None or not old.node or not leaves(old):
            return
        node = self.context.store.nodes.get(old.node)
        if node is not None and (batch := in_batch(node)):
            self._left_batch[batch] = self.context.now

    def written(self, old: MigrationStatus, body: Body) -> None:
        """Batches begin again in a rollback and in another attempt."""
        if old.step in CORDONING and body.status.step != old.step:
            for name in sorted(self.foreign):
                self._keeps("foreign-cordon-kept", self.context.store.nodes[name], NAME)
        if (old.rollback is None) != (body.status.rollback is None) or (
            old.batch.index > body.status.batch.index
        ):
            self._left_batch.clear()
            self._begun.clear()
            self._taken_back.clear()

    def begins(self, action: Action) -> None:
        """Check whether the action is permitted."""
        context = self.context
        match action:
            case ReleaseNode(name, by):
                node = context.store.nodes.get(name)
                if name in self.foreign and node is not None:
                    kept = node.cordoned_by != by
                    context.that("foreign-cordon-kept", kept, f"{name} is uncordoned")
            case CordonNode(name):
                self._cordons(action, name)
            case MarkNode(name, batch) if batch:
                self._joins(name, batch)
            case EvictPod() | DeletePod():
                self._moves(action)

    def _cordons(self, action: CordonNode, name: str) -> None:
        context = self.context
        node = context.store.nodes.get(name)
        context.that("no-recordon-in-soak", name not in self._taken_back, f"{name} is cordoned")
        self._others = node is not None and name in self.foreign and node.unschedulable

    def ends(self, action: Action) -> None:
        """Record whose cordon it is now."""
        if not isinstance(action, CordonNode):
            return
        context, name, others = self.context, action.node, self._others
        self._others = False
        node, believed = context.store.nodes.get(name), context.acting.world.nodes.get(name)
        if others and node is not None:
            seen = believed is not None and believed.unschedulable
            invariant = "foreign-cordon-kept" if seen else "foreign-cordon-raced"
            self._keeps(invariant, node, action.by)
        if action.batch:
            self._joins(name, action.batch)

    def _keeps(self, invariant: str, node: Node, by: str) -> None:
        """A node that somebody else has cordoned does not carry the cordon of `by`."""
        text = f"the cordon of {node.name} by somebody else is taken over"
        self.context.that(invariant, node.cordoned_by != by, text)

    def _joins(self, name: str, batch: str) -> None:
        """A node joins a batch: there are few enough nodes in it, and the batch before is over."""
        context = self.context
        node = context.store.nodes.get(name)
        index = int(batch.rpartition(".")[2])
        if node is None or context.deleting:
            return
        pool = context.nodes(node.pool)
        marked = {node.name for node in pool if in_batch(node) == index} | {name}
        nodes = [
            believed
            for believed in context.acting.world.nodes.values()
            if believed.pool == node.pool
        ]
        total = max(len(pool), len(nodes))
        if not context.backwards and node.pool == "src":
            specs = context.in_force(context.now - KNOWN_SECONDS)
            if specs[0]["strategy"]["type"] == "Rolling":
                total = max(total, context.status.source.count or 0)
            most = max(_most(spec, index, total) for spec in specs)
            text = f"{len(marked)} nodes in batch {index}, {most} may be"
            context.that("batch-size", len(marked) <= most, text)
            self._soaked(index)
        if index not in self._begun:
            self._begun.add(index)
            context.batch_at = context.now

    def _soaked(self, index: int) -> None:
        """The soak of the previous batch is as long as the spec says."""
        context = self.context
        left = self._left_batch.get(index - 1)
        if index < 2 or left is None or index in self._begun:
            return
        specs = context.in_force(left - KNOWN_SECONDS)
        soak = min(
            length_of(spec, "strategy", part, "soak")
            for spec in specs
            for part in _watched(spec, index - 1)
        )
        waited = context.now - left
        text = f"batch {index} begins {waited:.1f} s after the last pod of {index - 1} left"
        context.that("batch-soak", waited >= soak - context.slack(left) + 1.5, text)

    def _moves(self, action: EvictPod | DeletePod) -> None:
        """Pods leave the pool that is emptied only while all of its nodes are cordoned."""
        context = self.context
        pod = context.store.pods.get(action.pod)
        node = context.store.nodes.get(pod.node) if pod is not None else None
        if pod is None or pod.uid != action.uid or node is None:
            return
        emptied = context.target if context.backwards else "src"
        right = node.pool == emptied or context.turning
        context.that("right-pool", right, f"{pod.key} is evicted from {node.pool}")
        for other in context.nodes(emptied):
            since = self._openings.since(other.name)
            open_for = context.now - since if since is not None else 0.0
            text = f"pods are evicted while {other.name} has been open for {open_for:.0f} s"
            context.that("cordoned-first", open_for < WATCH_STALE_SECONDS, text)


def _most(spec: object, index: int, total: int) -> int:
    """How many nodes a batch may have; the first one is the canary."""
    strategy = spec["strategy"]  # type: ignore[index]
    rolls = strategy["type"] == "Rolling"
    size = size_of(strategy["maxSurge"] if rolls else strategy["batch"]["size"], total)
    return min(size, strategy["canary"]["nodes"] or size) if index == 1 else size


def _watched(spec: object, index: int) -> tuple[str, ...]:
    """The parts of the strategy whose soak follows a batch; a canary of 0 nodes has none."""
    nodes = spec["strategy"]["canary"]["nodes"]  # type: ignore[index]
    return ("canary", "batch") if index == 1 and nodes else ("batch",)
