"""From a pod's spec to where a scheduler may put it, and what the forecast's does not model."""

from collections.abc import Iterable, Iterator
from functools import lru_cache

from azure_linux_migrator.kube.pod_spec import (
    Affinity,
    NodeSelectorTerm,
    PodAffinity,
    PodAffinityTerm,
    PodSpec,
)
from azure_linux_migrator.kube.selectors import LabelSelector
from azure_linux_migrator.model.cluster import Owner
from azure_linux_migrator.model.scheduling import (
    NodeTerm,
    PodTerm,
    SchedulingConstraints,
    TopologySpread,
)
from azure_linux_migrator.model.selectors import Requirement, Selector

DEFAULT_SCHEDULER = "default-scheduler"
SYSTEM_PRIORITIES = frozenset({"system-cluster-critical", "system-node-critical"})
"""Add-ons of every cluster have these; what they would displace is not reported for each."""


def scheduling(spec: PodSpec, labels: dict[str, str], owner: Owner | None) -> SchedulingConstraints:
    """Where such a pod may land; equal answers share one object. Terms that are not modelled are
    left out: what they would forbid is allowed, and `unmodelled` tells of them."""
    affinity = spec.affinity or Affinity()
    node = affinity.node_affinity.required if affinity.node_affinity else None
    daemon = owner is not None and owner.kind == "DaemonSet"
    constraints = SchedulingConstraints(
        selector=tuple(sorted((spec.node_selector or {}).items())),
        terms=_node_terms(node.node_selector_terms if node else None, daemon=daemon),
        tolerations=tuple(spec.tolerations or ()),
        near=_pod_terms(affinity.pod_affinity, labels),
        apart=_pod_terms(affinity.pod_anti_affinity, labels),
        spread=tuple(
            TopologySpread(
                constraint.topology_key,
                _selector(constraint.label_selector, labels, constraint.match_label_keys),
                constraint.max_skew,
                constraint.min_domains or 1,
                honor_affinity=constraint.node_affinity_policy != "Ignore",
                honor_taints=constraint.node_taints_policy == "Honor",
            )
            for constraint in spec.topology_spread_constraints or ()
            if constraint.when_unsatisfiable == "DoNotSchedule"
        ),
    )
    return _shared(constraints)


@lru_cache(4096)
def _shared(constraints: SchedulingConstraints) -> SchedulingConstraints:
    return constraints


def unmodelled(spec: PodSpec, owner: Owner | None, *, mirror: bool) -> Iterator[str]:
    """What a pod uses that the forecast's scheduler does not know. Preferred terms change nothing
    about where a pod can land, and DaemonSets' pods have their node."""
    if mirror or (owner is not None and owner.kind == "DaemonSet"):
        return
    affinity = spec.affinity or Affinity()
    for name, affinity_kind in (
        ("podAffinity", affinity.pod_affinity),
        ("podAntiAffinity", affinity.pod_anti_affinity),
    ):
        if any(
            not _is_modelled(term)
            for term in (affinity_kind.required if affinity_kind else None) or ()
        ):
            yield f"{name} with a namespaceSelector"
    if spec.scheduler_name not in {None, "", DEFAULT_SCHEDULER}:
        yield "another scheduler (schedulerName)"
    critical = spec.priority_class_name in SYSTEM_PRIORITIES
    if (spec.priority or 0) > 0 and spec.preemption_policy != "Never" and not critical:
        yield "a priority that may displace others (preemption)"
    if spec.resource_claims:
        yield "ResourceClaims"
    if spec.scheduling_gates:
        yield "schedulingGates"
    if any(port.host_port for container in spec.containers or () for port in container.ports or ()):
        yield "a hostPort"
    if any(toleration.operator in {"Gt", "Lt"} for toleration in spec.tolerations or ()):
        yield "a toleration with Gt or Lt"


def lines_of(counts: Iterable[tuple[str, int]]) -> list[str]:
    """Lines for the reader of a forecast, one for each feature."""
    return [
        f"scheduling: {_subject(count)} {feature}, which the forecast does not model"
        for feature, count in sorted(counts)
    ]


def _subject(count: int) -> str:
    return "1 pod uses" if count == 1 else f"{count} pods use"


def _node_terms(terms: Iterable[NodeSelectorTerm] | None, *, daemon: bool) -> tuple[NodeTerm, ...]:
    node_terms = tuple(
        NodeTerm(
            tuple(expression.record() for expression in term.match_expressions or ()),
            tuple(match_field.record() for match_field in term.match_fields or ()),
        )
        for term in terms or ()
    )
    if daemon:
        # The DaemonSet controller pins each pod to its node, which is no rule for the others
        # (ReplaceDaemonSetPodNodeNameNodeAffinity in pkg/controller/daemon/util).
        return tuple(NodeTerm(term.expressions) for term in node_terms if term.expressions)
    return node_terms


def _pod_terms(affinity: PodAffinity | None, labels: dict[str, str]) -> tuple[PodTerm, ...]:
    return tuple(
        PodTerm(
            term.topology_key,
            _selector(term.label_selector, labels, term.match_label_keys, term.mismatch_label_keys),
            None if term.namespace_selector is not None else tuple(sorted(term.namespaces or ())),
        )
        for term in (affinity.required if affinity else None) or ()
        if _is_modelled(term)
    )


def _is_modelled(term: PodAffinityTerm) -> bool:
    """An empty namespaceSelector means all namespaces; others go by labels that are not read."""
    chosen = term.namespace_selector
    return chosen is None or not (chosen.match_labels or chosen.match_expressions)


def _selector(
    selector: LabelSelector | None,
    labels: dict[str, str],
    same: list[str] | None = None,
    other: list[str] | None = None,
) -> Selector | None:
    """With the pod's own values of its matchLabelKeys, as the API server merges them
    (pkg/registry/core/pod/strategy.go, applyMatchLabelKeysAndMismatchLabelKeys)."""
    if selector is None:
        return None
    selector_record = selector.record()
    more = [Requirement(key, "In", (labels[key],)) for key in same or () if key in labels]
    more += [Requirement(key, "NotIn", (labels[key],)) for key in other or () if key in labels]
    more = [requirement for requirement in more if requirement not in selector_record.requirements]
    return (
        Selector(selector_record.equal, (*selector_record.requirements, *more))
        if more
        else selector_record
    )
