"""What the simulated cluster records beyond the core's records: templates, machines, rules."""

import random
from typing import Literal

from msgspec import Struct

from azure_linux_migrator.model.cluster import ExtendedResources, NamespacedName, Pod
from azure_linux_migrator.model.scheduling import ANYWHERE, SchedulingConstraints, Taint
from azure_linux_migrator.model.selectors import Labels
from azure_linux_migrator.model.traits import NO_TRAITS, PodTraits

Kind = Literal["Deployment", "StatefulSet", "DaemonSet", "Job", "ReplicaSet", "Named", "Other"]
"""`Named` is any other controller whose pods keep their names and volumes."""


class Span(Struct, frozen=True):
    """A duration in seconds: one of `seen`, or else between `low` and `high`."""

    low: float = 1.0
    high: float = 2.0
    seen: tuple[float, ...] = ()

    def draw(self, rng: random.Random) -> float:
        """Draw a duration."""
        return rng.choice(self.seen) if self.seen else rng.uniform(self.low, self.high)

    @property
    def longest(self) -> float:
        """The longest that is drawn."""
        return max(self.seen, default=self.high)

    @property
    def mean(self) -> float:
        """The mean."""
        return sum(self.seen) / len(self.seen) if self.seen else (self.low + self.high) / 2


class Template(Struct, frozen=True):
    """What all pods of a workload share. `start` is the time from the node to Ready without
    attaching disks, `stop` from the deletion to the end, `run` (pods of a Job) from Ready to the
    end; `claims` are those that all pods mount."""

    labels: Labels = ()
    requests: tuple[int, int] = (0, 0)
    extended_resources: ExtendedResources = ()
    scheduling: SchedulingConstraints = ANYWHERE
    start: Span = Span()
    stop: Span = Span(0.3, 0.6)
    run: Span | None = None
    empty_dir: bool = False
    mirror: bool = False
    finalizer: bool = False
    traits: PodTraits = NO_TRAITS
    claims: tuple[str, ...] = ()


class Workload(Struct):
    """A controller and its desired state. `current` is the uid of its current ReplicaSet (of
    other kinds its own uid), `generation` counts its templates; `claims` are those of single
    pods, by name. A StatefulSet numbers its pods from `first`, and starts one after the other
    unless `parallel`; `names` are those of pods without ordinals. For a Job, `replicas` is the
    number of pods that have yet to succeed at the start, `succeeded` of those that did;
    `failures` are those since the last success, the latest at `failed_at` (seconds since the
    epoch)."""

    kind: Kind
    key: NamespacedName
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
    pods_created: int = 0
    first: int = 0
    names: tuple[str, ...] = ()
    failures: int = 0
    failed_at: float = 0.0
    succeeded: int = 0

    @property
    def growing(self) -> str:
        """The uid of the ReplicaSet with the current pods; of other kinds the controller's own
        uid."""
        if self.kind != "Deployment":
            return self.uid
        return self.current or f"{self.uid}/{self.generation}"

    @property
    def keeps_names(self) -> bool:
        """Whether the replacement of a pod has its name."""
        return self.kind in {"StatefulSet", "Named"}

    @property
    def identities(self) -> tuple[str, ...]:
        """The names of its pods, if they keep them, in the order in which they start."""
        if self.names:
            return self.names
        ordinals = range(self.first, self.first + self.replicas)
        return tuple(f"{self.key.name}-{ordinal}" for ordinal in ordinals)


class NodeCapacity(Struct):
    """A node as the scheduler sees it, and the resources in use."""

    labels: dict[str, str]
    taints: tuple[Taint, ...] = ()
    cpu: int = 0
    memory: int = 0
    pods: int = 0
    extended_resources: dict[str, int] = {}

    def take(self, pod: Pod, sign: int = 1) -> None:
        """Reserve what a pod requests, or with -1 release it."""
        self.cpu += sign * pod.requests[0]
        self.memory += sign * pod.requests[1]
        self.pods += sign
        for name, amount in pod.extended_resources:
            self.extended_resources[name] = self.extended_resources.get(name, 0) + sign * amount
