"""Mutations as changes of the source: a function is compiled again with another text in it."""

import inspect
import sys
import textwrap
from typing import Any

Patch = tuple[Any, str, Any]


def rewritten(owner: Any, name: str, old: str, new: str) -> Patch:
    """The patch that replaces `old`, which occurs once, in a function of a module or a class.

    Raises ValueError if it does not occur once.
    """
    function = inspect.getattr_static(owner, name)
    plain = getattr(function, "__wrapped__", None) or getattr(function, "fget", function)
    source = textwrap.dedent(inspect.getsource(plain))
    if source.count(old) != 1:
        raise ValueError(f"{owner.__name__}.{name} has {source.count(old)} times: {old}")
    place = sys.modules[plain.__module__]
    result: dict[str, Any] = {}
    exec(compile(source.replace(old, new), f"<mutated {name}>", "exec"), vars(place), result)
    return owner, name, result[name]
