"""The ARM subset over HTTP: simulator/aks/rest_api.py answers, this module serves it and keeps the
clock. Requests that belong to no Azure API are under /_testbed/.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.simulator.aks import operations as ops
from azure_linux_migrator.simulator.aks.errors import ArmError, ResponseLost
from azure_linux_migrator.simulator.aks.managed_cluster import ManagedCluster
from azure_linux_migrator.simulator.aks.rest_api import ArmAnswer, ArmRequest, RestApi
from simtest.faults.azure_calls import CallFault, inject
from testbed.aks.nodes import KubernetesNodes
from testbed.aks.subscription import Subscription

log = logging.getLogger(__name__)

API_VERSION = "2026-08-01"
ATTEMPTS = 10
RETRY_SECONDS = 0.5
"""After a failure of the apiserver that may pass."""


class ArmServer:
    """One cluster's resource provider on a loopback port."""

    def __init__(
        self,
        cluster: ManagedCluster,
        nodes: KubernetesNodes | None,
        clock: Callable[[], float] = time.time,
        surroundings: Subscription | None = None,
    ) -> None:
        """With a clock other than the system's, its owner advances the cluster. With
        `surroundings`, the cluster has to be made first."""
        self._clock = clock
        self._cluster = cluster
        self._api = RestApi(cluster)
        self._nodes = nodes
        self._surroundings = surroundings
        self._base = ""
        self.log: list[dict[str, Any]] = []
        self._changed = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._driver: asyncio.Task[None] | None = None
        self._drains: set[asyncio.Task[None]] = set()

    async def start(self, port: int) -> str:
        """Listen (0 picks a free port) and return the base URL."""
        app = web.Application()
        app.add_routes(
            [
                web.post("/_testbed/faults", self._faults),
                web.get("/_testbed/requests", self._requests),
                web.route("*", "/{path:.*}", self._answer),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self._base = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        if self._clock is time.time:
            self._driver = asyncio.create_task(self._drive())
        return self._base

    async def stop(self) -> None:
        """Stop listening and driving."""
        if self._driver is not None:
            self._driver.cancel()
            await asyncio.gather(self._driver, return_exceptions=True)
        for task in tuple(self._drains):
            task.cancel()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _drive(self) -> None:
        """Advance the model with the clock, and apply its events to the cluster."""
        while True:
            self._changed.clear()
            for event in self._cluster.advance(self._clock()):
                await self._show(event)
            following = self._cluster.next_event_at()
            wait = 3600.0 if following is None else max(0.0, following - self._clock())
            try:
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _show(self, event: ops.Event) -> None:
        """Let the cluster see an event. A node that the apiserver refuses never joins, as with a
        label that a kubelet may not set; everything else goes on."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                await self._happen(event)
            except KubernetesError as error:
                passes = error.status == 0 or error.status >= 500 or error.status == 429
                if not passes or attempt == ATTEMPTS:
                    log.warning("%s: the apiserver refuses: %s", type(event).__name__, error)
                    return
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return

    async def _happen(self, event: ops.Event) -> None:
        if self._nodes is None:
            return
        match event:
            case ops.NodeAppears():
                await self._nodes.appear(event.node)
            case ops.NodeChanges():
                await self._nodes.change(event.new)
            case ops.NodeStops():
                await self._nodes.stop(event.name)
            case ops.NodeStarts():
                await self._nodes.change(event.node)
                await self._nodes.restart(event.node.name)
            case ops.NodeVanishes():
                await self._nodes.vanish(event.name)
            case ops.NodeDrains():
                task = asyncio.create_task(self._drain(self._nodes, event))
                self._drains.add(task)
                task.add_done_callback(self._drains.discard)
            case ops.OperationEnds():
                for name in event.kept:
                    await self._nodes.uncordon(name)

    async def _drain(self, nodes: KubernetesNodes, event: ops.NodeDrains) -> None:
        """As AKS does before it removes a machine: cordon, evict within budgets, then report."""
        name = event.name
        while self._cluster.draining(name):
            try:
                await nodes.drain(name, event.evicts, lambda: self._cluster.draining(name))
            except KubernetesError as error:
                log.warning("draining node %s: %s", name, error)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                break
        self._cluster.drained(name, self._clock())
        self._changed.set()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        """Answer a call of the Azure API, and log it."""
        entry = {"at": self._clock(), "method": request.method, "path": request.path, "status": 0}
        self.log.append(entry)
        asked = ArmRequest(
            request.method,
            request.path,
            request.query,
            request.headers,
            await request.read(),
            self._base,
            self._clock(),
        )
        try:
            answer = self._answer_of(asked)
        except ResponseLost as lost:
            self._changed.set()
            await asyncio.sleep(lost.hang_seconds)
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionResetError("the answer is lost on purpose") from lost
        finally:
            self._changed.set()
        entry["status"] = answer.status
        headers = answer.headers | {"x-ms-request-id": f"{len(self.log):036d}"}
        return web.Response(status=answer.status, headers=headers, body=answer.body or None)

    def _answer_of(self, asked: ArmRequest) -> ArmAnswer:
        try:
            around = self._surroundings.answer(asked) if self._surroundings is not None else None
        except ArmError as error:
            return ArmAnswer(error.status, {}, msgspec.json.encode(error.body))
        return around if around is not None else self._api.answer(asked)

    async def _faults(self, request: web.Request) -> web.Response:
        faults = msgspec.json.decode(await request.read(), type=list[CallFault])
        inject(self._cluster, *faults)
        return web.json_response({"added": len(faults)})

    async def _requests(self, _: web.Request) -> web.Response:
        return web.json_response(self.log)
