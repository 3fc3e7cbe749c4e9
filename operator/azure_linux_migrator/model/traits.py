"""What makes a pod's spec notable for a move to another node OS; for most pods nothing does."""

from enum import StrEnum
from typing import Annotated

from msgspec import Struct

from azure_linux_migrator.model.sensitivity import Identifier, Sensitivity

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
    "/lib/modules",
    "/usr/src",
    "/boot",
    "/etc/apparmor.d",
)
"""Prefixes of node directories that differ between node OSes."""

LONG_GRACE_SECONDS = 600


class AppArmor(StrEnum):
    """The AppArmor profile that a pod names; the strictest of its containers'."""

    NONE = ""
    LOCALHOST = "Localhost"


class PodTraits(Struct, frozen=True, omit_defaults=True):
    """What is notable in the spec of a pod, or of a DaemonSet's template.

    `host_paths` are those under HOST_PATHS, `commands` the COMMANDS that containers call, `sysctls`
    the kernel parameters that it sets, `kept_by` the annotations that ask autoscalers not to evict
    it, `gpus` the GPU resources that it requests. `grace_seconds` is its grace period where that is
    above LONG_GRACE_SECONDS, otherwise 0. Tuples are sorted.
    """

    host_paths: tuple[Annotated[str, Sensitivity.HOST_PATH], ...] = ()
    commands: tuple[Identifier, ...] = ()
    sysctls: tuple[Identifier, ...] = ()
    kept_by: tuple[Identifier, ...] = ()
    gpus: tuple[Identifier, ...] = ()
    apparmor: AppArmor = AppArmor.NONE
    privileged: bool = False
    grace_seconds: int = 0


NO_TRAITS = PodTraits()
