"""A reflector keeps records of one resource current: it lists by streaming, then watches.

Where the apiserver does not stream lists, it pages through them, 500 objects at a time. Whatever
happens to the connection, the next list repairs: what is not in it any more is reported removed.

A watch that is up and silent says nothing about its age, so bookmarks are asked for: the apiserver
sends one about every minute (k8s.io/apiserver, pkg/storage/cacher/cacher.go,
defaultBookmarkFrequency), but promises none. A silent watch is therefore not followed by another
but by a list, which proves what is known.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from azure_linux_migrator.core.state.retry_delay import RetryDelay
from azure_linux_migrator.core.state.watch_health import GRACE_SECONDS, STALE_SECONDS
from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.kube.decode import Metadata
from azure_linux_migrator.model.cluster import NamespacedName

log = logging.getLogger(__name__)

PAGE = 500
SERVER_SECONDS = 290
SILENCE_SECONDS = 120.0
"""Bookmarks come about once a minute; a watch that is silent for longer may have died unnoticed."""
SHORT_SECONDS = 1.0
"""A watch that ends sooner is a failure, and reopened with back-off, as in client-go
(tools/cache/reflector.go, "very short watch")."""
RETRY = RetryDelay(0.4, 30.0)
BREATH = 200
"""Objects decoded before other tasks get a turn."""
INITIAL_END = "k8s.io/initial-events-end"


class Decoded(Protocol):
    """An object as decoded from the API."""

    @property
    def metadata(self) -> Metadata:
        """Its name and resourceVersion."""

    def record(self) -> Any:
        """The core's record of it."""


@dataclass(frozen=True)
class Sink:
    """Where events go. `put` takes a record, `remove` a key and the resourceVersion of the end.
    `delivered` is called after events, `changed` when the watch itself is up, down or complete."""

    put: Callable[[Any], None]
    remove: Callable[[NamespacedName, int], None]
    delivered: Callable[[], None]
    changed: Callable[[], None]


class _WatchEvent(msgspec.Struct):
    type: str
    object: msgspec.Raw


class _Page(msgspec.Struct):
    metadata: dict[str, Any]
    items: list[msgspec.Raw] | None = None


class TooOldError(Exception):
    """The resourceVersion to go on from is too old: list again."""


