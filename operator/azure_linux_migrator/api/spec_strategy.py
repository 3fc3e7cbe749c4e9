"""spec.strategy: how nodes are replaced, how many at a time, and how long to watch in between."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from azure_linux_migrator.api.base_model import Model
from azure_linux_migrator.api.fields import Duration, Size


class Batch(Model):
    """How many source nodes are drained together, and how long to watch before the next ones."""

    size: Annotated[
        Size,
        Field(
            description="Nodes per batch: a number, or a percentage of the source pool, rounded up."
        ),
    ] = "10%"
    soak: Annotated[
        Duration, Field(description="How long to wait after a drained batch before the next.")
    ] = "15m"


class Canary(Model):
    """The nodes that are drained first, to see whether the workloads run on the new OS."""

    nodes: Annotated[
        int,
        Field(
            ge=0,
            le=100,
            description="Nodes of the first batch; 0 drains a whole batch at once. Never more than "
            "a batch has otherwise.",
        ),
    ] = 1
    soak: Annotated[
        Duration,
        Field(description="How long to watch after the first batch before the next."),
    ] = "10m"


class StrategyType(StrEnum):
    """How nodes are replaced."""

    BLUE_GREEN = "BlueGreen"
    ROLLING = "Rolling"
    IN_PLACE = "InPlace"


class Strategy(Model):
    """How nodes are replaced, how many at a time, and how long to watch in between."""

    type: Annotated[
        StrategyType,
        Field(
            description="BlueGreen creates the whole target pool before anything moves. Rolling "
            "grows the target and shrinks the source by maxSurge nodes at a time. InPlace lets AKS "
            "change the source pool's own OS SKU."
        ),
    ] = StrategyType.BLUE_GREEN
    canary: Canary = Canary()
    batch: Batch = Batch()
    max_surge: Annotated[
        Size,
        Field(
            description="Rolling: nodes beside the source's at any time, and nodes per batch. "
            "A number, or a percentage of the source pool, rounded up. InPlace uses the pool's own "
            "upgradeSettings.",
        ),
    ] = "10%"
    final_soak: Annotated[
        Duration,
        Field(
            description="How long the drained source pool is kept before it is retired; until "
            "then it can be uncordoned and used again."
        ),
    ] = "60m"
