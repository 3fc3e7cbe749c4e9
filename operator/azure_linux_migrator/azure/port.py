"""What the operator needs of AKS, from the real service or from the simulated one."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from azure_linux_migrator.model.azure_facts import AzureFacts
from azure_linux_migrator.model.pool import Pool


class PoolPort(Protocol):
    """The node pools of one cluster.

    Every call returns as soon as Azure has accepted it; operations are followed by listing the
    pools again, so that a restart loses nothing. All raise errors.AzureError.
    """

    async def list_pools(self) -> dict[str, Pool]:
        """All pools by name."""

    async def create_target(
        self,
        source: str,
        target: str,
        *,
        os_sku: str,
        count: int | None,
        overrides: Mapping[str, Any],
        tags: Mapping[str, str],
    ) -> None:
        """Create a pool from the source's settings (template.py), unless one of its name exists."""

    async def update(
        self,
        pool: str,
        changes: Mapping[str, Any],
        *,
        tags: Mapping[str, str | None],
        etag: str,
    ) -> None:
        """Change properties and tags of a pool, if its etag still is the given one."""

    async def delete_machines(self, pool: str, names: Sequence[str]) -> None:
        """Take machines out of a pool; its count falls by as many."""

    async def azure_facts(self, source: Pool) -> AzureFacts:
        """Read what only the preflight rules need; what cannot be read says why."""

    async def delete(self, pool: str, *, etag: str) -> None:
        """Delete a pool, if its etag still is the given one; a missing pool is no error."""

    async def close(self) -> None:
        """Close the connections."""
