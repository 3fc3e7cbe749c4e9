"""Checks of the OS, its node images and what differs on it."""

import re
from collections.abc import Iterator
from datetime import date

from azure_linux_migrator.core.preflight.findings import Finding
from azure_linux_migrator.core.preflight.rule import RuleResult, of_pool
from azure_linux_migrator.core.preflight.snapshot import PreflightSnapshot
from azure_linux_migrator.core.preflight.target_kubernetes import (
    control_plane,
    newest_patch,
    target_kubernetes,
)
from azure_linux_migrator.core.preflight.target_os import (
    OTHERS,
    TABLE,
    Minor,
    TargetOs,
    gpu_support,
    images_fact,
    minor,
    nearest,
    resolves_to,
)
from azure_linux_migrator.core.preflight.target_traits import architecture_of, target_traits
from azure_linux_migrator.model.azure_facts import Unread


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
        yield finding_of.unchecked(Unread("the pool does not show its Kubernetes version"))
        return
    at = ".".join(map(str, version))
    low, high = support.first, support.last
    if (low and version < low) or (high and version > high):
        means = resolves_to(support, version)
        what = f" (it would be version {means})" if means else ""
        fitting = [name for name in TABLE if _fits(TABLE[name], version, snapshot.today)]
        others = f", or set spec.target.osSKU to {' or '.join(fitting)}" if fitting else ""
        upgrade = "upgrade the pool's Kubernetes version first" if low and version < low else ""
        yield finding_of.block(
            f"osSKU {sku} does not fit Kubernetes {at}{what}: {support.fact}",
            f"{upgrade}{others}".removeprefix(", or "),
        )
    elif support.preview_from is not None and version >= support.preview_from:
        yield finding_of.warn(
            f"osSKU {sku} with Kubernetes {at} is version {resolves_to(support, version)}, a "
            f"preview that the checks of images and OS settings do not know: {support.fact}",
            "try it on one pool that may fail, or wait until it is generally available",
        )
    if snapshot.target != snapshot.source.name:
        yield from _patch(snapshot, finding_of)


def _fits(target_os: TargetOs, version: Minor, today: date) -> bool:
    """Whether pools of that Kubernetes version can have it, in general availability."""
    low, high, preview = target_os.first, target_os.last, target_os.preview_from
    return (
        (low is None or low <= version)
        and (high is None or version <= high)
        and (preview is None or version < preview)
        and (target_os.retires is None or today < target_os.retires)
        and not target_os.preview
    )


def _patch(snapshot: PreflightSnapshot, finding_of: RuleResult) -> Iterator[Finding]:
    """AKS withdraws patch versions: pools that run one live on, new ones cannot have it."""
    if isinstance(snapshot.facts.versions, Unread):
        yield finding_of.unchecked(snapshot.facts.versions)
        return
    settings = snapshot.source.settings
    own, alias = settings.kubernetes_version, settings.kubernetes_alias
    version = target_kubernetes(snapshot.source, snapshot.facts)
    newest = newest_patch(own, snapshot.facts)
    if version is None:
        plane = control_plane(snapshot.facts)
        upgrade = (
            f"upgrade the control plane to {newest} first: az aks upgrade --control-plane-only "
            f"--kubernetes-version {newest} …"
            if newest
            else f"upgrade the pool first, az aks nodepool upgrade --name {snapshot.source.name} …"
        )
        yield finding_of.block(
            f"Kubernetes {own} is not offered for new pools any more, nor another patch of its "
            f"minor version up to the control plane's {plane}",
            f"{upgrade}, or use spec.strategy.type InPlace, which needs no new pool",
        )
    elif alias:
        patch = newest if version == alias else version
        if patch not in {own, None}:
            yield finding_of.fixed(
                f"it was asked for Kubernetes {alias} and has {own}; the new one gets {patch}"
            )
    elif version != own and own:
        yield finding_of.fixed(
            f"Kubernetes {own} is not offered for new pools any more; the new one gets {version}"
        )


