"""What is read for the preflight rules alone, each part with the reason where it could not be."""

from collections.abc import Mapping
from dataclasses import dataclass

from azure_linux_migrator.core.preflight.snapshot import (
    ClusterFacts,
    SizeFacts,
    SubnetFacts,
    Unread,
    Usage,
)

_NOT_YET = Unread("it was not read")


@dataclass(frozen=True, slots=True)
class Survey:
    """The parts of a Snapshot that neither the watches nor the list of pools bring."""

    cluster: ClusterFacts | Unread = _NOT_YET
    usages: Mapping[str, Usage] | Unread = _NOT_YET
    sizes: Mapping[str, SizeFacts] | Unread = _NOT_YET
    subnets: Mapping[str, SubnetFacts] | Unread = _NOT_YET
    denied: tuple[str, ...] | Unread = _NOT_YET
    locks: tuple[str, ...] | Unread = _NOT_YET
    windows: tuple[str, ...] | Unread = _NOT_YET
    extensions: tuple[str, ...] | Unread = _NOT_YET
    services: tuple[str, ...] | Unread = _NOT_YET
    images: tuple[str, ...] | Unread = _NOT_YET
    at: float = 0.0
    """When it was made, in seconds since the epoch."""
