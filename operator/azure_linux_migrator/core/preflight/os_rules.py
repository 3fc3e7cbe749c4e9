"""Checks of what pods expect of their node's OS."""

from collections.abc import Callable, Iterator
from datetime import date

from azure_linux_migrator.core.preflight.findings import Finding
from azure_linux_migrator.core.preflight.rule import RuleResult, counted, groups, of_pool
from azure_linux_migrator.core.preflight.snapshot import PreflightSnapshot, WorkloadFacts
from azure_linux_migrator.core.preflight.target_os import TABLE, minor
from azure_linux_migrator.model.azure_facts import Unread
from azure_linux_migrator.model.traits import AppArmor

_CERTIFICATES = ("/etc/ssl", "/usr/local/share/ca-certificates")
_AZURE_LINUX_CERTIFICATES = ("/etc/pki",)
_MACHINES = ("x86_64", "aarch64")
_PACKAGES = (
    "/etc/apt",
    "/var/lib/dpkg",
    "/etc/apparmor.d",
    "/etc/netplan",
    *(f"{lib}/{machine}-linux-gnu" for lib in ("/lib", "/usr/lib") for machine in _MACHINES),
    *(f"/var/log/{name}" for name in ("auth.log", "kern.log", "syslog")),
)
"""Of Debian: package lists, the directories of multiarch, and the files of its syslog."""
_AZURE_LINUX_PACKAGES = ("/etc/yum.repos.d", "/etc/dnf", "/var/lib/rpm")
_MODULES = ("/lib/modules", "/usr/src", "/boot")
_PACKAGE_COMMANDS = frozenset(("apt", "apt-get", "dpkg", "snap", "nsenter"))
_MODULE_COMMANDS = frozenset(("modprobe", "insmod"))
SOFT_LOCKUP_FIXED = "202609.03.1"
AZNFS_FIXED = "202605.05"
FIXED_EVERYWHERE = date(2026, 10, 15)
"""Six weeks after SOFT_LOCKUP_FIXED was built: an image reaches all regions in two
(learn.microsoft.com/azure/aks/release-tracker)."""


