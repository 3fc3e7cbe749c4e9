"""What a decision rests on. Built by core/reconcile/observer.py."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from azure_linux_migrator.api.status_checks import ForecastStatus
from azure_linux_migrator.core.state.results import ActionProblem, PoolReading
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.core.steps.decision_memory import DecisionMemory
from azure_linux_migrator.model.actions import Action
from azure_linux_migrator.model.azure_facts import AzureFacts
from azure_linux_migrator.model.cluster import NamespacedName


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything seen that a decision may rest on.

    `memory` is what the loop keeps from decision to decision. `world_ready` is whether the watches
    have delivered their first lists; `watch_problem` which watch has delivered nothing for long,
    since when and why: while it is not empty, an emptiness of the world proves nothing.
    `missing_access` is None until it was asked. `conflict` names an unfinished migration that comes
    first and has a pool in common with this one. `own_pod` is the pod that this operator runs in.
    `began` is when this process began to work on the migration. `azure_facts` is what only the
    preflight needs. `asked` holds when this process last asked Azure to change a pool, by the
    pool's name, `deleted` of which pools that was the deletion. `running` are the keys of actions
    under way, `written` the last writes to Kubernetes by key, with the times of their answers;
    `reports_drain` is whether the conditions of nodes may be written;
    `forced` is how many pods this migration has deleted against their budgets.
    """

    world: World
    memory: DecisionMemory
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
    deleted: Collection[str] = ()
    running: Collection[str] = ()
    written: Mapping[str, tuple[Action, float]] = field(default_factory=dict)
    problems: Mapping[str, ActionProblem] = field(default_factory=dict)
    forced: int = 0
    reports_drain: bool = False
