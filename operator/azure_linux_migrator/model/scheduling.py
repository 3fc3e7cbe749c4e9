"""Where a pod may land: taints, tolerations, affinity and topology spread, as in the pod API."""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Struct

from azure_linux_migrator.model.selectors import Labels, Requirement, Selector
from azure_linux_migrator.model.sensitivity import (
    Identifier,
    LabelKey,
    NamespaceName,
    Public,
    Sensitivity,
)


class Taint(msgspec.Struct, frozen=True):
    """A node taint."""

    key: str = ""
    value: str = ""
    effect: str = ""

    @classmethod
    def parse(cls, text: str) -> "Taint":
        """Read the pool API's form `key=value:effect` or `key:effect`.

        Raises ValueError where the text is no taint.
        """
        head, colon, effect = text.rpartition(":")
        key, _, value = head.partition("=")
        if not colon or not key or effect not in ("NoSchedule", "PreferNoSchedule", "NoExecute"):
            raise ValueError(f"not a taint: {text!r}")
        return cls(key, value, effect)

    def __str__(self) -> str:
        value = f"={self.value}" if self.value else ""
        return f"{self.key}{value}:{self.effect}"


CORDON = Taint("node.kubernetes.io/unschedulable", "", "NoSchedule")
"""What a cordoned node is for the scheduler (plugins/nodeunschedulable)."""
HOSTNAME = "kubernetes.io/hostname"


class Toleration(Struct, frozen=True):
    """A pod's toleration; an empty key or effect matches all."""

    key: Annotated[str, Sensitivity.TAINT_KEY] = ""
    operator: Public = "Equal"
    value: Annotated[str, Sensitivity.TAINT_VALUE] = ""
    effect: Identifier = ""

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

    def unmet(self, name: str, labels: Mapping[str, str]) -> list[Requirement]:
        """Those of its requirements that a node does not satisfy."""
        fields = {"metadata.name": name}
        unmet = [requirement for requirement in self.expressions if not requirement.matches(labels)]
        return unmet + [
            requirement for requirement in self.fields if not requirement.matches(fields)
        ]

    def accepts(self, name: str, labels: Mapping[str, str]) -> bool:
        """Whether a node satisfies it; an empty term accepts no node."""
        return bool(self.expressions or self.fields) and not self.unmet(name, labels)


class PodTerm(Struct, frozen=True):
    """A required term of an affinity to other pods, or against them.

    Those of one value of the node label `topology` are together. Without a selector it means no
    pod; `namespaces` None are all, and none the pod's own.
    """

    topology: LabelKey
    selector: Selector | None = None
    namespaces: tuple[NamespaceName, ...] | None = ()

    def means(self, home: str, namespace: str, labels: dict[str, str]) -> bool:
        """Whether a pod of `home` that has the term means one with these labels."""
        if self.namespaces is not None and namespace not in (self.namespaces or (home,)):
            return False
        return self.selector is not None and self.selector.matches(labels)


class TopologySpread(Struct, frozen=True):
    """A topology spread constraint that is kept (DoNotSchedule); its selector is for the pod's own
    namespace. The last two say which nodes count: Kubernetes' defaults."""

    topology: LabelKey
    selector: Selector | None = None
    max_skew: int = 1
    min_domains: int = 1
    honor_affinity: bool = True
    honor_taints: bool = False


class SchedulingConstraints(Struct, frozen=True, omit_defaults=True):
    """Where a pod may land. `terms` are alternatives of a required node affinity; `near` and
    `apart` are about other pods, and so is `spread`."""

    selector: Labels = ()
    terms: tuple[NodeTerm, ...] = ()
    tolerations: tuple[Toleration, ...] = ()
    near: tuple[PodTerm, ...] = ()
    apart: tuple[PodTerm, ...] = ()
    spread: tuple[TopologySpread, ...] = ()

    def tolerates(self, taint: Taint) -> bool:
        """Whether such pods may be scheduled in spite of a taint."""
        return taint.effect == "PreferNoSchedule" or any(
            toleration.matches(taint) for toleration in self.tolerations
        )

    def selects(self, name: str, labels: Mapping[str, str]) -> bool:
        """Whether the node selector and the required node affinity accept a node
        (component-helpers/scheduling/corev1/nodeaffinity/nodeaffinity.go)."""
        return all(labels.get(key) == value for key, value in self.selector) and (
            not self.terms or any(term.accepts(name, labels) for term in self.terms)
        )

    @property
    def social(self) -> bool:
        """Whether other pods decide, too."""
        return bool(self.near or self.apart or self.spread)

    def alone(self, namespace: str, labels: Labels) -> bool:
        """Whether such pods of that namespace do not share a node with their own kind."""
        return any(
            term.topology == HOSTNAME and term.means(namespace, namespace, dict(labels))
            for term in self.apart
        )


ANYWHERE = SchedulingConstraints()
