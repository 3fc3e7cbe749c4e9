"""The nodes of the target pool before there are any: their labels, their taints and their room.

Labels come from the pool's definition and, for what AKS and its agents put on every node, from a
node of the source. A label that somebody put on the nodes of the source by hand does not come
along. Owns these expectations; the rules in placement_rules.py hold pods against them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from azure_linux_migrator.api.names import AGENTPOOL_LABEL, OS_EFFECTIVE_LABEL, OS_SKU_LABEL
from azure_linux_migrator.api.spec_strategy import StrategyType
from azure_linux_migrator.core.preflight.snapshot import PreflightSnapshot, WorkloadFacts
from azure_linux_migrator.core.preflight.target_os import TABLE, minor, resolves_to
from azure_linux_migrator.model.azure_facts import SizeFacts, Unread
from azure_linux_migrator.model.cluster import Allocatable, Node
from azure_linux_migrator.model.scheduling import HOSTNAME, SchedulingConstraints, Taint
from azure_linux_migrator.model.selectors import Labels, Requirement

ZONE = "topology.kubernetes.io/zone"
DISK_ZONE = "topology.disk.csi.azure.com/zone"
_REGION = "topology.kubernetes.io/region"
_INSTANCE_TYPE = "node.kubernetes.io/instance-type"
_SKU_REQUESTED = f"{OS_SKU_LABEL}-requested"
_IMAGE = "kubernetes.azure.com/node-image-version"
_SPOT_TAINT = "kubernetes.azure.com/scalesetpriority=spot:NoSchedule"
_REFUSED = ("kubernetes.azure.com/", "kubernetes.io/")
"""Prefixes of labels that AKS refuses in a pool's nodeLabels (azure/template.py)."""
_OF_EVERY_NODE = (
    *_REFUSED,
    "beta.kubernetes.io/",
    "failure-domain.beta.kubernetes.io/",
    "node.kubernetes.io/",
    "topology.",
    "feature.node.kubernetes.io/",
    "nvidia.com/",
    "amd.com/",
    "storageprofile",
    "storagetier",
    "accelerator",
)
"""Labels that AKS, the kubelet, drivers and node feature discovery put on every node of a kind."""
_RESERVED_CPU = ((1, 60), (2, 100), (4, 140), (8, 180), (16, 260), (32, 420), (64, 740))
"""Thousandths of a CPU that AKS reserves by the number of cores (node-resource-reservations)."""
_EVICTION_MIB = 100
_SGX = ("sgx.intel.com/", "kubernetes.azure.com/sgx")
_WITH_SGX = re.compile(r"^standard_dc\d+d?s?_v[23]$")
"""Sizes with enclaves (learn.microsoft.com/azure/confidential-computing/virtual-machine-options),
and the resources by which nodes offer them (…/confidential-computing/confidential-nodes-aks-addon).
"""
_MIB_PER_GB = 1024


@dataclass(frozen=True, slots=True)
class TargetNode:
    """A node as the target pool will have it. `free` is what its DaemonSets leave of it; 0 pods:
    not known. Where `complete` is false, only the labels in `labels` are known."""

    name: str
    labels: Mapping[str, str]
    taints: tuple[Taint, ...]
    free: Allocatable
    complete: bool

    def unmet(self, scheduling: SchedulingConstraints) -> list[Requirement]:
        """What a pod requires of its node's labels and this one will not have: of a node selector
        all of it, of the alternatives of a node affinity the one that lacks least."""
        unmet = [
            requirement
            for requirement in (
                Requirement(key, "In", (value,)) for key, value in scheduling.selector
            )
            if self._knows(requirement) and not requirement.matches(self.labels)
        ]
        terms = [
            [
                requirement
                for requirement in term.unmet(self.name, self.labels)
                if self._knows(requirement)
            ]
            for term in scheduling.terms
            if term.expressions or term.fields
        ]
        return unmet + min(terms, key=len, default=[])

    def untolerated(self, scheduling: SchedulingConstraints) -> list[Taint]:
        """Taints that keep a pod off the node."""
        return [taint for taint in self.taints if not scheduling.tolerates(taint)]

    def lacks(self, pod: WorkloadFacts) -> str:
        """What the node has too little of for a pod, were it the only one; empty if it fits."""
        free, (cpu, memory) = self.free, pod.requests
        if not free.pods:
            return ""
        if cpu > free.cpu:
            return f"{cores(cpu)}, and a node has {cores(free.cpu)} left by its DaemonSets"
        if memory > free.memory:
            return f"{mebibytes(memory)}, and a node has {mebibytes(free.memory)} left"
        name = free.lacks({}, pod.extended_resources)
        return (
            f"{dict(pod.extended_resources)[name]} of {name}, and a node has less" if name else ""
        )

    def _knows(self, requirement: Requirement) -> bool:
        return self.complete or requirement.key in self.labels


