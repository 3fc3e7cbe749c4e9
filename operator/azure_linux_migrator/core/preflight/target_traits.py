"""What decides which node image the target gets: of the source's settings, with the spec's in
their place."""

import re

from azure_linux_migrator.core.preflight.snapshot import PreflightSnapshot
from azure_linux_migrator.model.azure_facts import SizeFacts

_CONFIDENTIAL = re.compile(r"^standard_(dc\d+[a-z]*a[a-z]*|dc\d+e[a-z]*|ec\d+[a-z]*)_")
"""Sizes of confidential VMs: AMD SEV-SNP (`a`) and Intel TDX (`e`, and all of EC). DCsv2 and DCsv3
have SGX enclaves, and are ordinary VMs beside them."""
_ARM = re.compile(r"^standard_[a-z]+\d+[a-z]*p[a-z]*_")
_ARM64 = "Arm64"
_OLD = re.compile(r"_v[2-5]$")


def target_traits(snapshot: PreflightSnapshot) -> frozenset[str]:
    """`fips`, `secure boot`, `vtpm`, `kata`, `cvm`, `arm64`, `gpu` and `streaming`, as far as they
    hold; `trusted` where Secure Boot or vTPM calls for an image of Trusted Launch
    (learn.microsoft.com/azure/aks/use-trusted-launch)."""
    settings, facts = snapshot.source.settings, snapshot.size_facts
    size = snapshot.vm_size.lower()
    confidential = facts.confidential if facts is not None else _CONFIDENTIAL.match(size)
    arm = architecture_of(size, facts) == _ARM64
    security = snapshot.spec.target.security
    secure_boot = _given(security.enable_secure_boot, settings.secure_boot)
    vtpm = _given(security.enable_vtpm, settings.vtpm)
    traits = {
        "fips": settings.fips,
        "secure boot": secure_boot,
        "vtpm": vtpm,
        "trusted": secure_boot or vtpm,
        "kata": "Kata" in settings.workload_runtime,
        "cvm": confidential,
        "arm64": arm,
        "arm64 below v6": arm and _OLD.search(size),
        "gpu": facts.gpus > 0 if facts is not None else size.startswith("standard_n"),
        "streaming": settings.artifact_streaming,
    }
    return frozenset(trait for trait, holds in traits.items() if holds)


def architecture_of(size: str, facts: SizeFacts | None) -> str:
    """`x64` or `Arm64`; without facts by the name of the size
    (learn.microsoft.com/azure/virtual-machines/vm-naming-conventions)."""
    if facts is not None:
        return facts.arch
    return _ARM64 if _ARM.match(size.lower()) else "x64"


def _given(value: bool | None, otherwise: bool) -> bool:
    return otherwise if value is None else value
