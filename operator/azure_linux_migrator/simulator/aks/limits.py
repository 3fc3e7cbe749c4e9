"""The parameters of a modelled AKS: identity, durations and limits."""

import msgspec

from azure_linux_migrator.simulator.aks import catalog


class ClusterShape(msgspec.Struct, frozen=True):
    """Identity of the one managed cluster that is modelled."""

    subscription: str = "00000000-0000-0000-0000-000000000000"
    resource_group: str = "demo-rg"
    name: str = "demo"
    location: str = "westeurope"
    kubernetes_version: str = catalog.KUBERNETES_VERSION
    pool_versions: tuple[str, ...] = catalog.POOL_VERSIONS
    """Versions on offer for pools, beside that of the control plane. Others are refused for new
    pools; pools that have them keep them."""
    network_plugin_mode: str = "overlay"
    pod_cidr: str = "10.244.0.0/16"
    ip_families: tuple[str, ...] = ("IPv4",)
    node_provisioning: str = "Manual"
    upgrade_channel: str = "none"
    outbound_ports: int = 0
    """`allocatedOutboundPorts` of the load balancer; 0 where AKS chooses."""
    outbound_ips: int = 1


class Timings(msgspec.Struct, frozen=True):
    """Durations in seconds."""

    boot: float = 90.0
    """From the start of an operation that adds nodes until its end; the nodes join before that."""
    delete: float = 60.0
    """From the start of a removal, or from the end of a node's drain, until the machines are
    gone."""
    update: float = 5.0
    """An operation that changes no machine."""
    abort: float = 2.0
    drain_timeout: float = 1800.0
    """How long AKS tries to drain one batch of nodes before the operation fails
    (default of `upgradeSettings.drainTimeoutInMinutes`)."""


class Limits(msgspec.Struct, frozen=True):
    """Limits beyond which AKS refuses calls."""

    pools: int = catalog.MAX_POOLS
    vcpus_per_family: int | None = None
    """Quota of every VM family in this region; unlimited where None."""
    pod_addresses: int | None = None
    """Size of the overlay network's address range; each node takes 256 of it."""
    denied_vm_sizes: frozenset[str] = frozenset()
    throttling: bool = True
    """Whether calls cost tokens (learn.microsoft.com/azure/aks/quotas-skus-regions)."""
    if_match_status: int = 409
    """409 `EtagMismatch` was seen on managed clusters; 412 is what ARM documents."""
    if_none_match_status: int = 412
    refused_beside_others: float = 0.05
    """The fraction of changes that are refused because another pool of the cluster is changed."""


ADDRESSES_PER_NODE = 256


_RATES = {"PutPool": (20.0, 1 / 60), "GetOperation": (200.0, 2.0)}
_OTHER_RATE = (60.0, 1.0)
"""Size of the burst, and tokens per second after it."""


class TokenBuckets:
    """Token buckets for calls."""

    def __init__(self) -> None:
        self._left: dict[tuple[str, str], tuple[float, float]] = {}

    def take(self, call: str, pool: str | None, now: float) -> float:
        """Take a token. Returns 0, or the seconds until there is one. PUTs count per pool, reads
        of operations per subscription, other calls per kind."""
        key = (call, (pool or "") if call == "PutPool" else "")
        burst, rate = _RATES.get(call, _OTHER_RATE)
        left, since = self._left.get(key, (burst, now))
        left = min(burst, left + max(0.0, now - since) * rate)
        if left < 1:
            self._left[key] = (left, now)
            return (1 - left) / rate
        self._left[key] = (left - 1, now)
        return 0.0
