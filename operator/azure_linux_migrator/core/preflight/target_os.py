"""What is known about the OS SKUs that a pool can move to: a dated table, not a promise.

osSKU is an open string: AKS brings new ones before this table knows them. Dates are those of the
source pages; every check that rests on an entry says which one it applied.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches

Minor = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Fact:
    """A statement with the date and the page it is from."""

    text: str
    on: date
    source: str

    def __str__(self) -> str:
        return f"{self.text} ({self.source}, {self.on})"


@dataclass(frozen=True, slots=True)
class TargetOs:
    """An OS SKU. Kubernetes minors are inclusive; `excludes` are traits of pools for which there
    is no image, alone or together. From `preview_from` on it is an OS that is still a preview."""

    sku: str
    versions: tuple[tuple[Minor | None, Minor | None, str], ...]
    first: Minor | None
    last: Minor | None
    needs: frozenset[str]
    excludes: tuple[frozenset[str], ...]
    apparmor: bool
    fact: Fact
    retires: date | None = None
    preview: bool = False
    preview_from: Minor | None = None
    channels: frozenset[str] = frozenset()
    """Node OS upgrade channels that it supports, where it does not support all."""


_IMAGES = Fact(
    "node images of Azure Linux 3.0: gen1, gen2, Arm64, FIPS, FIPS with Arm64, Trusted Launch, "
    "Kata, confidential",
    date(2026, 6, 19),
    "AKS changelog and node-images",
)
_NO_TRUSTED = tuple(frozenset({"trusted", other}) for other in ("fips", "arm64", "kata", "cvm"))
_AZL3 = (*_NO_TRUSTED, frozenset({"kata", "fips"}), frozenset({"kata", "arm64"}))
_VERSIONS = Fact(
    "AzureLinux is 2.0 up to Kubernetes 1.31, whose images were removed on 2026-03-31, 3.0 from "
    "1.32 to 1.36, and 4.0, a preview, from 1.37 on",
    date(2026, 8, 21),
    "upgrade-os-version; AKS issue 4988",
)

TABLE: dict[str, TargetOs] = {
    operating_system.sku: operating_system
    for operating_system in (
        TargetOs(
            "AzureLinux",
            ((None, (1, 31), "2.0"), ((1, 32), (1, 36), "3.0"), ((1, 37), None, "4.0")),
            (1, 32),
            None,
            frozenset(),
            _AZL3,
            True,
            _VERSIONS,
            preview_from=(1, 37),
        ),
        TargetOs(
            "AzureLinux3",
            (((1, 28), (1, 36), "3.0"),),
            (1, 28),
            (1, 36),
            frozenset(),
            _AZL3,
            True,
            Fact(
                "AzureLinux3 is for Kubernetes 1.28 to 1.36 and must be changed before 1.37",
                date(2026, 8, 21),
                "upgrade-os-version",
            ),
        ),
        TargetOs(
            "AzureContainerLinux",
            (((1, 34), None, "3.0"),),
            (1, 34),
            None,
            frozenset({"gen2", "secure boot", "vtpm"}),
            (
                *(frozenset({trait}) for trait in ("cvm", "kata", "streaming", "arm64 below v6")),
                frozenset({"arm64", "gpu"}),
            ),
            False,
            Fact(
                "AzureContainerLinux needs Kubernetes 1.34, a generation 2 size, Secure Boot and "
                "vTPM, and has no confidential or Kata image, none for Arm64 with GPU, and only "
                "the node OS upgrade channels NodeImage and None",
                date(2026, 8, 20),
                "azure-container-linux-overview",
            ),
            channels=frozenset({"NodeImage", "None"}),
        ),
        TargetOs(
            "CBLMariner",
            ((None, None, "2.0"),),
            None,
            (1, 31),
            frozenset(),
            _AZL3,
            False,
            Fact("CBLMariner is deprecated in favour of AzureLinux", date(2026, 8, 1), "REST enum"),
            retires=date(2026, 3, 31),
        ),
        TargetOs(
            "AzureLinuxOSGuard",
            ((None, None, "3.0"),),
            None,
            None,
            frozenset({"gen2", "secure boot", "vtpm"}),
            (),
            False,
            Fact("OS Guard is a preview that ends on 2027-03-10", date(2026, 8, 1), "AKS 5950"),
            retires=date(2027, 3, 10),
            preview=True,
        ),
    )
}

OTHERS = frozenset(
    {"Ubuntu", "Ubuntu2204", "Ubuntu2404", "Flatcar", "Mariner", "Windows2019", "Windows2022"}
    | {"Windows2025", "WindowsAnnual"}
)
"""OS SKUs of AKS that are no Azure Linux (REST API 2026-08-01)."""


def same_os(source: str, target: str) -> bool:
    """Whether a pool of one OS SKU is not to be replaced by one of the other: they are the same
    Azure Linux, or the versionless AzureLinux is wanted in place of AzureLinux3."""
    names = source.casefold(), target.casefold()
    if target in OTHERS:
        return False
    return names[0] == names[1] or names == ("azurelinux3", "azurelinux")


def nearest(name: str, names: Iterable[str]) -> str:
    """The name that is meant most likely, as a question; empty where none is similar."""
    by_lower = {name.lower(): name for name in names}
    near = get_close_matches(name.lower(), by_lower, 1, 0.7)
    return by_lower[near[0]] if near else ""


_OLD_GPU = Fact(
    "Azure Linux supports the NCv3 and NCasT4_v3 series and not NC A100 v4",
    date(2024, 7, 16),
    "the document that this project started from",
)
_NEW_GPU = Fact(
    "Azure Linux supports the NVIDIA sizes of AKS but RTX PRO 6000: A100 since 2025-09-21, H100 "
    "and H200 since 2026-03-05",
    date(2026, 8, 20),
    "azure-linux-aks-overview and AKS changelog",
)
_AMD_GPU = Fact("AMD GPU sizes have no Azure Linux image", date(2026, 8, 21), "use-amd-gpus")
_FPGA = Fact("FPGA sizes have no Azure Linux image", date(2026, 8, 20), "azure-linux-aks-overview")

_NO_IMAGE = (
    (re.compile(r"mi300|_v620_|_v710_|^standard_nv\d+as_v4$"), _AMD_GPU),
    (re.compile(r"^standard_np"), _FPGA),
    (re.compile(r"rtxpro6000"), _NEW_GPU),
)
_SINCE = (
    ("a100", date(2025, 9, 21)),
    ("h100", date(2026, 3, 5)),
    ("h200", date(2026, 3, 5)),
)


def minor(version: str) -> Minor | None:
    """Major and minor of a Kubernetes version; None for what is none."""
    parts = version.removeprefix("v").split(".")
    if len(parts) < 2 or not (parts[0].isdecimal() and parts[1].isdecimal()):
        return None
    return int(parts[0]), int(parts[1])


def resolves_to(target_os: TargetOs, kubernetes: Minor) -> str:
    """The OS version that a SKU means for a Kubernetes minor; empty where there is none."""
    for low, high, version in target_os.versions:
        if (low is None or low <= kubernetes) and (high is None or kubernetes <= high):
            return version
    return ""


def gpu_support(vm_size: str, today: date) -> tuple[bool, Fact]:
    """Whether a GPU size has an Azure Linux image, and the rule that says so."""
    name = vm_size.lower()
    for pattern, fact in _NO_IMAGE:
        if pattern.search(name):
            return False, fact
    for series, since in _SINCE:
        if series in name:
            return (True, _NEW_GPU) if today >= since else (False, _OLD_GPU)
    return True, _NEW_GPU if today >= _SINCE[0][1] else _OLD_GPU


def images_fact(target_os: TargetOs) -> Fact:
    """What says which image combinations there are."""
    return target_os.fact if target_os.needs else _IMAGES
