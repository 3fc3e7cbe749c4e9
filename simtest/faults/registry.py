"""How faults are registered: a decorator gives a function its kinds, with their weights and draws.

A module of faults has a `FaultSet` of its own; `schedule` joins the sets. The order of registration
is the order in which kinds are drawn, so a change of it changes every seed.
"""

import random
from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from azure_linux_migrator.model.actions import Action
from simtest.fault_targets import FaultTargets
from simtest.faults.fault import Fault
from simtest.faults.fault_hook import InjectedFault
from simtest.faults.faulted_run import FaultedRun

Draw = Callable[[str, random.Random, FaultTargets], Fault]
"""Draws a fault of the kind with this name."""


class Strike(Protocol):
    """A fault that strikes at a time. False: there was nothing to strike, or it is counted later,
    by the requests that meet it."""

    def __call__(self, run: FaultedRun, fault: Fault, /) -> bool:
        """Take effect."""


class RequestStrike(Protocol):
    """A fault that strikes a request, with what becomes of the request. None: nothing to strike."""

    def __call__(self, run: FaultedRun, fault: Fault, action: Action, /) -> InjectedFault | None:
        """Take effect."""


UNDISTURBED = InjectedFault()
"""For a fault that strikes something beside the request, which is answered as usual."""


class FaultKind(Struct, frozen=True):
    """A kind as it is drawn: its name, its weight among all kinds, and how a fault of it is drawn.
    `variants` are the kinds of the drawn faults where these are not just `name`."""

    name: str
    weight: float
    draw: Draw
    variants: tuple[str, ...] = ()

    @property
    def fault_kinds(self) -> tuple[str, ...]:
        """Every value of `Fault.kind` that this kind can have."""
        return self.variants or (self.name,)


class FaultSet:
    """Kinds of faults by name, in the order of their registration; those of `parts` come first.
    Raises ValueError for a name that is registered twice."""

    def __init__(self, *parts: "FaultSet") -> None:
        self.kinds: dict[str, FaultKind] = {}
        self.timed: dict[str, Strike] = {}
        self.requests: dict[str, RequestStrike] = {}
        for part in parts:
            self._add(*part.kinds.values())
            self.timed |= part.timed
            self.requests |= part.requests

    def at_time(self, *kinds: FaultKind) -> Callable[[Strike], Strike]:
        """Register a function as the faults of `kinds`, which strike at a time."""

        def register(strike: Strike) -> Strike:
            self.timed |= dict.fromkeys(self._add(*kinds), strike)
            return strike

        return register

    def at_request(self, *kinds: FaultKind) -> Callable[[RequestStrike], RequestStrike]:
        """Register a function as the faults of `kinds`, which strike a request."""

        def register(strike: RequestStrike) -> RequestStrike:
            self.requests |= dict.fromkeys(self._add(*kinds), strike)
            return strike

        return register

    def _add(self, *kinds: FaultKind) -> list[str]:
        for kind in kinds:
            if kind.name in self.kinds:
                raise ValueError(f"fault registered twice: {kind.name}")
            self.kinds[kind.name] = kind
        return [name for kind in kinds for name in kind.fault_kinds]
