"""Events are true: each is about an object that there is or was, and says what the operator has
decided about it."""

from collections.abc import Mapping
from typing import Any

from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.model.actions import DeletePod
from azure_linux_migrator.model.cluster import Budget, Pod
from azure_linux_migrator.simulator.cluster.store import NullWatcher
from simtest.custom_resource import Body
from simtest.invariants.context import JudgeContext, Part
from simtest.invariants.process import DecisionToJudge, ObservedProcess
from simtest.rival import NAME as RIVAL

MESSAGE_LIMIT = 1000
"""Characters of a message, of which azlm writes no more: the API takes 1,024."""
PREFLIGHT = "Preflight"
FORCED = "DrainForced"


class EventInvariants(Part, NullWatcher):
    """Judges each event when it is written."""

    def __init__(self, context: JudgeContext) -> None:
        super().__init__(context)
        self._uids = {(pod.key.name, pod.uid) for pod in context.store.pods.values()}
        self._uids |= {(budget.key.name, budget.uid) for budget in context.store.budgets.values()}
        body = context.resource.body
        self._uids |= {(body.name, body.uid)} if body is not None else set()
        self._reported: set[tuple[str, str]] = set()
        """Reasons of the migration, with their messages."""
        self._blockers: set[tuple[str, str]] = set()
        """Names of objects, with the causes for which they hold the drain up."""
        self._last: MigrationStatus | None = None

    def pod(self, old: Pod | None, new: Pod | None) -> None:
        """A pod is there."""
        if new is not None:
            self._uids.add((new.key.name, new.uid))

    def budget(self, old: Budget | None, new: Budget | None) -> None:
        """A budget is there."""
        if new is not None:
            self._uids.add((new.key.name, new.uid))

    def written(self, old: MigrationStatus, body: Body) -> None:
        """The resource is there."""
        self._uids.add((body.name, body.uid))

    def decided(self, process: ObservedProcess, decision: DecisionToJudge) -> None:
        """What events may say from now on."""
        for action in decision.actions:
            if isinstance(action, DeletePod):
                self._blockers.add((action.pod.name, FORCED))
        status = decision.status
        if status is self._last:
            return
        self._last = status
        ready = status.condition("Ready")
        if ready is not None:
            text = status.message or ready.message or ready.reason
            self._reported.add((ready.reason, text[:MESSAGE_LIMIT]))
        for blocker in status.blockers:
            self._blockers.add((blocker.name, blocker.cause))
        preflight = status.preflight
        counts = (
            f"{preflight.blocked} block, {preflight.warnings} warn, {preflight.unchecked} could not"
        )
        self._reported.add((PREFLIGHT, counts))

    def event(self, manifest: Mapping[str, Any]) -> None:
        """An event is written."""
        about, reason = manifest["involvedObject"], str(manifest["reason"])
        name, message = str(about["name"]), str(manifest["message"])[:MESSAGE_LIMIT]
        if name == RIVAL or message.startswith((f"migration {RIVAL}: ", f"migration {RIVAL} ")):
            return
        there = (name, about["uid"]) in self._uids
        text = f"{about['kind']} {name}: {reason}: {message}"
        self.context.that("events-true", there, f"{text}: there was none of uid {about['uid']}")
        if about["kind"] != "AzureLinuxMigration":
            decided = (name, reason) in self._blockers
        elif reason == PREFLIGHT:
            decided = (reason, message.partition(" be checked")[0]) in self._reported
        else:
            decided = (reason, message) in self._reported
        self.context.that("events-true", decided, f"{text}: nothing of the kind was decided")
