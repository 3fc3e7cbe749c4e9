"""Where each pod on a source node stands: its fate, its node's load, the lane it waits in."""

from collections import defaultdict
from heapq import heappush
from typing import TypeVar

from msgspec import Struct

from azure_linux_migrator.api.spec_drain import SingletonPolicy
from azure_linux_migrator.core.drain.evicted_owners import Moves
from azure_linux_migrator.core.drain.eviction_queue import FREE, Ident, Lane, Surge
from azure_linux_migrator.core.drain.node_progress import Loads, NodeLoad
from azure_linux_migrator.core.drain.order import LAST, Order
from azure_linux_migrator.core.drain.pod_filters import (
    ABANDONED,
    MOVE,
    Fate,
    Verdict,
    judge,
    returns,
    two_budgets,
)
from azure_linux_migrator.core.drain.scope import Scope
from azure_linux_migrator.core.drain.surge_first import surges, why_not
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.model.cluster import Key, Pod, Volume

RETURNS_LIMIT = 3
"""Pods of one owner that may come to the source after its drain began and be moved again."""

LATE_SECONDS = 2.0

Indexed = TypeVar("Indexed")


class Entry(Struct, gc=False):
    """A pod on a source node: what happens to it and where it waits, if it does."""

    pod: Pod
    verdict: Verdict
    tier: int
    lane: Lane | None = None


