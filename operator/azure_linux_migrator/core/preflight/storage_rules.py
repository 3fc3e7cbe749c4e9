"""Checks of storage that keeps its replicas on the disks of the nodes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from azure_linux_migrator.core.preflight.findings import Finding
from azure_linux_migrator.core.preflight.rule import of_pool
from azure_linux_migrator.core.preflight.snapshot import PreflightSnapshot, WorkloadFacts


@dataclass(frozen=True, slots=True)
class NodeStorage:
    """A storage system, recognized by the names of what it runs on the nodes that hold its data, or
    by the CSI driver of volumes. `evacuate` is how its data leaves a node."""

    name: str
    workloads: str
    drivers: frozenset[str]
    evacuate: str


SYSTEMS = (
    NodeStorage(
        "Longhorn",
        r"(longhorn-(manager|csi-plugin)|engine-image-ei-.+|instance-manager-.+)",
        frozenset({"driver.longhorn.io"}),
        "in Longhorn disable scheduling on each node of the pool and set spec.evictionRequested on "
        "its nodes.longhorn.io object, and wait until no replica is left there",
    ),
    NodeStorage(
        "Rook (Ceph)",
        r"rook-ceph-(osd|mon)-.+",
        frozenset(),
        "give the storage cluster nodes of another pool, then take the OSDs of this pool out one "
        "by one (ceph osd out), each time waiting for HEALTH_OK, and purge them",
    ),
    NodeStorage(
        "OpenEBS",
        r"openebs-(io-engine|ndm|cstor-.+|(lvm|zfs)-.*node)|mayastor-io-engine|cstor-disk.+",
        frozenset({"io.openebs.csi-mayastor", "cstor.csi.openebs.io"}),
        "add replicas on nodes of another pool and remove those of this one (kubectl mayastor "
        "drain node for Mayastor)",
    ),
    NodeStorage(
        "Portworx",
        r"(portworx|px-cluster-.+|portworx-api)",
        frozenset({"pxd.portworx.com"}),
        "add nodes of another pool to the storage cluster, move the replicas with pxctl volume "
        "ha-update, and decommission the nodes of this pool",
    ),
    NodeStorage(
        "TopoLVM",
        r"(topolvm-node|topolvm-lvmd.*)",
        frozenset({"topolvm.io", "topolvm.cybozu.com"}),
        "it has no replicas: back its volumes up and restore them on nodes of another pool",
    ),
    NodeStorage(
        "Azure Container Storage",
        r"(azurecontainerstorage-io-engine|csi-local-node)",
        frozenset({"containerstorage.csi.azure.com", "localdisk.csi.acstor.io"}),
        "give it nodes of another pool (version 1: with the label "
        "acstor.azure.com/io-engine=acstor), and let the applications replicate their data there, "
        "or back it up and restore it",
    ),
    NodeStorage(
        "LINSTOR (Piraeus)",
        r"linstor-satellite(\..+)?",
        frozenset({"linstor.csi.linbit.com"}),
        "add nodes of another pool, then run linstor node evacuate for each node of this pool and "
        "wait until it has no resource left",
    ),
)


def replicated(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """storage.replicated: replicas are deleted with the pool, faster than they are rebuilt."""
    for system in SYSTEMS:
        members = [workload for workload in snapshot.workloads if _is_of(workload, system)]
        if members:
            users = sum(_uses(member, system) for member in members)
            volumes = f" Pods that move and use it: {users}." if users else ""
            yield of_pool(snapshot, "storage.replicated").block(
                f"{system.name} keeps data on the disks of its nodes ({_shown(members)}), which "
                f"are deleted with the pool; its pods start elsewhere with empty disks.{volumes}",
                f"evacuate it first: {system.evacuate}; then acknowledge this",
            )


def _is_of(workload: WorkloadFacts, system: NodeStorage) -> bool:
    owner = workload.owner.rpartition("/")[2] or workload.key.name
    return _is_named(owner, system.workloads) or _uses(workload, system)


@lru_cache(16_384)
def _is_named(name: str, pattern: str) -> bool:
    return re.fullmatch(pattern, name) is not None


def _uses(workload: WorkloadFacts, system: NodeStorage) -> bool:
    return any(volume.driver in system.drivers for volume in workload.volumes)


def _shown(members: list[WorkloadFacts]) -> str:
    names = sorted({member.owner or f"Pod {member.key}" for member in members})
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3])}{more}"
