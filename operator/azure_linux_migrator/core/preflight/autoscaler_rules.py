"""Checks of the cluster autoscaler: the source's, other pools', and which pool it prefers."""

import re
from collections.abc import Iterator

from azure_linux_migrator.core.preflight.findings import Finding
from azure_linux_migrator.core.preflight.rule import RuleResult, of_pool
from azure_linux_migrator.core.preflight.snapshot import PreflightSnapshot
from azure_linux_migrator.model.azure_facts import ClusterFacts, Priority, Unread

CONFIG_MAP = "kube-system/cluster-autoscaler-priority-expander"
_SCALE_SET = re.compile(r"^aks-[a-z0-9]+-(\d+)-vmss")


def source(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """autoscaler.source: held during the drain."""
    if snapshot.source.autoscaling:
        least, most = snapshot.source.bounds
        yield of_pool(snapshot, "autoscaler.source").fixed(
            f"its autoscaler ({least} to {most} nodes) is turned off before the new pool is "
            "made; that one gets these bounds at the end, a rollback gives them back"
        )


def profile(snapshot: PreflightSnapshot) -> Iterator[Finding]:
    """autoscaler.profile: other pools' autoscaler may act meanwhile, and an expander that goes by
    names does not know the new one."""
    result = RuleResult("autoscaler.profile", "the cluster")
    cluster = snapshot.facts.cluster
    if isinstance(cluster, Unread):
        yield result.unchecked(cluster)
        return
    yield from _balancing(snapshot, cluster, result)
    scales = snapshot.source.autoscaling or snapshot.spec.target.autoscaling is not None
    expanders = cluster.autoscaler_profile.get("expander", "").split(",")
    if scales and "priority" in expanders and snapshot.target != snapshot.source.name:
        yield from _expander(snapshot, result)


def _balancing(
    snapshot: PreflightSnapshot, cluster: ClusterFacts, result: RuleResult
) -> Iterator[Finding]:
    scaling = sorted(
        pool.name
        for pool in snapshot.pools.values()
        if pool.autoscaling and pool.name != snapshot.source.name
    )
    balances = cluster.autoscaler_profile.get("balance-similar-node-groups") == "true"
    if scaling and balances:
        yield result.warn(
            f"its autoscaler balances similar pools ({', '.join(scaling[:3])}) and may remove "
            "nodes that have just become free",
            "turn balance-similar-node-groups off meanwhile",
        )


def _expander(snapshot: PreflightSnapshot, result: RuleResult) -> Iterator[Finding]:
    """The priority expander prefers pools by patterns of their scale sets' names; a pool that none
    matches is scaled last (kubernetes/autoscaler, expander/priority/readme.md)."""
    priorities = snapshot.facts.priorities
    if isinstance(priorities, Unread):
        yield result.unchecked(priorities)
        return
    old = _highest(snapshot, snapshot.source.name, priorities)
    new = _highest(snapshot, snapshot.target, priorities)
    if (old.value if old else None) == (new.value if new else None):
        return
    names = [
        f"{name} priority {entry.value} by {entry.pattern}"
        if entry
        else f"nothing that matches {name}"
        for name, entry in ((snapshot.source.name, old), (snapshot.target, new))
    ]
    yield result.warn(
        f"its autoscaler prefers pools by ConfigMap {CONFIG_MAP}, which gives "
        f"{names[0]}, and {names[1]}",
        f"name {snapshot.target} there with the priority of {snapshot.source.name} before the "
        "autoscaler is handed over",
    )


def _highest(
    snapshot: PreflightSnapshot, pool: str, priorities: tuple[Priority, ...]
) -> Priority | None:
    name = _scale_set(snapshot, pool)
    matching = (entry for entry in priorities if _matches(entry.pattern, name))
    return max(matching, key=lambda entry: entry.value, default=None)


def _matches(pattern: str, name: str) -> bool:
    try:
        return re.search(pattern, name) is not None
    except re.error:
        return False  # the autoscaler does not take it either


def _scale_set(snapshot: PreflightSnapshot, pool: str) -> str:
    """The name of a pool's scale set: its number is that of the cluster."""
    numbers = (
        match[1]
        for node in snapshot.nodes
        if node.pool == snapshot.source.name and (match := _SCALE_SET.match(node.name))
    )
    return f"aks-{pool}-{next(numbers, '00000000')}-vmss"
