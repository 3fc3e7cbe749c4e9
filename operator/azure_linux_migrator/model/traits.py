"""What makes a pod's spec notable for a move to another node OS; for most pods nothing does."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

from msgspec import Struct

from azure_linux_migrator.model.sensitivity import Identifier, Public, Sensitivity

COMMANDS = frozenset(
    {"apt", "apt-get", "dpkg", "snap", "nsenter", "modprobe", "insmod", "update-ca-certificates"}
)
"""Programs of a node's OS that rules look for in the commands of containers."""
HOST_PATHS = (
    "/etc/ssl",
    "/usr/local/share/ca-certificates",
    "/etc/pki",
    "/etc/apt",
    "/var/lib/dpkg",
    "/etc/yum.repos.d",
    "/etc/dnf",
    "/var/lib/rpm",
    "/lib/modules",
    "/usr/src",
    "/boot",
    "/etc/apparmor.d",
    "/etc/netplan",
    "/lib/aarch64-linux-gnu",
    "/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu",
    "/var/log/auth.log",
    "/var/log/kern.log",
    "/var/log/syslog",
)
"""Files and directories of a node that differ between node OSes."""
SYSTEM_PATHS = (
    "/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/opt/cni", "/proc", "/run", "/sbin",
    "/sys", "/usr", "/var/lib/cni", "/var/lib/containerd", "/var/lib/containers",
    "/var/lib/docker", "/var/lib/dpkg", "/var/lib/kubelet", "/var/log", "/var/run",
)  # fmt: skip
"""Node directories that belong to the OS, the kubelet or the container runtime: what pods find
there every node makes itself."""
_SHARED_PATHS = frozenset(("", "/home", "/opt", "/tmp", "/var", "/var/lib"))  # noqa: S108 - of a node
"""Directories that every node has, whatever is in them; the root is empty without its slash."""
_SPECIAL_TYPES = frozenset({"Socket", "CharDevice", "BlockDevice"})

LONG_GRACE_SECONDS = 600


class AppArmor(StrEnum):
    """The AppArmor profile that a pod names; the strictest of its containers'."""

    NONE = ""
    RUNTIME_DEFAULT = "RuntimeDefault"
    LOCALHOST = "Localhost"


class HostPath(Struct, frozen=True, order=True, omit_defaults=True):
    """A hostPath volume; `type` is the API's, such as Socket. It is `writable` unless every
    container that mounts it does so read-only."""

    path: Annotated[str, Sensitivity.HOST_PATH]
    type: Public = ""
    writable: bool = True

    def under(self, directories: Iterable[str]) -> bool:
        """Whether it is one of these directories, or in one."""
        path = self.path.rstrip("/") or "/"
        return any(
            path == directory or path.startswith(f"{directory}/") for directory in directories
        )

    @property
    def holds_data(self) -> bool:
        """Whether a pod may keep data there that nothing else makes again."""
        special = self.type in _SPECIAL_TYPES or self.path.rstrip("/") == ""
        return self.writable and not special and not self.under(SYSTEM_PATHS)

    @property
    def expects_content(self) -> bool:
        """Whether a pod reads there what the OS does not bring and the pod does not make."""
        shared = self.path.rstrip("/") in _SHARED_PATHS
        return not self.writable and not shared and not self.under(SYSTEM_PATHS)

    @property
    def changes_node(self) -> bool:
        """Whether a pod may write to the OS itself."""
        whole = self.path.rstrip("/") in {"", "/etc", "/usr", "/lib", "/opt", "/usr/local"}
        return self.writable and whole


class PodTraits(Struct, frozen=True, omit_defaults=True):
    """What is notable in the spec of a pod, or of a DaemonSet's template; init containers count.

    `commands` are the COMMANDS that containers call, `sysctls` the kernel parameters that the pod
    sets by its security context, `sysctl_writes` those that a command sets on the node, `kept_by`
    the annotations that ask autoscalers not to evict it, `gpus` the GPU resources that it requests,
    `host_ports` the ports of its node that it listens on.
    `grace_seconds` is its grace period where that is above LONG_GRACE_SECONDS, otherwise 0.
    `seccomp` is whether a profile of the node is named. Tuples are sorted.
    """

    host_paths: tuple[HostPath, ...] = ()
    commands: tuple[Identifier, ...] = ()
    sysctls: tuple[Identifier, ...] = ()
    sysctl_writes: tuple[Identifier, ...] = ()
    kept_by: tuple[Identifier, ...] = ()
    gpus: tuple[Identifier, ...] = ()
    apparmor: AppArmor = AppArmor.NONE
    seccomp: bool = False
    privileged: bool = False
    host_pid: bool = False
    grace_seconds: int = 0
    host_ports: tuple[Annotated[int, Sensitivity.PUBLIC], ...] = ()

    @property
    def read_paths(self) -> tuple[str, ...]:
        """Files and directories of the node that something else has put there for the pod."""
        return tuple(host_path.path for host_path in self.host_paths if host_path.expects_content)

    @property
    def data_paths(self) -> tuple[str, ...]:
        """Directories of the node where the pod may keep data."""
        return tuple(host_path.path for host_path in self.host_paths if host_path.holds_data)


NO_TRAITS = PodTraits()