class Roster:
    """Places pods one at a time."""

    def __init__(self, world: World, scope: Scope) -> None:
        self.world = world
        self.scope = scope
        self.loads = Loads()
        self._began = self._newest = 0.0
        self.eligible = 0
        self.lanes: dict[tuple[Ident, int], Lane] = {}
        self.dirty: dict[Lane, None] = {}
        self.moves = Moves(world)
        self.deadlines: list[tuple[float, Key]] = []
        self.abandoned: dict[Key, str] = {}
        """Uids of terminating pods that are waited for no longer: their node does not answer."""
        self.entries: dict[Key, Entry] = {}
        self.tiers: defaultdict[int, int] = defaultdict(int)
        self.notes: dict[Key, Entry] = {}
        self.surging: dict[str, Lane] = {}
        self.memo: tuple[object, object] | None = None
        """A key and what was concluded for it, for conclusions that cost a walk over the pods."""
        self._order = Order(scope.policy)
        self._lanes_of: defaultdict[Ident, list[Lane]] = defaultdict(list)
        self._deadlocked: set[Key] = set()
        self._by_owner: defaultdict[str, set[Key]] = defaultdict(set)
        self._by_claim: defaultdict[Key, set[Key]] = defaultdict(set)
        self._zones: dict[str, int] = {}

    @property
    def began(self) -> float:
        """When the current batch began, in seconds since the epoch; 0 before the first."""
        return self._began

    @began.setter
    def began(self, at: float) -> None:
        if at != self._began:
            self._began = at
            self._newest = max((each.pod.created for each in self.entries.values()), default=0.0)

    # Facts for the filters

    def exists(self, uid: str) -> bool:
        """Whether a controller of that uid is known."""
        return self.world.catalog.exists(uid)

    def volumes_of(self, pod: Pod) -> list[Volume]:
        """The bound volumes of a pod."""
        return self.world.catalog.volumes_of(pod)

    def target_zones(self) -> frozenset[str]:
        """Zones of the target's nodes; "" where there are nodes outside any zone. None where they
        do not matter: AKS replaces the nodes of a pool zone by zone."""
        if self.scope.new_sku:
            return frozenset()
        return frozenset(zone for zone, count in self._zones.items() if count > 0)

    def weight(self, node: str) -> int:
        """How many pods are left on a node."""
        load = self.loads.by_node.get(node)
        return load.remaining if load else 0

    # Placing

    def _place(self, pod: Pod, *, alone: bool = True) -> None:
        """Judge a pod on a source node and put it where it belongs now.

        `alone` is False where all pods of the node are placed, and weighed once at the end.
        """
        load = self.loads.by_node[pod.node]
        old = self._unplace(pod.key)
        verdict = self._judge(pod)
        tier = LAST if pod.key == self.scope.last else self._order.tier(pod)
        entry = Entry(pod, verdict, tier)
        self.entries[pod.key] = entry
        if pod.owner is not None:
            self._by_owner[pod.owner.uid].add(pod.key)
        for claim in pod.claims:
            self._by_claim[Key(pod.key.namespace, claim)].add(pod.key)
        self._count(load, entry, 1)
        if self.abandoned and verdict is not ABANDONED:
            self.abandoned.pop(pod.key, None)
        if pod.terminating and (old is None or _due(old) != pod.deadline):
            heappush(self.deadlines, (pod.deadline, pod.key))
        if verdict.fate is Fate.MOVE and self.may_wait(pod):
            lane = entry.lane = self._lane(self._ident(entry), tier)
            admitted = load.batch > 0
            holds = self.world.ledger.holds(pod.key, pod.uid)
            lane.put(pod, load.remaining, admitted=admitted, holds=holds)
            self.eligible += admitted
            self.dirty[lane] = None
        if old is not None and old.pod.node != pod.node:
            self._left(old)
            old = None
        if pod.claims or (old is not None and old.pod.claims):
            self._detaching(load)
        if alone and (old is None or _counts(old) != _counts(entry)):
            self._reweigh(load)

    def _remove(self, key: Key) -> None:
        entry = self._unplace(key)
        if entry is not None:
            self._left(entry)

    def _left(self, entry: Entry) -> None:
        """A pod is on its node no more: what it kept attached, and what is left there."""
        self.abandoned.pop(entry.pod.key, None)
        load = self.loads.by_node.get(entry.pod.node)
        if load is not None:
            if entry.pod.claims:
                self._detaching(load)
            self._reweigh(load)

    def _unplace(self, key: Key) -> Entry | None:
        entry = self.entries.pop(key, None)
        if entry is None:
            return None
        pod = entry.pod
        self.notes.pop(pod.key, None)
        if pod.owner is not None:
            _discard(self._by_owner, pod.owner.uid, pod.key)
        for claim in pod.claims:
            _discard(self._by_claim, Key(pod.key.namespace, claim), pod.key)
        load = self.loads.by_node.get(pod.node)
        if load is not None:
            self._count(load, entry, -1)
        lane = entry.lane
        if lane is not None:
            if pod.key not in lane.later.pods:
                self.eligible -= 1
            lane.discard(pod.key)
            self.dirty[lane] = None
        return entry

    def _count(self, load: NodeLoad, entry: Entry, sign: int) -> None:
        self.loads.before(load)
        match entry.verdict.fate:
            case Fate.MOVE:
                load.moving += sign
                load.terminating += sign * entry.pod.terminating
            case Fate.WAIT:
                load.waiting += sign
            case Fate.SKIP:
                load.skipped += sign
            case Fate.BLOCK:
                if sign > 0 and entry.verdict.blocker is not None:
                    load.blocked[entry.pod.key] = entry.verdict.blocker
                else:
                    load.blocked.pop(entry.pod.key, None)
        self.loads.after(load)
        if entry.verdict.fate is not Fate.SKIP and load.batch > 0:
            self.tiers[entry.tier] += sign
            if self.tiers[entry.tier] <= 0:
                del self.tiers[entry.tier]

    def _reweigh(self, load: NodeLoad) -> None:
        for pod in self.world.pods_on(load.node.name):
            entry = self.entries.get(pod.key)
            if entry is not None and entry.lane is not None:
                entry.lane.reweigh(pod.key, load.remaining)

    def _judge(self, pod: Pod) -> Verdict:
        if pod.terminating and self.abandoned.get(pod.key) == pod.uid:
            return ABANDONED
        verdict = judge(pod, self.scope.policy, self)
        if verdict is not MOVE or pod.owner is None or pod.terminating or pod.finished:
            return verdict
        if self._late(pod) and self.moves.returns(pod.owner.uid) >= RETURNS_LIMIT:
            return returns(pod)
        guards = self.world.guards.of(pod)
        if len(guards) > 1 and pod.phase != "Pending":
            return two_budgets(pod, guards)
        return verdict

    def may_wait(self, pod: Pod) -> bool:
        """Whether a pod may be asked for: not leaving, not under way, and not refused just now."""
        ledger = self.world.ledger
        gone = pod.terminating or ledger.under_way(pod.key, pod.uid)
        return not gone and not ledger.barred(pod.key, pod.uid)

    def _ident(self, entry: Entry) -> Ident:
        """What a pod competes for."""
        pod = entry.pod
        if pod.phase == "Pending" or pod.finished:
            return FREE
        guards = self.world.guards.of(pod)
        if self.scope.policy.singletons is SingletonPolicy.SURGE_FIRST:
            controller = self.world.catalog.governing(pod)
            budget = self.world.budgets.get(guards[0]) if guards else None
            if controller is not None and surges(controller, budget, self.scope.migration):
                return Surge(controller.uid)
            if controller is not None and why_not(controller, budget, self.scope.migration):
                self.notes[pod.key] = entry
        if guards:
            return guards[0]
        if pod.owner is None or not pod.ready:
            return FREE
        return pod.owner.uid

    def _lane(self, ident: Ident, tier: int) -> Lane:
        lane = self.lanes.get((ident, tier))
        if lane is None:
            lane = self.lanes[ident, tier] = Lane(ident, tier)
            self._lanes_of[ident].append(lane)
            if isinstance(ident, Surge):
                self.surging[ident.deployment] = lane
        return lane

    def _drop_lane(self, lane: Lane) -> None:
        """Nothing waits in a lane any more: a Job's may never be needed again."""
        del self.lanes[lane.ident, lane.tier]
        self._lanes_of[lane.ident].remove(lane)
        if not self._lanes_of[lane.ident]:
            del self._lanes_of[lane.ident]

    def _late(self, pod: Pod) -> bool:
        """By the apiserver's clock alone: ours may have been set."""
        return self._began > 0 and pod.created > self._newest + LATE_SECONDS

    def _detaching(self, load: NodeLoad) -> None:
        """Whether volumes of pods that moved are still attached to a node that answers."""
        attached = self.world.catalog.attached_to(load.node.name)
        staying = {
            volume.name
            for pod in (self.world.pods_on(load.node.name) if attached else ())
            for volume in self.volumes_of(pod)
        }
        detaching = bool(attached - staying) and load.node.ready
        if detaching != load.detaching:
            self.loads.before(load)
            load.detaching = detaching
            self.loads.after(load)


def _discard(index: dict[Indexed, set[Key]], of: Indexed, key: Key) -> None:
    keys = index.get(of)
    if keys is not None:
        keys.discard(key)
        if not keys:
            del index[of]


def _due(entry: Entry) -> float | None:
    return entry.pod.deadline if entry.pod.terminating else None


def _counts(entry: Entry) -> bool:
    return entry.verdict.fate is not Fate.SKIP