def apparmor(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """os.apparmor: a kubelet without AppArmor rejects pods that name a profile, whichever."""
    target_os = TABLE.get(snapshot.spec.target.os_sku)
    without = target_os is not None and not target_os.apparmor
    for owner, pods in _both(snapshot, lambda workload: workload.traits.apparmor):
        result = RuleResult("os.apparmor", owner)
        if without:
            yield result.block(
                f"{counted(pods)} names the AppArmor profile {pods[0].traits.apparmor}; "
                f"{snapshot.spec.target.os_sku} has SELinux instead, and its kubelet rejects such "
                "pods",
                "take the profile out of its securityContext, or choose osSKU AzureLinux",
            )
        elif local := [pod for pod in pods if pod.traits.apparmor is AppArmor.LOCALHOST]:
            yield result.warn(
                f"{counted(local)} needs an AppArmor profile that is loaded on its node; Azure "
                "Linux 3 has AppArmor since image 202511.07",
                "load the profile on the new nodes, for example by a DaemonSet",
            )


def seccomp(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """os.seccomp: profiles that are files of the old nodes."""
    for owner, pods in _both(snapshot, lambda workload: workload.traits.seccomp):
        yield RuleResult("os.seccomp", owner).warn(
            f"{counted(pods)} needs a seccomp profile that is a file of its node, below "
            "/var/lib/kubelet/seccomp; where it is missing its containers do not start",
            "put the profile on the new nodes, for example by a DaemonSet that tolerates and "
            "selects them",
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
    """A workload that mounts the paths of both OSes is made for both."""
    if _under(workload, _AZURE_LINUX_CERTIFICATES):
        return False
    called = "update-ca-certificates" in workload.traits.commands
    return called or bool(_under(workload, _CERTIFICATES))


def packages(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """os.pkg-manager: tools and directories of Debian, and pods that change their node."""
    for owner, pods in _both(snapshot, _uses_packages):
        what = sorted({*_commands(pods[0], _PACKAGE_COMMANDS), *_under(pods[0], _PACKAGES)})
        yield RuleResult("os.pkg-manager", owner).warn(
            f"{counted(pods)} uses {', '.join(what)} of the node; Azure Linux has dnf and rpm, "
            "libraries in /usr/lib and logs in the journal; Azure Container Linux has no packages",
            "ask its maker for Azure Linux support",
        )
    for owner, pods in _both(snapshot, _changes_node):
        paths = sorted(
            {host_path.path for host_path in pods[0].traits.host_paths if host_path.changes_node}
        )
        yield RuleResult("os.pkg-manager", owner).warn(
            f"{counted(pods)} changes its node: it is privileged, with hostPID, and writes to "
            f"{', '.join(paths)} of the node",
            "see that it supports Azure Linux: its packages, paths and services differ",
        )


def _uses_packages(workload: WorkloadFacts) -> bool:
    used = _commands(workload, _PACKAGE_COMMANDS) and workload.traits.privileged
    mounts = _under(workload, _PACKAGES) and not _under(workload, _AZURE_LINUX_PACKAGES)
    return bool(used or mounts)


def _changes_node(workload: WorkloadFacts) -> bool:
    traits = workload.traits
    writes = any(host_path.changes_node for host_path in traits.host_paths)
    return writes and traits.privileged and traits.host_pid and not _uses_packages(workload)


def kernel(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """os.kernel-module: another kernel with other modules and other parameters."""
    for owner, pods in _both(snapshot, _needs_kernel):
        yield RuleResult("os.kernel-module", owner).warn(
            f"{counted(pods)} uses the kernel's modules or headers, or sets kernel parameters"
            f"{_called(pods[0])}; Azure Linux 3 has kernel 6.6 and packages its modules otherwise",
            "try it on one Azure Linux node first",
        )
    for owner, pods in _both(snapshot, _only_sets_as_it_is):
        yield RuleResult("os.kernel-module", owner).info(
            f"{counted(pods)} sets {_MAP_COUNT}, which is 1048576 on Azure Linux 3 already"
        )


_MAP_COUNT = "vm.max_map_count"


def _called(workload: WorkloadFacts) -> str:
    """The value that shows it, in words."""
    traits = workload.traits
    what = [
        *sorted(_commands(workload, _MODULE_COMMANDS)),
        *traits.sysctls,
        *traits.sysctl_writes,
        *sorted(_under(workload, _MODULES)),
    ]
    return f" ({', '.join(what)})"


def _needs_kernel(workload: WorkloadFacts) -> bool:
    return bool(
        _commands(workload, _MODULE_COMMANDS)
        or _under(workload, _MODULES)
        or workload.traits.sysctls
        or set(workload.traits.sysctl_writes) - {_MAP_COUNT}
    )


def _only_sets_as_it_is(workload: WorkloadFacts) -> bool:
    return _MAP_COUNT in workload.traits.sysctl_writes and not _needs_kernel(workload)


def regressions(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """os.kernel-regression: images with known faults.

    A new pool gets the newest image of its region, which nothing shows before the pool exists; once
    every region has one without the faults there is nothing to ask.
    """
    result = of_pool(snapshot, "os.kernel-regression")
    if isinstance(snapshot.facts.images, Unread):
        if snapshot.today < FIXED_EVERYWHERE:
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
    stateful = [
        owner
        for owner, _ in groups(
            snapshot,
            lambda workload: workload.owner.startswith("StatefulSet ") and workload.volumes,
        )
    ]
    if stateful:
        more = f" and {len(stateful) - 3} more" if len(stateful) > 3 else ""
        yield of_pool(snapshot, "os.io").info(
            f"{', '.join(stateful[:3])}{more} may depend on disk speed; early Azure Linux 3 images "
            "were slower (AKS issue 5231, fixed since)"
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
    """The workloads that are wanted, but for those that AKS installs."""
    for kind in ("Pod", "DaemonSet"):
        yield from groups(snapshot, lambda workload: not workload.addon and wanted(workload), kind)


def _commands(workload: WorkloadFacts, programs: frozenset[str]) -> set[str]:
    return set(workload.traits.commands) & programs


def _under(workload: WorkloadFacts, directories: tuple[str, ...]) -> set[str]:
    return {
        host_path.path for host_path in workload.traits.host_paths if host_path.under(directories)
    }


def _paths(pods: list[WorkloadFacts], directories: tuple[str, ...]) -> str:
    paths = sorted({path for pod in pods for path in _under(pod, directories)})
    return ", ".join(paths[:3]) or "certificates"
