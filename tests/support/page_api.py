"""An API server that lists a migration, nodes, pods and budgets, and then sends what a test gives
it: for pages of clusters that the real one cannot hold here."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from aiohttp import web

from azure_linux_migrator.cli.page.feed import Feed
from azure_linux_migrator.cli.page.server import PageServer
from azure_linux_migrator.cli.view.migration_view import bare_view
from tests.support.fake_apiserver import bookmark, event, serving

Object = dict[str, Any]
STARTED = "2027-01-15T07:00:00Z"


def migration(source: str = "workers", **status: Any) -> Object:
    """A migration in its drain."""
    return {
        "apiVersion": "azlm.dev/v1alpha1",
        "kind": "AzureLinuxMigration",
        "metadata": {
            "name": source,
            "uid": "u",
            "resourceVersion": "1",
            "creationTimestamp": STARTED,
        },
        "spec": {"source": {"nodePool": source}},
        "status": {
            "step": "Drain",
            "phase": "Running",
            "message": "moving pods",
            "startTime": STARTED,
            "nodes": {"total": 2, "drained": 0, "progress": "0/2"},
            "batch": {"index": 1, "of": 1},
        }
        | status,
    }


def node(name: str, pool: str, *, batch: int = 0, cordoned: bool = False) -> Object:
    """A Ready node."""
    metadata: Object = {"name": name, "labels": {"agentpool": pool}, "resourceVersion": "1"}
    if batch:
        metadata["annotations"] = {"azlm.dev/batch": f"workers.u.{batch}"}
    ready = [{"type": "Ready", "status": "True"}]
    return {
        "metadata": metadata,
        "spec": {"unschedulable": cordoned},
        "status": {"conditions": ready},
    }


def pod(name: str, on: str, *, leaving: bool = False, app: str = "web") -> Object:
    """A Ready pod."""
    metadata: Object = {
        "name": name,
        "namespace": "shop",
        "uid": name,
        "labels": {"app": app},
        "resourceVersion": "1",
    }
    if leaving:
        metadata["deletionTimestamp"] = STARTED
    ready = [{"type": "Ready", "status": "True"}]
    return {
        "metadata": metadata,
        "spec": {"nodeName": on},
        "status": {"phase": "Running", "conditions": ready},
    }


def budget(app: str = "web", allowed: int = 0, healthy: int = 2, desired: int = 2) -> Object:
    """A budget, and what its controller says."""
    return {
        "metadata": {
            "name": app,
            "namespace": "shop",
            "generation": 1,
            "resourceVersion": "1",
            "uid": app,
        },
        "spec": {"selector": {"matchLabels": {"app": app}}},
        "status": {
            "disruptionsAllowed": allowed,
            "currentHealthy": healthy,
            "desiredHealthy": desired,
            "expectedPods": 2,
            "observedGeneration": 1,
        },
    }


class PageApi:
    """Objects by the last part of their path. `handle` is the handler of a fake apiserver."""

    def __init__(self, **objects: Iterable[Object]) -> None:
        self.objects = {name: list(listed) for name, listed in objects.items()}
        self.patches: list[Object] = []
        self._watches: dict[str, list[asyncio.Queue[list[Object]]]] = {}

    def send(self, resource: str, *events: Object) -> None:
        """Send events to the watches of a resource."""
        for queue in self._watches.get(resource, ()):
            queue.put_nowait(list(events))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a list, a watch, a read of one object, or a patch."""
        resource = request.path.rpartition("/")[2]
        if request.method == "PATCH":
            self.patches.append(await request.json())
            return web.json_response({})
        if request.query.get("watch"):
            return await self._watch(request, resource)
        for listed in self.objects.values():
            for item in listed:
                if item["metadata"]["name"] == resource:
                    return web.json_response(item)
        return web.json_response({"items": self.objects.get(resource, [])})

    async def _watch(self, request: web.Request, resource: str) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        lines = [event("ADDED", item) for item in self.objects.get(resource, ())]
        queue: asyncio.Queue[list[Object]] = asyncio.Queue()
        self._watches.setdefault(resource, []).append(queue)
        queue.put_nowait([*lines, bookmark(1, initial=True)])
        while True:
            lines = await queue.get()
            await response.write(b"".join(json.dumps(line).encode() + b"\n" for line in lines))


@asynccontextmanager
async def page_of(api: PageApi, *, actions: bool = False) -> AsyncIterator[tuple[str, Feed]]:
    """URL and feed of a page of its migration `workers`."""
    async with serving(api.handle) as client, AsyncExitStack() as stack:
        view = await bare_view(client, "workers", 0.0)
        feed = Feed(client, view, allow_actions=actions)
        await stack.enter_async_context(feed.running())
        server = PageServer("workers", feed=feed)
        if actions:
            server.allow_actions()
        url = await stack.enter_async_context(server.serving(0))
        yield url, feed
