"""Checks of the disks of a node: that of its OS, and those of persistent volumes."""

from collections.abc import Iterator

from azure_linux_migrator.core.preflight.findings import Finding
from azure_linux_migrator.core.preflight.rule import of_pool
from azure_linux_migrator.core.preflight.snapshot import PreflightSnapshot
from azure_linux_migrator.core.preflight.target_nodes import most_nodes
from azure_linux_migrator.model.azure_facts import SizeFacts
from azure_linux_migrator.model.cluster import AZURE_DISK


def disks(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """vm.disks: another VM size has another cache, and so many nodes take so many disks."""
    disks = {
        volume.name
        for workload in snapshot.workloads
        for volume in workload.volumes
        if volume.driver == AZURE_DISK
    }
    facts = snapshot.size_facts
    if facts is not None:
        if snapshot.resizes:
            yield from _of_another_size(snapshot, facts)
        yield from _attached(snapshot, facts, len(disks))
    elif disks or snapshot.resizes:
        yield of_pool(snapshot, "vm.disks").unchecked(snapshot.size_unread)


def _of_another_size(snapshot: PreflightSnapshot, facts: SizeFacts) -> Iterator[Finding]:
    result, settings = of_pool(snapshot, "vm.disks"), snapshot.source.settings
    room = facts.ephemeral_gib
    if settings.os_disk_type == "Ephemeral" and room is not None and settings.os_disk_gib > room:
        yield result.block(
            f"its OS disk is ephemeral with {settings.os_disk_gib} GiB, and VM size "
            f"{snapshot.vm_size} has room for {room} GiB",
            "set spec.target.vmSize to a size with a larger cache or temporary disk",
        )
    if settings.host_encryption and not facts.host_encryption:
        yield result.block(
            f"it encrypts at host, which VM size {snapshot.vm_size} does not support",
            "set spec.target.vmSize to a size that does",
        )


def _attached(snapshot: PreflightSnapshot, facts: SizeFacts, disks: int) -> Iterator[Finding]:
    """The disks of the pods that move, and the room for them on the nodes of the target."""
    result, most = of_pool(snapshot, "vm.disks"), most_nodes(snapshot)
    if facts.data_disks is None or not most:
        return
    if disks > facts.data_disks * most:
        yield result.block(
            f"its pods have {disks} disks, and {most} nodes of "
            f"{snapshot.vm_size} take {facts.data_disks} each",
            "raise spec.target.count, or set a spec.target.vmSize that takes more disks",
        )
