"""What preflight rules need of Azure beside the pools: read through the SDK's own connection.

Each part is one try and may be missing: a permission that is not there, a provider that does not
answer. It then says why, and no rule takes it for a pass.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeVar

from azure.core.exceptions import AzureError as SdkError
from azure.core.rest import HttpRequest
from azure.mgmt.containerservice.aio import ContainerServiceClient

from azure_linux_migrator.api.spec import ClusterRef
from azure_linux_migrator.model.azure_facts import (
    AzureFacts,
    ClusterFacts,
    SizeFacts,
    SubnetFacts,
    Unread,
    Usage,
)
from azure_linux_migrator.model.pool import Pool

CLUSTERS = "2026-08-01"
COMPUTE = "2024-07-01"
SKUS = "2021-07-01"
NETWORK = "2024-05-01"
LOCKS = "2016-09-01"
MOST_PAGES = 50

_ACTION = re.compile(r"perform action '([^']+)'")
_OWN_EXTENSION = re.compile(r"^(vmssCSE|.*AKSLinux.*|aks.*)$", re.IGNORECASE)

T = TypeVar("T")
Json = Mapping[str, Any]


class _NoAnswerError(Exception):
    def __init__(self, why: str, denied: str = "") -> None:
        super().__init__(why)
        self.denied = denied


async def read_facts(
    client: ContainerServiceClient, cluster: ClusterRef, source: Pool
) -> AzureFacts:
    """Read every part; the managed cluster first, since the others need its location."""
    arm = _Arm(client)
    subscription = f"/subscriptions/{cluster.subscription_id}"
    cluster_id = (
        f"{subscription}/resourceGroups/{cluster.resource_group}/providers/"
        f"Microsoft.ContainerService/managedClusters/{cluster.name}"
    )
    facts = await arm.part(lambda: _cluster(arm, cluster_id))
    if isinstance(facts, Unread):
        unknown = Unread(f"the cluster's location is not known: {facts.why}")
        windows, locks = await asyncio.gather(
            arm.part(lambda: _windows(arm, cluster_id)),
            arm.part(lambda: _locks(arm, (cluster_id,))),
        )
        return AzureFacts(
            cluster=facts,
            usages=unknown,
            sizes=unknown,
            subnets=await arm.part(lambda: _subnets(arm, source)),
            denied=tuple(sorted(arm.denied)),
            locks=locks,
            windows=windows,
            extensions=unknown,
            images=unknown,
        )
    node_group = f"{subscription}/resourceGroups/{facts.node_resource_group}"
    location = facts.location
    usages, sizes, subnets, locks, windows, extensions = await asyncio.gather(
        arm.part(lambda: _usages(arm, subscription, location)),
        arm.part(lambda: _sizes(arm, subscription, location)),
        arm.part(lambda: _subnets(arm, source)),
        arm.part(lambda: _locks(arm, (cluster_id, node_group))),
        arm.part(lambda: _windows(arm, cluster_id)),
        arm.part(lambda: _extensions(arm, node_group, source)),
    )
    return AzureFacts(
        cluster=facts,
        usages=usages,
        sizes=sizes,
        subnets=subnets,
        denied=tuple(sorted(arm.denied)),
        locks=locks,
        windows=windows,
        extensions=extensions,
        images=Unread("AKS tells a pool's image once the pool exists"),
    )


class _Arm:
    """Reads of Azure Resource Manager; remembers the actions that were refused."""

    def __init__(self, client: ContainerServiceClient) -> None:
        self._client = client
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
    body = await arm.get(cluster_id, CLUSTERS)
    properties = body.get("properties") or {}
    network = properties.get("networkProfile") or {}
    upgrades = properties.get("autoUpgradeProfile") or {}
    return ClusterFacts(
        state=str(properties.get("provisioningState") or ""),
        location=str(body.get("location") or ""),
        kubernetes_version=str(
            properties.get("currentKubernetesVersion") or properties.get("kubernetesVersion") or ""
        ),
        node_provisioning=str((properties.get("nodeProvisioningProfile") or {}).get("mode") or ""),
        network_plugin=str(network.get("networkPlugin") or ""),
        network_plugin_mode=str(network.get("networkPluginMode") or ""),
        pod_cidrs=_strings(network.get("podCidrs") or [network.get("podCidr")]),
        ip_families=_strings(network.get("ipFamilies")),
        node_resource_group=str(properties.get("nodeResourceGroup") or ""),
        subscription=cluster_id.split("/")[2],
        upgrade_channel=str(upgrades.get("upgradeChannel") or ""),
        node_os_channel=str(upgrades.get("nodeOSUpgradeChannel") or ""),
        autoscaler_profile=dict(properties.get("autoScalerProfile") or {}),
    )


def _strings(values: Iterable[object] | None) -> tuple[str, ...]:
    return tuple(str(value) for value in values or () if value)


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
        str(item["name"]).lower(): _size(item)
        for item in items
        if item.get("resourceType") == "virtualMachines"
    }


def _size(item: Json) -> SizeFacts:
    traits = {
        str(capability["name"]): str(capability["value"])
        for capability in item.get("capabilities") or ()
    }
    zones = {zone for place in item.get("locationInfo") or () for zone in place.get("zones") or ()}
    restrictions = item.get("restrictions") or ()
    blocked = next(
        (restriction for restriction in restrictions if restriction.get("type") == "Location"), None
    )
    restricted = {
        zone
        for restriction in restrictions
        if restriction.get("type") == "Zone"
        for zone in (restriction.get("restrictionInfo") or {}).get("zones") or ()
    }
    return SizeFacts(
        family=str(item.get("family") or "").lower(),
        vcpus=int(traits.get("vCPUs") or 0),
        memory_gb=float(traits.get("MemoryGB") or 0),
        arch=traits.get("CpuArchitectureType") or "x64",
        gpus=int(traits.get("GPUs") or 0),
        generations=tuple((traits.get("HyperVGenerations") or "V1,V2").split(",")),
        trusted_launch=traits.get("TrustedLaunchDisabled") != "True",
        confidential=bool(traits.get("ConfidentialComputingType")),
        zones=tuple(sorted(zones)),
        restricted_zones=tuple(sorted(restricted)),
        unavailable=str(blocked.get("reasonCode") or "restricted") if blocked else "",
    )


async def _subnets(arm: _Arm, source: Pool) -> dict[str, SubnetFacts]:
    subnets = {}
    for subnet in (source.settings.subnet_id, source.settings.pod_subnet_id):
        if subnet:
            properties = (await arm.get(subnet, NETWORK)).get("properties") or {}
            prefixes = properties.get("addressPrefixes") or [properties.get("addressPrefix")]
            used = len(properties.get("ipConfigurations") or ())
            subnets[subnet.lower()] = SubnetFacts(str(prefixes[0]), used)
    return subnets


async def _locks(arm: _Arm, scopes: tuple[str, ...]) -> tuple[str, ...]:
    locks = set()
    for scope in scopes:
        for lock in await arm.pages(f"{scope}/providers/Microsoft.Authorization/locks", LOCKS):
            level = (lock.get("properties") or {}).get("level") or "lock"
            locks.add(f"{lock['name']} ({level}) on {scope.rsplit('/', 1)[-1]}")
    return tuple(sorted(locks))


async def _windows(arm: _Arm, cluster_id: str) -> tuple[str, ...]:
    items = await arm.pages(f"{cluster_id}/maintenanceConfigurations", CLUSTERS)
    return tuple(sorted(str(window["name"]) for window in items))


async def _extensions(arm: _Arm, node_group: str, source: Pool) -> tuple[str, ...]:
    path = f"{node_group}/providers/Microsoft.Compute/virtualMachineScaleSets"
    types: set[str] = set()
    for machine in await arm.pages(path, COMPUTE):
        if (machine.get("tags") or {}).get("aks-managed-poolName") != source.name:
            continue
        profile = (machine.get("properties") or {}).get("virtualMachineProfile") or {}
        listed = (profile.get("extensionProfile") or {}).get("extensions") or ()
        types |= {str(extension["name"]) for extension in listed}
    return tuple(sorted(name for name in types if not _OWN_EXTENSION.match(name)))
