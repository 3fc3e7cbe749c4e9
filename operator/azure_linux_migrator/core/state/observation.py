"""What a decision rests on, and what it is."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.api.status import ForecastStatus, MigrationStatus
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.model.actions import Action
from azure_linux_migrator.model.azure_facts import AzureFacts
from azure_linux_migrator.model.cluster import NamespacedName
from azure_linux_migrator.model.pool import Pool


@dataclass(frozen=True, slots=True)
class ActionProblem:
    """Why an action failed last. `retry_at` is in seconds since the epoch."""

    reason: Reason
    message: str
    retryable: bool
    retry_at: float


@dataclass(frozen=True, slots=True)
class PoolReading:
    """The cluster's pools, and when they were read (seconds since the epoch)."""

    pools: Mapping[str, Pool]
    at: float


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything seen that a decision may rest on.

    `missing_access` is None until it was asked. `rival` names an unfinished migration that comes
    first and has a pool in common with this one. `world_ready` tells that the watches have
    delivered their first lists. `own_pod` is the pod that this operator runs in. `survey` is what
    only the preflight needs;
    `asked` tells when this process last asked Azure to change a pool, by the pool's name;
    `began` is when this process began to work on the migration; `running` are the keys of actions
    under way, `written` the last writes to Kubernetes by key, with the times of their answers.
    `watch_problem` tells which watch has told nothing for long, since when and why; while it is not
    empty, an emptiness of the world proves nothing.
    """

    world: World
    world_ready: bool = True
    watch_problem: str = ""
    pools: PoolReading | None = None
    missing_access: tuple[str, ...] | None = None
    conflict: str = ""
    own_pod: NamespacedName | None = None
    began: float = 0.0
    azure_facts: AzureFacts | None = None
    forecast: ForecastStatus | None = None
    asked: Mapping[str, float] = field(default_factory=dict)
    running: Collection[str] = ()
    written: Mapping[str, tuple[Action, float]] = field(default_factory=dict)
    problems: Mapping[str, ActionProblem] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do now, what to tell, and when to look again if nothing happens before."""

    actions: tuple[Action, ...]
    status: MigrationStatus
    wake_at: float | None = None
    released: bool = False

    def enters_new_step(self, before: MigrationStatus) -> bool:
        """Whether it begins another step or phase: that is recorded before anything is done."""
        return (before.step, before.phase) != (self.status.step, self.status.phase)
