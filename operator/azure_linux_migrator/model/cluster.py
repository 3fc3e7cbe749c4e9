"""Slim, frozen records of what the core knows about a cluster: the only shape it ever sees.

They are built by kube/decode.py from watch events and by the simulator from its own state.
Strings that repeat (names of nodes, namespaces, labels) are interned by whoever builds them.
"""

import re
from collections.abc import Mapping
from typing import Annotated, NamedTuple

from msgspec import Struct

from azure_linux_migrator.model.sensitivity import (
    Identifier,
    LabelKey,
    LabelValue,
    LeftOut,
    Mark,
    Message,
    MigrationName,
    NamespaceName,
    NodeName,
    ObjectName,
    PoolName,
    Public,
    Sensitivity,
    TaintText,
    Traits,
)

Labels = Annotated[tuple[tuple[str, str], ...], Sensitivity.LABELS]
"""Labels as a sorted tuple of pairs: hashable, so that selector matches can be cached."""


class NamespacedName(NamedTuple):
    """Identity of a namespaced object within its kind."""

    namespace: NamespaceName
    name: ObjectName

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


ExtendedResources = Annotated[tuple[tuple[str, int], ...], Sensitivity.RESOURCE_AMOUNTS]
"""Amounts of other resources by name, sorted, such as (("nvidia.com/gpu", 8),): of ephemeral
storage in bytes, of devices their number. Empty for nearly all pods, and shared by those alike."""


class Allocatable(NamedTuple):
    """What a node can hold: thousandths of a CPU, MiB of memory, pods. 0 pods: not known."""

    cpu: int = 0
    memory: int = 0
    pods: int = 0
    extended_resources: ExtendedResources = ()

    def lacks(self, used: Mapping[str, int], resources: ExtendedResources) -> str:
        """The first of the other resources that it has too little of; empty where it has all.

        A device that a node does not list it does not have. Ephemeral storage and huge pages every
        kubelet lists, so a room without extras is one that was only guessed: those it has.
        """
        have = dict(self.extended_resources)
        for name, amount in resources:
            known = "/" in name or self.extended_resources
            if known and used.get(name, 0) + amount > have.get(name, 0):
                return name
        return ""


class Node(Struct, frozen=True, gc=False):
    """A node of the cluster. `batch` is the index this migration's annotation gives it, or 0;
    `zone` is empty outside any zone, `os_effective` the version that AKS made of `os_sku`; `home`
    is the node resource group that the machine is in, as `subscription/group` where the
    subscription is known too, in lower case, or empty. `taints` are those that keep pods away, but
    for the cordon's, such as `key=value:NoSchedule`."""

    name: NodeName
    pool: PoolName
    ready: bool = True
    unschedulable: bool = False
    cordoned_by: MigrationName = ""
    batch: Mark = ""
    os_sku: Public = ""
    os_effective: Public = ""
    zone: Public = ""
    allocatable: Allocatable = Allocatable()
    node_resource_group: LeftOut = ""
    taints: tuple[TaintText, ...] = ()

    def runs(self, os_sku: str) -> bool:
        """Whether that is its OS, however AKS writes it: a pool of AzureLinux3 may show AzureLinux,
        with the version in a label beside it."""
        return os_sku.casefold() in (self.os_sku.casefold(), self.os_effective.casefold())


class Owner(Struct, frozen=True, gc=False):
    """The controller that owns a pod."""

    kind: Identifier
    name: Annotated[str, Sensitivity.OWNER_NAME]
    uid: Identifier


class Pod(Struct, frozen=True):
    """A pod. `revision` is its resourceVersion as an integer, 0 where unknown.

    Times are in seconds: `created` since the epoch, `started_in` from creation to Ready (0 where
    it is not Ready), `deadline` since the epoch, when a terminating pod should be gone;
    `unready_since` since the epoch, 0 where it is Ready or that is not known, and its creation
    where its containers fail again and again, for the reason in `failing`.
    `unschedulable` is why the scheduler finds no node for it; `claims` are the names of its
    persistent volume claims, `ephemeral_claims` of those that are made and deleted with it
    (kubernetes.io/docs/concepts/storage/ephemeral-volumes); `deletion_cost` is what its ReplicaSet
    ranks it by; `traits` are model.traits strings; `requests` thousandths of a CPU and MiB of
    memory, `extended_resources` the rest of what it requests; `spread` tells that it repels pods of
    its kind from its node.
    """

    key: NamespacedName
    uid: Identifier
    node: NodeName
    phase: Public
    ready: bool
    terminating: bool
    labels: Labels = ()
    owner: Owner | None = None
    mirror: bool = False
    empty_dir: bool = False
    revision: int = 0
    created: float = 0.0
    started_in: float = 0.0
    deadline: float = 0.0
    finalizers: bool = False
    unschedulable: Message = ""
    claims: tuple[ObjectName, ...] = ()
    deletion_cost: int = 0
    traits: Traits = ()
    requests: tuple[int, int] = (0, 0)
    spread: bool = False
    unready_since: float = 0.0
    extended_resources: ExtendedResources = ()
    priority: int = 0
    failing: Message = ""
    ephemeral_claims: tuple[ObjectName, ...] = ()

    @property
    def all_claims(self) -> tuple[str, ...]:
        """Claims whose volumes are attached to its node because of it."""
        return self.claims + self.ephemeral_claims if self.ephemeral_claims else self.claims

    @property
    def finished(self) -> bool:
        """Whether it ran to its end; its containers will not run again."""
        return self.phase in {"Succeeded", "Failed"}


