"""Affinity between pods, and topology spread: which nodes other pods leave to a pod.

Equal pods (labels and terms) are counted together, per node and per event, so that a query costs as
much as there are nodes with matching pods. The rules are those of pkg/scheduler/framework/plugins:
interpodaffinity/filtering.go, podtopologyspread/filtering.go.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field

from azure_linux_migrator.model.cluster import Pod
from azure_linux_migrator.model.scheduling import (
    HOSTNAME,
    PodTerm,
    SchedulingConstraints,
    TopologySpread,
)
from azure_linux_migrator.model.selectors import Labels
from azure_linux_migrator.simulator.cluster.store import Store, holds
from azure_linux_migrator.simulator.cluster.workload import NodeCapacity


@dataclass(slots=True, eq=False)
class _Kind:
    """Equal pods: how many there are on each node, without and with terminating ones."""

    namespace: str
    labels: dict[str, str]
    apart: tuple[PodTerm, ...]
    live: dict[str, int] = field(default_factory=dict)
    all: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class _Answer:
    """The kinds that match a query, among the first `seen` kinds."""

    kinds: list[_Kind] = field(default_factory=list)
    topologies: list[str] = field(default_factory=list)
    seen: int = 0


@dataclass(slots=True)
class _Limit:
    """A spread constraint now: matching pods by value, and the maximum."""

    topology: str
    counts: dict[str, int]
    most: float


@dataclass(slots=True)
class View:
    """The constraints of other pods on all nodes, for one pod at one moment."""

    shut: dict[str, set[str]] = field(default_factory=dict)
    near: list[tuple[str, set[str] | None]] = field(default_factory=list)
    limits: list[_Limit] = field(default_factory=list)

    def obstacle(self, name: str, labels: dict[str, str]) -> str:
        """Why the pod cannot be put on a node with these labels; empty if it can."""
        for limit in self.limits:
            value = domain(name, labels, limit.topology)
            if value is None:
                return "node(s) didn't match pod topology spread constraints (missing label)"
            if limit.counts.get(value, 0) > limit.most:
                return "node(s) didn't match pod topology spread constraints"
        for topology, values in self.near:
            value = domain(name, labels, topology)
            if value is None or (values is not None and value not in values):
                return "node(s) didn't match pod affinity rules"
        for topology, taken in self.shut.items():
            if domain(name, labels, topology) in taken:
                return "node(s) didn't match pod anti-affinity rules"
        return ""


class PodAffinityIndex:
    """All pods on nodes, by kind. `scheduling` gives the scheduling constraints of a pod."""

    def __init__(self, store: Store, scheduling: Callable[[Pod], SchedulingConstraints]) -> None:
        self._store = store
        self._scheduling = scheduling
        self._kinds: dict[Hashable, _Kind] = {}
        self._ordered: list[_Kind] = []
        self._repelling: list[_Kind] = []
        self._answers: dict[Hashable, _Answer] = {}
        self._domains: dict[Hashable, tuple[set[str], set[str]]] = {}
        for pod in store.pods.values():
            self.count(None, pod)

    def count(self, old: Pod | None, new: Pod | None) -> None:
        """A pod has changed."""
        before = (old.node, old.terminating) if old is not None and holds(old) else None
        after = (new.node, new.terminating) if new is not None and holds(new) else None
        if before == after:
            return
        if before is not None and old is not None:
            self._move(self._kind(old), before, -1)
        if after is not None and new is not None:
            self._move(self._kind(new), after, 1)

    def nodes_changed(self) -> None:
        """Nodes are added or removed, or their labels or taints change."""
        self._domains.clear()

    def view(self, pod: Pod, scheduling: SchedulingConstraints) -> View | None:
        """The constraints of other pods; None if there are none."""
        view = View()
        labels = dict(pod.labels) if scheduling.near or scheduling.spread else {}
        for kind, topology in self._repelling_of(pod):
            self._shut(view, topology, kind)
        home = pod.key.namespace
        for term in scheduling.apart:
            for kind in self._meant((term,), home).kinds:
                self._shut(view, term.topology, kind)
        if scheduling.near:
            view.near = self._near(scheduling.near, home, labels)
        for spread in scheduling.spread:
            view.limits.append(self._limit(spread, scheduling, home, labels))
        return view if view.shut or view.near or view.limits else None

    # Counts

    def _kind(self, pod: Pod) -> _Kind:
        apart = self._scheduling(pod).apart
        key = (pod.key.namespace, pod.labels, apart)
        kind = self._kinds.get(key)
        if kind is None:
            kind = self._kinds[key] = _Kind(pod.key.namespace, dict(pod.labels), apart)
            self._ordered.append(kind)
            if apart:
                self._repelling.append(kind)
        return kind

    @staticmethod
    def _move(kind: _Kind, at: tuple[str, bool], sign: int) -> None:
        node, terminating = at
        for counts in (kind.all,) if terminating else (kind.all, kind.live):
            left = counts.get(node, 0) + sign
            if left:
                counts[node] = left
            else:
                counts.pop(node, None)

    # Queries

    def _meant(self, terms: tuple[PodTerm, ...], home: str) -> _Answer:
        """Kinds that match all the terms."""
        answer = self._answers.setdefault((terms, home), _Answer())
        for kind in self._ordered[answer.seen :]:
            if all(term.means(home, kind.namespace, kind.labels) for term in terms):
                answer.kinds.append(kind)
        answer.seen = len(self._ordered)
        return answer

    def _repelling_of(self, pod: Pod) -> Iterable[tuple[_Kind, str]]:
        """Kinds with an anti-affinity term against such a pod, and its topology: the term holds
        both ways."""
        if not self._repelling:
            return ()
        answer = self._answers.setdefault((pod.key.namespace, pod.labels), _Answer())
        if answer.seen < len(self._repelling):
            labels = dict(pod.labels)
            for kind in self._repelling[answer.seen :]:
                for term in kind.apart:
                    if term.means(kind.namespace, pod.key.namespace, labels):
                        answer.kinds.append(kind)
                        answer.topologies.append(term.topology)
            answer.seen = len(self._repelling)
        return zip(answer.kinds, answer.topologies, strict=True)

    def _shut(self, view: View, topology: str, kind: _Kind) -> None:
        values = {value for value, _ in self._values(kind.all, topology)}
        if values:
            view.shut.setdefault(topology, set()).update(values)

    def _near(
        self, terms: tuple[PodTerm, ...], home: str, labels: dict[str, str]
    ) -> list[tuple[str, set[str] | None]]:
        """Topology values with a pod that matches all terms. If there is none in the whole
        cluster, the first pod of a group that matches itself may go anywhere that has the
        labels."""
        kinds = self._meant(terms, home).kinds
        topologies: list[tuple[str, set[str] | None]] = []
        for term in terms:
            values = {v for kind in kinds for v, _ in self._values(kind.all, term.topology)}
            topologies.append((term.topology, values))
        alone = not any(values for _, values in topologies)
        if alone and all(term.means(home, home, labels) for term in terms):
            return [(topology, None) for topology, _ in topologies]
        return topologies

    def _limit(
        self,
        spread: TopologySpread,
        scheduling: SchedulingConstraints,
        home: str,
        labels: dict[str, str],
    ) -> _Limit:
        nodes, domains = self._eligible(spread, scheduling)
        counts: dict[str, int] = {}
        selector = spread.selector
        if selector is not None and (selector.equal or selector.requirements):
            term = PodTerm(spread.topology, selector)
            for kind in self._meant((term,), home).kinds:
                for value, count in self._values(kind.live, spread.topology, nodes):
                    counts[value] = counts.get(value, 0) + count
        least: float = min((counts.get(domain, 0) for domain in domains), default=float("inf"))
        if domains and len(domains) < spread.min_domains:
            least = 0
        own = int(selector is not None and selector.matches(labels))
        return _Limit(spread.topology, counts, spread.max_skew - own + least)

    def _eligible(
        self, spread: TopologySpread, scheduling: SchedulingConstraints
    ) -> tuple[set[str], set[str]]:
        """Nodes that count for a constraint, and their values: with the labels of all the pod's
        constraints, and as the constraint's policies say. Cordoned nodes do count."""
        keys = tuple(spread.topology for spread in scheduling.spread)
        affinity = (scheduling.selector, scheduling.terms) if spread.honor_affinity else ()
        taints = scheduling.tolerations if spread.honor_taints else None
        question = (spread.topology, keys, affinity, taints)
        eligible = self._domains.get(question)
        if eligible is None:
            nodes: set[str] = set()
            values: set[str] = set()
            for name, machine in self._store.machines.items():
                value = domain(name, machine.labels, spread.topology)
                if value is not None and _counts(spread, scheduling, name, machine):
                    nodes.add(name)
                    values.add(value)
            eligible = self._domains[question] = (nodes, values)
        return eligible

    def _values(
        self, counts: dict[str, int], topology: str, nodes: set[str] | None = None
    ) -> Iterator[tuple[str, int]]:
        """The values of a topology on the existing nodes."""
        for name, count in counts.items():
            machine = self._store.machines.get(name)
            if machine is None or (nodes is not None and name not in nodes):
                continue
            value = domain(name, machine.labels, topology)
            if value is not None:
                yield value, count


def domain(name: str, labels: dict[str, str], topology: str) -> str | None:
    """The value of a topology on a node; kubelets label every node with its name."""
    return labels.get(topology, name if topology == HOSTNAME else None)


def _counts(
    spread: TopologySpread, scheduling: SchedulingConstraints, name: str, machine: NodeCapacity
) -> bool:
    if any(domain(name, machine.labels, spread.topology) is None for spread in scheduling.spread):
        return False
    if spread.honor_affinity and not scheduling.selects(name, machine.labels):
        return False
    return not spread.honor_taints or all(scheduling.tolerates(taint) for taint in machine.taints)


def concerns(scheduling: SchedulingConstraints, home: str, namespace: str, labels: Labels) -> bool:
    """Whether such a pod can change, by its coming or going, where a pod with these constraints
    fits."""
    those = dict(labels)
    return any(
        term.means(home, namespace, those) for term in (*scheduling.near, *scheduling.apart)
    ) or any(
        home == namespace and spread.selector is not None and spread.selector.matches(those)
        for spread in scheduling.spread
    )
