"""Checks of the network's room: addresses of nodes and pods."""

import ipaddress
from collections.abc import Iterator

from azure_linux_migrator.core.preflight.findings import Finding
from azure_linux_migrator.core.preflight.rule import RuleResult, of_pool
from azure_linux_migrator.core.preflight.snapshot import PreflightSnapshot
from azure_linux_migrator.model.azure_facts import Unread
from azure_linux_migrator.model.pool import Pool

MOST_PODS = 110
"""Pods of a node where AKS does not tell maxPods."""
RESERVED_ADDRESSES = 5
"""Addresses that Azure keeps of every subnet."""
OVERLAY_PREFIX = 24


def subnet(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """subnet.ip: AKS counts the most nodes of every pool against the addresses."""
    result = of_pool(snapshot, "subnet.ip")
    if isinstance(snapshot.facts.cluster, Unread):
        yield result.unchecked(snapshot.facts.cluster)
        return
    overlay = snapshot.facts.cluster.network_plugin_mode == "overlay"
    if overlay or snapshot.facts.cluster.network_plugin in {"kubenet", "none", ""}:
        yield from _overlay(snapshot, result, snapshot.facts.cluster.pod_cidrs)
        return
    subnet_id = snapshot.source.settings.subnet_id.lower()
    if not subnet_id:
        return
    if isinstance(snapshot.facts.subnets, Unread):
        yield result.unchecked(snapshot.facts.subnets)
        return
    facts = snapshot.facts.subnets.get(subnet_id)
    if facts is None:
        yield result.unchecked(Unread("its subnet was not found"))
        return
    room = ipaddress.ip_network(facts.prefix, strict=False).num_addresses - RESERVED_ADDRESSES
    separate = bool(snapshot.source.settings.pod_subnet_id)
    needed = sum(
        nodes * (1 if separate else _pods(pool) + 1)
        for pool, nodes in _nodes(snapshot)
        if pool.settings.subnet_id.lower() == subnet_id
    )
    if needed > room:
        yield result.block(
            f"all pools of subnet {subnet_id.rsplit('/', 1)[-1]} ({facts.prefix}) at their most "
            f"nodes need {needed} addresses of {room}",
            "enlarge the subnet, lower maxPods or a pool's maxCount, or use spec.strategy.type "
            "Rolling with a small maxSurge",
        )


def _overlay(
    snapshot: PreflightSnapshot, result: RuleResult, cidrs: tuple[str, ...]
) -> Iterator[Finding]:
    for cidr in cidrs:
        network = ipaddress.ip_network(cidr, strict=False)
        if network.version != 4:
            continue
        room = 2 ** max(0, OVERLAY_PREFIX - network.prefixlen)
        needed = sum(nodes for _, nodes in _nodes(snapshot))
        if needed > room:
            yield result.block(
                f"all pools at their most nodes are {needed} nodes, and pod range {cidr} has room "
                f"for {room} (/24 each)",
                "lower a pool's maxCount, or use spec.strategy.type Rolling with a small maxSurge",
            )


def _nodes(snapshot: PreflightSnapshot) -> Iterator[tuple[Pool, int]]:
    """Each pool with the most nodes it may have, the new one as the source's with the extra."""
    for pool in snapshot.pools.values():
        if pool.name != snapshot.target or pool.name == snapshot.source.name:
            held = pool.name == snapshot.source.name
            yield pool, pool.count if held else max(pool.bounds[1], pool.count)
    yield snapshot.source, snapshot.extra


def _pods(pool: Pool) -> int:
    return pool.settings.max_pods or MOST_PODS
