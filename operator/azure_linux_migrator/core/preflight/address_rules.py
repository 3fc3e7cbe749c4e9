"""Checks of the network's room: addresses of nodes and pods, and ports for outbound connections.

AKS counts the most nodes of every pool, with the surge of an upgrade.
"""

import ipaddress
from collections.abc import Iterable, Iterator

from azure_linux_migrator.core.preflight.findings import Finding
from azure_linux_migrator.core.preflight.pool_nodes import most_nodes
from azure_linux_migrator.core.preflight.rule import RuleResult, of_pool
from azure_linux_migrator.core.preflight.snapshot import PreflightSnapshot
from azure_linux_migrator.model.azure_facts import ClusterFacts, SubnetFacts, Unread
from azure_linux_migrator.model.pool import Pool

MOST_PODS = 110
"""Pods of a node where AKS does not show maxPods."""
RESERVED_ADDRESSES = 5
"""Addresses that Azure keeps of every prefix of a subnet."""
OVERLAY_PREFIX = 24
"""Of the pod range that each node gets in an overlay network."""
POD_BATCH = 16
"""Addresses that a node takes of a pod subnet at a time
(learn.microsoft.com/azure/aks/concepts-network-azure-cni-pod-subnet)."""
OUTBOUND_PORTS = 64_000
"""Ports of each outbound address (learn.microsoft.com/azure/aks/load-balancer-standard)."""
_SMALLER = "lower a pool's maxCount, or use spec.strategy.type Rolling with a small maxSurge"


def subnet(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """subnet.ip: room for the nodes and the pods of both pools."""
    result = of_pool(snapshot, "subnet.ip")
    cluster = snapshot.facts.cluster
    if isinstance(cluster, Unread):
        yield result.unchecked(cluster)
        return
    if _overlay(cluster) and cluster.network_plugin != "none":  # then that CNI gives addresses
        yield from _pod_range(snapshot, result, cluster.pod_cidrs)
    settings = snapshot.source.settings
    node_subnet, pod_subnet = settings.subnet_id.lower(), settings.pod_subnet_id.lower()
    if node_subnet:
        residents = [
            (nodes, _of_node(pool, cluster))
            for pool, nodes in most_nodes(snapshot)
            if pool.settings.subnet_id.lower() == node_subnet
        ]
        present = sum(
            pool.count * _of_node(pool, cluster)
            for pool in snapshot.pools.values()
            if pool.settings.subnet_id.lower() == node_subnet
        )
        yield from _room(snapshot, result, node_subnet, residents, present)
    if pod_subnet:
        residents = [
            (nodes, _batches(pool))
            for pool, nodes in most_nodes(snapshot)
            if pool.settings.pod_subnet_id.lower() == pod_subnet
        ]
        present = sum(
            pool.count * _batches(pool)
            for pool in snapshot.pools.values()
            if pool.settings.pod_subnet_id.lower() == pod_subnet
        )
        yield from _room(snapshot, result, pod_subnet, residents, present)


def outbound(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """outbound.ports: a fixed number of SNAT ports for each node bounds the nodes."""
    cluster = snapshot.facts.cluster
    if isinstance(cluster, Unread):
        yield of_pool(snapshot, "outbound.ports").unchecked(cluster)
        return
    ports, addresses = cluster.outbound_ports, cluster.outbound_addresses
    if not ports:
        return
    if not addresses:
        yield of_pool(snapshot, "outbound.ports").unchecked(
            Unread(
                f"allocatedOutboundPorts is {ports}, and how many outbound addresses the load "
                "balancer has is not known"
            )
        )
        return
    nodes = sum(nodes for _, nodes in most_nodes(snapshot))
    room = OUTBOUND_PORTS * addresses
    if nodes * ports > room:
        yield of_pool(snapshot, "outbound.ports").block(
            f"allocatedOutboundPorts {ports} for all pools at their most nodes ({nodes}, surge "
            f"included) are {nodes * ports} ports, and the load balancer has {room} "
            f"({addresses} outbound addresses)",
            "add an outbound address to the load balancer, lower allocatedOutboundPorts, or "
            + _SMALLER,
        )


def _of_node(pool: Pool, cluster: ClusterFacts) -> int:
    """Addresses of the node subnet that a node has: its own, and those of its pods if they are of
    the same subnet."""
    separate = pool.settings.pod_subnet_id or _overlay(cluster)
    return 1 if separate else _pods(pool) + 1


def _overlay(cluster: ClusterFacts) -> bool:
    """Whether pods have addresses beside those of the subnet."""
    overlay = cluster.network_plugin_mode == "overlay"
    return overlay or cluster.network_plugin in {"kubenet", "none", ""}


def _room(
    snapshot: PreflightSnapshot,
    result: RuleResult,
    subnet_id: str,
    residents: Iterable[tuple[int, int]],
    present: int,
) -> Iterator[Finding]:
    """Whether the pools fit beside what else is in the subnet. `residents` are nodes and the
    addresses of each, `present` the addresses that the cluster's own pools have now."""
    subnets = snapshot.facts.subnets
    if isinstance(subnets, Unread):
        yield result.unchecked(subnets)
        return
    facts = subnets.get(subnet_id)
    if facts is None:
        name = subnet_id.rsplit("/", 1)[-1]
        yield result.unchecked(Unread(f"subnet {name} could not be read"))
        return
    strangers = max(0, facts.used - present)
    room = _addresses(facts) - strangers
    needed = sum(nodes * addresses for nodes, addresses in residents)
    if needed > room:
        beside = f" beside {strangers} that others use" if strangers else ""
        yield result.block(
            f"all pools of subnet {subnet_id.rsplit('/', 1)[-1]} ({', '.join(facts.prefixes)}) at "
            f"their most nodes, surge included, need {needed} addresses of {room}{beside}",
            "enlarge the subnet, lower maxPods, or " + _SMALLER,
        )


def _addresses(facts: SubnetFacts) -> int:
    networks = (ipaddress.ip_network(prefix, strict=False) for prefix in facts.prefixes)
    return sum(
        network.num_addresses - RESERVED_ADDRESSES for network in networks if network.version == 4
    )


def _batches(pool: Pool) -> int:
    """Addresses that a node has of its pod subnet at least: one batch, or blocks for all pods."""
    if pool.settings.pod_ip_allocation != "StaticBlock":
        return POD_BATCH
    return -(-_pods(pool) // POD_BATCH) * POD_BATCH


def _pod_range(
    snapshot: PreflightSnapshot, result: RuleResult, cidrs: tuple[str, ...]
) -> Iterator[Finding]:
    for cidr in cidrs:
        network = ipaddress.ip_network(cidr, strict=False)
        if network.version != 4:
            continue
        room = 2 ** max(0, OVERLAY_PREFIX - network.prefixlen)
        needed = sum(nodes for _, nodes in most_nodes(snapshot))
        if needed > room:
            yield result.block(
                f"all pools at their most nodes are {needed} nodes, surge included, and pod range "
                f"{cidr} has room for {room} (/24 each)",
                _SMALLER,
            )


def _pods(pool: Pool) -> int:
    return pool.settings.max_pods or MOST_PODS
