"""Checks of the cluster and of who else changes it."""

from collections.abc import Iterator

from azure_linux_migrator.api.spec import SourcePool
from azure_linux_migrator.core.preflight.findings import Finding
from azure_linux_migrator.core.preflight.rule import RuleResult, of_pool
from azure_linux_migrator.core.preflight.snapshot import PreflightSnapshot
from azure_linux_migrator.core.preflight.target_os import TABLE
from azure_linux_migrator.model.azure_facts import Unread
from azure_linux_migrator.model.provisioning_state import SETTLED

MOST_POOLS = 100
"""Where the cluster does not show its maxAgentPools."""
_CLUSTER = "the cluster"


def busy(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """cluster.busy: AKS does one thing at a time."""
    result = RuleResult("cluster.busy", _CLUSTER)
    if isinstance(snapshot.facts.cluster, Unread):
        yield result.unchecked(snapshot.facts.cluster)
    elif snapshot.facts.cluster.state not in {*SETTLED, ""}:
        yield result.block(
            f"it is {snapshot.facts.cluster.state}", "wait until that operation is over"
        )
    for pool in sorted(snapshot.pools.values(), key=lambda pool: pool.name):
        if pool.state not in SETTLED and pool.name != snapshot.target:
            yield RuleResult("cluster.busy", f"nodepool {pool.name}").block(
                f"it is {pool.state}", "wait until that operation is over"
            )


def pool_count(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """cluster.max-pools: room for one more pool."""
    cluster = snapshot.facts.cluster
    limit = None if isinstance(cluster, Unread) else cluster.max_pools
    most = MOST_POOLS if limit is None else limit
    if snapshot.target not in snapshot.pools and len(snapshot.pools) >= most:
        yield RuleResult("cluster.max-pools", _CLUSTER).block(
            f"it has {len(snapshot.pools)} node pools, and AKS allows {most}",
            "delete a pool that is not needed",
        )


def locks(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """lock.policy: locks that refuse what the migration has to change.

    AKS refuses each write that adds or removes nodes while the node resource group, or something
    in it, has a lock of either kind (ResourceGroupLocked, AKS#3291).
    """
    result = RuleResult("lock.policy", _CLUSTER)
    if isinstance(snapshot.facts.locks, Unread):
        yield result.unchecked(snapshot.facts.locks)
        return
    for why in snapshot.facts.lock_gaps:
        yield result.unchecked(Unread(why))
    deletes = snapshot.spec.source_pool is SourcePool.DELETE
    for lock in snapshot.facts.locks:
        what = f"lock {lock.name} ({lock.level}) on {lock.scope}"
        if lock.on_nodes:
            yield result.block(
                f"{what} makes AKS refuse to add and to remove nodes",
                f"remove it for the time of the migration: az lock delete --name {lock.name} …",
            )
        elif lock.level == "ReadOnly":
            yield result.block(
                f"{what} makes Azure refuse each change of a node pool",
                f"remove it for the time of the migration: az lock delete --name {lock.name} …",
            )
        elif deletes:
            yield result.warn(
                f"{what} keeps Azure from deleting the old pool",
                "remove it before the final soak is over, or set spec.sourcePool to Keep",
            )


def node_provisioning(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """nap: node auto provisioning has a way of its own."""
    result = RuleResult("nap", _CLUSTER)
    if isinstance(snapshot.facts.cluster, Unread):
        yield result.unchecked(snapshot.facts.cluster)
    elif snapshot.facts.cluster.node_provisioning == "Auto":
        yield result.block(
            "node auto provisioning is on: it may make nodes of its own for the pods that move",
            "for its own nodes set imageFamily: AzureLinux in the AKSNodeClass; acknowledge this "
            "to move a pool beside it",
        )


def maintenance(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """maintenance: upgrades that come by themselves."""
    result = RuleResult("maintenance", _CLUSTER)
    if isinstance(snapshot.facts.cluster, Unread):
        yield result.unchecked(snapshot.facts.cluster)
        return
    yield from _unsupported_channel(snapshot, snapshot.facts.cluster.node_os_channel)
    channels = {snapshot.facts.cluster.upgrade_channel, snapshot.facts.cluster.node_os_channel}
    active = sorted(channels - {"", "none", "None", "Unmanaged"})
    if isinstance(snapshot.facts.windows, Unread):
        yield result.unchecked(snapshot.facts.windows)
    elif active:
        windows = ", ".join(snapshot.facts.windows) or "no maintenance window"
        yield result.warn(
            f"upgrade channel {' and '.join(active)} is on ({windows}) and may replace nodes "
            "meanwhile",
            "do not let the migration run into the window, or widen the window's distance",
        )


def _unsupported_channel(snapshot: PreflightSnapshot, channel: str) -> Iterator[Finding]:
    target_os = TABLE.get(snapshot.spec.target.os_sku)
    if target_os is not None and target_os.channels and channel not in {*target_os.channels, ""}:
        yield RuleResult("maintenance", _CLUSTER).warn(
            f"its node OS upgrade channel is {channel}, and {target_os.sku} supports "
            f"{' and '.join(sorted(target_os.channels))} only: AKS may refuse the new pool",
            "az aks update --node-os-upgrade-channel NodeImage …",
        )


def extensions(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """os.vm-extension: what is on the scale set stays with InPlace, and is not on a new one."""
    result = of_pool(snapshot, "os.vm-extension")
    if isinstance(snapshot.facts.extensions, Unread):
        yield result.unchecked(snapshot.facts.extensions)
        return
    for name in snapshot.facts.extensions:
        if _keeps_scale_set(snapshot):
            yield result.warn(
                f"extension {name} of its scale set runs on the new OS too",
                "see that it supports Azure Linux, or remove it before",
            )
            continue
        yield result.warn(
            f"extension {name} of its scale set is not on the new one",
            "install it there again if it supports Azure Linux, or use a DaemonSet",
        )


def _keeps_scale_set(snapshot: PreflightSnapshot) -> bool:
    """Strategy InPlace changes the OS of the scale set that there is."""
    return snapshot.target == snapshot.source.name


def identities(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """vm.identity: an identity on the old scale set that AKS does not put on the new one."""
    result = of_pool(snapshot, "vm.identity")
    if _keeps_scale_set(snapshot):
        return
    if isinstance(snapshot.facts.identities, Unread):
        yield result.unchecked(snapshot.facts.identities)
        return
    for identity in snapshot.facts.identities:
        yield result.warn(
            f"identity {identity} was assigned to its scale set by hand and is not on the new one",
            "use workload identity, or assign it to the new scale set before the drain: "
            "spec.approval BeforeDrain waits for that",
        )


def attachments(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """vm.attachment: what was attached to the old scale set and AKS does not know of."""
    result = of_pool(snapshot, "vm.attachment")
    if _keeps_scale_set(snapshot):
        return
    if isinstance(snapshot.facts.attachments, Unread):
        yield result.unchecked(snapshot.facts.attachments)
        return
    for attachment in snapshot.facts.attachments:
        yield result.warn(
            f"{attachment} was attached to its scale set outside of AKS and is not on the new one",
            "use a Service, an ingress or a persistent volume, or attach it to the new scale set "
            "before the drain: spec.approval BeforeDrain waits for that",
        )
