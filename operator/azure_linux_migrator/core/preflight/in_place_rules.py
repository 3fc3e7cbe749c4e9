"""What AKS cannot change in place."""

from collections.abc import Iterator

from azure_linux_migrator.api.spec_strategy import StrategyType
from azure_linux_migrator.core.preflight.findings import Finding
from azure_linux_migrator.core.preflight.rule import of_pool
from azure_linux_migrator.core.preflight.snapshot import PreflightSnapshot
from azure_linux_migrator.core.preflight.target_os import TABLE
from azure_linux_migrator.core.preflight.target_traits import target_traits
from azure_linux_migrator.model.azure_facts import ClusterFacts

_REMEDY = "use spec.strategy.type BlueGreen or Rolling, which make a new pool"


def in_place(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """pool.in-place: the limits of an in-place change of the OS SKU."""
    if snapshot.spec.strategy.type is not StrategyType.IN_PLACE:
        return
    traits, image = target_traits(snapshot), snapshot.source.settings.image.lower()
    cluster = snapshot.facts.cluster
    policy = cluster.node_disruption if isinstance(cluster, ClusterFacts) else ""
    if policy not in {"", "Allow"}:
        yield of_pool(snapshot, "pool.in-place").warn(
            f"the cluster's Node Disruption Policy (preview) is {policy}: AKS may refuse to change "
            "the OS SKU of nodes that exist, about which its documentation says nothing",
            f"{_REMEDY}, or set it to Allow meanwhile",
        )
    target_os = TABLE.get(snapshot.spec.target.os_sku)
    needs = target_os is not None and "vtpm" in target_os.needs  # then the change brings the image
    has_trusted = snapshot.source.settings.vtpm or snapshot.source.settings.secure_boot
    limits = {
        "a pool with Pod Sandboxing (Kata)": "kata" in traits,
        "a confidential VM pool on Ubuntu 20.04": "cvm" in traits and "2004" in image,
        "a pool without a Trusted Launch image to one with Secure Boot or vTPM": (
            "trusted" in traits and not has_trusted and not needs
        ),
        "a pool with the dedicated GPU image (UseGPUDedicatedVHD)": "gpu" in image,
    }
    for what, holds in limits.items():
        if holds:
            yield of_pool(snapshot, "pool.in-place").block(
                f"AKS does not change the OS SKU of {what} in place", _REMEDY
            )
