"""What is read for the preflight rules alone, each part with the reason where it could not be."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Unread:
    """Why something is not known; for example that a permission is missing."""

    why: str


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """The managed cluster, as far as rules need it. Strings are ARM's; empty where not set."""

    state: str = "Succeeded"
    location: str = ""
    kubernetes_version: str = ""
    node_provisioning: str = ""
    """nodeProvisioningProfile.mode: `Auto` means node auto provisioning (Karpenter)."""
    network_plugin: str = ""
    network_plugin_mode: str = ""
    pod_cidrs: tuple[str, ...] = ()
    ip_families: tuple[str, ...] = ()
    node_resource_group: str = ""
    subscription: str = ""
    upgrade_channel: str = ""
    node_os_channel: str = ""
    autoscaler_profile: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Usage:
    """A quota of the region: `current` of `limit` vCPUs are used."""

    current: int
    limit: int


@dataclass(frozen=True, slots=True)
class SizeFacts:
    """A VM size in the cluster's region (Microsoft.Compute/skus).

    `zones` are those it exists in, `restricted_zones` those this subscription may not use it in;
    `unavailable` is why it cannot be used at all, or an empty string. `gpus` counts its GPUs.
    """

    family: str
    vcpus: int
    memory_gb: float = 0.0
    arch: str = "x64"
    gpus: int = 0
    generations: tuple[str, ...] = ("V1", "V2")
    trusted_launch: bool = True
    confidential: bool = False
    zones: tuple[str, ...] = ()
    restricted_zones: tuple[str, ...] = ()
    unavailable: str = ""


@dataclass(frozen=True, slots=True)
class SubnetFacts:
    """A subnet: its address prefix and how many addresses are in use."""

    prefix: str
    used: int


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
