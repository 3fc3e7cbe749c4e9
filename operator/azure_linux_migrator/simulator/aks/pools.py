"""What a PUT of an agent pool does to its properties: defaults, read-only fields, errors. Knows
nothing of time, nodes or operations."""

import re
from typing import Any

from azure_linux_migrator.model.scheduling import Taint
from azure_linux_migrator.simulator.aks import catalog, errors, versions
from azure_linux_migrator.simulator.aks.limits import ClusterShape, Limits
from azure_linux_migrator.simulator.aks.nodes import SPOT_KEY, is_spot

Properties = dict[str, Any]

_LINUX_NAME = re.compile(r"^[a-z][a-z0-9]{0,11}$")
_WINDOWS_NAME = re.compile(r"^[a-z][a-z0-9]{0,5}$")
_RESERVED_PREFIXES = ("kubernetes.azure.com/", "kubernetes.io/")
_MAX_SURGE = "10%"
"""What recordings of 2025 show for pools that asked for nothing (the documentation says 1)."""
_SURGE = re.compile(r"^\d+%?$")

_DEFAULTS: Properties = {
    "count": 1,
    "osDiskSizeGB": 128,
    "osDiskType": "Managed",
    "kubeletDiskType": "OS",
    "maxPods": 110,
    "type": "VirtualMachineScaleSets",
    "enableAutoScaling": False,
    "scaleDownMode": "Delete",
    "enableNodePublicIP": False,
    "mode": "User",
    "enableEncryptionAtHost": False,
    "enableUltraSSD": False,
    "osType": "Linux",
    "enableFIPS": False,
}
"""Fields that AKS sets, and keeps if an update leaves them out."""

_OPTIONAL = frozenset(
    {
        "artifactStreamingProfile",
        "creationData",
        "gatewayProfile",
        "gpuInstanceProfile",
        "gpuProfile",
        "kubeletConfig",
        "linuxOSConfig",
        "localDNSProfile",
        "maxCount",
        "messageOfTheDay",
        "minCount",
        "networkProfile",
        "nodeLabels",
        "nodeTaints",
        "podIPAllocationMode",
        "scaleSetEvictionPolicy",
        "securityProfile",
        "spotMaxPrice",
        "tags",
        "virtualMachinesProfile",
        "windowsProfile",
        "workloadRuntime",
    }
)
"""Fields that an update clears by leaving them out."""

_IMMUTABLE = frozenset(
    {
        "availabilityZones",
        "capacityReservationGroupID",
        "hostGroupID",
        "maxPods",
        "nodePublicIPPrefixID",
        "osDiskSizeGB",
        "osDiskType",
        "osType",
        "podSubnetID",
        "proximityPlacementGroupID",
        "scaleSetPriority",
        "type",
        "vmSize",
        "vnetSubnetID",
    }
)
_OWN_RULE = frozenset({"osSKU", "orchestratorVersion", "upgradeSettings", "powerState"})
WRITABLE = frozenset(_DEFAULTS) | _OPTIONAL | _IMMUTABLE | _OWN_RULE | {"nodeImageVersion"}
"""All fields that a client can set. AKS ignores other fields in a body without an error."""


def applied(
    name: str,
    current: Properties | None,
    body: dict[str, Any],
    shape: ClusterShape,
    limits: Limits,
    *,
    exists: bool = False,
) -> Properties:
    """The properties of the pool after this PUT, without those of its operation.

    `current` is None for a new pool. With `exists` the pool is there already: its version and its
    OS SKU may have been withdrawn since. Raises ArmError if AKS refuses the properties.
    """
    wanted = body.get("properties")
    if not isinstance(wanted, dict):
        raise errors.missing("properties")
    wanted = _given(wanted)
    result = dict(_DEFAULTS)
    if current is not None:
        kept = frozenset(_DEFAULTS) | _IMMUTABLE | _OWN_RULE
        result = {key: value for key, value in current.items() if key in kept}
        _refuse_changes(current, wanted)
        if stopped(current) and wanted.get("count") == 0:
            wanted["count"] = current[
                "count"
            ]  # a stopped pool shows 0; a client that sends it back changes nothing
    result |= {key: value for key, value in wanted.items() if key != "nodeImageVersion"}
    _check_machine(name, result, shape, limits)
    _set_image(current, result, wanted.get("nodeImageVersion"))
    if exists:
        versions.keep_version(result, shape)
    else:
        versions.set_version(current, result, shape)
    _check_size(result)
    _check_marks(result)
    _check_upgrades(result)
    result.setdefault("upgradeSettings", {})
    result["powerState"] = {"code": _power(result)}
    return result


def stopped(properties: Properties) -> bool:
    """Whether the pool should have no running machines."""
    return _power(properties) == "Stopped"


def wanted_nodes(properties: Properties) -> int:
    """How many nodes the pool is to have: one below its autoscaler's bounds is raised."""
    if stopped(properties):
        return 0
    least = int(properties["minCount"]) if properties["enableAutoScaling"] else 0
    return max(int(properties["count"]), least)


