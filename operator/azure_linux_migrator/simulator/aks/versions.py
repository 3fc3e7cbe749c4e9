"""Kubernetes versions of node pools: which AKS takes, what it makes of an alias, and which OS SKUs
go with them."""

import re
from typing import Any

from azure_linux_migrator.simulator.aks import errors
from azure_linux_migrator.simulator.aks.limits import ClusterShape

_VERSION = re.compile(r"^(\d+)\.(\d+)(?:\.(\d+))?$")
_OLDEST_MINOR = 3
"""Minor versions that a kubelet may trail the control plane (Kubernetes' version skew policy)."""
_LAST_MINOR = {"AzureLinux3": (1, 36)}
"""The newest minor version that a pool of the OS SKU can have
(learn.microsoft.com/azure/aks/upgrade-os-version)."""


def set_version(
    current: dict[str, Any] | None, result: dict[str, Any], shape: ClusterShape
) -> None:
    """Set `currentOrchestratorVersion` to what `orchestratorVersion` stands for, which is kept as
    it was asked for. Raises ArmError if AKS does not offer it, or not for the pool's OS SKU."""
    asked = str(result.setdefault("orchestratorVersion", shape.kubernetes_version))
    before = current["currentOrchestratorVersion"] if current else None
    if current and asked == current["orchestratorVersion"]:
        full = str(before)
    else:
        full = before if before == asked else _resolve(asked, shape)
        if before and numbers(full) < numbers(before):
            raise errors.invalid("orchestratorVersion")
    result["currentOrchestratorVersion"] = full
    last, sku = _LAST_MINOR.get(result["osSKU"]), result["osSKU"]
    changes = current is None or (current["osSKU"], before) != (sku, full)
    if last is not None and changes and numbers(full)[:2] > last:
        raise errors.os_sku_not_for_version(sku, full)


def keep_version(result: dict[str, Any], shape: ClusterShape) -> None:
    """Set `currentOrchestratorVersion` of a pool that is there already: offered or not."""
    asked = str(result.setdefault("orchestratorVersion", shape.kubernetes_version))
    result["currentOrchestratorVersion"] = _full(asked, shape)


def numbers(version: str) -> tuple[int, ...]:
    """A full version, for comparisons."""
    return tuple(int(part) for part in version.split("."))


def offered(shape: ClusterShape) -> tuple[str, ...]:
    """The full versions that a pool can be made with, oldest first."""
    most = numbers(shape.kubernetes_version)
    older = {version for version in shape.pool_versions if numbers(version) < most}
    return (*sorted(older, key=numbers), shape.kubernetes_version)


def _full(asked: str, shape: ClusterShape) -> str:
    """The version with a patch: for an alias the newest patch on offer."""
    match = _VERSION.match(asked)
    if match is None:
        raise errors.invalid("orchestratorVersion")
    if match[3] is not None:
        return asked
    patches = [version for version in offered(shape) if version.startswith(f"{asked}.")]
    return patches[-1] if patches else f"{asked}.0"


def _resolve(asked: str, shape: ClusterShape) -> str:
    full, control_plane = _full(asked, shape), shape.kubernetes_version
    major, minor, *_ = numbers(control_plane)
    if not (major, minor - _OLDEST_MINOR, 0) <= numbers(full) <= numbers(control_plane):
        # Code and text from memory.
        raise errors.ArmError(
            400,
            "NodePoolMcVersionIncompatible",
            f"Node pool version {full} and control plane version {control_plane} are "
            "incompatible. For more information, please check "
            "https://aka.ms/aks/UpgradeVersionRules",
        )
    if full not in offered(shape):
        raise errors.version_removed(asked)
    return full
