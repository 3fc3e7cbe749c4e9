"""Kubernetes Events: one object for each statement about an object, which counts how often it was
made, as client-go's event recorder does (tools/record/events_cache.go).

Numbers do not belong to a statement: "12 pods remain" and "11 pods remain" are the same one.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from azure_linux_migrator.api.reasons import EventType
from azure_linux_migrator.api.status import timestamp
from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.kube.client import MERGE_PATCH, Client

MESSAGE_LIMIT = 1000
_COUNTS_KEPT = 2_000
_NUMBER = re.compile(r"\b\d+\b")


@dataclass(frozen=True)
class ObjectReference:
    """The object that an event is about; `namespace` is empty where it has none."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str


@dataclass(frozen=True)
class Event:
    """A statement about an object."""

    regarding: ObjectReference
    reason: str
    message: str
    type: EventType

    @cached_property
    def name(self) -> str:
        """The name of its object: the same for the same statement."""
        about = self.regarding
        words = (about.kind, about.uid, self.type, self.reason, _NUMBER.sub("#", self.message))
        digest = hashlib.sha256("|".join(words).encode()).hexdigest()[:16]
        return f"{about.name[:200]}.{digest}"

    @property
    def namespace(self) -> str:
        """Events about cluster-scoped objects live in `default`."""
        return self.regarding.namespace or "default"


class EventWriter:
    """Writes events, and keeps how often each occurred. The operator may not read events, so
    the count of a former process is learned from the answer to a patch."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._counts: dict[str, int] = {}

    async def write(self, event: Event, times: int, now: float) -> None:
        """Record that an event was made `times` more; `now` is in seconds since the epoch."""
        path = f"/api/v1/namespaces/{event.namespace}/events"
        patch = {"lastTimestamp": timestamp(now), "message": event.message[:MESSAGE_LIMIT]}
        count = self._counts.get(event.name)
        if count is None:
            if await self._create(event, times, now):
                self._keep(event.name, times)
                return
            answer = await self._patch(f"{path}/{event.name}", patch)
            count = int(answer.get("count") or 1) if answer is not None else 0
        answer = await self._patch(f"{path}/{event.name}", patch | {"count": count + times})
        if answer is None and await self._create(event, times, now):
            count = 0  # its time to live had passed
        self._keep(event.name, count + times)

    def _keep(self, name: str, count: int) -> None:
        if len(self._counts) >= _COUNTS_KEPT:
            self._counts.clear()
        self._counts[name] = count

    async def _create(self, event: Event, times: int, now: float) -> bool:
        """Whether it was created; it was not where it exists."""
        about = event.regarding
        reference = {
            "apiVersion": about.api_version,
            "kind": about.kind,
            "name": about.name,
            "uid": about.uid,
        }
        body = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": event.name, "namespace": event.namespace},
            "involvedObject": reference
            | ({"namespace": about.namespace} if about.namespace else {}),
            "reason": event.reason,
            "message": event.message[:MESSAGE_LIMIT],
            "type": event.type,
            "source": {"component": "azlm"},
            "reportingComponent": "azlm.dev/azlm",
            "reportingInstance": "azlm",
            "action": event.reason,
            "firstTimestamp": timestamp(now),
            "lastTimestamp": timestamp(now),
            "count": times,
        }
        try:
            await self._client.request(
                "POST", f"/api/v1/namespaces/{event.namespace}/events", body=body
            )
        except KubernetesError as error:
            if error.status != 409:
                raise
            return False
        return True

    async def _patch(self, path: str, patch: dict[str, Any]) -> dict[str, Any] | None:
        """The event as it is now; None where it does not exist."""
        try:
            return await self._client.json("PATCH", path, body=patch, content_type=MERGE_PATCH)
        except KubernetesError as error:
            if error.status != 404:
                raise
            return None
