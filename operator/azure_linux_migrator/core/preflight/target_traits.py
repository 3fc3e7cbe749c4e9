"""What decides which node image the target gets: of the source's settings, with the spec's in
their place."""

import re

from azure_linux_migrator.core.preflight.snapshot import PreflightSnapshot

_CONFIDENTIAL = re.compile(r"^standard_(dc\d+[a-z]*a[a-z]*|dc\d+e[a-z]*|ec\d+[a-z]*)_")
"""Sizes of confidential VMs: AMD SEV-SNP (`a`) and Intel TDX (`e`, and all of EC). DCsv2 and DCsv3
have SGX enclaves, and are ordinary VMs beside them."""
_ARM = re.compile(r"^standard_[a-z]+\d+[a-z]*p[a-z]*_")


def target_traits(snapshot: PreflightSnapshot) -> frozenset[str]:
    """`fips`, `trusted`, `kata`, `cvm`, `arm64` and `streaming`, as far as they hold."""
    settings, facts = snapshot.source.settings, snapshot.size_facts
    size = snapshot.vm_size.lower()
    confidential = facts.confidential if facts is not None else _CONFIDENTIAL.match(size)
    arm = facts.arch == "Arm64" if facts is not None else _ARM.match(size)
    traits = {
        "fips": settings.fips,
        "trusted": settings.vtpm and settings.secure_boot,
        "kata": "Kata" in settings.workload_runtime,
        "cvm": confidential,
        "arm64": arm,
        "streaming": settings.artifact_streaming,
    }
    return frozenset(trait for trait, holds in traits.items() if holds)
