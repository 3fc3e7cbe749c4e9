"""Where pods may run, and which pods a selector names, as the API server writes it.

A test checks that decoding what is written here gives the records of the cluster again.
"""

from functools import lru_cache
from typing import Any

from azure_linux_migrator.model.scheduling import NodeTerm, PodTerm, SchedulingConstraints
from azure_linux_migrator.model.selectors import Requirement, Selector

Manifest = dict[str, Any]


def scheduling(constraints: SchedulingConstraints) -> Manifest:
    """The fields of a pod's spec that constrain its node."""
    return dict(_fields(constraints))


def selector(chosen: Selector) -> Manifest:
    """A LabelSelector."""
    return present(
        {
            "matchLabels": dict(chosen.equal),
            "matchExpressions": [_requirement(requirement) for requirement in chosen.requirements],
        }
    )


def present(fields: Manifest) -> Manifest:
    """Without empty values, which the API server leaves out."""
    return {name: value for name, value in fields.items() if value}


@lru_cache(1024)
def _fields(constraints: SchedulingConstraints) -> tuple[tuple[str, Any], ...]:
    spec: Manifest = {}
    if constraints.selector:
        spec["nodeSelector"] = dict(constraints.selector)
    if constraints.tolerations:
        spec["tolerations"] = [
            present(
                {
                    "key": toleration.key,
                    "operator": toleration.operator,
                    "value": toleration.value,
                    "effect": toleration.effect,
                }
            )
            for toleration in constraints.tolerations
        ]
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    affinity: Manifest = {}
    if constraints.terms:
        terms = {"nodeSelectorTerms": [_node_term(term) for term in constraints.terms]}
        affinity["nodeAffinity"] = {required: terms}
    for name, pod_terms in (
        ("podAffinity", constraints.near),
        ("podAntiAffinity", constraints.apart),
    ):
        if pod_terms:
            affinity[name] = {required: [_pod_term(term) for term in pod_terms]}
    if affinity:
        spec["affinity"] = affinity
    if constraints.spread:
        spec["topologySpreadConstraints"] = [
            {
                "topologyKey": spread.topology,
                "whenUnsatisfiable": "DoNotSchedule",
                "maxSkew": spread.max_skew,
                "minDomains": spread.min_domains,
                "labelSelector": selector(spread.selector or Selector()),
                "nodeAffinityPolicy": "Honor" if spread.honor_affinity else "Ignore",
                "nodeTaintsPolicy": "Honor" if spread.honor_taints else "Ignore",
            }
            for spread in constraints.spread
        ]
    return tuple(spec.items())


def _node_term(term: NodeTerm) -> Manifest:
    return {
        "matchExpressions": [_requirement(requirement) for requirement in term.expressions],
        "matchFields": [_requirement(requirement) for requirement in term.fields],
    }


def _pod_term(term: PodTerm) -> Manifest:
    manifest: Manifest = {"topologyKey": term.topology}
    if term.selector is not None:
        manifest["labelSelector"] = selector(term.selector)
    if term.namespaces is None:
        manifest["namespaceSelector"] = {}
    elif term.namespaces:
        manifest["namespaces"] = list(term.namespaces)
    return manifest


def _requirement(requirement: Requirement) -> Manifest:
    return {
        "key": requirement.key,
        "operator": requirement.operator,
        "values": list(requirement.values),
    }
