"""Publishes Kubernetes Events about a migration and about the objects that block it.

An event follows a change: of the reason of Ready, of the preflight, of the list of blockers.
"""

import asyncio
import logging
import time

from azure_linux_migrator.api.conditions import ConditionType
from azure_linux_migrator.api.names import API_VERSION, KIND
from azure_linux_migrator.api.reasons import EventType, Reason
from azure_linux_migrator.api.status import MigrationStatus, PreflightStatus
from azure_linux_migrator.api.steps import Step
from azure_linux_migrator.core.state.results import Decision
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.errors import AzlmError
from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.kube.events import publish
from azure_linux_migrator.model.actions import DeletePod
from azure_linux_migrator.model.cluster import NamespacedName

log = logging.getLogger(__name__)


class EventRecorder:
    """Publishes in the background; an event that cannot be published is logged."""

    def __init__(self, client: Client, world: World, name: str, uid: str) -> None:
        self._client = client
        self._world = world
        self.name = name
        self._regarding = {"apiVersion": API_VERSION, "kind": KIND, "name": name, "uid": uid}
        self._chores: set[asyncio.Task[None]] = set()

    def tell(self, before: MigrationStatus, decision: Decision) -> None:
        """What a decision has changed."""
        self._tell(before, decision.status)
        self._tell_objects(before, decision)

    def _tell(self, before: MigrationStatus, after: MigrationStatus) -> None:
        """An event whenever the reason of Ready changes."""
        self._tell_preflight(before.preflight, after.preflight)
        old, new = before.condition(ConditionType.READY), after.condition(ConditionType.READY)
        if new is None or (old is not None and old.reason == new.reason):
            return
        text = after.message or new.message or new.reason
        self._soon(self._regarding, new.reason, text, event_type(new.reason))

    def _tell_preflight(self, before: PreflightStatus, after: PreflightStatus) -> None:
        """An event when the findings of the preflight change."""
        if before == after:
            return
        grave = [finding for finding in after.findings if finding.severity in {"Block", "Warn"}]
        first = "; ".join(f"{each.rule}: {each.subject}: {each.message}" for each in grave[:3])
        text = (
            f"{after.blocked} block, {after.warnings} warn, {after.unchecked} could not be checked"
            + (f": {first}" if first else "")
        )
        self._soon(self._regarding, Step.PREFLIGHT, text, "Warning" if after.blocked else "Normal")

    def _tell_objects(self, before: MigrationStatus, decision: Decision) -> None:
        """An event on each object that has begun to hold the drain up, or that is deleted."""
        world = self._world
        known = {(each.cause, each.kind, each.namespace, each.name) for each in before.blockers}
        for blocker in decision.status.blockers:
            key = NamespacedName(blocker.namespace, blocker.name)
            if (blocker.cause, blocker.kind, *key) in known:
                continue
            if blocker.kind == "PodDisruptionBudget" and key in world.budgets:
                version, uid = "policy/v1", world.budgets[key].uid
            elif blocker.kind == "Pod" and key in world.pods:
                version, uid = "v1", world.pods[key].uid
            else:
                continue
            text = f"migration {self.name}: {blocker.message}; {blocker.remedy}"
            self._soon(_reference(version, blocker.kind, key, uid), blocker.cause, text, "Warning")
        for action in decision.actions:
            if isinstance(action, DeletePod):
                text = f"migration {self.name} deletes this pod: its drain has timed out"
                regarding = _reference("v1", "Pod", action.pod, action.uid)
                self._soon(regarding, Reason.DRAIN_FORCED, text, "Warning")

    def _soon(self, regarding: dict[str, str], reason: str, text: str, kind: str) -> None:
        chore = asyncio.create_task(self._publish(regarding, reason, text, kind))
        self._chores.add(chore)
        chore.add_done_callback(self._chores.discard)

    async def _publish(self, regarding: dict[str, str], reason: str, text: str, kind: str) -> None:
        try:
            await publish(
                self._client,
                regarding=regarding,
                reason=reason,
                message=text,
                type=kind,
                now=time.time(),
            )
        except AzlmError as error:
            log.warning("publishing an event about %s: %s", self.name, error)


def _reference(version: str, kind: str, key: NamespacedName, uid: str) -> dict[str, str]:
    named = {"apiVersion": version, "kind": kind, "namespace": key.namespace, "name": key.name}
    return named | {"uid": uid}


def event_type(reason: str) -> EventType:
    """Warning for a reason that needs attention, whatever else holds the drain up."""
    return _EVENT_TYPES.get(reason, "Warning")


_EVENT_TYPES: dict[str, EventType] = {reason.value: reason.event for reason in Reason}
