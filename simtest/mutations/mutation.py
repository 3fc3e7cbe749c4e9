"""A fault put into azlm on purpose, and the invariant that has to find it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from simtest.invariants import audit

Patches = list[tuple[Any, str, Any]]


@dataclass(frozen=True, slots=True)
class Mutation:
    """A deliberate fault: `what` in words, `finds` the name that begins the violation it must lead
    to, and what is replaced by what."""

    name: str
    what: str
    finds: str
    patches: Callable[[], Patches]

    @contextmanager
    def applied(self) -> Iterator[None]:
        """azlm with that fault; what finds it counts even where azlm is known to break it."""
        with ExitStack() as entered:
            entered.enter_context(self.strict())
            for target, name, new in self.patches():
                entered.enter_context(patch.object(target, name, new))
            yield

    @contextmanager
    def strict(self) -> Iterator[None]:
        """azlm as it is, without leave to break what finds this fault."""
        lifted = {name: why for name, why in audit.KNOWN.items() if name != self.finds}
        with patch.dict(audit.KNOWN, lifted, clear=True):
            yield

    def shows(self, failure: str) -> bool:
        """Whether a run failed because of it, and of nothing else."""
        return failure.startswith(f"{self.finds}:")
