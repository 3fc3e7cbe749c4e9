"""The most nodes that each pool may have while the migration runs, as AKS counts them."""

from collections.abc import Iterator

from azure_linux_migrator.core.preflight.snapshot import PreflightSnapshot
from azure_linux_migrator.model.pool import Pool


def most_nodes(snapshot: PreflightSnapshot) -> Iterator[tuple[Pool, int]]:
    """Each pool with its maxCount and its surge; the new one has the source's settings.

    The source's autoscaler is held before the new pool is made, so the source counts as it is.
    """
    in_place = snapshot.target == snapshot.source.name
    for pool in snapshot.pools.values():
        if pool.name == snapshot.source.name and not in_place:
            yield pool, pool.count + pool.surge(pool.count)
        elif pool.name != snapshot.target or in_place:
            nodes = max(pool.bounds[1], pool.count)
            yield pool, nodes + pool.surge(nodes)
    if not in_place:
        yield snapshot.source, snapshot.extra + snapshot.source.surge(snapshot.extra)
