"""Label selectors, as the API defines them."""

import re
from collections.abc import Mapping
from typing import Annotated

from msgspec import Struct

from azure_linux_migrator.model.sensitivity import LabelKey, LabelValue, Public, Sensitivity

Labels = Annotated[tuple[tuple[str, str], ...], Sensitivity.LABELS]
"""Labels as a sorted tuple of pairs: hashable, so that selector matches can be cached."""


class Requirement(Struct, frozen=True):
    """One matchExpressions entry of a label selector, or of a node affinity (`Gt` and `Lt`)."""

    key: LabelKey
    operator: Public
    values: tuple[LabelValue, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
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

    def __str__(self) -> str:
        """As kubectl writes it behind --selector."""
        values = ", ".join(self.values)
        match self.operator:
            case "In":
                single = len(self.values) == 1
                return f"{self.key}={values}" if single else f"{self.key} in ({values})"
            case "NotIn":
                single = len(self.values) == 1
                return f"{self.key}!={values}" if single else f"{self.key} notin ({values})"
            case "Exists":
                return self.key
            case "DoesNotExist":
                return f"!{self.key}"
            case "Gt" | "Lt":
                return f"{self.key}{'>' if self.operator == 'Gt' else '<'}{values}"
            case _:
                return f"{self.key} {self.operator} ({values})"

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

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether labels satisfy every term."""
        return all(labels.get(key) == value for key, value in self.equal) and all(
            requirement.matches(labels) for requirement in self.requirements
        )
