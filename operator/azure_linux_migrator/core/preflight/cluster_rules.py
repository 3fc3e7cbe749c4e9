"""Checks of the cluster and of what Azure holds ready in its region."""

import ipaddress
from collections.abc import Iterator

from azure_linux_migrator.core.preflight.findings import Finding
from azure_linux_migrator.core.preflight.rule import RuleResult, of_pool
from azure_linux_migrator.core.preflight.snapshot import PreflightSnapshot
from azure_linux_migrator.core.preflight.target_os import nearest
from azure_linux_migrator.model.azure_facts import Unread
from azure_linux_migrator.model.pool import Pool

MOST_POOLS = 100
MOST_PODS = 110
"""Pods of a node where AKS does not tell maxPods."""
RESERVED_ADDRESSES = 5
"""Addresses that Azure keeps of every subnet."""
OVERLAY_PREFIX = 24
_SETTLED = frozenset(("Succeeded", "Failed", "Canceled"))
_CLUSTER = "the cluster"
_SHARED = {
    "proximityPlacementGroupID": "proximity placement group",
    "capacityReservationGroupID": "capacity reservation group",
    "hostGroupID": "dedicated host group",
    "nodePublicIPPrefixID": "public IP prefix",
}


def busy(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """cluster.busy: AKS does one thing at a time."""
    result = RuleResult("cluster.busy", _CLUSTER)
    if isinstance(snapshot.facts.cluster, Unread):
        yield result.unchecked(snapshot.facts.cluster)
    elif snapshot.facts.cluster.state not in {*_SETTLED, ""}:
        yield result.block(
            f"it is {snapshot.facts.cluster.state}", "wait until that operation is over"
        )
    for pool in sorted(snapshot.pools.values(), key=lambda each: each.name):
        if pool.state not in _SETTLED and pool.name != snapshot.target:
            yield RuleResult("cluster.busy", f"nodepool {pool.name}").block(
                f"it is {pool.state}", "wait until that operation is over"
            )


def pool_count(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """cluster.max-pools: room for one more pool."""
    if snapshot.target not in snapshot.pools and len(snapshot.pools) >= MOST_POOLS:
        yield RuleResult("cluster.max-pools", _CLUSTER).block(
            f"it has {len(snapshot.pools)} node pools, and AKS allows {MOST_POOLS}",
            "delete a pool that is not needed",
        )


def quota(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """quota.vcpu: both pools stand side by side for a while."""
    result = of_pool(snapshot, "quota.vcpu")
    if isinstance(snapshot.facts.usages, Unread):
        yield result.unchecked(snapshot.facts.usages)
        return
    if isinstance(snapshot.facts.sizes, Unread):
        yield result.unchecked(snapshot.facts.sizes)
        return
    size = snapshot.spec.target.vm_size or snapshot.source.vm_size
    facts = snapshot.facts.sizes.get(size.lower())
    if facts is None:
        yield result.unchecked(Unread(f"VM size {size} is not listed in this region"))
        return
    needed = facts.vcpus * snapshot.extra
    for name in (facts.family, "cores"):
        usage = snapshot.facts.usages.get(name)
        if usage is not None and usage.current + needed > usage.limit:
            yield result.block(
                f"{snapshot.extra} more nodes of {size} need {needed} vCPUs of quota {name}, of "
                f"which {usage.limit - usage.current} of {usage.limit} are left",
                "ask for a higher quota, or use spec.strategy.type Rolling with a small maxSurge",
            )
        most = facts.vcpus * _most(snapshot)
        if usage is not None and usage.current + needed <= usage.limit < usage.current + most:
            yield result.warn(
                f"scaled to its maximum the new pool would need {most} vCPUs of quota {name}, of "
                f"which {usage.limit - usage.current} are left",
                "ask for a higher quota before the pool has to grow",
            )


def _most(snapshot: PreflightSnapshot) -> int:
    wanted = snapshot.spec.target.autoscaling
    return wanted.max if wanted else max(snapshot.source.bounds[1], snapshot.extra)


def capacity(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """sku.zone-capacity: the size may be used here, and nothing else is short of room."""
    result = of_pool(snapshot, "sku.zone-capacity")
    size = snapshot.spec.target.vm_size or snapshot.source.vm_size
    if isinstance(snapshot.facts.sizes, Unread):
        yield result.unchecked(snapshot.facts.sizes)
    elif (facts := snapshot.facts.sizes.get(size.lower())) is None:
        if snapshot.spec.target.vm_size and snapshot.facts.sizes:
            near = nearest(size, snapshot.facts.sizes)
            yield result.block(
                f"VM size {size} (spec.target.vmSize) does not exist in this region",
                f"set spec.target.vmSize to {near}" if near else "az vm list-skus shows the sizes",
            )
    else:
        zones = snapshot.spec.target.zones or snapshot.source.settings.zones
        strange = sorted(set(zones) - {*facts.zones, "auto"}) if facts.zones else []
        if strange:
            yield result.block(
                f"VM size {size} is not offered in zone {', '.join(strange)} of this region",
                f"set spec.target.zones to some of {', '.join(facts.zones)}",
            )
        lost = sorted(set(zones) & set(facts.restricted_zones))
        if facts.unavailable:
            yield result.warn(
                f"VM size {size} cannot be used in this region: {facts.unavailable}",
                "set spec.target.vmSize, or ask Azure for access to the size",
            )
        if lost:
            yield result.warn(
                f"VM size {size} is restricted in zone {', '.join(lost)}",
                "set spec.target.zones without it",
            )
    for name, resource_id in snapshot.source.settings.shared:
        yield result.warn(
            f"both pools stand in one {_SHARED[name]} for a while, and it must have room for "
            f"{snapshot.extra} more nodes",
            f"see that {resource_id.rsplit('/', 1)[-1]} has that room",
        )
    if snapshot.source.settings.priority == "Spot":
        yield result.warn("it is a spot pool: Azure may have no capacity", "have a second choice")


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


def rights(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """rbac.arm: a refusal now is better than one half-way."""
    result = RuleResult("rbac.arm", "the operator's identity")
    if isinstance(snapshot.facts.denied, Unread):
        yield result.unchecked(snapshot.facts.denied)
        return
    for action in snapshot.facts.denied:
        needed = "agentPools" in action or action.lower().endswith("subnets/join/action")
        say = result.block if needed else result.warn
        yield say(f"it may not {action}", "give it the role in deploy/azure/role.json")


def locks(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """lock.policy: a lock shows itself at the very end, when the old pool is to go."""
    result = RuleResult("lock.policy", _CLUSTER)
    if isinstance(snapshot.facts.locks, Unread):
        yield result.unchecked(snapshot.facts.locks)
        return
    for lock in snapshot.facts.locks:
        yield result.warn(
            f"lock {lock} may keep Azure from deleting the old pool",
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


def autoscaler_source(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """autoscaler.source: held during the drain."""
    if snapshot.source.autoscaling:
        least, most = snapshot.source.bounds
        yield of_pool(snapshot, "autoscaler.source").fixed(
            f"its autoscaler ({least} to {most} nodes) is held while it is drained; the new pool "
            "gets these bounds at the end, a rollback gives them back"
        )


def autoscaler_profile(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """autoscaler.profile: other pools' autoscaler may act meanwhile."""
    result = RuleResult("autoscaler.profile", _CLUSTER)
    if isinstance(snapshot.facts.cluster, Unread):
        yield result.unchecked(snapshot.facts.cluster)
        return
    scaling = sorted(
        pool.name
        for pool in snapshot.pools.values()
        if pool.autoscaling and pool.name != snapshot.source.name
    )
    balances = (
        snapshot.facts.cluster.autoscaler_profile.get("balance-similar-node-groups") == "true"
    )
    if scaling and balances:
        yield result.warn(
            f"its autoscaler balances similar pools ({', '.join(scaling[:3])}) and may remove "
            "nodes that have just become free",
            "turn balance-similar-node-groups off meanwhile",
        )


def maintenance(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """maintenance: upgrades that come by themselves."""
    result = RuleResult("maintenance", _CLUSTER)
    if isinstance(snapshot.facts.cluster, Unread):
        yield result.unchecked(snapshot.facts.cluster)
        return
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


def extensions(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """os.vm-extension: what hangs on the old scale set does not come along."""
    result = of_pool(snapshot, "os.vm-extension")
    if isinstance(snapshot.facts.extensions, Unread):
        yield result.unchecked(snapshot.facts.extensions)
        return
    for name in snapshot.facts.extensions:
        yield result.warn(
            f"extension {name} of its scale set is not on the new one",
            "install it there again if it supports Azure Linux, or use a DaemonSet",
        )
