"""What AKS cannot change in place."""

from collections.abc import Iterator

from azure_linux_migrator.api.spec_strategy import StrategyType
from azure_linux_migrator.core.preflight.findings import Finding
from azure_linux_migrator.core.preflight.rule import of_pool
from azure_linux_migrator.core.preflight.snapshot import PreflightSnapshot
from azure_linux_migrator.core.preflight.target_traits import target_traits

_REMEDY = "use spec.strategy.type BlueGreen or Rolling, which make a new pool"


def in_place(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """pool.in-place: the limits of an in-place change of the OS SKU."""
    if snapshot.spec.strategy.type is not StrategyType.IN_PLACE:
        return
    traits, image = target_traits(snapshot), snapshot.source.settings.image.lower()
    limits = {
        "a pool with Pod Sandboxing (Kata)": "kata" in traits,
        "a confidential VM pool on Ubuntu 20.04": "cvm" in traits and "2004" in image,
        "a pool with the dedicated GPU image (UseGPUDedicatedVHD)": "gpu" in image,
    }
    for what, holds in limits.items():
        if holds:
            yield of_pool(snapshot, "pool.in-place").block(
                f"AKS does not change the OS SKU of {what} in place", _REMEDY
            )
