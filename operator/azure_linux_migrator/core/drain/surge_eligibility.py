"""Which pods a drain surges instead of evicting them, and why one that calls for it cannot be.

Owns the surges that were given up in this drain. surge_first.py has the rules about a Deployment.
"""

from azure_linux_migrator.api.spec_drain import SingletonPolicy
from azure_linux_migrator.core.drain.scope import Scope
from azure_linux_migrator.core.drain.surge_first import (
    needs_surge,
    undone_by,
    why_not,
    yielded_mark,
)
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.model.cluster import Controller, Pod


class SurgeEligibility:
    """Of one drain. `given_up` are the uids of Deployments whose surge was given up, and why;
    `yielded` is the record of a scale that was left to others."""

    def __init__(self, world: World, scope: Scope) -> None:
        self._world = world
        self._scope = scope
        self.yielded = yielded_mark(scope.migration, scope.uid)
        self.given_up: dict[str, str] = {}

    def controller_of(self, pod: Pod) -> Controller | None:
        """The controller of a pod that calls for a surge; None where an eviction does."""
        if self._scope.policy.singletons is not SingletonPolicy.SURGE_FIRST:
            return None
        controller = self._world.owner_index.controller_of(pod)
        budgets = self._world.pdb_index.of(pod)
        budget = self._world.budgets.get(budgets[0]) if budgets else None
        called_for = controller is not None and needs_surge(
            controller, budget, self._scope.migration
        )
        return controller if called_for else None

    def why_not(self, pod: Pod, controller: Controller) -> str:
        """Why a pod that calls for a surge cannot have one; empty where it can."""
        given_up = self.given_up.get(controller.uid, "")
        volumes = self._world.owner_index.volumes_of(pod)
        return given_up or why_not(controller, volumes, self.yielded)

    def would_help(self, pod: Pod) -> bool:
        """Whether spec.drain.singletons: SurgeFirst, which is not set, would move a pod."""
        if self._scope.policy.singletons is SingletonPolicy.SURGE_FIRST:
            return False
        controller = self._world.owner_index.controller_of(pod)
        if controller is None or undone_by(controller, self.yielded):
            return False
        return not self.why_not(pod, controller)
