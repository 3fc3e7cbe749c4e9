"""DaemonSets that work on the source and not on the target: what no rule about an OS can know.

Agents such as CSI node plugins, the CNI, monitoring and GPU drivers start on the new nodes at once,
and fail there while everything is fine on the old ones. They are compared before anything is
cordoned, after each batch, and before the source is retired.
"""

from collections.abc import Iterable

from msgspec import Struct

from azure_linux_migrator.api.checks import Check
from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.core.steps.progress import Context, Progress, working
from azure_linux_migrator.core.steps.waits import bounded
from azure_linux_migrator.model.cluster import NamespacedName, Node

ACKNOWLEDGED_AS = Check.DAEMONSET_NOT_READY
"""The id under which spec.preflight.acknowledge lets the migration go on all the same."""

START_SECONDS = 300.0
"""A DaemonSet's pods may take so long to become Ready on new nodes."""

CHECK_SECONDS = 15.0


class _Tally(Struct):
    """Pods of a DaemonSet on the Ready nodes of a pool."""

    key: NamespacedName
    ready: int = 0
    pods: int = 0

    def __str__(self) -> str:
        return f"{self.ready} of {self.pods}"


def node_agents_not_ready(ctx: Context) -> Progress | None:
    """DaemonSets of which a smaller part of the pods is Ready on the target than on the source; a
    refusal after START_SECONDS. None where there are none, or where that is acknowledged."""
    if ctx.migration.backwards or ACKNOWLEDGED_AS in ctx.migration.spec.preflight.acknowledge:
        return None
    return bounded(ctx, "agents", _failing(ctx), START_SECONDS)


def _failing(ctx: Context) -> Progress | None:
    source, target = ctx.migration.source, ctx.migration.target
    old = _tallies(ctx, ctx.seen.world.pool_nodes(source))
    new = _tallies(ctx, ctx.seen.world.pool_nodes(target))
    failing = [
        f"DaemonSet {tally.key}: {tally} pods Ready on {target} ({before} on {source})"
        for uid, tally in sorted(new.items(), key=lambda item: item[1].key)
        if (before := old.get(uid)) is not None
        and tally.ready * before.pods < before.ready * tally.pods
    ]
    if not failing:
        return None
    more = f" and {len(failing) - 2} more" if len(failing) > 2 else ""
    return working(
        Reason.NODE_AGENTS_NOT_READY,
        f"{'; '.join(failing[:2])}{more}. Nothing is moved until they are; acknowledge "
        f"{ACKNOWLEDGED_AS} in spec.preflight.acknowledge to continue anyway",
        wake_at=ctx.now + CHECK_SECONDS,
    )


def _tallies(ctx: Context, nodes: Iterable[Node]) -> dict[str, _Tally]:
    """By the DaemonSet's uid."""
    tallies: dict[str, _Tally] = {}
    for node in nodes:
        for pod in ctx.seen.world.pods_on(node.name) if node.ready else ():
            if pod.owner is None or pod.owner.kind != "DaemonSet" or pod.terminating:
                continue
            key = NamespacedName(pod.key.namespace, pod.owner.name)
            tally = tallies.setdefault(pod.owner.uid, _Tally(key))
            tally.pods += 1
            tally.ready += pod.ready
    return tallies