class Requirement(Struct, frozen=True):
    """One matchExpressions entry of a label selector, or of a node affinity (`Gt` and `Lt`)."""

    key: LabelKey
    operator: Public
    values: tuple[LabelValue, ...] = ()

    def matches(self, labels: dict[str, str]) -> bool:
        """Whether labels satisfy it; an operator this version does not know matches nothing."""
        present = self.key in labels
        match self.operator:
            case "In":
                return present and labels[self.key] in self.values
            case "NotIn":
                return not present or labels[self.key] not in self.values
            case "Exists":
                return present
            case "DoesNotExist":
                return not present
            case "Gt" | "Lt":
                return present and self._compares(labels[self.key])
            case _:
                return False

    def _compares(self, text: str) -> bool:
        """Both are integers, else it does not match (apimachinery/pkg/labels/selector.go)."""
        if len(self.values) != 1 or not (_INTEGER(text) and _INTEGER(self.values[0])):
            return False
        value, bound = int(text), int(self.values[0])
        return value > bound if self.operator == "Gt" else value < bound


_INTEGER = re.compile(r"[+-]?[0-9]+").fullmatch


class Selector(Struct, frozen=True):
    """A label selector. Empty matches everything (policy/v1); None in a Budget matches nothing."""

    equal: Labels = ()
    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: dict[str, str]) -> bool:
        """Whether labels satisfy every term."""
        return all(labels.get(key) == value for key, value in self.equal) and all(
            requirement.matches(labels) for requirement in self.requirements
        )


class Budget(Struct, frozen=True):
    """A PodDisruptionBudget and what its controller says. `disrupted` are names of evicted pods
    whose deletion the controller has not seen yet."""

    key: NamespacedName
    selector: Selector | None
    generation: int = 1
    observed_generation: int = 1
    allowed: int = 0
    healthy: int = 0
    desired: int = 0
    expected: int = 0
    disrupted: frozenset[ObjectName] = frozenset()
    unhealthy_policy: Public = "IfHealthyBudget"
    sync_failed: Message = ""
    revision: int = 0
    uid: Identifier = ""

    @property
    def capacity(self) -> int:
        """Disruptions it allows once all its pods are healthy."""
        return self.expected - self.desired


class Controller(Struct, frozen=True):
    """A Deployment, ReplicaSet, StatefulSet or DaemonSet.

    `owner` is the uid of its own controller. `max_unavailable` and `max_surge` are those of a
    rolling update, rounded as Kubernetes rounds them; `rolling` is False where the pods are
    recreated, and `paused` tells that no rollout is made. `surge` and `restarted` are our
    annotations; `stuck` is why a rollout does not progress, `failing` why its pods are not made.
    `available` are the pods that were Ready for minReadySeconds; None where that is 0. Of a
    StatefulSet: `ordered` tells that its pods start one after the other, and `first_ordinal` where
    their numbers begin. `terms` is the required node affinity of a DaemonSet's template: its pods
    carry another, which names their node.
    """

    kind: Public
    key: NamespacedName
    uid: Identifier
    owner: Identifier = ""
    replicas: int = 1
    rolling: bool = False
    max_unavailable: int = 0
    max_surge: int = 0
    surge: Mark = ""
    restarted: Mark = ""
    stuck: Message = ""
    traits: Traits = ()
    ordered: bool = False
    first_ordinal: int = 0
    terms: tuple[tuple[Requirement, ...], ...] = ()
    paused: bool = False
    failing: Message = ""
    available: Annotated[int | None, Sensitivity.PUBLIC] = None


class Volume(Struct, frozen=True):
    """A bound persistent volume: the zones it can be attached in ("" for nodes outside any zone; no
    zones at all for anywhere), or the fact that it is local."""

    name: Identifier
    claim: NamespacedName
    zones: tuple[Public, ...] = ()
    local: bool = False


class Attachment(Struct, frozen=True):
    """A VolumeAttachment: this volume is attached to this node."""

    name: Identifier
    node: NodeName
    volume: Identifier


class BudgetRule(Struct, frozen=True):
    """The spec of a budget: one of the two is set, a number or a percentage such as `25%`."""

    min_available: Annotated[int | str | None, Sensitivity.PUBLIC] = None
    max_unavailable: Annotated[int | str | None, Sensitivity.PUBLIC] = None
