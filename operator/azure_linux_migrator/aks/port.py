"""What the operator needs of AKS, whoever provides it."""

from collections.abc import Mapping
from typing import Protocol

from azure_linux_migrator.core.records import Pool


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
        vm_size: str | None,
        tags: Mapping[str, str],
    ) -> None:
        """Create a pool from the source's settings (template.py), unless one of its name exists."""

    async def scale(self, pool: str, count: int, *, etag: str) -> None:
        """Set a pool's node count, if its etag still is the given one."""

    async def delete(self, pool: str, *, etag: str) -> None:
        """Delete a pool, if its etag still is the given one; a missing pool is no error."""

    async def close(self) -> None:
        """Close the connections."""
