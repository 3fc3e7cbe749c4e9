"""What the modelled AKS offers: versions, OS SKUs with their node images, VM sizes.

Values marked "derived" follow the naming in the documentation and were not observed on a cluster.
"""

import re

import msgspec

KUBERNETES_VERSION = "1.37.2"
"""Version of a modelled control plane, and of every node that does not ask for an older one."""

POOL_VERSIONS = ("1.35.9", "1.36.5", KUBERNETES_VERSION)
"""Node versions on offer, oldest first: kubelets may trail the control plane, never lead it."""

CONTAINER_RUNTIME = "containerd://2.2.4"
MAX_POOLS = 100
"""Agent pools in one cluster (learn.microsoft.com/azure/aks/quotas-skus-regions)."""
MAX_COUNT = 1000
"""Nodes in one pool of a scale set."""


class OsImage(msgspec.Struct, frozen=True):
    """The node image behind an `osSKU`."""

    effective: str
    """Value of the label `kubernetes.azure.com/os-sku-effective`."""
    image_version: str
    """The pool's `nodeImageVersion`."""
    os_image: str
    """`status.nodeInfo.osImage`."""
    kernel: str
    os_type: str = "Linux"


_AZURE_LINUX = OsImage(
    effective="AzureLinux3",
    image_version="AKSAzureLinux-V3gen2-202609.03.1",
    os_image="Microsoft Azure Linux 3.0",
    kernel="6.6.141.1-1.azl3",
)
_UBUNTU_2204 = OsImage(
    effective="Ubuntu2204",
    image_version="AKSUbuntu-2204gen2containerd-202609.03.1",
    os_image="Ubuntu 22.04.5 LTS",
    kernel="5.15.0-1114-azure",
)
_UBUNTU_2404 = OsImage(
    effective="Ubuntu2404",
    image_version="AKSUbuntu-2404gen2containerd-202609.03.1",
    os_image="Ubuntu 24.04.3 LTS",
    kernel="6.8.0-1052-azure",
)


def _windows(year: str, build: str) -> OsImage:
    return OsImage(
        effective=f"Windows{year}",
        image_version=f"AKSWindows-{year}-containerd-gen2-{build}.260901",
        os_image=f"Windows Server {year} Datacenter",
        kernel=f"10.0.{build}",
        os_type="Windows",
    )


OS_SKUS: dict[str, OsImage] = {
    "Ubuntu": _UBUNTU_2404,
    "Ubuntu2204": _UBUNTU_2204,
    "Ubuntu2404": _UBUNTU_2404,
    "AzureLinux": _AZURE_LINUX,
    "AzureLinux3": _AZURE_LINUX,
    "CBLMariner": _AZURE_LINUX,
    # Derived: no record of an Azure Container Linux node was available.
    "AzureContainerLinux": OsImage(
        effective="AzureContainerLinux",
        image_version="AKSAzureContainerLinux-V3gen2-202609.03.1",
        os_image="Microsoft Azure Container Linux 3.0",
        kernel="6.6.141.1-1.azl3",
    ),
    "Windows2019": _windows("2019", "17763.7792"),
    "Windows2022": _windows("2022", "20348.4171"),
    "Windows2025": _windows("2025", "26100.6584"),
}
"""Every OS SKU that AKS API version 2026-08-01 takes; others are refused."""

DEFAULT_OS_SKU = {"Linux": "Ubuntu", "Windows": "Windows2022"}

_VM_SIZE = re.compile(
    r"^Standard_(?P<series>[A-Z]+)(?P<cpus>\d+)(?:-\d+)?(?P<traits>[a-z]*)"
    r"(?:_(?!v\d+$)[A-Z\d]+)*(?:_(?P<version>v\d+))?$",
    re.IGNORECASE,
)
"""Family, vCPUs, vCPUs in use, features, accelerator or capability, version; Azure takes any case
(learn.microsoft.com/azure/virtual-machines/vm-naming-conventions)."""
_GIB_PER_CPU = {"E": 8, "F": 2, "M": 16}


class VmSize(msgspec.Struct, frozen=True):
    """The facts in the name of a VM size. Memory follows the usual ratio of the series, not
    Azure's list."""

    cpus: int
    memory_mib: int
    family: str
    """Name of the vCPU quota, for example `StandardDasv7Family`."""
    arch: str


def vm_size(name: str) -> VmSize:
    """Parse the name of a VM size. Raises ValueError if it is not one."""
    match = _VM_SIZE.match(name)
    if match is None:
        raise ValueError(f"not a VM size: {name!r}")
    series, traits = match["series"].upper(), match["traits"].lower()
    cpus = int(match["cpus"])
    return VmSize(
        cpus=cpus,
        memory_mib=cpus * _GIB_PER_CPU.get(series[0], 4) * 1024,
        family=f"Standard{series}{traits}{match['version'] or ''}Family",
        # The letter p stands for an Ampere or Cobalt processor (Azure's VM naming conventions).
        arch="arm64" if "p" in traits else "amd64",
    )