class Reflector:
    """One resource, cluster-wide."""

    def __init__(self, client: Client, path: str, kind: type[Decoded], sink: Sink) -> None:
        self._client = client
        self._path = path
        self._sink = sink
        self._object = msgspec.json.Decoder(kind)
        self._event = msgspec.json.Decoder(_WatchEvent)
        self._page = msgspec.json.Decoder(_Page)
        self._keys: set[NamespacedName] = set()
        self._listed: set[NamespacedName] | None = None
        self._revision = ""
        self._streams = True
        self._task: asyncio.Task[None] | None = None
        self._last_delivery = time.monotonic()
        self.last_delivery_at = time.time()
        """When the apiserver last said how things are, in seconds since the epoch."""
        self.synced = False
        self.error: KubernetesError | None = None

    def start(self) -> None:
        """Begin, in the background."""
        self._task = asyncio.create_task(self._run(), name=f"reflector {self._path}")

    def end(self) -> asyncio.Task[None]:
        """Report nothing any more, from now on; the task is over once the connection is closed."""
        assert self._task is not None, "start() comes first"  # noqa: S101
        self._task.cancel()
        self.synced = False
        return self._task

    async def stop(self) -> None:
        """End, and wait for it."""
        await asyncio.gather(self.end(), return_exceptions=True)

    def age(self) -> float:
        """Seconds since the apiserver last said how things are: an event, a bookmark, a list."""
        return time.monotonic() - self._last_delivery

    def problem(self) -> str:
        """Why what is known may be old; empty where it is not.

        A connection that is back proves nothing while a list is due: until it is complete, what
        has changed or gone in the meantime is not known.
        """
        if self.age() > GRACE_SECONDS:
            if self.error is not None:
                return str(self.error)
            if self.synced and not self._revision:
                return "the list is not complete yet"
        return "no event and no bookmark came" if self.age() > STALE_SECONDS else ""

    async def _run(self) -> None:
        failures = 0
        while True:
            began = time.monotonic()
            try:
                if not self._revision or self._lists_again():
                    await self._list()
                if self._revision:
                    await self._follow({"resourceVersion": self._revision})
                failures = 0
            except TooOldError:
                self._revision = ""
                await asyncio.sleep(random.uniform(0, 0.5))  # noqa: S311 - a jitter
            except KubernetesError as error:
                failures = 1 if time.monotonic() - began > RETRY.longest else failures + 1
                self._note_failure(error)
                wait = RETRY.after(failures) * random.uniform(0.5, 1.0)  # noqa: S311 - a jitter
                await asyncio.sleep(error.delayed(wait))
            except Exception:
                failures += 1
                log.exception("the watch of %s failed; listing again", self._path)
                self._revision = ""
                await asyncio.sleep(min(failures, RETRY.longest))

    def _lists_again(self) -> bool:
        """Whether only a list shows what is known to be true: after a silence, or a failure that is
        a problem. A connection that is back shows nothing until an event or a bookmark comes."""
        age = self.age()
        return age >= SILENCE_SECONDS or (self.error is not None and age > GRACE_SECONDS)

    def _note_failure(self, error: KubernetesError) -> None:
        """What a failure means for the next attempt. A streaming list that is refused is judged
        first: how long the apiserver took to refuse it makes no difference."""
        self.error = error
        if error.status in {400, 422} and self._streams and self._listed is not None:
            log.info("%s: no streaming lists here; paging", self._path)
            self._streams = False
        elif error.status == 410:
            self._revision = ""
        elif error.status:
            log.warning("watching %s: %s", self._path, error)
        self._sink.changed()

    async def _list(self) -> None:
        self._revision, self._listed = "", set()
        if self._streams:
            await self._stream_list()
        else:
            await self._page_list()

    async def _stream_list(self) -> None:
        query = {
            "sendInitialEvents": "true",
            "resourceVersionMatch": "NotOlderThan",
            "resourceVersion": "",
        }
        await self._follow(query)

    async def _page_list(self) -> None:
        query = {"limit": str(PAGE)}
        while True:
            content = await self._client.request("GET", self._path, query=query, timeout=60.0)
            page = self._page.decode(content)
            for raw in page.items or ():
                self._put(raw)
            await asyncio.sleep(0)
            following = page.metadata.get("continue")
            if not following:
                break
            query["continue"] = str(following)
        self._complete(str(page.metadata["resourceVersion"]))

    async def _follow(self, more: dict[str, str]) -> None:
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(SERVER_SECONDS),
        }
        rest = b""
        began, events = time.monotonic(), 0
        async with self._client.stream(
            self._path, query | more, silence=SILENCE_SECONDS
        ) as content:
            if self.error is not None and self._listed is None:
                self.error = None
                self._sink.changed()
            async for chunk in content.iter_any():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    if line:
                        self._take(self._event.decode(line))
                    events += 1
                    if events % BREATH == 0:
                        await asyncio.sleep(0)
                if self._listed is None:
                    self._note_delivery()
                if self.synced:
                    self._sink.delivered()
        if self._listed is not None:
            raise KubernetesError(0, "the connection ended before the list was complete")
        if time.monotonic() - began < SHORT_SECONDS:
            raise KubernetesError(0, f"the watch ended at once, after {events} events")

    def _take(self, event: _WatchEvent) -> None:
        match event.type:
            case "ADDED" | "MODIFIED":
                self._put(event.object)
            case "DELETED":
                record = self._object.decode(event.object)
                self._forget(record.metadata)
                self._revision = self._revision and record.metadata.resource_version
            case "BOOKMARK":
                meta = msgspec.json.decode(event.object)["metadata"]
                if INITIAL_END in (meta.get("annotations") or {}):
                    self._complete(str(meta["resourceVersion"]))
                elif self._revision:
                    self._revision = str(meta["resourceVersion"])
            case "ERROR":
                status = msgspec.json.decode(event.object)
                if status.get("code") == 410:
                    raise TooOldError
                raise KubernetesError(
                    int(status.get("code") or 500), str(status.get("message")), body=status
                )

    def _note_delivery(self) -> None:
        self._last_delivery, self.last_delivery_at = time.monotonic(), time.time()

    def _put(self, raw: msgspec.Raw) -> None:
        record = self._object.decode(raw)
        key = NamespacedName(record.metadata.namespace, record.metadata.name)
        self._keys.add(key)
        if self._listed is not None:
            self._listed.add(key)
        if self._revision:
            self._revision = record.metadata.resource_version
        self._sink.put(record.record())

    def _forget(self, meta: Metadata) -> None:
        key = NamespacedName(meta.namespace, meta.name)
        self._keys.discard(key)
        if self._listed is not None:
            self._listed.discard(key)
        self._sink.remove(key, meta.revision)

    def _complete(self, revision: str) -> None:
        """The list is whole: what was known and is not in it has gone while nobody looked."""
        listed, self._listed = self._listed or set(), None
        for key in self._keys - listed:
            self._sink.remove(key, int(revision) if revision.isdecimal() else 0)
        self._keys = listed
        self._revision = revision
        self._note_delivery()
        self.synced = True
        self.error = None
        self._sink.changed()
