"""Values of any type with a unique word in every string, which a test searches for afterwards."""

import dataclasses
import types
from collections.abc import Mapping
from enum import Enum
from itertools import count
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec


class Marker:
    """Creates the values; `where` maps each word to its type and field."""

    def __init__(self) -> None:
        self.where: dict[str, str] = {}
        self._numbers = count()

    def word(self, place: str) -> str:
        """A word that occurs in no other text."""
        text = f"qz{next(self._numbers)}zq"
        self.where[text] = place
        return text

    def found_in(self, text: str) -> set[str]:
        """The places whose words are in a text."""
        return {place for word, place in self.where.items() if word in text}

    def value(self, hint: Any, place: str) -> Any:
        """One value of that type; collections have two items."""
        origin, parts = get_origin(hint), get_args(hint)
        if origin in {Union, types.UnionType}:
            return self.value(str if str in parts else parts[0], place)
        if origin is Literal:
            return parts[-1]
        if isinstance(hint, type) and issubclass(hint, Enum):
            return next(iter(hint))
        if hint in {str, Any}:
            return self.word(place)
        if hint in {int, float, bool}:
            return hint(1)
        if origin in {dict, Mapping}:
            return {
                self.value(parts[0], f"{place} key"): self.value(parts[1], place) for _ in range(2)
            }
        if origin in {list, frozenset} or (origin is tuple and parts[-1] is ...):
            return origin(self.value(parts[0], place) for _ in range(2))
        if origin is tuple:
            return tuple(self.value(part, place) for part in parts)
        return self._record(hint)

    def _record(self, kind: Any) -> Any:
        record = issubclass(kind, msgspec.Struct) or hasattr(kind, "_fields")
        assert record or dataclasses.is_dataclass(kind), f"no value of {kind} can be made"
        hints = get_type_hints(kind)
        names = (
            kind.__struct_fields__
            if issubclass(kind, msgspec.Struct)
            else getattr(kind, "_fields", None)
            or [field.name for field in dataclasses.fields(kind)]
        )
        return kind(**{name: self.value(hints[name], f"{kind.__name__}.{name}") for name in names})
