"""Checks of the source pool, its OS, its image and its name."""

import re
from collections.abc import Iterator

from azure_linux_migrator.api.spec import SourcePool, StrategyType
from azure_linux_migrator.core.preflight.findings import Finding
from azure_linux_migrator.core.preflight.rule import of_pool
from azure_linux_migrator.core.preflight.snapshot import PreflightSnapshot
from azure_linux_migrator.core.preflight.target_os import (
    OTHERS,
    TABLE,
    gpu_support,
    images_fact,
    minor,
    nearest,
    resolves_to,
)
from azure_linux_migrator.model.azure_facts import ClusterFacts, Unread
from azure_linux_migrator.model.migration import POOL_NAME_LIMIT, TARGET_SUFFIX

_NAME = re.compile(r"^[a-z][a-z0-9]{0,11}$")
INVISIBLE = (
    "nodeInitializationTaints",
    "upgradeStrategy",
    "upgradeSettingsBlueGreen",
    "upgradeSettings.maxBlockedNodes",
    "nodeCustomizationProfile",
)
"""Settings of preview APIs that a read by the stable API does not show (REST API 2026-08-01)."""
SYSTEM_NODES = 2
SYSTEM_VCPUS = 4
SYSTEM_LEAST_VCPUS = 2
SYSTEM_LEAST_GB = 4
"""What is recommended for a System pool, and what is refused
(learn.microsoft.com/azure/aks/use-system-pools)."""
SYSTEM_PODS = 30


