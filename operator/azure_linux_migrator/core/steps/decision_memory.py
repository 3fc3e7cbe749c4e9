"""What one migration's loop keeps from decision to decision.

Everything in it can be derived again: it saves a walk over all pods for each event. Who drives the
loop owns it, and passes it in with each observation; `decide` keeps nothing anywhere else.
"""

from azure_linux_migrator.core.drain.planner import Planner
from azure_linux_migrator.core.drain.scope import Scope
from azure_linux_migrator.core.preflight.findings import Finding
from azure_linux_migrator.core.state.world import World

FindingsKey = tuple[int, tuple[str, ...], float, float, int]
"""Generation, acknowledged checks, times of the two readings, and the window of time."""


class DecisionMemory:
    """The planner, which follows every event of the world, and the last preflight findings."""

    def __init__(self) -> None:
        self.findings: tuple[FindingsKey, tuple[Finding, ...]] | None = None
        self._planner: Planner | None = None

    def planner(self, world: World, scope: Scope, *, began: float, since: float) -> Planner:
        """The planner of a drain, with the times (seconds since the epoch) at which its batch and
        its migration began; 0 for not yet. It is kept while its scope stays the same."""
        known = self._planner
        if known is None or known.tracker.world is not world or known.tracker.scope != scope:
            self.forget()
            self._planner = Planner(world, scope)
            if (
                known is not None
                and known.tracker.world is world
                and scope.alike(known.tracker.scope)
            ):
                # Only the policy changed: what was moved by the old one is moved all the same.
                self._planner.remember(known.tracker.evicted_owners)
            world.listeners.append(self._planner.listener)
        planner = self._planner
        assert planner is not None  # noqa: S101 - for the type checker
        planner.tracker.began, planner.since = began, since
        return planner

    def forget(self) -> None:
        """The planner follows the world no more."""
        if self._planner is not None:
            listeners = self._planner.tracker.world.listeners
            if self._planner.listener in listeners:
                listeners.remove(self._planner.listener)
        self._planner = None
