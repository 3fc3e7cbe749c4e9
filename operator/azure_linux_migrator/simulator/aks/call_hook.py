"""Where tests may interfere with the calls of the modelled AKS. By default nothing interferes."""

from typing import Protocol

import msgspec

from azure_linux_migrator.simulator.aks.operations import Ending


class CallEffect(msgspec.Struct, frozen=True):
    """How a call that is not refused differs from a usual one. Times are in seconds.

    `answer_lost_after` drops the connection instead of the answer, after so long. The other fields
    concern the operation that the call starts: it waits first (None: for ever), ends with `ending`,
    lacks `missing_nodes` of the nodes that it adds, or leaves its pool out of reads for
    `hidden_seconds`.
    """

    answer_lost_after: float | None = None
    waits: tuple[float | None, ...] = ()
    ending: Ending | None = None
    missing_nodes: int = 0
    hidden_seconds: float = 0.0


UNCHANGED = CallEffect()


class CallHook(Protocol):
    """Is asked once for every call."""

    def called(self, call: str, pool: str | None) -> CallEffect:
        """The effect of this call. Raises ArmError if it is refused, and ResponseLost if the
        connection is dropped before the call takes effect."""


class NoCallHook:
    """Every call is a usual one."""

    def called(self, _call: str, _pool: str | None) -> CallEffect:
        """Unchanged."""
        return UNCHANGED
