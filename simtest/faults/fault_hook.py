"""What the requests of the operator ask before they take effect: whether a fault strikes them."""

from typing import Protocol

from msgspec import Struct

from azure_linux_migrator.errors import AzlmError
from azure_linux_migrator.model.actions import Action


class InjectedFault(Struct, frozen=True):
    """A fault of a request: an error instead of its effect or, with `committed`, after it; the
    answer comes `delay` seconds later than usual, or the request itself arrives `late` seconds
    later. A `lost` request was not sent: its process has ended."""

    error: AzlmError | None = None
    committed: bool = False
    delay: float = 0.0
    late: float = 0.0
    lost: bool = False


class FaultHook(Protocol):
    """Decides the faults of requests; `begins` and `ends` surround the effect of an action."""

    def injected_fault(self, action: Action, part: int) -> InjectedFault | None:
        """The fault of this request, if any; `part` is 1 for the second request of an action
        that has two."""

    def begins(self, action: Action) -> None:
        """The action is about to take effect."""

    def ends(self, action: Action) -> None:
        """The action has taken effect; the answer is not sent yet."""
