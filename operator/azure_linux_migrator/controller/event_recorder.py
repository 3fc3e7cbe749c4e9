"""Publishes Kubernetes Events about a migration and about the objects that block it.

An event follows a change: of the reason of Ready, of the preflight, of the list of blockers. Events
are written one after another, BURST at once and then RATE a second. An event that is repeated
before its turn is written once, with its count.
"""

import asyncio
import logging
import time

from azure_linux_migrator.api.conditions import ConditionType
from azure_linux_migrator.api.names import API_VERSION, KIND
from azure_linux_migrator.api.reasons import EventType, Reason
from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.api.status_checks import PreflightStatus
from azure_linux_migrator.api.steps import Step
from azure_linux_migrator.core.state.results import Decision
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.errors import AzlmError
from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.kube.events import Event, EventWriter, ObjectReference
from azure_linux_migrator.model.actions import DeletePod
from azure_linux_migrator.model.cluster import NamespacedName

log = logging.getLogger(__name__)

BURST = 25
RATE = 5.0
"""Events of one migration: BURST at once, then this many a second."""
PENDING = 1_000
"""Events that wait for their turn; what is reported beyond is logged only."""


class EventRecorder:
    """Publishes in the background; an event that cannot be published is logged."""

    def __init__(self, client: Client, world: World, name: str, uid: str) -> None:
        self._writer = EventWriter(client)
        self._world = world
        self.name = name
        self._regarding = ObjectReference(API_VERSION, KIND, "", name, uid)
        self._pending: dict[str, tuple[Event, int]] = {}
        self._writing: asyncio.Task[None] | None = None
        self._free_at = 0.0
        """When the next burst may be complete, on the monotonic clock."""

    def publish(self, before: MigrationStatus, decision: Decision) -> None:
        """What a decision has changed."""
        self._publish_changes(before, decision.status)
        self._publish_objects(before, decision)

    def _publish_changes(self, before: MigrationStatus, after: MigrationStatus) -> None:
        """An event whenever the reason of Ready changes."""
        self._publish_preflight(before.preflight, after.preflight)
        old, new = before.condition(ConditionType.READY), after.condition(ConditionType.READY)
        if new is None or (old is not None and old.reason == new.reason):
            return
        text = after.message or new.message or new.reason
        self._soon(self._regarding, new.reason, text, event_type(new.reason))

    def _publish_preflight(self, before: PreflightStatus, after: PreflightStatus) -> None:
        """An event when the findings of the preflight change."""
        if before == after:
            return
        grave = [finding for finding in after.findings if finding.severity in {"Block", "Warn"}]
        first = "; ".join(
            f"{finding.rule}: {finding.subject}: {finding.message}" for finding in grave[:3]
        )
        text = (
            f"{after.blocked} block, {after.warnings} warn, {after.unchecked} could not be checked"
            + (f": {first}" if first else "")
        )
        self._soon(self._regarding, Step.PREFLIGHT, text, "Warning" if after.blocked else "Normal")

    def _publish_objects(self, before: MigrationStatus, decision: Decision) -> None:
        """An event on each object that has begun to hold the drain up, or that is deleted."""
        world = self._world
        reported = {
            (blocker.cause, blocker.kind, blocker.namespace, blocker.name)
            for blocker in before.blockers
        }
        for blocker in decision.status.blockers:
            key = NamespacedName(blocker.namespace, blocker.name)
            if (blocker.cause, blocker.kind, *key) in reported:
                continue
            if blocker.kind == "PodDisruptionBudget" and key in world.budgets:
                version, uid = "policy/v1", world.budgets[key].uid
            elif blocker.kind == "Pod" and key in world.pods:
                version, uid = "v1", world.pods[key].uid
            else:
                continue
            text = f"migration {self.name}: {blocker.message}; {blocker.remedy}"
            self._soon(
                ObjectReference(version, blocker.kind, *key, uid), blocker.cause, text, "Warning"
            )
        for action in decision.actions:
            if isinstance(action, DeletePod):
                text = f"migration {self.name} deletes this pod: its drain has timed out"
                regarding = ObjectReference("v1", "Pod", *action.pod, action.uid)
                self._soon(regarding, Reason.DRAIN_FORCED, text, "Warning")

    def _soon(self, regarding: ObjectReference, reason: str, text: str, kind: EventType) -> None:
        event = Event(regarding, reason, text, kind)
        _, times = self._pending.get(event.name, (event, 0))
        if not times and len(self._pending) >= PENDING:
            log.warning("too many events wait; not published: %s: %s", reason, text)
            return
        self._pending[event.name] = event, times + 1
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write(), name=f"events of {self.name}")

    async def _write(self) -> None:
        while self._pending:
            now = time.monotonic()
            self._free_at = max(self._free_at, now - BURST / RATE) + 1 / RATE
            if self._free_at > now:
                await asyncio.sleep(self._free_at - now)
            event, times = self._pending.pop(next(iter(self._pending)))
            try:
                await self._writer.write(event, times, time.time())
            except AzlmError as error:
                log.warning("publishing an event about %s: %s", self.name, error)


def event_type(reason: str) -> EventType:
    """Warning for a reason that needs attention, whatever else holds the drain up."""
    return _EVENT_TYPES.get(reason, "Warning")


_EVENT_TYPES: dict[str, EventType] = {reason.value: reason.event for reason in Reason}
