"""Everything the preflight rules may look at: one immutable picture of the cluster and of Azure.

What Azure or Kubernetes did not let us read is `Unread` with the reason, so that a rule says
"not checked, because …" where it would otherwise pass in silence.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from azure_linux_migrator.api.spec import MigrationSpec
from azure_linux_migrator.core.drain.blocker import Blocker
from azure_linux_migrator.model.azure_facts import (
    ClusterFacts,
    SizeFacts,
    SubnetFacts,
    Unread,
    Usage,
)
from azure_linux_migrator.model.cluster import Budget, NamespacedName, Node
from azure_linux_migrator.model.pool import Pool


@dataclass(frozen=True, slots=True)
class WorkloadFacts:
    """A pod on the source pool that must move, or a DaemonSet, with what makes it notable.

    `kind` is `Pod` or `DaemonSet`; `owner` the governing controller as `Kind namespace/name`, by
    which findings are grouped, with `replicas` of it (0 where it has none). `traits` are
    model.traits strings.
    """

    kind: str
    key: NamespacedName
    owner: str = ""
    replicas: int = 0
    traits: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()


_NOT_READ = Unread("not read")


@dataclass(frozen=True, slots=True)
class PreflightSnapshot:
    """The picture. `target` is the target pool's name; `extra` how many nodes will stand beside
    the source's at the most (all of them for BlueGreen, maxSurge for Rolling and InPlace)."""

    spec: MigrationSpec
    source: Pool
    target: str
    extra: int
    pools: Mapping[str, Pool]
    today: date
    final: int = 0
    """Nodes that the target has in the end."""
    cluster: ClusterFacts | Unread = _NOT_READ
    usages: Mapping[str, Usage] | Unread = _NOT_READ
    """By lower-case name of the quota: a VM family's, or `cores` for the whole region."""
    sizes: Mapping[str, SizeFacts] | Unread = _NOT_READ
    """By lower-case name of the VM size."""
    subnets: Mapping[str, SubnetFacts] | Unread = _NOT_READ
    """By lower-case resource id."""
    denied: tuple[str, ...] | Unread = _NOT_READ
    """ARM actions that the operator's identity was refused."""
    locks: tuple[str, ...] | Unread = _NOT_READ
    """Management locks on the cluster, its resource group and its node resource group."""
    windows: tuple[str, ...] | Unread = _NOT_READ
    """Names of the cluster's maintenance configurations."""
    extensions: tuple[str, ...] | Unread = _NOT_READ
    """Third-party extensions on the source's scale set."""
    services: tuple[str, ...] | Unread = _NOT_READ
    """IPv6 or dual-stack LoadBalancer services with externalTrafficPolicy Cluster."""
    images: tuple[str, ...] | Unread = _NOT_READ
    """Node image versions that the target could get."""
    nodes: tuple[Node, ...] = ()
    """All nodes of the cluster."""
    workloads: tuple[WorkloadFacts, ...] = ()
    budgets: tuple[Budget, ...] = ()
    """Budgets that select a pod which must move."""
    blockers: tuple[Blocker, ...] = ()
    """What the drain planner already knows to hold pods back."""
