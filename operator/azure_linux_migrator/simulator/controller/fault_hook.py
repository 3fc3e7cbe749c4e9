"""What may befall the requests of the simulated operator."""

from typing import Protocol

from msgspec import Struct

from azure_linux_migrator.errors import AzlmError
from azure_linux_migrator.model.actions import Action


class InjectedFault(Struct, frozen=True):
    """What befalls a request: an error instead of its effect, or in spite of it (`committed`), how
    much later than usual the answer comes (`delay`), or the request itself arrives (`late`). A
    `lost` one never left its process, which has died."""

    error: AzlmError | None = None
    committed: bool = False
    delay: float = 0.0
    late: float = 0.0
    lost: bool = False


class FaultHook(Protocol):
    """What a fault schedule decides; `begins` and `ends` surround an action's effect."""

    def injected_fault(self, action: Action, part: int) -> InjectedFault | None:
        """What befalls this request; `part` is 1 for the second one of an action that has two."""

    def begins(self, action: Action) -> None:
        """It is about to take effect."""

    def ends(self, action: Action) -> None:
        """It has taken effect; nobody was told yet."""


class NoFaults:
    """Nothing goes wrong."""

    def injected_fault(self, _action: Action, _part: int) -> InjectedFault | None:
        """Nothing."""
        return None

    def begins(self, action: Action) -> None:
        """Nothing."""

    def ends(self, action: Action) -> None:
        """Nothing."""
