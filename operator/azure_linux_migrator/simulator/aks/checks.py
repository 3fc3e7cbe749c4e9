"""Checks of the cluster's state before a call that writes. All raise ArmError."""

from collections.abc import Mapping

from azure_linux_migrator.simulator.aks import catalog, errors, pools
from azure_linux_migrator.simulator.aks.limits import ADDRESSES_PER_NODE, ClusterShape, Limits
from azure_linux_migrator.simulator.aks.operation_plan import is_stale
from azure_linux_migrator.simulator.aks.operations import Operation
from azure_linux_migrator.simulator.aks.pool import AgentPool


def check_etag(
    present: AgentPool | None, if_match: str, if_none_match: str, limits: Limits
) -> None:
    """Check the conditions in the headers; values may be quoted."""
    if if_none_match.strip('"') == "*" and present is not None:
        raise errors.already_exists(limits.if_none_match_status)
    wanted = if_match.strip('"')
    if not wanted or (wanted == "*" and present is not None):
        return
    if present is None or present.properties["eTag"] != wanted:
        raise errors.etag_mismatch(limits.if_match_status)


def check_idle(present: AgentPool | None, on_cluster: Operation | None) -> None:
    """Check that no operation runs on the cluster or on this pool."""
    if on_cluster is not None and on_cluster.running:
        raise errors.cluster_busy(on_cluster.state)
    if present is not None and (running := present.running) is not None:
        raise errors.pool_busy(present.name, running.state)


def check_system_pool_remains(but: str, present: Mapping[str, AgentPool]) -> None:
    """Check that a System pool remains without this one."""
    if not any(
        pool.properties["mode"] == "System" and pool.properties["provisioningState"] != "Deleting"
        for name, pool in present.items()
        if name != but
    ):
        raise errors.last_system_pool()


def check_capacity(
    name: str,
    after: pools.Properties,
    present: Mapping[str, AgentPool],
    shape: ClusterShape,
    limits: Limits,
) -> None:
    """Check that quota, addresses and outbound ports suffice for the pool, surge included, beside
    all others."""
    everyone = {key: pool.properties for key, pool in present.items()} | {name: after}
    if shape.outbound_ports:
        nodes = sum(map(pools.most_nodes, everyone.values()))
        if shape.outbound_ports * nodes > errors.PORTS_PER_ADDRESS * shape.outbound_ips:
            raise errors.insufficient_ports(shape.outbound_ports, nodes, shape.outbound_ips)
    if limits.pod_addresses is not None:
        needed = ADDRESSES_PER_NODE * sum(map(pools.most_nodes, everyone.values()))
        if needed > limits.pod_addresses:
            raise errors.insufficient_subnet(needed, limits.pod_addresses)
    if limits.vcpus_per_family is None:
        return
    size = catalog.vm_size(after["vmSize"])
    used = 0
    for pool in present.values():
        other = catalog.vm_size(pool.properties["vmSize"])
        if other.family == size.family:
            used += other.cpus * _claimed(pool)
    own = list(present[name].nodes.values()) if name in present else []
    claimed = _claimed(present[name]) if name in present else 0
    extra = 0 if pools.stopped(after) else max(0, int(after["count"]) - claimed)
    if any(is_stale(node, after) for node in own):
        extra += pools.surge(after, len(own))
    remaining = max(0, limits.vcpus_per_family - used)
    if extra * size.cpus > remaining:
        raise errors.insufficient_quota(extra * size.cpus, remaining, size.family, shape.location)


def _claimed(pool: AgentPool) -> int:
    """Machines that a pool has or is about to have."""
    wanted = 0 if pools.stopped(pool.properties) else int(pool.properties["count"])
    return max(len(pool.nodes), wanted)
