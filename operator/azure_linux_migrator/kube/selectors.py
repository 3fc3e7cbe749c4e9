"""Label selectors as the API writes them, into the core's records."""

from msgspec import Struct

from azure_linux_migrator.model.selectors import Requirement, Selector


class SelectorRequirement(Struct):
    """A matchExpressions entry, of labels or of a node affinity."""

    key: str = ""
    operator: str = ""
    values: list[str] | None = None

    def record(self) -> Requirement:
        """The core's record."""
        return Requirement(self.key, self.operator, tuple(self.values or ()))


class LabelSelector(Struct, rename="camel"):
    """A meta/v1 LabelSelector; an empty one selects everything."""

    match_labels: dict[str, str] | None = None
    match_expressions: list[SelectorRequirement] | None = None

    def record(self) -> Selector:
        """The core's record."""
        return Selector(
            tuple(sorted((self.match_labels or {}).items())),
            tuple(expression.record() for expression in self.match_expressions or ()),
        )