def surge(properties: Properties, count: int) -> int:
    """Extra nodes for an upgrade of `count` nodes; percentages are rounded up. Spot pools have
    none."""
    if is_spot(properties):
        return 0
    text = str((properties.get("upgradeSettings") or {}).get("maxSurge") or _MAX_SURGE)
    if text.endswith("%"):
        return max(1, -(-count * int(text[:-1]) // 100))
    return max(1, int(text))


def most_nodes(properties: Properties) -> int:
    """Nodes that count against address ranges and outbound ports: the maximum of an autoscaled
    pool, and those that an upgrade adds."""
    scales = properties["enableAutoScaling"]
    nodes = int(properties["maxCount" if scales else "count"])
    return nodes + surge(properties, nodes) if nodes else 0


def _given(properties: Properties) -> Properties:
    """The fields of the body that have an effect: no nulls, no empty values, no default
    priority."""
    given = {
        key: value
        for key, value in properties.items()
        if key in WRITABLE and value is not None and value not in ([], {})
    }
    if given.get("scaleSetPriority", "Regular") == "Regular":
        for key in ("scaleSetPriority", "scaleSetEvictionPolicy", "spotMaxPrice"):
            given.pop(key, None)
    if given.get("osDiskSizeGB") == 0:
        del given["osDiskSizeGB"]
    return given


def _refuse_changes(current: Properties, properties: Properties) -> None:
    for key in sorted(_IMMUTABLE & properties.keys()):
        if properties[key] != current.get(key):
            raise errors.immutable(key)
    if properties.get("osSKU", current["osSKU"]) != current["osSKU"] and (
        current["osType"] == "Windows"
        or current.get("workloadRuntime") == "KataMshvVmIsolation"
        or current.get("workloadRuntime") == "KataVmIsolation"
    ):
        raise errors.immutable("OSSKU")


def _check_machine(name: str, result: Properties, shape: ClusterShape, limits: Limits) -> None:
    if result["osType"] not in catalog.DEFAULT_OS_SKU:
        raise errors.invalid("osType")
    rule = _LINUX_NAME if result["osType"] == "Linux" else _WINDOWS_NAME
    if not rule.match(name):
        raise errors.invalid("name")
    if result["type"] != "VirtualMachineScaleSets":
        raise errors.invalid("type")
    if "vmSize" not in result:
        raise errors.missing("vmSize")
    size = str(result["vmSize"])
    try:
        catalog.vm_size(size)
    except ValueError:
        raise errors.size_not_allowed(name, shape.location) from None
    if size in limits.denied_vm_sizes:
        raise errors.size_not_allowed(name, shape.location)
    if result["mode"] not in ("System", "User", "Gateway"):
        raise errors.invalid("mode")
    if result["mode"] == "System" and (result["osType"] == "Windows" or is_spot(result)):
        raise errors.invalid("mode")
    machine = catalog.vm_size(size)
    if result["mode"] == "System" and (machine.cpus < 2 or machine.memory_mib < 4096):
        raise errors.system_size_too_small(name)


def _set_image(current: Properties | None, result: Properties, pinned: object) -> None:
    sku = result.setdefault("osSKU", catalog.DEFAULT_OS_SKU[result["osType"]])
    image = catalog.OS_SKUS.get(sku)
    if image is None or image.os_type != result["osType"]:
        raise errors.invalid("osSKU")
    if sku == "AzureContainerLinux":
        # Needs both (learn.microsoft.com/azure/azure-linux/azure-container-linux-overview).
        profile = {"enableSecureBoot": True, "enableVTPM": True} | result.get("securityProfile", {})
        if not (profile["enableSecureBoot"] and profile["enableVTPM"]):
            raise errors.invalid("securityProfile")
        result["securityProfile"] = profile
    same_image = current is not None and current["osSKU"] == sku
    version = current["nodeImageVersion"] if current and same_image else image.image_version
    if pinned is not None and pinned not in (version, image.image_version):
        # AKS accepts only an image that the pool had before; that history is not modelled.
        raise errors.invalid("nodeImageVersion")
    result["nodeImageVersion"] = pinned or version


def _check_size(result: Properties) -> None:
    least = 1 if result["mode"] == "System" else 0
    count = result["count"]
    if type(count) is not int or not least <= count <= catalog.MAX_COUNT:
        raise errors.invalid("count")
    bounds = [result.get("minCount"), result.get("maxCount")]
    if not result["enableAutoScaling"]:
        if bounds != [None, None]:
            raise errors.invalid("minCount" if bounds[0] is not None else "maxCount")
        return
    low, high = bounds
    if type(low) is not int or low < least:
        raise errors.invalid("minCount")
    if type(high) is not int or not max(1, low) <= high <= catalog.MAX_COUNT:
        raise errors.invalid("maxCount")
    if count > high:  # one below the bounds is taken and raised (recorded)
        raise errors.invalid("count")


def _check_upgrades(result: Properties) -> None:
    settings = result.get("upgradeSettings") or {}
    for key, what in (("maxSurge", "max surge"), ("maxUnavailable", "maxUnavailable")):
        if settings.get(key) and is_spot(result):
            raise errors.invalid(f"upgradeSettings.{key}", f"Spot pools can't set {what}.")
    if not _SURGE.match(str(settings.get("maxSurge") or _MAX_SURGE)):
        raise errors.invalid("upgradeSettings.maxSurge")


def _check_marks(result: Properties) -> None:
    spot = is_spot(result)
    for key in result.get("nodeLabels", {}):
        if key.startswith(_RESERVED_PREFIXES) and not (spot and key == SPOT_KEY):
            raise errors.reserved_label(key)
    for text in result.get("nodeTaints", []):
        try:
            taint = Taint.parse(text)
        except ValueError:
            raise errors.invalid("nodeTaints") from None
        if result["mode"] == "System" and not (
            taint.key == "CriticalAddonsOnly" or taint.effect == "PreferNoSchedule"
        ):
            raise errors.system_taint()


def _power(properties: Properties) -> str:
    return str((properties.get("powerState") or {}).get("code") or "Running")
