"""Whether azlm or somebody else has caused that a pod is not healthy any more."""

from collections.abc import Callable

from azure_linux_migrator.model.actions import Action, RestartRollout, RestoreScale, SurgeReplica
from azure_linux_migrator.model.cluster import Budget, Controller, NamespacedName, Pod
from azure_linux_migrator.simulator.cluster.store import NullWatcher
from simtest.invariants.context import JudgeContext, Part
from simtest.invariants.readings import counts

LAG_SECONDS = 3.0
"""Seconds for which the status of a budget, and with it the API server, may not show a change."""
RESHAPING_SECONDS = 120.0
"""Seconds for which a restart or a restored scale removes pods, at the most."""


class Blame(Part, NullWatcher):
    """Records when others last took something from a budget or a workload."""

    def __init__(self, context: JudgeContext) -> None:
        super().__init__(context)
        self._budgets: dict[NamespacedName, float] = {}
        self._workloads: dict[str, float] = {}
        self._reshaped: dict[str, tuple[float, Action]] = {}
        self._surged: dict[str, float] = {}
        self._last: tuple[str, Action | None] = ("", None)
        self.on_consequence: list[Callable[[Pod], None]] = []
        """Called for each pod that a controller removes because of azlm."""

    def budget_disturbed(self, key: NamespacedName) -> bool:
        """Whether others took from a budget just now, so that its status may not show it."""
        return self.context.now - self._budgets.get(key, 0.0) < LAG_SECONDS

    def workload_disturbed(self, uid: str, within: float = LAG_SECONDS) -> bool:
        """Whether others took from a workload within so many seconds."""
        return self.context.now - self._workloads.get(uid, 0.0) < within

    def consequence(self, pod: Pod) -> Action | None:
        """The restart or restored scale of azlm for which a controller removes this pod."""
        return self._last[1] if self._last[0] == pod.uid else None

    def surging(self, uid: str) -> bool:
        """Whether azlm has given a workload additional pods, which replace others already."""
        return self.context.now - self._surged.get(uid, 0.0) < RESHAPING_SECONDS

    def ends(self, action: Action) -> None:
        """azlm changed a scale or a template."""
        if isinstance(action, RestartRollout | RestoreScale | SurgeReplica):
            workload = self.context.simulation.workloads.by_key(action.deployment)
            if workload is not None and not isinstance(action, RestoreScale):
                self._surged[workload.uid] = self.context.now
            if workload is not None and not isinstance(action, SurgeReplica):
                self._reshaped[workload.uid] = (self.context.now, action)

    def pod(self, old: Pod | None, new: Pod | None) -> None:
        """A pod stops being healthy."""
        if old is None or not counts(old) or (new is not None and counts(new)):
            return
        if self.context.is_ours(old):
            return
        if new is not None and new.terminating and (action := self._reshaped_by(old)) is not None:
            self._last = (old.uid, action)
            for listener in self.on_consequence:
                listener(new)
            return
        simulation, now = self.context.simulation, self.context.now
        workload = simulation.workloads.workload(old)
        if workload is not None:
            self._workloads[workload.uid] = now
        for key in simulation.disruption.budgets_of(old):
            self._budgets[key] = now

    def budget(self, old: Budget | None, new: Budget | None) -> None:
        """Somebody creates or changes a budget."""
        if new is not None and (old is None or old.generation != new.generation):
            self._budgets[new.key] = self.context.now

    def controller(self, old: Controller | None, new: Controller | None) -> None:
        """Somebody scales a workload."""
        if old is None or new is None or old.replicas == new.replicas:
            return
        if self.context.action is not None:
            return
        self._workloads[new.uid] = self.context.now
        self._reshaped.pop(new.uid, None)
        for key, members in self.context.simulation.disruption.members.items():
            if members:
                self._budgets[key] = self.context.now

    def _reshaped_by(self, pod: Pod) -> Action | None:
        """A restart removes the pods of the previous template; a restored scale removes one pod."""
        workload = self.context.simulation.workloads.workload(pod)
        reshaping = self._reshaped.get(workload.uid) if workload else None
        if (
            workload is None
            or reshaping is None
            or self.context.now - reshaping[0] > RESHAPING_SECONDS
        ):
            return None
        if isinstance(reshaping[1], RestoreScale):
            del self._reshaped[workload.uid]
            return reshaping[1]
        current = workload.current or f"{workload.uid}/{workload.generation}"
        return reshaping[1] if pod.owner and pod.owner.uid != current else None
