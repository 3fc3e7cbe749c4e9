"""In which order pods leave: by the first rule of spec.drain.order that selects a pod."""

from functools import lru_cache

from azure_linux_migrator.api.spec_drain import Drain, OrderRule
from azure_linux_migrator.model.cluster import Pod
from azure_linux_migrator.model.selectors import Labels, Requirement, Selector

LAST = 1_000_000_000
"""The tier of the operator's own pod: it leaves when nothing else of its batch is left."""

REMEMBERED = 10_000
"""Answers kept at most: each pod of a Job or a StatefulSet has labels of its own."""


class Order:
    """Compiled rules; an answer is remembered per namespace and labels."""

    def __init__(self, policy: Drain) -> None:
        self._rules = [(_selector(rule), rule) for rule in policy.order]
        self._tier = lru_cache(REMEMBERED)(self._first_match)

    def tier(self, pod: Pod) -> int:
        """The pod's place in the order; 0 where no rule selects it."""
        if not self._rules:
            return 0
        return self._tier(pod.key.namespace, pod.labels)

    def _first_match(self, namespace: str, pairs: Labels) -> int:
        labels = dict(pairs)
        return next(
            (
                rule.order
                for selector, rule in self._rules
                if (not rule.namespaces or namespace in rule.namespaces)
                and selector.matches(labels)
            ),
            0,
        )


def _selector(rule: OrderRule) -> Selector:
    return Selector(
        tuple(sorted((rule.selector.match_labels or {}).items())),
        tuple(
            Requirement(expression.key, expression.operator, tuple(expression.values))
            for expression in rule.selector.match_expressions
        ),
    )
