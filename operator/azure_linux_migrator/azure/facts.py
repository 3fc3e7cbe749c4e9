"""What preflight rules need of Azure beside the pools: read through the SDK's own connection.

Each part is one try and may be missing: a permission that is not there, a provider that does not
answer. It then says why, and no rule takes it for a pass.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from azure.core.exceptions import AzureError as SdkError
from azure.core.rest import HttpRequest
from azure.mgmt.containerservice.aio import ContainerServiceClient

from azure_linux_migrator.api.spec import ClusterRef
from azure_linux_migrator.azure.fact_bodies import (
    Json,
    decode_attachments,
    decode_cluster,
    decode_extensions,
    decode_identities,
    decode_lock,
    decode_size,
    decode_versions,
    strings,
)
from azure_linux_migrator.model.azure_facts import (
    AzureFacts,
    ClusterFacts,
    Lock,
    SizeFacts,
    SubnetFacts,
    Unread,
    Usage,
)
from azure_linux_migrator.model.pool import Pool

API_VERSION = "2026-08-01"
"""Of Microsoft.ContainerService: that of the SDK."""
COMPUTE = "2024-07-01"
SKUS = "2021-07-01"
NETWORK = "2024-05-01"
LOCKS = "2016-09-01"
MOST_PAGES = 50

_ACTION = re.compile(r"perform action '([^']+)'")

T = TypeVar("T")


class _NoAnswerError(Exception):
    def __init__(self, why: str, denied: str = "") -> None:
        super().__init__(why)
        self.denied = denied


async def read_facts(
    client: ContainerServiceClient, cluster: ClusterRef, source: Pool, api_version: str
) -> AzureFacts:
    """Read every part; the managed cluster first, since the others need its location."""
    arm = _Arm(client, api_version)
    subscription = f"/subscriptions/{cluster.subscription_id}"
    cluster_id = (
        f"{subscription}/resourceGroups/{cluster.resource_group}/providers/"
        f"Microsoft.ContainerService/managedClusters/{cluster.name}"
    )
    facts = await arm.part(lambda: _cluster(arm, cluster_id))
    if isinstance(facts, Unread):
        unknown = Unread(f"the cluster's location is not known: {facts.why}")
        windows, (locks, lock_gaps) = await asyncio.gather(
            arm.part(lambda: _windows(arm, cluster_id)),
            _locks(arm, cluster_id, ""),
        )
        return AzureFacts(
            cluster=facts,
            usages=unknown,
            sizes=unknown,
            subnets=await _subnets(arm, source),
            denied=tuple(sorted(arm.denied)),
            locks=locks,
            lock_gaps=lock_gaps,
            windows=windows,
            extensions=unknown,
            identities=unknown,
            attachments=unknown,
            versions=await arm.part(lambda: _versions(arm, cluster_id)),
            images=unknown,
        )
    node_group = f"{subscription}/resourceGroups/{facts.node_resource_group}"
    location = facts.location
    usages, sizes, subnets = await asyncio.gather(
        arm.part(lambda: _usages(arm, subscription, location)),
        arm.part(lambda: _sizes(arm, subscription, location)),
        _subnets(arm, source),
    )
    (locks, lock_gaps), windows, machines, versions = await asyncio.gather(
        _locks(arm, cluster_id, node_group),
        arm.part(lambda: _windows(arm, cluster_id)),
        arm.part(lambda: _scale_sets(arm, node_group, source)),
        arm.part(lambda: _versions(arm, cluster_id)),
    )
    return AzureFacts(
        cluster=facts,
        usages=usages,
        sizes=sizes,
        subnets=subnets,
        denied=tuple(sorted(arm.denied)),
        locks=locks,
        lock_gaps=lock_gaps,
        windows=windows,
        extensions=machines if isinstance(machines, Unread) else decode_extensions(machines),
        identities=machines if isinstance(machines, Unread) else decode_identities(machines, facts),
        attachments=(
            machines
            if isinstance(machines, Unread)
            else decode_attachments(machines, facts, source)
        ),
        versions=versions,
        images=Unread("AKS shows a pool's image once the pool exists"),
    )


class _Arm:
    """Reads of Azure Resource Manager; keeps the actions that were refused."""

    def __init__(self, client: ContainerServiceClient, clusters: str) -> None:
        self._client = client
        self.clusters = clusters
        """The API version of managed clusters and what is below them."""
        self.denied: set[str] = set()

    async def part(self, read: Callable[[], Awaitable[T]]) -> T | Unread:
        """The part, or why it could not be read."""
        try:
            return await read()
        except _NoAnswerError as error:
            if error.denied:
                self.denied.add(error.denied)
            return Unread(str(error))
        except (KeyError, TypeError, ValueError) as error:
            return Unread(f"Azure's answer was not understood: {type(error).__name__}: {error}")

    async def get(self, path: str, version: str, **query: str) -> Json:
        """One resource."""
        params = {"api-version": version, **query}
        return await self._ask(HttpRequest("GET", path, params=params), path)

    async def pages(self, path: str, version: str, **query: str) -> list[Json]:
        """All items of a list."""
        answer = await self.get(path, version, **query)
        items = list(answer.get("value") or ())
        for _ in range(MOST_PAGES):
            following = answer.get("nextLink")
            if not following:
                break
            answer = await self._ask(HttpRequest("GET", str(following)), path)
            items += answer.get("value") or ()
        return items

    async def _ask(self, request: HttpRequest, path: str) -> Json:
        what = path.rsplit("/providers/", 1)[-1]
        try:
            response = await self._client.send_request(request)
            await response.read()
        except SdkError as error:
            raise _NoAnswerError(f"reading {what} failed: {error.message}") from error
        if response.status_code == 200:
            return dict(response.json())
        message = _message(response.text())
        if response.status_code == 403:
            action = match.group(1) if (match := _ACTION.search(message)) else f"{what}/read"
            raise _NoAnswerError(f"the operator's identity may not {action}", action)
        raise _NoAnswerError(f"reading {what}: {response.status_code} {message}"[:300])


def _message(text: str) -> str:
    match = re.search(r'"message"\s*:\s*"((?:[^"\\]|\\.)*)"', text)
    return match.group(1) if match else text[:200]


async def _cluster(arm: _Arm, cluster_id: str) -> ClusterFacts:
    return decode_cluster(await arm.get(cluster_id, arm.clusters), cluster_id)


async def _usages(arm: _Arm, subscription: str, location: str) -> dict[str, Usage]:
    path = f"{subscription}/providers/Microsoft.Compute/locations/{location}/usages"
    return {
        str(usage["name"]["value"]).lower(): Usage(int(usage["currentValue"]), int(usage["limit"]))
        for usage in await arm.pages(path, COMPUTE)
    }


async def _sizes(arm: _Arm, subscription: str, location: str) -> dict[str, SizeFacts]:
    path = f"{subscription}/providers/Microsoft.Compute/skus"
    items = await arm.pages(path, SKUS, **{"$filter": f"location eq '{location}'"})
    return {
        str(item["name"]).lower(): decode_size(item)
        for item in items
        if item.get("resourceType") == "virtualMachines"
    }


async def _subnets(arm: _Arm, source: Pool) -> dict[str, SubnetFacts] | Unread:
    """Those that can be read; nodes and pods may be in different networks."""
    ids = [id_ for id_ in (source.settings.subnet_id, source.settings.pod_subnet_id) if id_]
    read = [await arm.part(partial(_subnet, arm, id_)) for id_ in ids]
    subnets = {
        id_.lower(): facts
        for id_, facts in zip(ids, read, strict=True)
        if not isinstance(facts, Unread)
    }
    unread = next((facts for facts in read if isinstance(facts, Unread)), None)
    return unread if unread is not None and not subnets else subnets


async def _subnet(arm: _Arm, subnet_id: str) -> SubnetFacts:
    properties = (await arm.get(subnet_id, NETWORK)).get("properties") or {}
    prefixes = properties.get("addressPrefixes") or [properties.get("addressPrefix")]
    return SubnetFacts(strings(prefixes), len(properties.get("ipConfigurations") or ()))


async def _versions(arm: _Arm, cluster_id: str) -> tuple[str, ...]:
    path = f"{cluster_id}/availableAgentPoolVersions"
    return decode_versions(await arm.get(path, arm.clusters))


async def _locks(
    arm: _Arm, cluster_id: str, node_group: str
) -> tuple[tuple[Lock, ...] | Unread, tuple[str, ...]]:
    """The locks, and why those of a scope are not known. A list holds the locks of a scope and of
    all below it, not those that the scope inherits: those above it are asked for too."""
    groups = (cluster_id.split("/providers/", maxsplit=1)[0], node_group)
    subscription = cluster_id.split("/resourceGroups/", maxsplit=1)[0]
    locks: set[Lock] = set()
    unread: list[Unread] = []
    scopes = [scope for scope in (cluster_id, *groups, subscription) if scope]
    for scope in scopes:
        path = f"{scope}/providers/Microsoft.Authorization/locks"
        items = await arm.part(partial(arm.pages, path, LOCKS))
        if isinstance(items, Unread):
            unread.append(items)
        else:
            decoded = (decode_lock(item, cluster_id, node_group) for item in items)
            locks |= {lock for lock in decoded if lock is not None}
    if len(unread) == len(scopes):
        return unread[0], ()
    read = tuple(sorted(locks, key=lambda lock: (lock.scope, lock.name)))
    return read, tuple(dict.fromkeys(part.why for part in unread))


async def _windows(arm: _Arm, cluster_id: str) -> tuple[str, ...]:
    items = await arm.pages(f"{cluster_id}/maintenanceConfigurations", arm.clusters)
    return tuple(sorted(str(window["name"]) for window in items))


async def _scale_sets(arm: _Arm, node_group: str, source: Pool) -> list[Json]:
    """Those of the source: one, but for pools of several zones or sizes."""
    path = f"{node_group}/providers/Microsoft.Compute/virtualMachineScaleSets"
    return [
        machine
        for machine in await arm.pages(path, COMPUTE)
        if (machine.get("tags") or {}).get("aks-managed-poolName") == source.name
    ]