def image_combination(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """vm.image-combo: there is a node image for the pool's size and settings."""
    finding_of, support = (
        of_pool(snapshot, "vm.image-combo"),
        TABLE.get(snapshot.spec.target.os_sku),
    )
    size, facts = snapshot.vm_size, snapshot.size_facts
    if support is None:
        return
    if isinstance(snapshot.facts.sizes, Unread):
        yield finding_of.unchecked(snapshot.facts.sizes)
    is_gpu = (facts is not None and facts.gpus > 0) or size.startswith(("Standard_N", "standard_n"))
    if is_gpu:
        supported, fact = gpu_support(size, snapshot.today)
        if not supported:
            yield finding_of.block(
                f"{support.sku} has no image for VM size {size}: {fact}",
                "choose another spec.target.vmSize, or stay on Ubuntu",
            )
    traits = target_traits(snapshot)
    for combination in support.excludes:
        if combination <= traits:
            yield finding_of.block(
                f"{support.sku} has no image for {' with '.join(sorted(combination))}: "
                f"{images_fact(support)}",
                "change that setting of the pool, or choose another spec.target.osSKU",
            )
    if "trusted" in traits and facts is not None and not facts.trusted_launch:
        yield finding_of.block(
            f"VM size {size} does not support Trusted Launch (Secure Boot and vTPM)",
            "set spec.target.vmSize to a size that does",
        )
    missing = support.needs - traits
    if facts is None or "V2" in facts.generations:
        missing -= {"gen2"}
    if missing:
        yield finding_of.block(
            f"{support.sku} needs {' and '.join(sorted(missing))}, which the new pool would not "
            f"have: {support.fact}",
            " and ".join(_to_set(missing)),
        )


def _to_set(missing: frozenset[str]) -> Iterator[str]:
    if "gen2" in missing:
        yield "set spec.target.vmSize to a size of generation 2"
    if missing - {"gen2"}:
        yield "set enableSecureBoot and enableVTPM of spec.target.securityProfile to true"


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
    """gpu: drivers and plugins that were put there by hand, and Secure Boot."""
    driver = (snapshot.source.properties.get("gpuProfile") or {}).get("driver")
    if {"gpu", "secure boot"} <= target_traits(snapshot) and driver != "None":
        yield of_pool(snapshot, "gpu").warn(
            "it has Secure Boot, with which AKS cannot install the GPU driver (gpuProfile.driver)",
            "leave spec.target.securityProfile.enableSecureBoot off, or move a pool that was made "
            "with --gpu-driver none",
        )
    if re.match(r"^standard_n[cdv]", snapshot.vm_size.lower()):
        yield of_pool(snapshot, "gpu").warn(
            "it is a GPU pool: drivers that were installed by hand do not come along, and Azure "
            "Linux GPU pools get no SecurityPatch node OS upgrades",
            "see that the device plugin's DaemonSet tolerates and selects the new pool",
        )


def architecture(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """image.arch-os: container images run on another architecture only if they have it."""
    finding_of, sizes = of_pool(snapshot, "image.arch-os"), snapshot.facts.sizes
    size = snapshot.source.vm_size
    facts = None if isinstance(sizes, Unread) else sizes.get(size.lower())
    old = architecture_of(size, facts)
    new = architecture_of(snapshot.vm_size, snapshot.size_facts)
    if old != new:
        yield finding_of.block(
            f"its nodes are {old} and those of VM size {snapshot.vm_size} are {new}: "
            f"containers whose images have no {new} variant do not start",
            f"set spec.target.vmSize to a size of {old}, or acknowledge this once all images "
            "have both",
        )
        return
    yield finding_of.info(
        "container images need no change: same architecture, same container runtime"
    )


def _kubernetes(snapshot: PreflightSnapshot) -> str:
    return snapshot.source.settings.kubernetes_version or control_plane(snapshot.facts)
