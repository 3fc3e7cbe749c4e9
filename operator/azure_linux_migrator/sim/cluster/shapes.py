"""What the simulated cluster knows beyond the core's records: templates, machines, rules."""

import random
from typing import Literal

from msgspec import Struct

from azure_linux_migrator.core.records import Extras, Key, Labels, Pod, Requirement, Selector
from azure_linux_migrator.sim.aks_nodes import Taint

HOSTNAME = "kubernetes.io/hostname"
Kind = Literal["Deployment", "StatefulSet", "DaemonSet", "Job", "ReplicaSet", "Named", "Other"]
"""`Named` is any other controller that gives a pod's name and volumes to its successor."""


class Span(Struct, frozen=True):
    """How long something takes, in seconds: any of `seen`, else anything from `low` to `high`."""

    low: float = 1.0
    high: float = 2.0
    seen: tuple[float, ...] = ()

    def draw(self, rng: random.Random) -> float:
        """One of them."""
        return rng.choice(self.seen) if self.seen else rng.uniform(self.low, self.high)

    @property
    def mean(self) -> float:
        """The mean."""
        return sum(self.seen) / len(self.seen) if self.seen else (self.low + self.high) / 2


class Toleration(Struct, frozen=True):
    """A pod's toleration; an empty key or effect matches all."""

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""

    def matches(self, taint: Taint) -> bool:
        """Whether the pod puts up with that taint."""
        if self.effect and self.effect != taint.effect:
            return False
        if self.key and self.key != taint.key:
            return False
        return self.operator == "Exists" or (bool(self.key) and self.value == taint.value)


class NodeTerm(Struct, frozen=True):
    """One alternative of a required node affinity, by labels and by metadata.name."""

    expressions: tuple[Requirement, ...] = ()
    fields: tuple[Requirement, ...] = ()


class PodTerm(Struct, frozen=True):
    """A required term of an affinity to other pods, or against them.

    Those of one value of the node label `topology` are together. Without a selector it means no
    pod; `namespaces` None are all, and none the pod's own.
    """

    topology: str
    selector: Selector | None = None
    namespaces: tuple[str, ...] | None = ()

    def means(self, home: str, namespace: str, labels: dict[str, str]) -> bool:
        """Whether a pod of `home` that has the term means one with these labels."""
        if self.namespaces is not None and namespace not in (self.namespaces or (home,)):
            return False
        return self.selector is not None and self.selector.matches(labels)


class Spread(Struct, frozen=True):
    """A topology spread constraint that is kept (DoNotSchedule); its selector is for the pod's own
    namespace. The last two say which nodes count: Kubernetes' defaults."""

    topology: str
    selector: Selector | None = None
    max_skew: int = 1
    min_domains: int = 1
    honor_affinity: bool = True
    honor_taints: bool = False


class Placing(Struct, frozen=True):
    """Where a pod may land. `terms` are alternatives of a required node affinity; `near` and
    `apart` are about other pods, and so is `spread`."""

    selector: Labels = ()
    terms: tuple[NodeTerm, ...] = ()
    tolerations: tuple[Toleration, ...] = ()
    near: tuple[PodTerm, ...] = ()
    apart: tuple[PodTerm, ...] = ()
    spread: tuple[Spread, ...] = ()

    @property
    def social(self) -> bool:
        """Whether other pods decide, too."""
        return bool(self.near or self.apart or self.spread)

    def alone(self, namespace: str, labels: Labels) -> bool:
        """Whether such pods of that namespace do not share a node with their own kind."""
        return any(
            each.topology == HOSTNAME and each.means(namespace, namespace, dict(labels))
            for each in self.apart
        )


class Template(Struct, frozen=True):
    """What all pods of a workload share. `start` runs from the node to Ready, without the attaching
    of disks, `stop` from the deletion to the end, `run` (a Job's) from Ready to the end; `claims`
    are those that all of them mount."""

    labels: Labels = ()
    requests: tuple[int, int] = (0, 0)
    extras: Extras = ()
    placing: Placing = Placing()
    start: Span = Span()
    stop: Span = Span(0.3, 0.6)
    run: Span | None = None
    empty_dir: bool = False
    mirror: bool = False
    finalizer: bool = False
    traits: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()


class Workload(Struct):
    """A controller and its wish. `current` is the uid of the ReplicaSet that it grows (of others
    its own), `generation` counts its templates; `claims` are those of single pods, by name.

    A StatefulSet counts its pods' names from `first`, one pod after the other unless `parallel`;
    `names` are those of pods whose names do not count. Of a Job, `replicas` are the pods that are
    to succeed yet at the start, `succeeded` those that did; `failures` are those since the last
    success, the latest at `failed_at` (seconds since the epoch).
    """

    kind: Kind
    key: Key
    uid: str
    replicas: int
    template: Template
    parallel: bool = True
    max_surge: int = 1
    max_unavailable: int = 0
    rolling: bool = True
    claims: dict[str, tuple[str, ...]] = {}
    current: str = ""
    generation: int = 1
    made: int = 0
    first: int = 0
    names: tuple[str, ...] = ()
    failures: int = 0
    failed_at: float = 0.0
    succeeded: int = 0

    @property
    def growing(self) -> str:
        """The uid of the ReplicaSet whose pods are current; of others the controller's own."""
        if self.kind != "Deployment":
            return self.uid
        return self.current or f"{self.uid}/{self.generation}"

    @property
    def keeps_names(self) -> bool:
        """Whether a pod's successor has its name."""
        return self.kind in {"StatefulSet", "Named"}

    @property
    def identities(self) -> tuple[str, ...]:
        """The names of its pods, where they keep them, in the order in which they start."""
        if self.names:
            return self.names
        ordinals = range(self.first, self.first + self.replicas)
        return tuple(f"{self.key.name}-{ordinal}" for ordinal in ordinals)


class Rule(Struct, frozen=True):
    """The spec of a budget: one of the two is set, a number or a percentage such as `25%`."""

    min_available: int | str | None = None
    max_unavailable: int | str | None = None


class Machine(Struct):
    """A node as the scheduler sees it, and what is taken of its room."""

    labels: dict[str, str]
    taints: tuple[Taint, ...] = ()
    cpu: int = 0
    memory: int = 0
    pods: int = 0
    extras: dict[str, int] = {}

    def take(self, pod: Pod, sign: int = 1) -> None:
        """Reserve what a pod requests, or with -1 give it back."""
        self.cpu += sign * pod.requests[0]
        self.memory += sign * pod.requests[1]
        self.pods += sign
        for name, amount in pod.extras:
            self.extras[name] = self.extras.get(name, 0) + sign * amount
