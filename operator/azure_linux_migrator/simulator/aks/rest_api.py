"""The ARM subset as requests and answers: paths, statuses and headers as recorded from the real
service. The model decides everything about pools; this module translates.

testbed/aks/server.py serves it over HTTP; in virtual time it is a transport of the SDK.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from azure_linux_migrator.simulator.aks.base import ArmReply
from azure_linux_migrator.simulator.aks.errors import ArmError, cluster_not_found
from azure_linux_migrator.simulator.aks.managed_cluster import ManagedCluster

_CLUSTER = (
    r"/subscriptions/(?P<sub>[^/]+)/[rR]esource[gG]roups/(?P<group>[^/]+)/providers"
    r"/(?P<rp>[^/]+)/(?P<mc>[^/]+)/(?P<name>[^/]+)"
)
_LOCATION = r"/subscriptions/[^/]+/providers/[^/]+/locations/[^/]+"
_GROUP = r"/subscriptions/[^/]+/[rR]esource[gG]roups/[^/]+/providers"
_SUBSCRIPTION_LOCKS = r"/subscriptions/[^/]+/providers/Microsoft.Authorization/locks"
_COMPUTE = r"/subscriptions/[^/]+/providers/Microsoft.Compute"
_POOL = rf"{_CLUSTER}/agentPools/(?P<pool>[^/]+)"


OPERATIONS_VERSION = "2025-03-01"
"""The api-version in the URLs of operations is the service's, not the caller's (recorded)."""


class ArmRequest(Struct, frozen=True):
    """A request at a time (seconds since the epoch). `base` is the URL that links begin with;
    header names are as the SDK sends them, in any case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    base: str
    now: float

    def header(self, name: str) -> str:
        """A header's value; empty if it is not sent."""
        wanted = name.lower()
        return next((text for key, text in self.headers.items() if key.lower() == wanted), "")


class ArmAnswer(Struct, frozen=True):
    """An answer; `body` is empty where there is none."""

    status: int
    headers: dict[str, str] = {}
    body: bytes = b""


Handler = Callable[[ArmRequest, dict[str, str]], ArmAnswer]