def cores(cpu: int) -> str:
    """Thousandths of a CPU in words."""
    return f"{cpu / 1000:g} CPU"


def mebibytes(memory: int) -> str:
    """MiB in words."""
    return f"{memory / 1024:.1f} GiB" if memory >= 1024 else f"{memory} MiB"


def target_nodes(snapshot: PreflightSnapshot) -> list[TargetNode]:
    """One node for each zone in which the target pool will have nodes; with InPlace each node."""
    sample = next((node.labels for node in source_nodes(snapshot) if node.labels), ())
    taints, free = tuple(_taints(snapshot)), _free(snapshot)
    return [
        TargetNode(name, labels, taints, free, complete=bool(sample))
        for name, labels in _labels(snapshot, sample)
    ]


def source_nodes(snapshot: PreflightSnapshot) -> list[Node]:
    """The nodes of the source pool."""
    return [node for node in snapshot.nodes if node.pool == snapshot.source.name]


def most_nodes(snapshot: PreflightSnapshot) -> int:
    """Nodes that the target may have: its count, or the most of its autoscaler."""
    bounds = snapshot.spec.target.autoscaling
    most = bounds.max if bounds else snapshot.source.bounds[1] if snapshot.source.autoscaling else 0
    return max(snapshot.final, most)


def _labels(snapshot: PreflightSnapshot, sample: Labels) -> Iterator[tuple[str, dict[str, str]]]:
    """Name and labels of a node in each zone, or of each node that stays. `sample` are the labels
    of a node of the source."""
    source, target = snapshot.source, snapshot.spec.target
    own = target.labels
    if own is None:
        own = {k: v for k, v in source.settings.labels if not k.startswith(_REFUSED)}
    of_pool = own | _os_labels(snapshot)
    of_pool |= {
        "agentpool": snapshot.target,
        AGENTPOOL_LABEL: snapshot.target,
        "kubernetes.azure.com/mode": source.mode.lower(),
        _INSTANCE_TYPE: target.vm_size or source.vm_size,
    }
    if snapshot.spec.strategy.type is StrategyType.IN_PLACE:
        # The machines stay, and their names and zones with them.
        for node in source_nodes(snapshot):
            same = _of_every_node(node.labels or sample)
            yield node.name, same | of_pool | {HOSTNAME: node.name}
        return
    common = _of_every_node(sample) | of_pool
    region = common.get(_REGION, "")
    zones = target.zones or source.settings.zones
    named_zones = [zone for zone in zones if zone != "auto"]
    places = [f"{region}-{zone}" if region else zone for zone in named_zones]
    places = places or sorted({node.zone for node in source_nodes(snapshot)}) or [""]
    for index, place in enumerate(places):
        name = f"aks-{snapshot.target}-new-vmss{index:06d}"
        where = {ZONE: place, DISK_ZONE: place} if place else {}
        yield name, common | {HOSTNAME: name} | where


def _of_every_node(labels: Labels) -> dict[str, str]:
    """Of a node's labels those that nobody has to set."""
    return {key: value for key, value in labels if key.startswith(_OF_EVERY_NODE)}


