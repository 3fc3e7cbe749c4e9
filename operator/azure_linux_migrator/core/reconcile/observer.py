"""What a decision looks at: the migration as the resource asks for it, and the observation.

The only place that builds either. Owns the parsed spec, which is parsed once a generation.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from pydantic import ValidationError

from azure_linux_migrator.api.spec import MigrationSpec
from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.core.reconcile.lenient_parsing import spec_to_release, status_to_release
from azure_linux_migrator.core.reconcile.messages import ResourceSeen
from azure_linux_migrator.core.state.outcomes import Outcomes
from azure_linux_migrator.core.state.results import PoolReading
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.core.steps.decision_memory import DecisionMemory
from azure_linux_migrator.core.steps.observation import Observation
from azure_linux_migrator.model.azure_facts import AzureFacts
from azure_linux_migrator.model.cluster import NamespacedName
from azure_linux_migrator.model.migration import Migration
from azure_linux_migrator.model.pool import Pool


class Watches(Protocol):
    """What feeds the world. See Observation."""

    world: World

    @property
    def synced(self) -> bool:
        """Whether every first list has arrived."""

    def problem(self) -> str:
        """Which watch has delivered nothing for long, since when and why; empty for none."""


class Runner(Protocol):
    """What runs the actions, and notes what came of them."""

    outcomes: Outcomes

    @property
    def running(self) -> Collection[str]:
        """Keys of the actions under way."""


class Observer:
    """Of one migration in one process.

    `began` is when it began, in seconds since the epoch. `conflict` names the migration that it
    gives way to. Where it is `releasing`, what a deleted resource did is undone. `reports_drain`
    tells whether the conditions of nodes may be written.
    """

    def __init__(
        self,
        watches: Watches,
        runner: Runner,
        *,
        began: float,
        releasing: bool = False,
        own_pod: NamespacedName | None = None,
        conflict: Callable[[], str] = lambda: "",
        reports_drain: bool = False,
    ) -> None:
        self.releasing = releasing
        self.spec: MigrationSpec | None = None
        """The spec, or None while it cannot be read."""
        self._watches = watches
        self._runner = runner
        self._began = began
        self._own_pod = own_pod
        self._conflict = conflict
        self._reports_drain = reports_drain
        self.memory = DecisionMemory()
        self._forced_before: int | None = None
        """Pods that former processes have forced."""
        self._spec_of: tuple[int, str] | None = None
        self._lost: tuple[str, ...] = ()

    def migration(self, resource: ResourceSeen, status: MigrationStatus) -> Migration:
        """The migration with that status. Raises ValidationError where the spec cannot be read; of
        one that is released, what can be read is enough."""
        spec = self._read(resource)
        if self._forced_before is None:
            self._forced_before = status.pods.forced
        return Migration(
            resource.name,
            resource.uid,
            resource.generation,
            spec,
            status_to_release(status, self._lost) if self._lost else status,
            self.releasing,
            resource.annotations,
            created=resource.created,
        )

    def _read(self, resource: ResourceSeen) -> MigrationSpec:
        if self.spec is not None and self._spec_of == (resource.generation, resource.uid):
            return self.spec
        try:
            self.spec, self._lost = MigrationSpec.model_validate(resource.spec), ()
        except ValidationError:
            if not self.releasing:
                raise
            self.spec, self._lost = spec_to_release(resource.spec)
        self._spec_of = (resource.generation, resource.uid)
        self._runner.outcomes.forget_refusals()
        return self.spec

    def close(self) -> None:
        """No decision follows: the world need not be followed any more."""
        self.memory.forget()

    def observation(self) -> Observation:
        """Everything seen that a decision may rest on."""
        outcomes = self._runner.outcomes
        return Observation(
            world=self._watches.world,
            memory=self.memory,
            world_ready=self._watches.synced,
            watch_problem=self._watches.problem(),
            pools=outcomes.pools_read,
            missing_access=outcomes.missing_access,
            conflict=self._conflict(),
            own_pod=self._own_pod,
            began=self._began,
            reports_drain=self._reports_drain,
            azure_facts=outcomes.azure_facts,
            forecast=outcomes.forecast,
            asked=outcomes.asked,
            deleted=outcomes.deleted,
            running=self._runner.running,
            written=outcomes.written,
            problems=outcomes.problems,
            forced=(self._forced_before or 0) + len(outcomes.forced),
        )


def observed_once(
    world: World, pools: Mapping[str, Pool], azure_facts: AzureFacts | None, now: float
) -> Observation:
    """What a preflight of no resource looks at: one reading of the cluster and of Azure, at `now`
    (seconds since the epoch). Access is not reviewed: the reader's is not the operator's."""
    return Observation(
        world=world,
        memory=DecisionMemory(),
        pools=PoolReading(pools, now),
        missing_access=(),
        azure_facts=azure_facts,
    )
