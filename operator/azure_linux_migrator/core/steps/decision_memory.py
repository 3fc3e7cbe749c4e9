"""What one migration's loop keeps from decision to decision.

Everything in it can be derived again: it saves a walk over all pods for each event. Who drives the
loop owns it, and passes it in with each observation; `decide` keeps nothing anywhere else.
"""

from msgspec import Struct

from azure_linux_migrator.core.drain.node_progress import PoolProgress
from azure_linux_migrator.core.drain.planner import Planner
from azure_linux_migrator.core.drain.scope import Scope
from azure_linux_migrator.core.preflight.findings import Finding
from azure_linux_migrator.core.state.world import World

FindingsKey = tuple[int, tuple[str, ...], float, float, int]
"""Generation, acknowledged checks, times of the two readings, and the window of time."""


class FailedOperation(Struct):
    """An operation of AKS on a pool that failed: when it was asked for (0 where another process or
    somebody else did), since when the failure is seen, both in seconds since the epoch, and how
    many failures in a row there were."""

    asked_at: float
    since: float
    times: int


class DecisionMemory:
    """The planner, which follows every event of the world, and the last preflight findings."""

    def __init__(self) -> None:
        self.findings: tuple[FindingsKey, tuple[Finding, ...]] | None = None
        self.waits: dict[str, tuple[float, float]] = {}
        """Since when something is waited for, and when it was last (core/steps/waits.py), both in
        seconds since the epoch."""
        self.failed_operations: dict[str, FailedOperation] = {}
        """By the pool's name (core/steps/operation_retry.py)."""
        self._planner: Planner | None = None

    @property
    def pool_progress(self) -> PoolProgress | None:
        """The nodes that are drained; None before the first decision and after the last."""
        return self._planner.pool_progress if self._planner is not None else None

    def planner(self, world: World, scope: Scope, *, began: float, since: float) -> Planner:
        """The planner of a drain, with the times (seconds since the epoch) at which its batch and
        its migration began; 0 for not yet. It is kept while its scope stays the same and the world
        still notifies it of changes."""
        planner = self._planner
        if (
            planner is None
            or planner.listener not in world.listeners
            or planner.tracker.scope != scope
        ):
            planner = self._new_planner(world, scope)
        planner.tracker.began, planner.since = began, since
        return planner

    def _new_planner(self, world: World, scope: Scope) -> Planner:
        before, planner = self._planner, Planner(world, scope)
        if (
            before is not None
            and before.listener in world.listeners
            and scope.alike(before.tracker.scope)
        ):
            # Only the policy changed: the pods that were moved under the old one stay counted.
            planner.remember(before.tracker.evicted_owners, before.tracker.batch_times)
        self.forget()
        world.listeners.append(planner.listener)
        self._planner = planner
        return planner

    def forget(self) -> None:
        """The planner no longer follows the world, which would cost each event something."""
        if self._planner is not None:
            listeners = self._planner.tracker.world.listeners
            if self._planner.listener in listeners:
                listeners.remove(self._planner.listener)
        self._planner = None
