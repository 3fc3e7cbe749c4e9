"""Rebuilds a record with every text field replaced according to its Sensitivity marker.

It knows types, not names: the replacement of each Sensitivity is a function that it is given.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from azure_linux_migrator.model.cluster import NamespacedName
from azure_linux_migrator.model.sensitivity import Sensitivity

Replacement = Callable[[Any, Any, str], Any]
"""Called with a value, the record that holds it and the namespace of that record."""


def keep(value: Any, _record: Any, _namespace: str) -> Any:
    """The replacement of what is public."""
    return value


class RecordWalk:
    """Applies `replacements` to values of any record type."""

    def __init__(self, replacements: Mapping[Sensitivity, Replacement]) -> None:
        self._replacements = replacements
        self._by_type: dict[Any, Replacement] = {int: keep, float: keep, bool: keep, NoneType: keep}

    def __call__(self, hint: Any, value: Any) -> Any:
        """The value, which is of type `hint`, with its texts replaced.

        Raises TypeError where a text in that type has no Sensitivity.
        """
        return self._of(hint)(value, None, "")

    def _of(self, hint: Any) -> Replacement:
        if hint not in self._by_type:
            self._by_type[hint] = self._compile(hint)
        return self._by_type[hint]

    def _compile(self, hint: Any) -> Replacement:
        origin, parts = get_origin(hint), get_args(hint)
        if origin is Annotated:
            return self._replacements[parts[-1]]
        if origin in {Union, UnionType}:
            return _union({get_origin(part) or part: self._of(part) for part in parts})
        if origin in {list, frozenset} or parts[1:] == (...,):
            item = self._of(parts[0])
            return lambda values, *where: origin(item(value, *where) for value in values)
        if origin is tuple:
            items = [self._of(part) for part in parts]
            return lambda values, *where: tuple(
                item(value, *where) for item, value in zip(items, values, strict=True)
            )
        if origin in {dict, Mapping}:
            key, item = self._of(parts[0]), self._of(parts[1])
            return lambda values, *where: {
                key(name, *where): item(value, *where) for name, value in values.items()
            }
        if isinstance(hint, type) and issubclass(hint, Enum):
            return lambda value, *_: value  # a word of ours
        return self._record(hint)

    def _record(self, kind: Any) -> Replacement:
        hints = get_type_hints(kind, include_extras=True)
        if not hints:
            raise TypeError(f"{kind} has no Sensitivity")
        fields = {}
        for name, hint in hints.items():
            try:
                fields[name] = self._of(hint)
            except TypeError as error:
                raise TypeError(f"{kind.__name__}.{name}: {error}") from None

        def rebuild(record: Any, _outer: Any, namespace: str) -> Any:
            key = record if kind is NamespacedName else getattr(record, "key", None)
            space = key.namespace if isinstance(key, NamespacedName) else namespace
            return kind(
                **{name: of(getattr(record, name), record, space) for name, of in fields.items()}
            )

        return rebuild


def _union(options: Mapping[Any, Replacement]) -> Replacement:
    def replace(value: Any, record: Any, namespace: str) -> Any:
        option = next(of for kind, of in options.items() if isinstance(value, kind))
        return option(value, record, namespace)

    return replace
