"""Node pools and the Azure survey under other names; sizes, quotas and versions stay."""

from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any

from msgspec import structs

from azure_linux_migrator.api.names import (
    TAG_AUTOSCALER,
    TAG_COUNT,
    TAG_MIGRATION,
    TAG_SOURCE,
    TAG_TARGET_COUNT,
)
from azure_linux_migrator.azure.policies import Policy, fields
from azure_linux_migrator.forecast.pseudonyms import Standins
from azure_linux_migrator.model.cluster import Key
from azure_linux_migrator.model.pool import Failure, Pool
from azure_linux_migrator.model.scheduling import Taint

_SETTINGS = frozenset(
    {
        "availabilityZones", "count", "currentOrchestratorVersion", "enableAutoScaling",
        "enableEncryptionAtHost", "enableFIPS", "enableNodePublicIP", "enableUltraSSD",
        "gpuInstanceProfile", "kubeletDiskType", "maxCount", "maxPods", "minCount", "mode",
        "nodeImageVersion", "orchestratorVersion", "osDiskSizeGB", "osDiskType", "osSKU", "osType",
        "podIPAllocationMode", "powerState", "provisioningState", "scaleDownMode",
        "scaleSetEvictionPolicy", "scaleSetPriority", "spotMaxPrice", "type", "upgradeSettings",
        "vmSize", "workloadRuntime",
    }
)  # fmt: skip
"""Properties of a pool whose values are Azure's words, or numbers."""
_IDS = frozenset(
    {
        "capacityReservationGroupID", "hostGroupID", "nodePublicIPPrefixID", "podSubnetID",
        "proximityPlacementGroupID", "vnetSubnetID",
    }
)  # fmt: skip
_PROFILES = {
    "artifactStreamingProfile": ("enabled",),
    "gpuProfile": ("driver",),
    "securityProfile": ("enableSecureBoot", "enableVTPM", "sshAccess"),
}
_REFUSED = fields(Policy.REFUSE)
"""Pools that have one of these are not moved, whatever is in it."""
_NUMBERS = frozenset({TAG_AUTOSCALER, TAG_COUNT, TAG_TARGET_COUNT})
_WINDOWS = frozenset(
    {"default", "aksManagedAutoUpgradeSchedule", "aksManagedNodeOSUpgradeSchedule"}
)
"""Names that AKS gives meaning to."""
_ACTIONS = frozenset(
    {
        "Microsoft.Authorization", "Microsoft.Compute", "Microsoft.ContainerService",
        "Microsoft.Network", "action", "agentPools", "delete", "join", "locations", "locks",
        "maintenanceConfigurations", "managedClusters", "read", "skus", "subnets", "usages",
        "virtualMachineScaleSets", "virtualNetworks", "write",
    }
)  # fmt: skip
_OPEN_PARTS = frozenset({"at", "images", "sizes", "usages"})


def taint_text(use: Standins, text: str) -> str:
    """A taint as the pool API writes it; what is none stays none."""
    head, _, effect = text.rpartition(":")
    key, _, value = head.partition("=")
    return str(use.taint(Taint(key, value, effect)))


def pool_of(use: Standins, pool: Pool) -> Pool:
    """A node pool; what it does not need for a forecast is left out."""
    failure = pool.failure
    if failure is not None:
        failure = Failure(failure.reason, "left out by --redact", failure.retryable, failure.delay)
    return structs.replace(
        pool,
        name=use.pool(pool.name),
        etag="",
        tags=tuple(sorted(_tags(use, dict(pool.tags)).items())),
        settings=_settings(use, pool.settings),
        failure=failure,
    )


def _settings(use: Standins, given: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in given.items():
        if value is None or name in _SETTINGS:
            found[name] = value
        elif name in _IDS:
            found[name] = _id(use, str(value))
        elif name in _PROFILES:
            found[name] = {each: value[each] for each in _PROFILES[name] if each in value}
        elif name in _REFUSED and value:
            found[name] = {"leftOut": True}
        elif name == "nodeLabels":
            found[name] = {
                use.label_key(key): use.label_value(key, label) for key, label in value.items()
            }
        elif name == "nodeTaints":
            found[name] = [taint_text(use, each) for each in value]
        elif name == "tags":
            found[name] = _tags(use, value)
    return found


def _id(use: Standins, text: str) -> str:
    """A resource's id; Azure does not tell upper from lower case in it."""
    return use.word(text.lower())


def _tags(use: Standins, tags: Mapping[str, str]) -> dict[str, str]:
    """Ours alone: by them a migration knows its pools again."""
    found = {name: value for name, value in tags.items() if name in _NUMBERS and _number(value)}
    if TAG_MIGRATION in tags:
        found[TAG_MIGRATION] = use.migration(tags[TAG_MIGRATION])
    if TAG_SOURCE in tags:
        found[TAG_SOURCE] = use.pool(tags[TAG_SOURCE])
    return found


def _number(value: str) -> bool:
    return value.replace("-", "").isdecimal()


def survey_of(use: Standins, survey: Mapping[str, Any]) -> dict[str, Any]:
    """A kept survey (snapshot.survey_out), part by part."""
    return {name: _part(use, name, part) for name, part in survey.items()}


def _part(use: Standins, name: str, part: Mapping[str, Any]) -> dict[str, Any]:
    if "unread" in part:
        return {"unread": "it could not be read (--redact leaves out why)"}
    found = part["is"]
    match name:
        case _ if name in _OPEN_PARTS:
            return {"is": found}
        case "cluster":
            ranges = [_range(each) for each in found["pod_cidrs"]]
            group = use.word(found["node_resource_group"])
            hidden = {"node_resource_group": group, "subscription": ""}
            return {"is": {**found, "pod_cidrs": ranges, **hidden}}
        case "subnets":
            made = {
                _id(use, key): {**facts, "prefix": _range(facts["prefix"])}
                for key, facts in found.items()
            }
            return {"is": made}
        case "windows":
            return {"is": [each if each in _WINDOWS else use.word(each) for each in found]}
        case "locks" | "extensions":
            return {"is": [use.word(each) for each in found]}
        case "services":
            pairs = (each.partition("/") for each in found)
            return {"is": [str(use.key(Key(space, name))) for space, _, name in pairs]}
        case "denied":
            return {"is": [_action(each) for each in found]}
        case _:
            return {"unread": "left out by --redact"}


def _range(text: str) -> str:
    """Another range of as many addresses."""
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        return "10.0.0.0/8"
    return f"{'10.0.0.0' if network.version == 4 else 'fd00::'}/{network.prefixlen}"


def _action(text: str) -> str:
    """An action of ARM without the names of what it was refused for."""
    return "/".join(each if each in _ACTIONS else "-" for each in text.split("/"))