def _os_labels(snapshot: PreflightSnapshot) -> dict[str, str]:
    sku = snapshot.spec.target.os_sku
    labels = {OS_SKU_LABEL: sku, _SKU_REQUESTED: sku, OS_EFFECTIVE_LABEL: sku}
    version = minor(snapshot.source.settings.kubernetes_version)
    if sku == "AzureLinux" and version and (means := resolves_to(TABLE[sku], version)):
        labels[OS_EFFECTIVE_LABEL] = f"{sku}{means.partition('.')[0]}"
    images = snapshot.facts.images
    labels[_IMAGE] = f"AKS{sku}" if isinstance(images, Unread) or not images else images[0]
    return labels


def _taints(snapshot: PreflightSnapshot) -> Iterator[Taint]:
    source, target = snapshot.source, snapshot.spec.target
    texts = source.settings.taints if target.taints is None else target.taints
    spot = (_SPOT_TAINT,) if source.settings.priority == "Spot" else ()
    for text in dict.fromkeys((*texts, *spot)):
        allowed = text.startswith("CriticalAddonsOnly") or text.endswith(":PreferNoSchedule")
        if source.mode != "System" or allowed:
            yield Taint.parse(text)


def _free(snapshot: PreflightSnapshot) -> Allocatable:
    """The most that a node of the target has for pods that move: as much as a node of the source
    where the VM size stays, so that no pod that runs there is reported as too large."""
    size = snapshot.spec.target.vm_size or snapshot.source.vm_size
    if size.lower() == snapshot.source.vm_size.lower():
        sized = [node.allocatable for node in source_nodes(snapshot) if node.allocatable.pods]
        whole = max(
            sized,
            key=lambda allocatable: (allocatable.cpu, allocatable.memory),
            default=Allocatable(),
        )
    else:
        sizes = snapshot.facts.sizes
        facts = None if isinstance(sizes, Unread) else sizes.get(size.lower())
        whole = _of_size(facts, snapshot.source.settings.max_pods) if facts else Allocatable()
        devices = _plugin_devices(snapshot, gpus=facts is not None and facts.gpus > 0)
        whole = whole._replace(extended_resources=(*devices, *whole.extended_resources))
    if not whole.pods:
        return whole
    whole = whole._replace(pods=snapshot.spec.target.max_pods or whole.pods)
    daemons = snapshot.daemons
    return whole._replace(
        cpu=whole.cpu - daemons.cpu,
        memory=whole.memory - daemons.memory,
        pods=whole.pods - daemons.pods,
    )


def _plugin_devices(snapshot: PreflightSnapshot, *, gpus: bool) -> tuple[tuple[str, int], ...]:
    """Devices of plugins that the new VM size, with or without GPUs, does not exclude: the nodes
    of the source have them from a DaemonSet, which runs on the new nodes, too."""
    enclaves = _WITH_SGX.match(snapshot.vm_size.lower()) is not None
    most: dict[str, int] = {}
    for node in source_nodes(snapshot):
        for name, amount in node.allocatable.extended_resources:
            of_gpu, of_sgx = name.startswith("nvidia.com/"), name.startswith(_SGX)
            offered = (gpus or not of_gpu) and (enclaves or not of_sgx)
            if "/" in name and not name.endswith("/gpu") and offered:
                most[name] = max(most.get(name, 0), amount)
    return tuple(sorted(most.items()))


def _of_size(facts: SizeFacts, max_pods: int) -> Allocatable:
    """Allocatable of a node by what AKS reserves (from Kubernetes 1.29 on)."""
    if not facts.vcpus or not facts.memory_gb:
        return Allocatable()
    pods = max_pods or 110
    whole = int(facts.memory_gb * _MIB_PER_GB)
    held = next((held for most, held in _RESERVED_CPU if facts.vcpus <= most), _RESERVED_CPU[-1][1])
    reserved = min(20 * pods + 50, whole // 4) + _EVICTION_MIB
    devices = (("nvidia.com/gpu", facts.gpus),) if facts.gpus else ()
    return Allocatable(facts.vcpus * 1000 - held, whole - reserved, pods, devices)
