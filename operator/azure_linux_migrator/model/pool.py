"""An AKS node pool as last read, and why its last operation failed."""

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Struct

from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.model.sensitivity import LeftOut, Message, PoolName, Public, Sensitivity


class Failure(Struct, frozen=True):
    """Why the last operation on a pool failed, classified. `delay` in seconds until a next try."""

    reason: Reason
    message: Message
    retryable: bool = False
    delay: float = 60.0


class Pool(Struct, frozen=True):
    """An AKS node pool as last read. `state` is its provisioningState, a free string."""

    name: PoolName
    os_sku: Public = ""
    os_type: Public = "Linux"
    mode: Public = "User"
    count: int = 0
    vm_size: Public = ""
    state: Public = "Succeeded"
    power: Public = "Running"
    autoscaling: bool = False
    kind: Public = "VirtualMachineScaleSets"
    etag: LeftOut = ""
    tags: Annotated[tuple[tuple[str, str], ...], Sensitivity.POOL_TAGS] = ()
    settings: Annotated[Mapping[str, Any], Sensitivity.POOL_PROPERTIES] = {}
    """All of its ARM properties, for the rules and the template that need the rare ones."""
    failure: Failure | None = None

    def tag(self, name: str) -> str:
        """A tag's value, or an empty string."""
        return dict(self.tags).get(name, "")

    @property
    def bounds(self) -> tuple[int, int]:
        """The cluster autoscaler's least and most nodes; the count where it does not scale."""
        least, most = self.settings.get("minCount"), self.settings.get("maxCount")
        if not self.autoscaling or least is None or most is None:
            return self.count, self.count
        return int(least), int(most)

    @property
    def settled(self) -> bool:
        """Whether no operation of Azure is under way on it."""
        return self.state in {"Succeeded", "Failed", "Canceled"}
