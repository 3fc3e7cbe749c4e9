"""What the core may ask for. Each action is idempotent and safe to repeat after a crash.

`key` identifies the piece of work: of two actions with the same key only one runs at a time, and
a failure is remembered under it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from azure_linux_migrator.model.cluster import NamespacedName
from azure_linux_migrator.model.pool import Pool


@dataclass(frozen=True, slots=True)
class ReadPools:
    """Read the cluster's node pools from Azure."""

    @property
    def key(self) -> str:
        return "ReadPools"


@dataclass(frozen=True, slots=True)
class ReviewAccess:
    """Ask Kubernetes whether the operator may do what the migration needs; also to delete pods
    (`force`) and to change Deployments (`surge`), where the spec may call for that."""

    force: bool = False
    surge: bool = False

    @property
    def key(self) -> str:
        return "ReviewAccess"


@dataclass(frozen=True, slots=True)
class CreatePool:
    """Create the target pool from the source's settings, unless a pool of that name exists.

    `overrides` are ARM properties that replace the source's; without a `count` it has as many
    nodes as the source.
    """

    source: str
    target: str
    os_sku: str
    count: int | None
    overrides: Mapping[str, object]
    tags: tuple[tuple[str, str], ...]

    @property
    def key(self) -> str:
        return f"CreatePool/{self.target}"


@dataclass(frozen=True, slots=True)
class ReadAzureFacts:
    """Read from Azure and Kubernetes what only the preflight rules need."""

    source: Pool

    @property
    def key(self) -> str:
        return "ReadAzureFacts"


@dataclass(frozen=True, slots=True)
class RunForecast:
    """Forecast the migration from what the cluster and Azure are now; changes nothing."""

    generation: int

    @property
    def key(self) -> str:
        return "RunForecast"


@dataclass(frozen=True, slots=True)
class UpdatePool:
    """Change these ARM properties and tags of a pool, if it still is as it was read (`etag`).

    A value of None removes the property or the tag. `lost` are the uids of terminating pods on
    nodes that do not answer, which go with their machines where the count becomes 0.
    """

    pool: str
    changes: tuple[tuple[str, str | int | bool | None], ...]
    etag: str
    tags: tuple[tuple[str, str | None], ...] = ()
    lost: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return f"UpdatePool/{self.pool}"


@dataclass(frozen=True, slots=True)
class DeleteMachines:
    """Take these nodes' machines out of a pool, whose count falls by as many; `lost` as in
    UpdatePool."""

    pool: str
    nodes: tuple[str, ...]
    lost: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return f"DeleteMachines/{self.pool}"


@dataclass(frozen=True, slots=True)
class DeletePool:
    """Delete a pool, if it still is as it was read (`etag`); `lost` as in UpdatePool."""

    pool: str
    etag: str
    lost: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return f"DeletePool/{self.pool}"


@dataclass(frozen=True, slots=True)
class CordonNode:
    """Mark a node unschedulable and as ours, in one write; `batch` is the batch it joins."""

    node: str
    by: str
    batch: str = ""

    @property
    def key(self) -> str:
        return f"CordonNode/{self.node}"


@dataclass(frozen=True, slots=True)
class MarkNode:
    """Let a node join a batch, without touching whose cordon it has."""

    node: str
    batch: str

    @property
    def key(self) -> str:
        return f"MarkNode/{self.node}"


@dataclass(frozen=True, slots=True)
class ReleaseNode:
    """Remove this migration's marks from a node, and its cordon where that is ours."""

    node: str
    by: str

    @property
    def key(self) -> str:
        return f"ReleaseNode/{self.node}"


@dataclass(frozen=True, slots=True)
class ReportDrain:
    """Tell of a node's drain in its conditions: DrainInProgress or Drained, or neither."""

    node: str
    by: str
    condition: str

    @property
    def key(self) -> str:
        return f"ReportDrain/{self.node}"


@dataclass(frozen=True, slots=True)
class EvictPod:
    """Evict this very pod (by uid) through the eviction API.

    `budget` is the budget it takes a slot of; None where it costs none. `owner` is the uid of its
    controller, or an empty string.
    """

    pod: NamespacedName
    uid: str
    budget: NamespacedName | None
    owner: str

    @property
    def key(self) -> str:
        return f"EvictPod/{self.pod}/{self.uid}"


@dataclass(frozen=True, slots=True)
class DeletePod:
    """Delete this very pod (by uid) with its own grace, whatever its budget says.

    Only spec.drain.onTimeout: Force asks for it.
    """

    pod: NamespacedName
    uid: str
    budget: NamespacedName | None
    owner: str

    @property
    def key(self) -> str:
        return f"DeletePod/{self.pod}/{self.uid}"


@dataclass(frozen=True, slots=True)
class RestartRollout:
    """Restart a Deployment's rollout; `stamp` makes a repetition change nothing."""

    deployment: NamespacedName
    stamp: str

    @property
    def key(self) -> str:
        return f"RestartRollout/{self.deployment}"


@dataclass(frozen=True, slots=True)
class SurgeReplica:
    """Add a replica to a Deployment that still has `replicas`, and record that number on it."""

    deployment: NamespacedName
    replicas: int
    by: str

    @property
    def key(self) -> str:
        return f"SurgeReplica/{self.deployment}"


@dataclass(frozen=True, slots=True)
class SetDeletionCost:
    """Make this pod the one that its ReplicaSet removes first, or, without `first`, no longer."""

    pod: NamespacedName
    uid: str
    first: bool = True

    @property
    def key(self) -> str:
        return f"SetDeletionCost/{self.pod}/{self.uid}"


@dataclass(frozen=True, slots=True)
class RestoreScale:
    """Take a surged replica back where the scale is still ours, and remove the record of it."""

    deployment: NamespacedName
    replicas: int

    @property
    def key(self) -> str:
        return f"RestoreScale/{self.deployment}"


@dataclass(frozen=True, slots=True)
class RelinquishScale:
    """Someone else changed the scale: leave it, and say on the Deployment that we did, for the
    migration with this uid."""

    deployment: NamespacedName
    by: str
    uid: str

    @property
    def key(self) -> str:
        return f"RelinquishScale/{self.deployment}"


@dataclass(frozen=True, slots=True)
class ForgetSurge:
    """Remove the record of a surge from a Deployment, if it is still this one."""

    deployment: NamespacedName
    mark: str

    @property
    def key(self) -> str:
        return f"ForgetSurge/{self.deployment}"


Action = (
    ReadPools
    | ReviewAccess
    | CreatePool
    | ReadAzureFacts
    | RunForecast
    | UpdatePool
    | DeleteMachines
    | DeletePool
    | CordonNode
    | MarkNode
    | ReleaseNode
    | ReportDrain
    | EvictPod
    | DeletePod
    | RestartRollout
    | SurgeReplica
    | SetDeletionCost
    | RestoreScale
    | RelinquishScale
    | ForgetSurge
)

AZURE = (ReadPools, ReadAzureFacts, CreatePool, UpdatePool, DeleteMachines, DeletePool)
"""The actions that Azure answers, not Kubernetes."""

READS = (ReadPools, ReviewAccess, ReadAzureFacts, RunForecast)
"""The actions that change nothing; the only ones a paused migration may take."""
