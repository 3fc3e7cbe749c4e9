"""Which of two migrations gives way: a pool is emptied, filled and deleted by one of them only.

Two active ones on one pool would mark each other's nodes endlessly, and one would delete what the
other fills. The one that has begun goes on; of two that have not, the older one does.
"""

from collections.abc import Iterable
from dataclasses import dataclass
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

    def claim(self) -> tuple[MigrationSpec, tuple[str, ...]]:
        """The spec as far as it can be read, and the fields that cannot be."""

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

    `own_cluster` is the one that is meant where spec.cluster is not set. Conflicting migrations
    have a pool in common, whether as the source or as the target. One that has begun stays in
    conflict while its spec cannot be read; where its source or its cluster cannot be, it may be
    any.
    """
    if mine.spec is None:
        return ""
    cluster = cluster_key(mine.spec.cluster or own_cluster)
    claims = [
        _Claim(other, *((other.spec, ()) if other.spec is not None else other.claim()))
        for other in everyone
        if other.name != mine.name
        and not other.finished
        and (other.spec is not None or _has_begun(other))
    ]
    if not claims:
        return ""
    pools = _Claim(mine, mine.spec, ()).pools
    claims = [
        claim
        for claim in claims
        if ("cluster" in claim.lost or cluster_key(claim.spec.cluster or own_cluster) == cluster)
        and ("source" in claim.lost or not claim.pools.isdisjoint(pools))
        and _rank(claim.of) < _rank(mine)
    ]
    first = min(claims, key=lambda claim: _rank(claim.of), default=None)
    if first is None:
        return ""
    old, new = first.migration.old_pool, first.migration.new_pool
    if first.lost:
        return f"{first.of.name} (its {', '.join(first.lost)} cannot be read)"
    return (
        f"{first.of.name} ({old} in place)" if old == new else f"{first.of.name} ({old} to {new})"
    )


@dataclass(frozen=True)
class _Claim:
    """The pools that a migration uses, by what can be read of its spec."""

    of: Candidate
    spec: MigrationSpec
    lost: tuple[str, ...]

    @property
    def migration(self) -> Migration:
        return Migration(self.of.name, "", 0, self.spec, self.of.status)

    @property
    def pools(self) -> frozenset[str]:
        return frozenset((self.migration.old_pool, self.migration.new_pool))


def _has_begun(candidate: Candidate) -> bool:
    return candidate.status.step not in {"", Step.PREFLIGHT}


def _rank(candidate: Candidate) -> tuple[bool, str, str]:
    return not _has_begun(candidate), candidate.created, candidate.name
