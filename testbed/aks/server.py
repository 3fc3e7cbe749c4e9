"""The ARM subset over HTTP: paths, statuses and headers as recorded from the real service.

The model decides everything about pools; this module translates HTTP and keeps the clock. Requests
that belong to no Azure API are under /_testbed/.
"""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.simulator.aks import operations as ops
from azure_linux_migrator.simulator.aks.base import Reply
from azure_linux_migrator.simulator.aks.errors import ArmError, ResponseLost, cluster_not_found
from azure_linux_migrator.simulator.aks.managed_cluster import ManagedCluster
from simtest.faults.azure_calls import CallFault, inject
from testbed.aks.nodes import KubernetesNodes

log = logging.getLogger(__name__)

API_VERSION = "2026-08-01"
ATTEMPTS = 10
RETRY_SECONDS = 0.5
"""After a failure of the apiserver that may pass."""
_CLUSTER = "/subscriptions/{sub}/{groups:[rR]esource[gG]roups}/{group}/providers/{rp}/{mc}/{name}"
_LOCATION = "/subscriptions/{sub}/providers/{rp}/locations/{location}"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ArmServer:
    """One cluster's resource provider on a loopback port."""

    def __init__(
        self,
        cluster: ManagedCluster,
        nodes: KubernetesNodes | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """With a clock other than the system's, its owner advances the cluster."""
        self._clock = clock
        self._cluster = cluster
        self._nodes = nodes
        self._base = ""
        self.log: list[dict[str, Any]] = []
        self._changed = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._driver: asyncio.Task[None] | None = None
        self._drains: set[asyncio.Task[None]] = set()

    async def start(self, port: int) -> str:
        """Listen (0 picks a free port) and return the base URL."""
        app = web.Application(middlewares=[self._answer])
        pools = f"{_CLUSTER}/agentPools"
        app.add_routes(
            [
                web.get(_CLUSTER, self._get_cluster),
                web.get(pools, self._list),
                web.get(f"{pools}/{{pool}}", self._get),
                web.put(f"{pools}/{{pool}}", self._put),
                web.delete(f"{pools}/{{pool}}", self._delete),
                web.post(f"{pools}/{{pool}}/abort", self._abort),
                web.post(f"{pools}/{{pool}}/deleteMachines", self._delete_machines),
                web.get(f"{pools}/{{pool}}/machines", self._machines),
                web.get(f"{pools}/{{pool}}/upgradeProfiles/default", self._upgrade_profile),
                web.get(f"{_CLUSTER}/availableAgentPoolVersions", self._versions),
                web.get(f"{_LOCATION}/operations/{{id}}", self._operation),
                web.get(f"{_LOCATION}/operationresults/{{id}}", self._operation_result),
                *self._surroundings(),
                web.post("/_testbed/faults", self._faults),
                web.get("/_testbed/requests", self._requests),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self._base = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        if self._clock is time.time:
            self._driver = asyncio.create_task(self._drive())
        return self._base

    def _surroundings(self) -> list[web.RouteDef]:
        """Routes that preflight checks read beside the cluster's own provider."""

        def listing(read: Callable[[float], list[dict[str, Any]]]) -> Handler:
            async def answer(_: web.Request) -> web.Response:
                return web.json_response({"value": read(self._clock())})

            return answer

        group = "/subscriptions/{sub}/{groups:[rR]esource[gG]roups}/{mcgroup}/providers"
        compute = "/subscriptions/{sub}/providers/Microsoft.Compute"
        cluster = self._cluster
        locks = listing(cluster.locks)
        return [
            web.get(f"{compute}/locations/{{location}}/usages", listing(cluster.usages)),
            web.get(f"{compute}/skus", listing(cluster.skus)),
            web.get(f"{_CLUSTER}/providers/Microsoft.Authorization/locks", locks),
            web.get(f"{group}/Microsoft.Authorization/locks", locks),
            web.get(
                f"{_CLUSTER}/maintenanceConfigurations",
                listing(cluster.maintenance_configurations),
            ),
            web.get(
                f"{group}/Microsoft.Compute/virtualMachineScaleSets", listing(cluster.scale_sets)
            ),
            web.get(
                f"{group}/Microsoft.Network/virtualNetworks/{{vnet}}/subnets/{{subnet}}",
                self._subnet,
            ),
        ]

    async def _subnet(self, request: web.Request) -> web.Response:
        return web.json_response(self._cluster.subnet(request.path, self._clock()))

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
            case ops.NodeVanishes():
                await self._nodes.vanish(event.name)
            case ops.NodeDrains():
                task = asyncio.create_task(self._drain(self._nodes, event.name))
                self._drains.add(task)
                task.add_done_callback(self._drains.discard)
            case _:
                return

    async def _drain(self, nodes: KubernetesNodes, name: str) -> None:
        """As AKS does before it removes a machine: cordon, evict within budgets, then report."""
        while True:
            try:
                await nodes.drain(name)
            except KubernetesError as error:
                log.warning("draining node %s: %s", name, error)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                break
        self._cluster.drained(name, self._clock())
        self._changed.set()

    @web.middleware
    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Log every call, and give errors their body."""
        if request.path.startswith("/_testbed/"):
            return await handler(request)
        entry = {"at": self._clock(), "method": request.method, "path": request.path, "status": 0}
        self.log.append(entry)
        try:
            self._check(request)
            response = await handler(request)
        except ArmError as error:
            headers = {}
            if error.retry_after is not None:
                headers["Retry-After"] = str(max(1, round(error.retry_after)))
            response = web.json_response(error.body, status=error.status, headers=headers)
        except ResponseLost as lost:
            self._changed.set()
            await asyncio.sleep(lost.hang_seconds)
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionResetError("the answer is lost on purpose") from lost
        finally:
            self._changed.set()
        entry["status"] = response.status
        response.headers["x-ms-request-id"] = f"{len(self.log):036d}"
        return response

    def _check(self, request: web.Request) -> None:
        if not request.query.get("api-version"):
            text = "The api-version query parameter (?api-version=) is required for all requests."
            raise ArmError(400, "MissingApiVersionParameter", text)
        shape, match = self._cluster.shape, request.match_info
        if match.get("name", shape.name) != shape.name or (
            match.get("group", shape.resource_group).lower() != shape.resource_group.lower()
        ):
            raise cluster_not_found(match["group"], match["name"])

    async def _get_cluster(self, _: web.Request) -> web.Response:
        return web.json_response(self._cluster.cluster(self._clock()))

    async def _list(self, request: web.Request) -> web.Response:
        if request.query.get("$skiptoken"):
            return web.json_response({"value": []})
        body = {"value": self._cluster.list_pools(self._clock())}
        # A recorded list has a link to a second page that is empty; clients must follow it.
        body["nextLink"] = f"{self._base}{request.path_qs}&$skiptoken=1"  # type: ignore[assignment]
        return web.json_response(body)

    async def _get(self, request: web.Request) -> web.Response:
        return web.json_response(self._cluster.get(request.match_info["pool"], self._clock()))

    async def _put(self, request: web.Request) -> web.Response:
        reply = self._cluster.put(
            request.match_info["pool"],
            await request.json(),
            self._clock(),
            if_match=request.headers.get("If-Match", ""),
            if_none_match=request.headers.get("If-None-Match", ""),
        )
        return self._reply(request, reply)

    async def _delete(self, request: web.Request) -> web.Response:
        ignore = request.query.get("ignore-pod-disruption-budget", "").lower() == "true"
        reply = self._cluster.delete(
            request.match_info["pool"],
            self._clock(),
            if_match=request.headers.get("If-Match", ""),
            ignore_disruption_budgets=ignore,
        )
        return self._reply(request, reply)

    async def _abort(self, request: web.Request) -> web.Response:
        return self._reply(request, self._cluster.abort(request.match_info["pool"], self._clock()))

    async def _delete_machines(self, request: web.Request) -> web.Response:
        names = (await request.json()).get("machineNames") or []
        pool = request.match_info["pool"]
        return self._reply(request, self._cluster.delete_machines(pool, names, self._clock()))

    async def _machines(self, request: web.Request) -> web.Response:
        machines = self._cluster.machines(request.match_info["pool"], self._clock())
        return web.json_response({"value": machines})

    async def _upgrade_profile(self, request: web.Request) -> web.Response:
        pool = request.match_info["pool"]
        return web.json_response(self._cluster.upgrade_profile(pool, self._clock()))

    async def _versions(self, _: web.Request) -> web.Response:
        return web.json_response(self._cluster.available_versions(self._clock()))

    async def _operation(self, request: web.Request) -> web.Response:
        return web.json_response(self._cluster.operation(request.match_info["id"], self._clock()))

    async def _operation_result(self, request: web.Request) -> web.Response:
        return web.Response(
            status=self._cluster.operation_result(request.match_info["id"], self._clock())
        )

    async def _faults(self, request: web.Request) -> web.Response:
        faults = msgspec.json.decode(await request.read(), type=list[CallFault])
        inject(self._cluster, *faults)
        return web.json_response({"added": len(faults)})

    async def _requests(self, _: web.Request) -> web.Response:
        return web.json_response(self.log)

    def _reply(self, request: web.Request, reply: Reply) -> web.Response:
        headers = {}
        if reply.operation:
            shape = self._cluster.shape
            base = (
                f"{self._base}/subscriptions/{shape.subscription}/providers/"
                f"Microsoft.ContainerService/locations/{shape.location}"
            )
            version = f"?api-version={request.query['api-version']}"
            headers["Azure-AsyncOperation"] = f"{base}/operations/{reply.operation}{version}"
            if reply.location:
                headers["Location"] = f"{base}/operationresults/{reply.operation}{version}"
        if reply.body is None:
            return web.Response(status=reply.status, headers=headers)
        return web.json_response(reply.body, status=reply.status, headers=headers, dumps=json.dumps)
