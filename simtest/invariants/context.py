"""What all judges share: the cluster, the resource and its history, and the acting process."""

from collections.abc import Mapping
from typing import Any

from azure_linux_migrator.api.names import APPROVE, PAUSE, RESUME
from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.model.actions import Action, DeletePod, EvictPod
from azure_linux_migrator.model.cluster import NamespacedName, Node, Pod
from simtest.custom_resource import Body, CustomResource
from simtest.invariants.operator_time import SLACK, OperatorTime
from simtest.invariants.process import DecisionToJudge, ObservedProcess
from simtest.invariants.readings import starts_again
from simtest.invariants.registry import Judge
from simtest.scenario import Scenario


class JudgeContext:
    """The state of the cluster, the history of the resource, and the action that takes effect
    now."""

    def __init__(self, scenario: Scenario, resource: CustomResource, judge: Judge) -> None:
        self.scenario = scenario
        self.simulation = scenario.simulation
        self.store = scenario.simulation.store
        self.aks = scenario.simulation.aks
        self.resource = resource
        self.that = judge.that
        self.acting = ObservedProcess()
        """The process whose action takes effect now."""
        self.answered = True
        """Whether the answer will arrive."""
        self.action: Action | None = None
        """Set while an action takes effect: azlm causes what changes then."""
        body = resource.body
        self.status: MigrationStatus = body.status if body else MigrationStatus()
        self.deleting = False
        self.specs: dict[int, Mapping[str, Any]] = {}
        self.spec: Mapping[str, Any] = scenario.spec
        self._history: list[tuple[float, Mapping[str, Any]]] = [(self.now, scenario.spec)]
        self.approvals: dict[str, float] = {}
        self._paused_by_word = False
        self._annotations: Mapping[str, str] = {}
        self.batch_at = 0.0
        """When the first node joined the current batch."""
        self.attempt_at = 0.0
        self.attempts = 1
        self.moved: set[str] = set()
        """Workloads of which azlm has moved a pod."""
        self.rescaled: set[NamespacedName] = set()
        """Deployments that others have scaled."""
        self.pools_changed_at: float | None = None
        """When somebody else last changed one of the two pools."""
        self.held_until = 0.0
        """Until when something other than the drain itself delayed it."""
        self.turned_at = 0.0
        """When the migration turned back or started again; earlier requests are judged by the
        old route."""
        self._operator_time = OperatorTime(self.now)
        self.target = self._target()
        """The pool that the migration fills, unless it rolls back."""
        if body is not None:
            self.specs[body.generation] = body.spec

    @property
    def now(self) -> float:
        """The time, regardless of the clocks of operators."""
        return self.simulation.kernel.now

    def pools_changed(self, within: float = 1e9) -> bool:
        """Whether somebody else has changed one of the two pools within so many seconds."""
        at = self.pools_changed_at
        return at is not None and self.now - at < within

    @property
    def turning(self) -> bool:
        """Whether the migration has turned back just now."""
        return self.now - self.turned_at < SLACK

    # Direction

    @property
    def backwards(self) -> bool:
        """Whether everything is being moved back."""
        return self.status.rollback is not None

    def _target(self) -> str:
        if self.in_place:
            return "src"
        asked = (self.spec.get("target") or {}).get("nodePool")
        return str(asked or "srcazl")

    @property
    def in_place(self) -> bool:
        """Whether one pool is source and target."""
        return str(self.strategy["type"]) == "InPlace"

    @property
    def strategy(self) -> Mapping[str, Any]:
        """spec.strategy."""
        strategy: Mapping[str, Any] = self.spec["strategy"]
        return strategy

    def nodes(self, pool: str) -> list[Node]:
        """The existing nodes of a pool."""
        return [node for node in self.store.nodes.values() if node.pool == pool]

    def is_ours(self, pod: Pod) -> bool:
        """Whether azlm is evicting or deleting a pod just now."""
        action = self.action
        return isinstance(action, EvictPod | DeletePod) and action.pod == pod.key

    @property
    def is_paused(self) -> bool:
        """Whether the spec or an annotation pauses the migration."""
        return bool(self.spec.get("paused")) or self._paused_by_word

    # History

    def written(self, body: Body) -> None:
        """The resource was written."""
        now = self.now
        self.specs[body.generation] = body.spec
        if body.spec is not self.spec:
            self.spec = body.spec
            self._history.append((now, body.spec))
        if body.annotations is not self._annotations:
            old_words, self._annotations = self._annotations, body.annotations
            new_words = {
                name: value
                for name, value in body.annotations.items()
                if old_words.get(name) != value
            }
            if value := new_words.get(APPROVE):  # a token that is set again counts again
                self.approvals[value.partition(".")[0]] = now
            if RESUME in new_words:
                self._paused_by_word = False
            if PAUSE in new_words:
                self._paused_by_word = True
        self.deleting = body.deleting
        self._operator_time.pause(now, paused=self.is_paused)
        old, self.status = self.status, body.status
        if (old.rollback is None) != (body.status.rollback is None):
            self.turned_at = now
        stalled = old.condition("Stalled")
        if old.is_true("Stalled") and stalled and stalled.reason != "DrainTimedOut":
            self.held_until = now
        self.target = self._target()
        if starts_again(old, body.status):
            self.attempt_at = now
            self.attempts += 1

    def gone(self) -> None:
        """The resource is gone. One that is applied again starts from the beginning."""
        approved, self.status = self.status.approved, MigrationStatus()
        self.batch_at, self.attempt_at = 0.0, self.now
        self.attempts += 1
        # A successor keeps what was approved, by a tag of the source.
        self.approvals = {gate: self.now for gate in self.approvals if gate == approved}
        self._annotations = {}
        self._paused_by_word = False

    def decided(self, process: ObservedProcess, skew: float) -> None:
        """A process has decided; `skew` is how far its clock is ahead."""
        process.decided_at = self.now
        self._operator_time.decided(self.now, skew)

    def paused(self, since: float) -> float:
        """Seconds paused since then."""
        return self._operator_time.paused(since, self.now)

    def unattended(self, since: float) -> float:
        """Seconds without an operator since then."""
        return self._operator_time.unattended(since, self.now)

    def slack(self, since: float) -> float:
        """How wrong the clocks of the operators may have been from that time until now."""
        return self._operator_time.slack(since)

    def in_force(self, since: float) -> list[Mapping[str, Any]]:
        """The specs in force since then, the oldest first."""
        specs = [spec for at, spec in self._history if at > since]
        before = [spec for at, spec in self._history if at <= since]
        return [*before[-1:], *specs]

    def approved(self, gate: str) -> bool:
        """Whether that approval was given, and not before the last rollback."""
        given = self.approvals.get(gate)
        self.that(
            "approval-fresh",
            given is None or given >= self.attempt_at,
            f"the approval {gate} was given before the last rollback",
        )
        return given is not None


class Part:
    """A judge of one concern; subclasses override some methods."""

    def __init__(self, context: JudgeContext) -> None:
        self.context = context

    def decided(self, process: ObservedProcess, decision: DecisionToJudge) -> None:
        """A process has decided, by what it knew."""

    def begins(self, action: Action) -> None:
        """An action is about to take effect, or to be refused."""

    def ends(self, action: Action) -> None:
        """The action took effect, or the server refused it."""

    def written(self, old: MigrationStatus, body: Body) -> None:
        """The resource was written."""