def target_version(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """os.target-k8s: the OS exists for the pool's Kubernetes version, and is not retired."""
    finding_of, sku = of_pool(snapshot, "os.target-k8s"), snapshot.spec.target.os_sku
    support = TABLE.get(sku)
    if support is None and sku in OTHERS:
        yield finding_of.forbid(
            f"osSKU {sku} is no Azure Linux, and azlm moves pools to Azure Linux only",
            "set spec.target.osSKU to AzureLinux",
        )
        return
    if support is None:
        near = nearest(sku, TABLE) or "AzureLinux"
        yield finding_of.block(
            f"osSKU {sku} is not in azlm's table, so nothing is known of its versions and images",
            f"set spec.target.osSKU to {near}; if AKS offers {sku} for this Kubernetes version and "
            "VM size, acknowledge this",
        )
        return
    if support.retires is not None:
        say = (
            finding_of.block
            if snapshot.today >= support.retires or not support.preview
            else finding_of.warn
        )
        yield say(f"osSKU {sku} retires on {support.retires}: {support.fact}", "choose AzureLinux")
        return
    version = minor(_kubernetes(snapshot))
    if version is None:
        yield finding_of.unchecked(Unread("the pool does not tell its Kubernetes version"))
        return
    at = ".".join(map(str, version))
    low, high = support.first, support.last
    if (low and version < low) or (high and version > high):
        means = resolves_to(support, version)
        what = f" (it would be version {means})" if means else ""
        yield finding_of.block(
            f"osSKU {sku} does not fit Kubernetes {at}{what}: {support.fact}",
            "upgrade the pool's Kubernetes version first, or choose another spec.target.osSKU",
        )


def flavour(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """os.windows-or-flavor: only running, healthy Linux scale-set pools can move."""
    finding_of, pool = of_pool(snapshot, "os.windows-or-flavor"), snapshot.source
    wrong = {
        f"it runs {pool.os_type}": pool.os_type != "Linux",
        "it is a Gateway pool, whose egress addresses would change": pool.mode == "Gateway",
        "it is of the retired type AvailabilitySet": pool.kind == "AvailabilitySet",
        f"it is {pool.power}": pool.power != "Running",
        f"its last operation ended {pool.state}": pool.state in {"Failed", "Canceled"},
    }
    for text, is_wrong in wrong.items():
        if is_wrong:
            yield finding_of.block(
                text, f"look at it with az aks nodepool show --name {pool.name} … and fix that"
            )


def image_combination(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """vm.image-combo: there is a node image for the pool's size and settings."""
    finding_of, support = (
        of_pool(snapshot, "vm.image-combo"),
        TABLE.get(snapshot.spec.target.os_sku),
    )
    size = _size(snapshot)
    if support is None:
        return
    if isinstance(snapshot.facts.sizes, Unread):
        yield finding_of.unchecked(snapshot.facts.sizes)
    facts = (
        snapshot.facts.sizes.get(size.lower())
        if not isinstance(snapshot.facts.sizes, Unread)
        else None
    )
    is_gpu = (facts is not None and facts.gpus > 0) or size.startswith(("Standard_N", "standard_n"))
    if is_gpu:
        supported, fact = gpu_support(size, snapshot.today)
        if not supported:
            yield finding_of.block(
                f"VM size {size} has GPUs that {support.sku} has no image for: {fact}",
                "choose another spec.target.vmSize, or stay on Ubuntu",
            )
    traits = _traits(snapshot)
    for combination in support.excludes:
        if combination <= traits:
            yield finding_of.block(
                f"{support.sku} has no image for {' with '.join(sorted(combination))}: "
                f"{images_fact(support)}",
                "change that setting of the pool, or choose another spec.target.osSKU",
            )
    missing = support.needs - traits
    if facts is not None and "gen2" in missing and "V2" in facts.generations:
        missing -= {"gen2"}
    if missing and (facts is not None or missing != {"gen2"}):
        yield finding_of.block(
            f"{support.sku} needs {' and '.join(sorted(missing))}, which the source pool is not: "
            f"{support.fact}",
            "choose another spec.target.osSKU, or a pool with these settings",
        )


def name(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """pool.name: a name that AKS takes and nobody has."""
    result = of_pool(snapshot, "pool.name")
    if not _NAME.match(snapshot.target):
        yield result.block(
            f"{snapshot.target} is no name for a node pool",
            "set spec.target.nodePool to at most 12 lower-case letters and digits",
        )
        return
    full = f"{snapshot.source.name}{TARGET_SUFFIX}"
    generated = snapshot.spec.target.node_pool is None
    if generated and snapshot.target not in (full, snapshot.source.name):
        yield result.info(
            f"the new pool is called {snapshot.target}, because {full} has more than "
            f"{POOL_NAME_LIMIT} characters; set spec.target.nodePool to choose another name"
        )
    if "trusted" in _traits(snapshot) and len(snapshot.target) > 11:
        yield result.warn(
            f"{snapshot.target} has 12 characters; the pages on Trusted Launch allow 11",
            "set spec.target.nodePool to a shorter name if AKS refuses it",
        )


def system(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """pool.system: a System pool's replacement must do as a System pool."""
    finding_of, pool = of_pool(snapshot, "pool.system"), snapshot.source
    if pool.mode != "System":
        return
    wanted = snapshot.spec.target.count
    count = wanted if isinstance(wanted, int) else pool.count
    if count < SYSTEM_NODES:
        yield finding_of.warn(
            f"a System pool of {count} node is below the {SYSTEM_NODES} that AKS asks for",
            "set spec.target.count to 2 or more",
        )
    if snapshot.spec.target.max_pods is not None and snapshot.spec.target.max_pods < SYSTEM_PODS:
        yield finding_of.block(
            f"maxPods {snapshot.spec.target.max_pods} is below a System pool's {SYSTEM_PODS}",
            "raise spec.target.maxPods",
        )
    facts = None
    if not isinstance(snapshot.facts.sizes, Unread):
        facts = snapshot.facts.sizes.get(_size(snapshot).lower())
    vcpus = facts.vcpus if facts is not None else 0
    burstable = re.match(r"^standard_b", _size(snapshot).lower())
    memory = facts.memory_gb if facts is not None else 0.0
    if 0 < vcpus < SYSTEM_LEAST_VCPUS or 0 < memory < SYSTEM_LEAST_GB:
        yield finding_of.block(
            f"VM size {_size(snapshot)} has {vcpus} vCPU and {memory:g} GB; AKS refuses System "
            f"pools below {SYSTEM_LEAST_VCPUS} vCPUs and {SYSTEM_LEAST_GB} GB",
            "set spec.target.vmSize",
        )
    elif burstable or 0 < vcpus < SYSTEM_VCPUS:
        what = "is burstable" if burstable else f"has {vcpus} vCPUs"
        yield finding_of.warn(
            f"VM size {_size(snapshot)} {what}; AKS takes it, and recommends {SYSTEM_VCPUS} vCPUs "
            "of another series for System pools",
            "consider another spec.target.vmSize",
        )
    for taint in snapshot.spec.target.taints or ():
        if not (taint.startswith("CriticalAddonsOnly") or taint.endswith(":PreferNoSchedule")):
            yield finding_of.block(
                f"taint {taint} is not allowed on a System pool",
                "take it out of spec.target.taints",
            )


def fips(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """os.fips: another cryptographic module, another piece of evidence."""
    if snapshot.source.settings.fips:
        yield of_pool(snapshot, "os.fips").warn(
            "its FIPS module will be Azure Linux's SymCrypt, and CIFS mounts fail in FIPS mode",
            "renew the compliance evidence; look for CIFS volumes",
        )


def defaults(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """os.sysctl-defaults: what the new OS sets otherwise."""
    if "AzureLinux" in snapshot.spec.target.os_sku and snapshot.source.os_sku.startswith("Ubuntu"):
        yield of_pool(snapshot, "os.sysctl-defaults").info(
            "defaults differ: transparent huge pages madvise (Ubuntu: always), rmem_max 212992 "
            "(1048576), tcp_max_tw_buckets 131072 (262144), max_map_count 1048576"
        )


def gpu(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """gpu: drivers and plugins that were put there by hand."""
    if re.match(r"^standard_n[cdv]", _size(snapshot).lower()):
        yield of_pool(snapshot, "gpu").warn(
            "it is a GPU pool: drivers that were installed by hand do not come along, and Azure "
            "Linux GPU pools get no SecurityPatch node OS upgrades",
            "see that the device plugin's DaemonSet tolerates and selects the new pool",
        )


def infrastructure_as_code(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """iac.owner: code that manages the pool has to be changed with it."""
    words = ("terraform", "bicep", "pulumi", "capz", "aso", "crossplane", "managed-by", "managedby")
    marks = sorted(
        f"{key}={value}"
        for key, value in snapshot.source.tags
        if any(word in f"{key}={value}".lower() for word in words)
    )
    if marks:
        yield of_pool(snapshot, "iac.owner").warn(
            f"its tags say that code manages it ({', '.join(marks[:3])}); the new pool has "
            "another name, and the next apply would make the old one again",
            "stop its pipeline meanwhile; status.handOver holds the change to make afterwards",
        )
    others = marks and "terraform" not in " ".join(marks).lower()
    in_place = snapshot.spec.strategy.type is StrategyType.IN_PLACE
    if snapshot.source.mode == "System" and not in_place and not others:
        yield of_pool(snapshot, "iac.owner").warn(
            "it is a System pool: if Terraform made the cluster, it is probably the "
            "default_node_pool, and an apply before default_node_pool.name is changed replaces the "
            "whole cluster",
            "do not apply from the start of the migration on, until that block is changed as azlm "
            "handover --format terraform prints it",
        )


def size(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """pool.size: what count: Auto comes to."""
    if snapshot.spec.target.count == "Auto":
        yield of_pool(snapshot, "pool.size").info(
            f"spec.target.count Auto comes to {snapshot.final} nodes for what its pods request "
            f"now, in place of {snapshot.source.count}"
        )


def preview(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """pool.preview: settings that azlm cannot see, and so does not copy."""
    yield of_pool(snapshot, "pool.preview").info(
        f"if a preview API set {', '.join(INVISIBLE)} on it, the new pool will not have them: the "
        "stable API does not show them"
    )


def scale_down(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """pool.scale-down: nodes that leave a pool and stay registered."""
    rolls = snapshot.spec.strategy.type is StrategyType.ROLLING
    empties = snapshot.spec.source_pool is SourcePool.SCALE_TO_ZERO
    in_place = snapshot.spec.strategy.type is StrategyType.IN_PLACE
    if snapshot.source.settings.deallocates and (rolls or empties) and not in_place:
        what = "strategy Rolling" if rolls else "sourcePool ScaleToZero"
        yield of_pool(snapshot, "pool.scale-down").block(
            f"its scaleDownMode is Deallocate: with {what}, nodes that leave stay registered, "
            "NotReady, and be waited for without end",
            "set it to Delete (az aks nodepool update --scale-down-mode Delete), or use strategy "
            "BlueGreen with sourcePool Delete",
        )


def architecture(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """image.arch-os: what stays the same."""
    yield of_pool(snapshot, "image.arch-os").info(
        "container images need no change: same architecture, same container runtime"
    )


def _kubernetes(snapshot: PreflightSnapshot) -> str:
    own, cluster = snapshot.source.settings.kubernetes_version, snapshot.facts.cluster
    return own or (cluster.kubernetes_version if isinstance(cluster, ClusterFacts) else "")


def _size(snapshot: PreflightSnapshot) -> str:
    return snapshot.spec.target.vm_size or snapshot.source.vm_size


def _traits(snapshot: PreflightSnapshot) -> frozenset[str]:
    """What decides about the image: of the source's settings, with the spec's in their place."""
    settings = snapshot.source.settings
    size = _size(snapshot).lower()
    arm = re.match(r"^standard_[a-z]+\d+[a-z]*p[a-z]*_", size) is not None
    traits = {
        "fips": settings.fips,
        "trusted": settings.vtpm and settings.secure_boot,
        "kata": "Kata" in settings.workload_runtime,
        "cvm": re.match(r"^standard_(dc|ec)", size) is not None,
        "arm64": arm,
        "streaming": settings.artifact_streaming,
    }
    return frozenset(trait for trait, holds in traits.items() if holds)
