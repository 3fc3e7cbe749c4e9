"""Where pods may land, under other names: the terms still mean the same nodes and the same pods."""

from msgspec import structs

from azure_linux_migrator.forecast.pseudonyms import Standins
from azure_linux_migrator.model.cluster import Extras, Requirement, Selector
from azure_linux_migrator.model.scheduling import (
    NodeTerm,
    Placing,
    PodTerm,
    Spread,
    Taint,
    Toleration,
)

_RESOURCES = ("nvidia.com/", "amd.com/", "hugepages-", "ephemeral-storage")
"""What everybody calls what he requests."""

NAME = "metadata.name"
"""The only field of a node that an affinity may name."""
Terms = tuple[tuple[Requirement, ...], ...]


def placing(use: Standins, given: Placing) -> Placing:
    """A workload's rules for its pods."""
    return structs.replace(
        given,
        selector=use.labels(given.selector),
        terms=tuple(_node_term(use, each) for each in given.terms),
        tolerations=tuple(_toleration(use, each) for each in given.tolerations),
        near=tuple(_pod_term(use, each) for each in given.near),
        apart=tuple(_pod_term(use, each) for each in given.apart),
        spread=tuple(_spread(use, each) for each in given.spread),
    )


def terms(use: Standins, given: Terms) -> Terms:
    """Alternatives of a node affinity, by labels."""
    return tuple(tuple(use.requirement(each) for each in term) for term in given)


def selector(use: Standins, given: Selector | None) -> Selector | None:
    """Which pods are meant."""
    if given is None:
        return None
    requirements = tuple(use.requirement(each) for each in given.requirements)
    return Selector(use.labels(given.equal), requirements)


def extras(use: Standins, given: Extras) -> Extras:
    """Devices and the like."""
    return tuple(
        sorted((n if n.startswith(_RESOURCES) else use.word(n), amount) for n, amount in given)
    )


def _node_term(use: Standins, given: NodeTerm) -> NodeTerm:
    fields = tuple(
        Requirement(NAME, each.operator, tuple(use.node(value) for value in each.values))
        for each in given.fields
    )
    return NodeTerm(tuple(use.requirement(each) for each in given.expressions), fields)


def _pod_term(use: Standins, given: PodTerm) -> PodTerm:
    spaces = given.namespaces
    return PodTerm(
        use.label_key(given.topology),
        selector(use, given.selector),
        None if spaces is None else tuple(use.namespace(each) for each in spaces),
    )


def _spread(use: Standins, given: Spread) -> Spread:
    return structs.replace(
        given, topology=use.label_key(given.topology), selector=selector(use, given.selector)
    )


def _toleration(use: Standins, given: Toleration) -> Toleration:
    made = use.taint(Taint(given.key, given.value, given.effect))
    return structs.replace(given, key=made.key, value=made.value, effect=made.effect)
