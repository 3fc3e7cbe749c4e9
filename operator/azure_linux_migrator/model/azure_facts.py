"""What is read for the preflight rules alone, each part with the reason where it could not be."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from azure_linux_migrator.model.sensitivity import (
    ArmId,
    Cidr,
    Identifier,
    LeftOut,
    Message,
    Public,
    Sensitivity,
)


@dataclass(frozen=True, slots=True)
class Unread:
    """Why something is not known; for example that a permission is missing."""

    why: Message


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """The managed cluster, as far as rules need it. Strings are ARM's; empty where not set."""

    state: Public = "Succeeded"
    location: Public = ""
    kubernetes_version: Public = ""
    node_provisioning: Public = ""
    """nodeProvisioningProfile.mode: `Auto` means node auto provisioning (Karpenter)."""
    network_plugin: Public = ""
    network_plugin_mode: Public = ""
    pod_cidrs: tuple[Cidr, ...] = ()
    ip_families: tuple[Public, ...] = ()
    node_resource_group: Identifier = ""
    subscription: LeftOut = ""
    upgrade_channel: Public = ""
    node_os_channel: Public = ""
    autoscaler_profile: Mapping[Public, Public] = field(default_factory=dict)
    max_pools: int | None = None
    """maxAgentPools."""
    outbound_ports: int = 0
    """SNAT ports of each node (allocatedOutboundPorts); 0 where Azure chooses."""
    outbound_addresses: int = 0
    """Public IPv4 addresses of the load balancer by which nodes reach the internet; 0 where they
    are not known."""
    own_identities: tuple[ArmId, ...] = ()
    """Lower-case ids of the identities that AKS gives to nodes (identityProfile)."""
    node_disruption: Public = ""
    """nodeDisruptionPolicy, which only a preview API shows: whether nodes may be reimaged."""
    hosted_system: bool = False
    """Whether AKS runs the system node pool out of sight (hostedSystemProfile, AKS Automatic)."""


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

    family: Public
    vcpus: int
    memory_gb: float = 0.0
    arch: Public = "x64"
    gpus: int = 0
    generations: tuple[Public, ...] = ("V1", "V2")
    trusted_launch: bool = True
    confidential: bool = False
    """Whether its VMs are confidential as a whole; enclaves of SGX are not that."""
    data_disks: int | None = None
    """How many disks of persistent volumes a node can have."""
    ephemeral_gib: int | None = None
    """The largest ephemeral OS disk: that of its cache, its temporary or its NVMe disk."""
    host_encryption: bool = True
    zones: tuple[Public, ...] = ()
    restricted_zones: tuple[Public, ...] = ()
    unavailable: Public = ""


@dataclass(frozen=True, slots=True)
class SubnetFacts:
    """A subnet: its address prefixes and how many addresses are in use, by whomever."""

    prefixes: tuple[Cidr, ...]
    used: int


@dataclass(frozen=True, slots=True)
class Lock:
    """A management lock. `level` is `ReadOnly` or `CanNotDelete`, `scope` the last part of the id
    of what it is on; `on_nodes` tells that this is the node resource group or something in it."""

    name: Identifier
    level: Public
    scope: Identifier
    on_nodes: bool = False


@dataclass(frozen=True, slots=True)
class Priority:
    """An entry of the autoscaler's priority expander: the higher, the sooner are pools scaled whose
    scale set's name `pattern` matches."""

    value: int
    pattern: LeftOut


_NOT_YET = Unread("it was not read")


@dataclass(frozen=True, slots=True)
class AzureFacts:
    """What preflight rules need that neither the watches nor the list of pools deliver."""

    cluster: ClusterFacts | Unread = _NOT_YET
    usages: Mapping[Public, Usage] | Unread = _NOT_YET
    """By lower-case name of the quota: a VM family's, or `cores` for the whole region."""
    sizes: Mapping[Public, SizeFacts] | Unread = _NOT_YET
    """By lower-case name of the VM size."""
    subnets: Mapping[ArmId, SubnetFacts] | Unread = _NOT_YET
    """By lower-case resource id."""
    denied: tuple[Annotated[str, Sensitivity.ARM_ACTION], ...] | Unread = _NOT_YET
    """ARM actions that the operator's identity was refused."""
    locks: tuple[Lock, ...] | Unread = _NOT_YET
    """On the cluster, its resource group, its node resource group and what is in it."""
    lock_gaps: tuple[Message, ...] = ()
    """Why the locks of some of these could not be read."""
    windows: tuple[Identifier, ...] | Unread = _NOT_YET
    """Names of the cluster's maintenance configurations."""
    extensions: tuple[Identifier, ...] | Unread = _NOT_YET
    """Third-party extensions on the source's scale set."""
    services: tuple[Annotated[str, Sensitivity.SERVICE], ...] | Unread = _NOT_YET
    """IPv6 or dual-stack LoadBalancer services with externalTrafficPolicy Cluster."""
    webhooks: tuple[Identifier, ...] | Unread = _NOT_YET
    """Configurations of admission webhooks that answer evictions (pods/eviction)."""
    priorities: tuple[Priority, ...] | Unread = _NOT_YET
    """Of the autoscaler's priority expander, the highest first; none where it has none."""
    versions: tuple[Public, ...] | Unread = _NOT_YET
    """Kubernetes versions that a new pool may have (availableAgentPoolVersions)."""
    identities: tuple[Identifier, ...] | Unread = _NOT_YET
    """Identities that were assigned to the source's scale set beside those of AKS, by name."""
    attachments: tuple[Identifier, ...] | Unread = _NOT_YET
    """What else was attached to the source's scale set outside of AKS: disks, backend pools."""
    images: tuple[Public, ...] | Unread = _NOT_YET
    """Node image versions that the target could get."""
    at: float = 0.0
    """When it was made, in seconds since the epoch."""
