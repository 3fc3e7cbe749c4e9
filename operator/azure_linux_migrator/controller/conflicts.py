"""Which of two migrations gives way: a pool is emptied, filled and deleted by one of them only.

Two at work on one pool would mark each other's nodes again for ever, and one would delete what the
other fills. The one that has begun goes on; of two that have not, the older one does.
"""

from collections.abc import Iterable
from typing import Protocol

from azure_linux_migrator.api.spec import ClusterRef, MigrationSpec
from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.api.steps import Step
from azure_linux_migrator.model.migration import Migration


class Candidate(Protocol):
    """What is to be known of a migration; `created` is its creationTimestamp."""

    name: str
    created: str

    @property
    def status(self) -> MigrationStatus:
        """As last decided."""

    @property
    def spec(self) -> MigrationSpec | None:
        """The spec, or None while it cannot be read."""

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""


def cluster_key(cluster: ClusterRef | None) -> str:
    """One spelling for one cluster: Azure's names are the same in any case of their letters
    (learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules)."""
    if cluster is None:
        return ""
    return f"{cluster.subscription_id}/{cluster.resource_group}/{cluster.name}".lower()


def conflict_of(
    mine: Candidate, everyone: Iterable[Candidate], *, own_cluster: ClusterRef | None
) -> str:
    """The migration that this one gives way to, with its pools; empty where there is none.

    `own_cluster` is the one that is meant where spec.cluster is not set. Rivals have a pool in
    common, whether as the source or as the target.
    """
    if mine.spec is None:
        return ""
    cluster = cluster_key(mine.spec.cluster or own_cluster)
    found = [
        each
        for each in everyone
        if each.spec is not None
        and each.name != mine.name
        and not each.finished
        and cluster_key(each.spec.cluster or own_cluster) == cluster
        and not _pools(each).isdisjoint(_pools(mine))
        and _rank(each) < _rank(mine)
    ]
    first = min(found, key=_rank, default=None)
    if first is None:
        return ""
    old, new = _migration(first).old_pool, _migration(first).new_pool
    return f"{first.name} ({old} in place)" if old == new else f"{first.name} ({old} to {new})"


def _rank(candidate: Candidate) -> tuple[bool, str, str]:
    return candidate.status.step in {"", Step.PREFLIGHT}, candidate.created, candidate.name


def _pools(candidate: Candidate) -> frozenset[str]:
    return frozenset((_migration(candidate).old_pool, _migration(candidate).new_pool))


def _migration(candidate: Candidate) -> Migration:
    assert candidate.spec is not None  # noqa: S101 - for the type checker
    return Migration(candidate.name, "", 0, candidate.spec, candidate.status)
