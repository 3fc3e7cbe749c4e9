"""A small API server for faults that the real one does not produce on demand."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.kube.credentials import Credentials

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[Client]:
    """A client of a server that answers everything by `handler`."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    session = aiohttp.ClientSession()
    port = runner.addresses[0][1]
    client = Client(Credentials(f"http://127.0.0.1:{port}"), session)
    try:
        yield client
    finally:
        await client.close()
        await runner.cleanup()


async def stream(request: web.Request, *events: dict[str, object]) -> web.StreamResponse:
    """A watch that sends these events and ends."""
    response = web.StreamResponse()
    await response.prepare(request)
    for event in events:
        await response.write(json.dumps(event).encode() + b"\n")
    return response


def pod(name: str, revision: int) -> dict[str, object]:
    """A pod as the API shows it."""
    meta = {"name": name, "namespace": "ns", "uid": name, "resourceVersion": str(revision)}
    return {"metadata": meta, "spec": {}, "status": {"phase": "Running"}}


def event(kind: str, item: dict[str, object]) -> dict[str, object]:
    """A watch event."""
    return {"type": kind, "object": item}


def bookmark(revision: int, *, initial: bool = False) -> dict[str, object]:
    """A bookmark; the initial one ends a streamed list."""
    notes = {"k8s.io/initial-events-end": "true"} if initial else {}
    return event("BOOKMARK", {"metadata": {"resourceVersion": str(revision), "annotations": notes}})
