"""How a migration has spent its time and nodes: `status.elapsed`."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from azure_linux_migrator.api.base_model import Model


class ElapsedPart(StrEnum):
    """What the time since startTime counts under.

    `moving`: nodes are drained, or replaced by AKS; `soaking`: a batch soak or the final soak;
    `waiting`: an approval, or an admin who acts on a stalled migration; `paused`: spec.paused or
    azlm.dev/pause; `preparing`: everything else, such as pools that are created or retired.
    """

    MOVING = "moving"
    SOAKING = "soaking"
    WAITING = "waiting"
    PAUSED = "paused"
    PREPARING = "preparing"


class Elapsed(Model):
    """Whole seconds by part, up to `countedTo`. Written when the part or the capacity changes, and
    not by the second; `core/reconcile/accounting.py` adds what has passed since."""

    part: Annotated[str, Field(max_length=32, description="What the time counts under now.")] = ""
    counted_to: Annotated[
        str | None, Field(description="Until when the seconds below are counted.")
    ] = None
    moving: Annotated[int, Field(description="Seconds in which nodes were drained.")] = 0
    soaking: Annotated[int, Field(description="Seconds of batch soaks and the final soak.")] = 0
    waiting: Annotated[
        int, Field(description="Seconds of waiting for an approval or for an admin.")
    ] = 0
    paused: Annotated[int, Field(description="Seconds of pauses.")] = 0
    preparing: Annotated[int, Field(description="Seconds of everything else.")] = 0
    extra_node_seconds: Annotated[
        int, Field(description="Nodes beyond the size of the pool, times seconds.")
    ] = 0

    @property
    def seconds(self) -> dict[ElapsedPart, int]:
        """Seconds by part."""
        return {part: int(getattr(self, part.value)) for part in ElapsedPart}
