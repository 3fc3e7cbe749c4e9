"""What a page that is open follows: the watches of the migration, nodes, pods and budgets, with the
reader's own rights. A watch that fails is said and tried again; the rest of the page stays live."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from azure_linux_migrator.cli.page.content import Json, head
from azure_linux_migrator.cli.page.rows import Changes, Rows
from azure_linux_migrator.cli.page.spans import StepLog
from azure_linux_migrator.cli.view.migration_view import MigrationView, events_of, view_of
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.kube.decode import BudgetObject, Metadata, NodeObject, PodObject
from azure_linux_migrator.kube.migrations import COLLECTION
from azure_linux_migrator.kube.reflector import Decoded, Reflector, Sink
from azure_linux_migrator.model.cluster import NamespacedName

EVENT_SECONDS = 5.0
"""How often the events are read; they are not watched, for they are many."""


class MigrationObject(msgspec.Struct):
    """An AzureLinuxMigration, undecoded but for its metadata."""

    metadata: Metadata
    spec: dict[str, Any] | None = None
    status: dict[str, Any] | None = None

    def record(self) -> Json:
        """The body as the API returns it."""
        return dict(msgspec.to_builtins(self))


class Feed:
    """One migration, kept current while `running`. `reader` is called for each change."""

    def __init__(self, client: Client, view: MigrationView, *, allow_actions: bool) -> None:
        self.client = client
        self.view = view
        self.deleted = False
        self._allow_actions = allow_actions
        self._world = World()
        self._rows = Rows(self._world, view.migration)
        self._steps = StepLog()
        self._events: list[dict[str, Any]] = []
        self._wakers: set[Callable[[], None]] = set()
        self._reflectors: dict[str, Reflector] = {}
        self._steps.see(view, time.time())

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Feed"]:
        """Watch until the end of the block."""
        world = self._world
        self._watch(COLLECTION, MigrationObject, self._put_migration, self._remove_migration)
        self._watch(
            "/api/v1/nodes", NodeObject, world.put_node, lambda key, _: world.remove_node(key.name)
        )
        self._watch("/api/v1/pods", PodObject, world.put_pod, world.remove_pod)
        self._watch(
            "/apis/policy/v1/poddisruptionbudgets",
            BudgetObject,
            world.put_budget,
            lambda key, _: world.remove_budget(key),
        )
        events = asyncio.create_task(self._read_events(), name="events of the page")
        try:
            yield self
        finally:
            events.cancel()
            ending = [reflector.end() for reflector in self._reflectors.values()]
            await asyncio.gather(events, *ending, return_exceptions=True)

    def _watch(
        self,
        path: str,
        kind: type[Decoded],
        put: Callable[[Any], None],
        remove: Callable[[NamespacedName, int], None],
    ) -> None:
        sink = Sink(put, remove, self._wake, self._wake)
        reflector = Reflector(self.client, path, kind, sink)
        self._reflectors[path.rpartition("/")[2]] = reflector
        reflector.start()

    @asynccontextmanager
    async def reading(self, wake: Callable[[], None]) -> AsyncIterator[Changes]:
        """A reader's changes; `wake` is called when there may be some."""
        changes = self._rows.subscribe()
        self._wakers.add(wake)
        try:
            yield changes
        finally:
            self._wakers.discard(wake)
            self._rows.unsubscribe(changes)

    def rows(self, changes: Changes) -> Json:
        """The rows that a reader lacks."""
        return self._rows.take(changes)

    def head(self) -> Json:
        """All but the rows, as it is now."""
        shown = head(self.view, self._events, allow_actions=self._allow_actions)
        return shown | {
            "mode": "live",
            "deleted": self.deleted,
            "spans": self._steps.spans(),
            "stale": {
                name: str(reflector.error)
                for name, reflector in self._reflectors.items()
                if reflector.error is not None
            },
            "synced": all(reflector.synced for reflector in self._reflectors.values()),
        }

    def _wake(self) -> None:
        for wake in tuple(self._wakers):
            wake()

    def _put_migration(self, body: Json) -> None:
        if body["metadata"]["name"] != self.view.name:
            return
        self.deleted = False
        now = time.time()
        self.view = view_of(body, now)
        self._steps.see(self.view, now)
        self._rows.follow(self.view.migration)

    def _remove_migration(self, key: NamespacedName, _: int) -> None:
        self.deleted = self.deleted or key.name == self.view.name

    async def _read_events(self) -> None:
        while True:
            try:
                events = await events_of(self.client, self.view)
            except KubernetesError:
                events = self._events
            if json.dumps(events) != json.dumps(self._events):
                self._events = events
                self._wake()
            await asyncio.sleep(EVENT_SECONDS)
