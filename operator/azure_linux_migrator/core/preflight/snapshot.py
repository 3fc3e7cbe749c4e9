"""Everything the preflight rules may look at: one immutable picture of the cluster and of Azure.

What Azure or Kubernetes did not let us read is `Unread` with the reason, so that a rule says
"not checked, because …" where it would otherwise pass in silence.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from azure_linux_migrator.api.spec import MigrationSpec
from azure_linux_migrator.core.drain.blocker import Blocker
from azure_linux_migrator.model.azure_facts import AzureFacts, SizeFacts, Unread
from azure_linux_migrator.model.cluster import (
    Allocatable,
    Budget,
    ExtendedResources,
    NamespacedName,
    Node,
    ScaleOwner,
    Volume,
)
from azure_linux_migrator.model.pool import Pool
from azure_linux_migrator.model.scheduling import ANYWHERE, SchedulingConstraints
from azure_linux_migrator.model.selectors import Labels
from azure_linux_migrator.model.traits import NO_TRAITS, PodTraits

_NOTHING = Allocatable()


@dataclass(frozen=True, slots=True)
class WorkloadFacts:
    """A pod on the source pool that must move, or a DaemonSet that runs there.

    `kind` is `Pod` or `DaemonSet`; `owner` the governing controller as `Kind namespace/name`, by
    which findings are grouped, with `replicas` of it (0 where it has none). `blocker` is why the
    drain would not move the pod, and `no_surge` why SurgeFirst cannot help where it is called for;
    `scaled_by` is who else sets the replicas, and `restarts` whether a surge is a restart of
    the rollout, which no other writer undoes. `run_once` is whether a pod runs to completion, and
    `owned` whether it has a controller. `beside` is the owner of pods on whose node it must
    run, by a required pod affinity, where these are on the source, too, and leave no sooner.
    """

    kind: str
    key: NamespacedName
    owner: str = ""
    replicas: int = 0
    traits: PodTraits = NO_TRAITS
    scheduling: SchedulingConstraints = ANYWHERE
    requests: tuple[int, int] = (0, 0)
    extended_resources: ExtendedResources = ()
    volumes: tuple[Volume, ...] = ()
    empty_dir: bool = False
    priority: int = 0
    run_once: bool = False
    owned: bool = True
    labels: Labels = ()
    beside: str = ""
    blocker: Blocker | None = None
    no_surge: str = ""
    scaled_by: ScaleOwner = ScaleOwner.NOBODY
    restarts: bool = False
    addon: bool = False
    """Whether AKS installs it, and so makes it run on every OS that it offers."""
    api_group: str = ""
    """Of a DaemonSet that Kubernetes itself does not know."""


@dataclass(frozen=True, slots=True)
class BudgetFacts:
    """A budget that allows nothing now and selects `pods` pods which must move. `owners` are their
    controllers, as in WorkloadFacts; `standard` is whether they are of kinds of apps/v1 or
    batch/v1, `surged` that SurgeFirst would move all of them, and `peers` counts pods of the same
    owners, other budgets' included. `unready` are its pods that are not Ready, with since when
    (seconds since the epoch).
    """

    budget: Budget
    pods: int = 0
    owners: tuple[str, ...] = ()
    standard: bool = True
    surged: bool = False
    peers: int = 0
    unready: tuple[tuple[NamespacedName, float], ...] = ()


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
    facts: AzureFacts
    """What was read from Azure and of services, each part with the reason where it was not."""
    final: int = 0
    """Nodes that the target has in the end."""
    nodes: tuple[Node, ...] = ()
    """All nodes of the cluster."""
    workloads: tuple[WorkloadFacts, ...] = ()
    daemons: Allocatable = _NOTHING
    """The least that the pods which stay on a node of the source request."""
    budgets: tuple[BudgetFacts, ...] = ()
    unread_scales: Mapping[str, str] = field(default_factory=dict)
    """Kinds that own pods of the source, and why their scale is not known."""
    now: float = 0.0
    """In seconds since the epoch."""
    blockers: tuple[Blocker, ...] = ()
    """What the drain planner has found to hold pods back."""

    @property
    def vm_size(self) -> str:
        """The target's VM size."""
        return self.spec.target.vm_size or self.source.vm_size

    @property
    def size_facts(self) -> SizeFacts | None:
        """What Azure reports of the target's VM size; None where it could not be read."""
        sizes = self.facts.sizes
        return None if isinstance(sizes, Unread) else sizes.get(self.vm_size.lower())

    @property
    def size_unread(self) -> Unread:
        """Why `size_facts` is None."""
        sizes = self.facts.sizes
        unlisted = Unread(f"VM size {self.vm_size} is not listed in this region")
        return sizes if isinstance(sizes, Unread) else unlisted

    @property
    def resizes(self) -> bool:
        """Whether the target has another VM size than the source."""
        return self.vm_size.lower() != self.source.vm_size.lower()