class RestApi:
    """The resource provider of one cluster, and the providers that preflight checks read."""

    def __init__(self, cluster: ManagedCluster) -> None:
        self._cluster = cluster
        self.links_empty_page = True
        """A recorded list of pools has a link to a second page that is empty, which clients must
        follow; others have none."""
        get = self._reading
        listed = self._listing
        self._routes: tuple[tuple[str, re.Pattern[str], Handler], ...] = tuple(
            (method, re.compile(f"^{pattern}$"), handler)
            for method, pattern, handler in (
                ("GET", _CLUSTER, get(lambda now, _: cluster.cluster(now))),
                ("GET", f"{_CLUSTER}/agentPools", self._list),
                ("GET", _POOL, get(lambda now, named: cluster.get(named["pool"], now))),
                ("PUT", _POOL, self._put),
                ("DELETE", _POOL, self._delete),
                ("POST", f"{_POOL}/abort", self._abort),
                ("POST", f"{_POOL}/deleteMachines", self._delete_machines),
                ("GET", f"{_POOL}/machines", self._machines),
                (
                    "GET",
                    f"{_POOL}/upgradeProfiles/default",
                    get(lambda now, named: cluster.upgrade_profile(named["pool"], now)),
                ),
                (
                    "GET",
                    f"{_CLUSTER}/availableAgentPoolVersions",
                    get(lambda now, _: cluster.available_versions(now)),
                ),
                (
                    "GET",
                    f"{_LOCATION}/operations/(?P<id>[^/]+)",
                    get(lambda now, named: cluster.operation(named["id"], now)),
                ),
                ("GET", f"{_LOCATION}/operationresults/(?P<id>[^/]+)", self._operation_result),
                ("GET", f"{_COMPUTE}/locations/[^/]+/usages", listed(cluster.usages)),
                ("GET", f"{_COMPUTE}/skus", listed(cluster.skus)),
                (
                    "GET",
                    f"{_CLUSTER}/providers/Microsoft.Authorization/locks",
                    listed(cluster.locks),
                ),
                ("GET", f"{_GROUP}/Microsoft.Authorization/locks", listed(cluster.locks)),
                ("GET", _SUBSCRIPTION_LOCKS, listed(cluster.locks)),
                (
                    "GET",
                    f"{_CLUSTER}/maintenanceConfigurations",
                    listed(cluster.maintenance_configurations),
                ),
                (
                    "GET",
                    f"{_GROUP}/Microsoft.Compute/virtualMachineScaleSets",
                    listed(cluster.scale_sets),
                ),
                (
                    "GET",
                    f"{_GROUP}/Microsoft.Network/virtualNetworks/[^/]+/subnets/[^/]+",
                    self._subnet,
                ),
            )
        )

    def answer(self, request: ArmRequest) -> ArmAnswer:
        """Let a request take effect. Raises ResponseLost if the answer is lost."""
        try:
            return self._answer(request)
        except ArmError as error:
            headers = {}
            if error.retry_after is not None:
                headers["Retry-After"] = str(max(1, round(error.retry_after)))
            return _json(error.body, error.status, headers)

    def _answer(self, request: ArmRequest) -> ArmAnswer:
        if not request.query.get("api-version"):
            text = "The api-version query parameter (?api-version=) is required for all requests."
            raise ArmError(400, "MissingApiVersionParameter", text)
        for method, pattern, handler in self._routes:
            if method == request.method and (match := pattern.match(request.path)):
                named = match.groupdict()
                self._check(named)
                return handler(request, named)
        raise ArmError(404, "InvalidResourceType", f"no such resource: {request.path}")

    def _check(self, named: Mapping[str, str]) -> None:
        shape = self._cluster.shape
        if "name" in named and (
            named["name"] != shape.name or named["group"].lower() != shape.resource_group.lower()
        ):
            raise cluster_not_found(named["group"], named["name"])

    @staticmethod
    def _reading(read: Callable[[float, dict[str, str]], dict[str, Any]]) -> Handler:
        return lambda request, named: _json(read(request.now, named))

    @staticmethod
    def _listing(read: Callable[[float], list[dict[str, Any]]]) -> Handler:
        return lambda request, _: _json({"value": read(request.now)})

    def _list(self, request: ArmRequest, _: dict[str, str]) -> ArmAnswer:
        if request.query.get("$skiptoken"):
            return _json({"value": []})
        value = self._cluster.list_pools(request.now)
        if not self.links_empty_page:
            return _json({"value": value})
        version = request.query["api-version"]
        link = f"{request.base}{request.path}?api-version={version}&$skiptoken=1"
        return _json({"value": value, "nextLink": link})

    def _put(self, request: ArmRequest, named: dict[str, str]) -> ArmAnswer:
        reply = self._cluster.put(
            named["pool"],
            json.loads(request.body),
            request.now,
            if_match=request.header("If-Match"),
            if_none_match=request.header("If-None-Match"),
        )
        return self._reply(request, reply)

    def _delete(self, request: ArmRequest, named: dict[str, str]) -> ArmAnswer:
        ignore = request.query.get("ignore-pod-disruption-budget", "").lower() == "true"
        reply = self._cluster.delete(
            named["pool"],
            request.now,
            if_match=request.header("If-Match"),
            ignore_disruption_budgets=ignore,
        )
        return self._reply(request, reply)

    def _abort(self, request: ArmRequest, named: dict[str, str]) -> ArmAnswer:
        return self._reply(request, self._cluster.abort(named["pool"], request.now))

    def _delete_machines(self, request: ArmRequest, named: dict[str, str]) -> ArmAnswer:
        names = json.loads(request.body).get("machineNames") or []
        reply = self._cluster.delete_machines(named["pool"], names, request.now)
        return self._reply(request, reply)

    def _machines(self, request: ArmRequest, named: dict[str, str]) -> ArmAnswer:
        return _json({"value": self._cluster.machines(named["pool"], request.now)})

    def _subnet(self, request: ArmRequest, _: dict[str, str]) -> ArmAnswer:
        return _json(self._cluster.subnet(request.path, request.now))

    def _operation_result(self, request: ArmRequest, named: dict[str, str]) -> ArmAnswer:
        return ArmAnswer(self._cluster.operation_result(named["id"], request.now))

    def _reply(self, request: ArmRequest, reply: ArmReply) -> ArmAnswer:
        headers = {}
        if reply.operation:
            shape = self._cluster.shape
            base = (
                f"{request.base}/subscriptions/{shape.subscription}/providers/"
                f"Microsoft.ContainerService/locations/{shape.location}"
            )
            version = f"?api-version={OPERATIONS_VERSION}"
            headers["Azure-AsyncOperation"] = f"{base}/operations/{reply.operation}{version}"
            if reply.location:
                headers["Location"] = f"{base}/operationresults/{reply.operation}{version}"
        if reply.body is None:
            return ArmAnswer(reply.status, headers)
        return _json(reply.body, reply.status, headers)


def _json(body: object, status: int = 200, headers: dict[str, str] | None = None) -> ArmAnswer:
    content = {"Content-Type": "application/json; charset=utf-8"}
    return ArmAnswer(status, content | (headers or {}), json.dumps(body).encode())
