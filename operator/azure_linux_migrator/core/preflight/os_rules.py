"""Checks of what pods expect of their node's OS."""

from collections.abc import Callable, Iterator

from azure_linux_migrator.core.preflight.findings import Finding
from azure_linux_migrator.core.preflight.rule import RuleResult, counted, groups, of_pool
from azure_linux_migrator.core.preflight.snapshot import PreflightSnapshot, WorkloadFacts
from azure_linux_migrator.core.preflight.target_os import TABLE, minor
from azure_linux_migrator.model.azure_facts import Unread
from azure_linux_migrator.model.traits import AppArmor

_CERTIFICATES = ("/etc/ssl", "/usr/local/share/ca-certificates")
_PACKAGES = ("/etc/apt", "/var/lib/dpkg", "/usr/src", "/boot", "/etc/apparmor.d")
_PACKAGE_COMMANDS = frozenset(("apt", "apt-get", "dpkg", "snap", "nsenter"))
_MODULE_COMMANDS = frozenset(("modprobe", "insmod"))
SOFT_LOCKUP_FIXED = "202609.03.1"
AZNFS_FIXED = "202605.05"


def apparmor(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """os.apparmor: profiles that are loaded on the old nodes."""
    known = TABLE.get(snapshot.spec.target.os_sku)
    for owner, pods in _both(snapshot, lambda each: each.traits.apparmor is AppArmor.LOCALHOST):
        result = RuleResult("os.apparmor", owner)
        if known is not None and not known.apparmor:
            yield result.block(
                f"{counted(pods)} needs an AppArmor profile, and {known.sku} has SELinux instead",
                "take the profile out, or choose osSKU AzureLinux",
            )
        else:
            yield result.warn(
                f"{counted(pods)} needs an AppArmor profile that is loaded on its node; Azure "
                "Linux 3 has AppArmor since image 202511.07",
                "load the profile on the new nodes, for example by a DaemonSet",
            )


def certificates(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """os.cert-path: Azure Linux keeps its certificates elsewhere."""
    for owner, pods in _both(snapshot, _mounts_certificates):
        yield RuleResult("os.cert-path", owner).block(
            f"{counted(pods)} mounts {_paths(pods, _CERTIFICATES)} of the node; on Azure Linux "
            "the bundle is /etc/pki/tls/certs/ca-bundle.crt",
            "use certificates of the image, or mount the other path",
        )


def _mounts_certificates(workload: WorkloadFacts) -> bool:
    called = "update-ca-certificates" in workload.traits.commands
    return called or bool(_under(workload, _CERTIFICATES))


def packages(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """os.pkg-manager: tools and directories of Debian."""
    for owner, pods in _both(snapshot, _uses_packages):
        what = sorted({*_commands(pods[0], _PACKAGE_COMMANDS), *_under(pods[0], _PACKAGES)})
        yield RuleResult("os.pkg-manager", owner).warn(
            f"{counted(pods)} uses {', '.join(what)} of the node; Azure Linux has dnf and rpm, "
            "Azure Container Linux neither",
            "ask its maker for Azure Linux support",
        )


def _uses_packages(workload: WorkloadFacts) -> bool:
    used = _commands(workload, _PACKAGE_COMMANDS) and workload.traits.privileged
    return bool(used or _under(workload, _PACKAGES))


def kernel(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """os.kernel-module: another kernel with other modules."""
    for owner, pods in _both(snapshot, _needs_kernel):
        yield RuleResult("os.kernel-module", owner).warn(
            f"{counted(pods)} loads kernel modules or sets kernel parameters; Azure Linux 3 has "
            "kernel 6.6 and packages its modules otherwise",
            "try it on one Azure Linux node first",
        )


def _needs_kernel(workload: WorkloadFacts) -> bool:
    return bool(
        _commands(workload, _MODULE_COMMANDS)
        or _under(workload, ("/lib/modules",))
        or workload.traits.sysctls
    )


def regressions(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """os.kernel-regression: images with known faults."""
    result = of_pool(snapshot, "os.kernel-regression")
    if isinstance(snapshot.facts.images, Unread):
        yield result.unchecked(snapshot.facts.images)
        return
    for image in snapshot.facts.images:
        built = image.rsplit("-", 1)[-1]
        if "AzureLinux" in image and built < AZNFS_FIXED:
            yield result.warn(
                f"image {image} lacks the helper for encrypted NFS mounts (AKS issue 5772)",
                "wait for a newer node image",
            )
        if "AzureLinux" in image and built < SOFT_LOCKUP_FIXED:
            yield result.warn(
                f"image {image} has soft lockups (azurelinux issue 18443)",
                f"wait for node image {SOFT_LOCKUP_FIXED} or newer",
            )


def disk(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """os.io: databases feel a slower disk first."""
    for owner, pods in groups(snapshot, lambda each: each.owner.startswith("StatefulSet ")):
        yield RuleResult("os.io", owner).warn(
            f"{counted(pods)} may depend on disk speed; early Azure Linux 3 images were slower "
            "(AKS issue 5231, fixed since)",
            "compare its latency during the first batch's soak",
        )


def cgroups(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """os.cgroup-v2: only a very old Mariner is still on version 1."""
    version = minor(snapshot.source.settings.kubernetes_version)
    if snapshot.source.os_sku in {"CBLMariner", "Mariner"} and version and version < (1, 29):
        yield of_pool(snapshot, "os.cgroup-v2").warn(
            "its nodes use cgroup v1 and the new ones v2: old Java, .NET and Node.js images "
            "misread their memory limit",
            "update these images first",
        )


def _both(
    snapshot: PreflightSnapshot, wanted: Callable[[WorkloadFacts], object]
) -> Iterator[tuple[str, list[WorkloadFacts]]]:
    yield from groups(snapshot, wanted)
    yield from groups(snapshot, wanted, "DaemonSet")


def _commands(workload: WorkloadFacts, known: frozenset[str]) -> set[str]:
    return set(workload.traits.commands) & known


def _under(workload: WorkloadFacts, prefixes: tuple[str, ...]) -> set[str]:
    return {path for path in workload.traits.host_paths if path.startswith(prefixes)}


def _paths(pods: list[WorkloadFacts], prefixes: tuple[str, ...]) -> str:
    found = sorted({path for pod in pods for path in _under(pod, prefixes)})
    return ", ".join(found[:3]) or "certificates"
