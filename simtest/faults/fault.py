"""The record of one drawn fault."""

from msgspec import Struct

HEALED = 900.0
"""Seconds after the start by which every fault is over."""


class Fault(Struct, frozen=True):
    """One fault of a schedule, and when it strikes.

    A fault that strikes a request has an action's type in `on` and a number in `at`: it strikes the
    request of that number among those of the type, or among all requests if `on` is empty. Any
    other fault has a step in `on` and a delay in `at`: it strikes so many seconds after that step
    is first recorded, or after the start if `on` is empty. `length` is the duration in seconds;
    `pick` is a number from which the fault derives its choices.
    """

    kind: str
    at: float
    length: float = 0.0
    pick: int = 0
    on: str = ""
