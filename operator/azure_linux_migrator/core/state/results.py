"""What was read and what failed, as outcomes keep it, and the decision that follows."""

from collections.abc import Mapping
from dataclasses import dataclass

from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.model.actions import Action
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
class Decision:
    """What to do now, what to report, and when to look again if nothing happens before."""

    actions: tuple[Action, ...]
    status: MigrationStatus
    wake_at: float | None = None
    released: bool = False

    def enters_new_step(self, before: MigrationStatus) -> bool:
        """Whether it begins another step or phase: that is recorded before anything is done."""
        return (before.step, before.phase) != (self.status.step, self.status.phase)
