"""Node pools: which are created, changed and retired."""

from collections.abc import Mapping
from typing import Any

from azure_linux_migrator.api.names import (
    TAG_AUTOSCALER,
    TAG_COUNT,
    TAG_MIGRATION,
    TAG_SOURCE,
)
from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.model.actions import (
    Action,
    CordonNode,
    CreatePool,
    DeleteMachines,
    DeletePod,
    DeletePool,
    EvictPod,
    UpdatePool,
)
from azure_linux_migrator.model.cluster import Node, Pod
from azure_linux_migrator.simulator.cluster.store import NullWatcher
from simtest.custom_resource import Body
from simtest.invariants.asked import length_of, size_of
from simtest.invariants.context import JudgeContext, Part
from simtest.invariants.pool_view import PoolView
from simtest.invariants.process import DecisionToJudge, ObservedProcess
from simtest.invariants.readings import in_batch, leaves
from simtest.scenario import NAME

YOUNG_SECONDS = 45.0
"""The process may not have seen a pod that was created so few seconds ago."""
CHECK_SECONDS = 75.0
"""azlm reads the pools at least this often."""


class PoolInvariants(Part, NullWatcher):
    """Judges every change of a pool."""

    def __init__(self, context: JudgeContext, pool_view: PoolView) -> None:
        super().__init__(context)
        self._pool_view = pool_view
        self._targets: set[str] = set()
        self._stood = False
        self._begun = False
        self._last_left: dict[str, float] = {}
        self._asked: int | None = None
        self._passed: set[int] = set()
        """Attempts in which the source was touched."""

    # Events

    def written(self, old: MigrationStatus, body: Body) -> None:
        """Another attempt creates its own target; success means that the soak is over."""
        if body.status.start_time and body.status.rollback != old.rollback:
            self._stood = self._begun = False
        done = body.status.is_true("Succeeded") and not old.is_true("Succeeded")
        if done and not self.context.in_place and old.step:
            self._soaked("src", "the migration succeeds")

    def node(self, old: Node | None, new: Node | None) -> None:
        """A node of the target may be the last for which the migration waits."""
        if not self._stood and new is not None and new.ready and new.pool == self.context.target:
            self._stood = self._stands()

    def pod(self, old: Pod | None, new: Pod | None) -> None:
        """When the last pod left a pool."""
        if old is not None and old.node and leaves(old) and (new is None or new.node != old.node):
            node = self.context.store.nodes.get(old.node)
            late = (
                self.context.status.step == "RetireSource"
            )  # an eviction that arrives late begins no other soak
            if node is not None and not late:
                self._last_left[node.pool] = self.context.now

    def _stands(self) -> bool:
        properties = self.context.aks.properties(self.context.target)
        if not properties or not self._ours(self.context.target):
            return False
        ready = sum(node.ready for node in self.context.nodes(self.context.target))
        return ready >= max(1, int(properties["count"]))

    def _ours(self, pool: str) -> bool:
        tags = self.context.aks.properties(pool).get("tags") or {}
        return tags.get(TAG_MIGRATION) == NAME

    # Decisions

    def decided(self, process: ObservedProcess, decision: DecisionToJudge) -> None:
        """With Rolling, both pools together have at most the source's nodes and maxSurge."""
        for action in decision.actions:
            match action:
                case CreatePool(target=target, count=count):
                    self._creates(action, decision.status)
                    self._bounded(process, decision, target, count or 0)
                case UpdatePool(pool, changes) if pool != "src" and "count" in dict(changes):
                    self._bounded(process, decision, pool, int(dict(changes)["count"] or 0))

    def _bounded(
        self, process: ObservedProcess, decision: DecisionToJudge, pool: str, count: int
    ) -> None:
        context, old = self.context, self._pool_view.size
        spec = context.specs.get(decision.status.observed_generation, context.spec)
        rolls = spec["strategy"]["type"] == "Rolling" and decision.status.rollback is None
        grown = decision.status.step in {"CreateTarget", "Drain"}
        if pool == "src" or old is None or not rolls or not grown:
            return
        left = sum(node.pool == "src" for node in process.world.nodes.values())
        most = old + size_of(spec["strategy"]["maxSurge"], old)
        if decision.status.step == "CreateTarget":
            left = min(left, old)
        text = f"{count} nodes of {pool} beside {left} of the source's {old}, {most} may be"
        others = context.pools_changed()  # a node that is gone does not shrink what is recorded
        context.that("surge-bounded", count + left <= most, text, excuse=others)

    # Actions

    def begins(self, action: Action) -> None:
        """Check whether the action is permitted."""
        match action:
            case UpdatePool(pool, changes, etag):
                self._updates(pool, dict(changes), etag)
            case DeletePool(pool, etag):
                self._retires(pool, etag)
            case DeleteMachines(pool, nodes):
                records = [n for name in nodes if (n := self.context.store.nodes.get(name))]
                there = pool == "src" and (not self.context.backwards or self.context.turning)
                self.context.that("retired-there-only", there, f"machines of {pool} are deleted")
                self._empty(pool, records)
            case EvictPod() | DeletePod():
                self._touches()
                self._held()
            case CordonNode(name) if (node := self.context.store.nodes.get(name)) is not None:
                if node.pool == "src":
                    self._touches()

    def ends(self, action: Action) -> None:
        """There is at most one target, and no target had another name before."""
        if isinstance(action, CreatePool):
            tagged = {name for name in self.context.aks.pool_names() if self._ours(name)}
            self._targets |= tagged
            several = ", ".join(sorted(self._targets))
            self.context.that("one-target", len(self._targets) <= 1, f"several targets: {several}")
            if tagged:
                self._tagged(action)

    def _tagged(self, action: CreatePool) -> None:
        """A resource that is applied again finds in the tags what it needs of the source."""
        view = self._pool_view
        tags = self.context.aks.properties(action.target).get("tags") or {}
        counts = {str(count) for count in (*view.recent_counts(), view.size)}
        right = tags.get(TAG_SOURCE) == "src" and tags.get(TAG_COUNT) in counts
        bounds = {f"{had[0]}-{had[1]}" if had else None for had in view.bounds_had}
        right = right and tags.get(TAG_AUTOSCALER) in bounds
        text = f"{action.target} has the tags {tags}, not one of {counts} and {bounds}"
        self.context.that("tags-true", right, text)

    def _creates(self, action: CreatePool, status: MigrationStatus) -> None:
        """The target is created in its step, with as many nodes as the spec asks for."""
        in_time = status.step == "CreateTarget" and status.rollback is None
        text = f"{action.target} is made in step {status.step}"
        self.context.that("created-in-time", in_time, text)
        spec = self.context.specs.get(status.observed_generation, self.context.spec)
        asked = (spec.get("target") or {}).get("count")
        self._asked = action.count
        if asked == "Auto":
            return
        wanted = {
            self._first_count(spec, int(asked) if asked is not None else max(1, old), old)
            for old in (*self._pool_view.recent_counts(), self._pool_view.size or 0)
        }
        text = f"{action.target} is made with {action.count} nodes, {wanted} were asked for"
        lately = self._pool_view.changed("src")
        self.context.that("target-as-asked", action.count in wanted, text, excuse=lately)

    def _first_count(self, spec: Mapping[str, Any], wanted: int, old: int) -> int:
        if spec["strategy"]["type"] == "Rolling":
            return min(wanted, size_of(spec["strategy"]["maxSurge"], old))
        return wanted

    def _touches(self) -> None:
        """The source is changed: check the approval, and that the target is ready."""
        context = self.context
        if context.backwards or context.in_place:
            return
        self._approved("BeforeDrain", "approved-before-drain", "the source is touched")
        self._stood = self._stood or self._stands()
        text = f"the source is touched before {context.target} stands"
        context.that("target-first", self._stood, text)
        if not self._begun:
            self._begun = True
            have = int(context.aks.properties(context.target).get("count") or 0)
            # A target that is created again keeps the count that it has.
            asked = context.attempts > 1 or self._asked in {None, have}
            others = context.pools_changed() or self._pool_view.changed(context.target)
            text = f"the drain begins with {have} nodes of {context.target}, not {self._asked}"
            context.that("target-as-asked", asked, text, excuse=others)

    def _approved(self, gate: str, name: str, what: str) -> None:
        specs = self.context.in_force(self.context.now - 10.0)
        first = self.context.attempts not in self._passed
        self._passed.add(self.context.attempts)
        if gate == "BeforeDrain" and not first:
            return  # an approval that is required later was given already
        if all(spec.get("approval") == gate for spec in specs):
            self.context.that(name, self.context.approved(gate), f"{what} without approval {gate}")

    def _held(self) -> None:
        context = self.context
        if context.backwards or context.in_place:
            return
        scales = bool(context.aks.properties("src").get("enableAutoScaling"))
        text = "pods are evicted while the source's autoscaler is on"
        others = self._pool_view.changed("src", CHECK_SECONDS)
        context.that("autoscaler-held", not scales, text, excuse=others)

    def _updates(self, pool: str, changes: dict[str, Any], etag: str) -> None:
        context = self.context
        if pool != "src":
            properties = context.aks.properties(pool)
            text = f"{pool} is changed and is not ours"
            foreign = properties and properties.get("eTag") == etag and not self._ours(pool)
            context.that("only-own-pools", not foreign, text)
        if "osSKU" in changes:
            self._approved("BeforeDrain", "approved-before-drain", "the OS is changed")
        if changes.get("count") == 0:
            self._retires(pool, etag)
        if changes.get("enableAutoScaling"):
            self._bounds(pool, (int(changes["minCount"]), int(changes["maxCount"])), etag)

    def _bounds(self, pool: str, given: tuple[int, int], etag: str) -> None:
        held = self._pool_view.held
        if pool == "src":
            text = f"the source gets {given}, its own bounds were {held}"
            others = self.context.pools_changed()  # whose bounds stay
            self.context.that("bounds-given-back", given == held, text, excuse=others)
            return
        wanted = set(self._pool_view.bounds_had)
        for spec in self.context.in_force(self.context.now - 10.0):
            asked = (spec.get("target") or {}).get("autoscaling")
            if asked is not None:
                wanted = {(asked["min"], asked["max"])}
        if self._begins_to_move():
            # The target may grow while pods are moved, and loses no node.
            properties = self.context.aks.properties(pool)
            count = int(properties.get("count") or 0)
            stale = properties.get("eTag") != etag  # refused by AKS
            wanted = {(count, max(count, bounds[1])) for bounds in wanted if bounds is not None}
            wanted |= {given} if stale else set()
        text = f"{pool} gets the bounds {given}, not {wanted}"
        self.context.that("bounds-handed-over", given in wanted, text)

    def _begins_to_move(self) -> bool:
        """Whether no pod was moved yet: the source's nodes are as they were."""
        context = self.context
        there = int(context.aks.properties("src").get("count") or 0) > 0
        marked = any(in_batch(node) for node in context.nodes("src"))
        return there and not marked and (not context.backwards or context.turning)

    # Retiring

    def _retires(self, pool: str, etag: str) -> None:
        context = self.context
        self._empty(pool, context.nodes(pool))
        text = f"{pool} is retired on the way {'back' if context.backwards else 'there'}"
        context.that("retired-there-only", (pool == "src") != context.backwards, text)
        if pool != "src":
            present = bool(context.aks.properties(pool))
            refused = etag != context.aks.properties(pool).get("eTag")
            ours = not present or refused or self._ours(pool)
            context.that("only-own-pools", ours, f"{pool} is deleted and is not ours")
            return
        self._approved("BeforeRetire", "approved-before-retire", "the source is retired")
        self._soaked(pool, "the source is retired")
        text = f"there is no target {context.target} of ours"
        others = context.pools_changed(45.0)
        context.that("retired-with-target", self._ours(context.target), text, excuse=others)

    def _soaked(self, pool: str, what: str) -> None:
        """The soak is at least the shortest one that was in force during the wait."""
        context, left = self.context, self._last_left.get(pool)
        if left is None:
            return
        soak = min(length_of(s, "strategy", "finalSoak") for s in context.in_force(left - 5.0))
        waited = context.now - left
        text = f"{what} {waited:.1f} s after its last pod left, its soak is {soak:.0f} s"
        context.that("final-soak", waited >= soak - context.slack(left), text)

    def _empty(self, what: str, nodes: list[Node]) -> None:
        for node in nodes:
            old = [
                pod.key
                for pod in self.context.store.pods_on[node.name].values()
                if leaves(pod) and self.context.now - pod.created > YOUNG_SECONDS
            ]
            text = f"{what} is deleted with pod {old[:1]} on {node.name}"
            self.context.that("retired-empty", not old, text)
