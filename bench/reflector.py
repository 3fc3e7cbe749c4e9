"""`python -m bench.reflector`: a list of many pods and a burst of events, through real HTTP.

A server in a process of its own streams pods of about 9 KB, as the apiserver's streaming list does
(or pages of 500, with `--paged`), and then one change of each. This process runs the operator's own
client, reflector and World, and a ticker beside them. It prints one line of JSON.
"""

import argparse
import asyncio
import gc
import json
import multiprocessing
import resource
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection

import aiohttp
from aiohttp import web

from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.kube.credentials import Credentials
from azure_linux_migrator.kube.decode import PodObject
from azure_linux_migrator.kube.reflector import Reflector, Sink
from azure_linux_migrator.model.cluster import NamespacedName, Pod

TICK_SECONDS = 0.005
PATIENCE = 300.0


@dataclass(frozen=True)
class ReflectorFigures:
    """`longest_turn_ms` is the most CPU time between two ticks, during which the event loop is
    blocked, whatever else the machine does. `listed_s` and `changed_s` are wall-clock seconds."""

    pods: int
    listed_s: float
    changed_s: float
    longest_turn_ms: float
    rss_growth_mb: float
    bytes_per_pod: int


def pod(index: int, revision: int) -> bytes:
    """A pod of about 9 KB, as the API shows it."""
    name = f"app-{index // 50}-{index:06d}"
    stamp = "2026-11-24T10:00:00Z"
    container = {
        "name": "app",
        "image": "registry.example/app:1",
        "env": [{"name": f"VARIABLE_{n}", "value": "x" * 60} for n in range(70)],
    }
    conditions = [
        {"type": kind, "status": "True", "lastTransitionTime": stamp}
        for kind in ("PodScheduled", "Initialized", "ContainersReady", "Ready")
    ]
    item = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": f"ns-{index % 50}",
            "uid": f"{index:08x}-0000-0000-0000-000000000000",
            "resourceVersion": str(revision),
            "creationTimestamp": stamp,
            "labels": {"app": f"app-{index // 50}"},
            "ownerReferences": [
                {"kind": "ReplicaSet", "name": "rs", "uid": f"rs-{index // 50}", "controller": True}
            ],
            "managedFields": [{"manager": "kubelet", "fieldsV1": {"f:" + "y" * 900: {}}}],
        },
        "spec": {"nodeName": f"node-{index // 20}", "containers": [container]},
        "status": {"phase": "Running", "conditions": conditions},
    }
    return json.dumps(item).encode()


class _Server:
    def __init__(self, pods: int, *, paged: bool) -> None:
        self._pods = pods
        self._paged = paged
        self._go_on = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The list, then one burst of changes, then silence."""
        query = request.query
        if "go" in query:
            self._go_on.set()
            return web.Response()
        if "limit" in query:
            return self._page(int(query.get("continue") or 0))
        if "sendInitialEvents" in query and self._paged:
            status = {"kind": "Status", "code": 422, "message": "no streaming lists"}
            return web.json_response(status, status=422)
        response = web.StreamResponse()
        await response.prepare(request)
        if "sendInitialEvents" in query:
            await self._send(response, "ADDED", 1)
            notes = {"k8s.io/initial-events-end": "true"}
            meta = {"resourceVersion": str(self._pods), "annotations": notes}
            end = {"type": "BOOKMARK", "object": {"metadata": meta}}
            await response.write(json.dumps(end).encode() + b"\n")
        await self._go_on.wait()
        await self._send(response, "MODIFIED", 1 + self._pods)
        await asyncio.sleep(PATIENCE)
        return response

    async def _send(self, response: web.StreamResponse, kind: str, first: int) -> None:
        for index in range(self._pods):
            line = b'{"type":"%s","object":%s}\n' % (kind.encode(), pod(index, first + index))
            await response.write(line)

    def _page(self, start: int) -> web.Response:
        end = min(start + 500, self._pods)
        following = str(end) if end < self._pods else ""
        meta = json.dumps({"resourceVersion": str(self._pods), "continue": following})
        items = b",".join(pod(index, 1 + index) for index in range(start, end))
        body = b'{"metadata":%s,"items":[%s]}' % (meta.encode(), items)
        return web.Response(body=body, content_type="application/json")


def _serve(pods: int, paged: bool, pipe: Connection) -> None:
    async def run() -> None:
        server = _Server(pods, paged=paged)
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", server.answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        pipe.send(runner.addresses[0][1])
        await asyncio.sleep(PATIENCE)

    asyncio.run(run())


async def _measure(port: int, pods: int) -> ReflectorFigures:
    world, changes, turns = World(), 0, [0.0]

    def put(record: Pod) -> None:
        nonlocal changes
        changes += 1
        world.put_pod(record)

    async def tick() -> None:
        while True:
            before = time.thread_time()
            await asyncio.sleep(TICK_SECONDS)
            turns.append(time.thread_time() - before)

    def remove(key: NamespacedName, revision: int) -> None:
        world.remove_pod(key, revision)

    session = aiohttp.ClientSession()
    client = Client(Credentials(f"http://127.0.0.1:{port}"), session)
    gc.collect()
    before = _resident()
    ticking = asyncio.create_task(tick())
    reflector = Reflector(
        client, "/api/v1/pods", PodObject, Sink(put, remove, lambda: None, lambda: None)
    )
    began = time.monotonic()
    reflector.start()
    try:
        async with asyncio.timeout(PATIENCE):
            await _until(lambda: reflector.synced)
            listed = time.monotonic()
            await client.request("GET", "/", query={"go": "1"})
            await _until(lambda: changes >= 2 * pods)
        changed = time.monotonic()
    finally:
        await reflector.stop()
        ticking.cancel()
        await client.close()
    growth = _resident() - before
    return ReflectorFigures(
        pods=len(world.pods),
        listed_s=round(listed - began, 2),
        changed_s=round(changed - listed, 2),
        longest_turn_ms=round(max(turns) * 1000, 1),
        rss_growth_mb=round(growth / 1e6, 1),
        bytes_per_pod=round(growth / pods),
    )


async def _until(check: Callable[[], bool]) -> None:
    while not check():  # noqa: ASYNC110 - polled beside the loop that is measured
        await asyncio.sleep(0.02)


def _resident() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure(pods: int, *, paged: bool) -> ReflectorFigures:
    """Start the server, measure in this process, and end the server."""
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    server = context.Process(target=_serve, args=(pods, paged, theirs), daemon=True)
    server.start()
    try:
        return asyncio.run(_measure(ours.recv(), pods))
    finally:
        server.terminate()
        server.join()


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(prog="bench.reflector", description=__doc__)
    parser.add_argument("--pods", type=int, default=20_000)
    parser.add_argument("--paged", action="store_true")
    arguments = parser.parse_args()
    print(json.dumps(asdict(measure(arguments.pods, paged=arguments.paged))))


if __name__ == "__main__":
    main()
