"""Node records as AKS makes them: names, providerIDs, labels, taints, images.

Sources: learn.microsoft.com/azure/aks/use-labels and label dumps of live clusters.
"""

import re
import string
from typing import Any

import msgspec

from azure_linux_migrator.model.scheduling import Taint
from azure_linux_migrator.simulator.aks import catalog

SPOT_KEY = "kubernetes.azure.com/scalesetpriority"
SPOT_TAINT = f"{SPOT_KEY}=spot:NoSchedule"

_DIGITS = string.digits + string.ascii_lowercase
_NAME = re.compile(r"^aks-(?P<pool>[a-z0-9]+)-(?P<digits>\d{8})-vmss(?P<index>[0-9a-z]{6})$")


class NodeRecord(msgspec.Struct, frozen=True):
    """One node of a pool. `index` is its instance number in the scale set, memory in MiB."""

    name: str
    pool: str
    index: int
    provider_id: str
    labels: dict[str, str]
    taints: tuple[Taint, ...]
    os_image: str
    kernel: str
    kubelet_version: str
    container_runtime: str
    architecture: str
    operating_system: str
    cpus: int
    memory_mib: int
    max_pods: int
    zone: str


class NodeSetting(msgspec.Struct, frozen=True):
    """What a node inherits from its cluster."""

    subscription: str
    resource_group: str
    cluster: str
    location: str
    digits: str
    """Eight digits that the names of all nodes of a cluster share."""

    @property
    def node_resource_group(self) -> str:
        """The group that AKS makes for the scale sets."""
        return f"MC_{self.resource_group}_{self.cluster}_{self.location}"


def node_name(pool: str, digits: str, index: int) -> str:
    """Name of a scale set's instance; the index is written in base 36."""
    text = ""
    for _ in range(6):
        index, digit = divmod(index, 36)
        text = _DIGITS[digit] + text
    return f"aks-{pool}-{digits}-vmss{text}"


def parse_node_name(name: str) -> tuple[str, int] | None:
    """Digits and index of a node name in the form that AKS generates, else None."""
    match = _NAME.match(name)
    return (match["digits"], int(match["index"], 36)) if match else None


def provider_id(setting: NodeSetting, pool: str, index: int) -> str:
    """The scale set instance's resource id as the cloud provider writes it."""
    group = setting.node_resource_group.lower()
    return (
        f"azure:///subscriptions/{setting.subscription}/resourceGroups/{group}/providers/"
        f"Microsoft.Compute/virtualMachineScaleSets/aks-{pool}-{setting.digits}-vmss/"
        f"virtualMachines/{index}"
    )


def make_node(
    setting: NodeSetting,
    pool: str,
    properties: dict[str, Any],
    index: int,
    *,
    name: str = "",
    zone: str = "",
) -> NodeRecord:
    """A new node of the pool with these ARM properties. Zones are assigned in turn by index
    unless one is given, as for a node that exists already."""
    name = name or node_name(pool, setting.digits, index)
    image = catalog.OS_SKUS[properties["osSKU"]]
    size = catalog.vm_size(properties["vmSize"])
    zones = properties.get("availabilityZones") or []
    if not zone:
        zone = f"{setting.location}-{zones[index % len(zones)]}" if zones else "0"
    taints = [Taint.parse(text) for text in properties.get("nodeTaints") or []]
    if is_spot(properties) and all(taint.key != SPOT_KEY for taint in taints):
        taints.append(Taint.parse(SPOT_TAINT))
    return NodeRecord(
        name=name,
        pool=pool,
        index=index,
        provider_id=provider_id(setting, pool, index),
        labels=_labels(setting, pool, properties) | _own_labels(name, zone),
        taints=tuple(taints),
        os_image=image.os_image,
        kernel=image.kernel,
        kubelet_version=f"v{properties['currentOrchestratorVersion']}",
        container_runtime=catalog.CONTAINER_RUNTIME,
        architecture=size.arch,
        operating_system=image.os_type.lower(),
        cpus=size.cpus,
        memory_mib=size.memory_mib,
        max_pods=int(properties.get("maxPods") or 110),
        zone=zone,
    )


def relabelled(node: NodeRecord, setting: NodeSetting, properties: dict[str, Any]) -> NodeRecord:
    """The running node with the labels and taints of its pool. Labels of the image stay: only a
    new image changes them."""
    fresh = make_node(setting, node.pool, properties, node.index, name=node.name, zone=node.zone)
    image = {key: node.labels[key] for key in _IMAGE_LABELS if key in node.labels}
    return msgspec.structs.replace(node, labels=fresh.labels | image, taints=fresh.taints)


_IMAGE_LABELS = (
    "kubernetes.azure.com/node-image-version",
    "kubernetes.azure.com/os-sku",
    "kubernetes.azure.com/os-sku-effective",
    "kubernetes.azure.com/os-sku-requested",
)


def is_spot(properties: dict[str, Any]) -> bool:
    """Whether the machines of the pool are spot machines."""
    return properties.get("scaleSetPriority") == "Spot"


def _labels(setting: NodeSetting, pool: str, properties: dict[str, Any]) -> dict[str, str]:
    """Labels that all nodes of a pool share."""
    azure = "kubernetes.azure.com"
    size = catalog.vm_size(properties["vmSize"])
    image = catalog.OS_SKUS[properties["osSKU"]]
    labels = dict(properties.get("nodeLabels") or {})
    labels |= {
        "agentpool": pool,
        f"{azure}/agentpool": pool,
        f"{azure}/cluster": setting.node_resource_group,
        f"{azure}/mode": str(properties["mode"]).lower(),
        f"{azure}/role": "agent",
        f"{azure}/node-image-version": properties["nodeImageVersion"],
        f"{azure}/nodepool-type": properties["type"],
        f"{azure}/os-sku": properties["osSKU"],
        f"{azure}/os-sku-requested": properties["osSKU"],
        f"{azure}/os-sku-effective": image.effective,
        f"{azure}/sku-cpu": str(size.cpus),
        f"{azure}/sku-memory": str(size.memory_mib),
        f"{azure}/storageprofile": "managed",
        f"{azure}/storagetier": "Premium_LRS",
        f"{azure}/kubelet-serving-ca": "cluster",
        f"{azure}/localdns-state": "disabled",
        f"{azure}/podnetwork-type": "overlay",
        "kubernetes.io/arch": size.arch,
        "kubernetes.io/os": image.os_type.lower(),
        "node.kubernetes.io/instance-type": properties["vmSize"],
        "storageprofile": "managed",
        "storagetier": "Premium_LRS",
        "topology.kubernetes.io/region": setting.location,
    }
    if is_spot(properties):
        labels |= {f"{azure}/priority": "spot", SPOT_KEY: "spot"}
    return labels


def _own_labels(name: str, zone: str) -> dict[str, str]:
    """Labels that differ between the nodes of a pool."""
    return {
        "kubernetes.io/hostname": name,
        "topology.disk.csi.azure.com/zone": "" if zone == "0" else zone,
        "topology.kubernetes.io/zone": zone,
    }


SYSTEM_LABELS = frozenset({"agentpool", "storageprofile", "storagetier"})
"""Labels of AKS without a prefix; all others have a domain of Kubernetes or Azure."""


def user_labels(labels: dict[str, str]) -> dict[str, str]:
    """The labels of a node that come from the pool's `nodeLabels`."""
    return {
        key: value
        for key, value in labels.items()
        if key not in SYSTEM_LABELS
        and not key.partition("/")[0].endswith(("kubernetes.io", "kubernetes.azure.com", "k8s.io"))
        and not key.startswith("topology.disk.csi.azure.com/")
    }
