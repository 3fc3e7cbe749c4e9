"""A deliberate defect of azlm, and the invariant that has to find it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from simtest.faults.fault import Fault
from simtest.invariants import audit

Patches = list[tuple[Any, str, Any]]


@dataclass(frozen=True, slots=True)
class Mutation:
    """A mutation: `what` is the defect in words, `finds` the invariant that it must break, and
    the patches replace parts of azlm. `faults` strike in its runs instead of those of the seeds,
    where these rarely do."""

    name: str
    what: str
    finds: str
    patches: Callable[[], Patches]
    faults: tuple[Fault, ...] | None = None

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Apply the mutation; its invariant is not tolerated meanwhile."""
        with ExitStack() as entered:
            entered.enter_context(self.strict())
            for target, name, new in self.patches():
                entered.enter_context(patch.object(target, name, new))
            yield

    @contextmanager
    def strict(self) -> Iterator[None]:
        """azlm without the mutation, while its invariant is not tolerated."""
        lifted = {name: why for name, why in audit.KNOWN.items() if name != self.finds}
        with patch.dict(audit.KNOWN, lifted, clear=True):
            yield

    def shows(self, failure: str) -> bool:
        """Whether a run failed because of the mutation."""
        return failure.startswith(f"{self.finds}:")
