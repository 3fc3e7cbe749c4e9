"""Reading our resource and writing its status."""

from typing import Any

from azure_linux_migrator.api.names import (
    API_VERSION,
    FIELD_MANAGER,
    FINALIZER,
    GROUP,
    KIND,
    PLURAL,
    VERSION,
)
from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.kube.client import APPLY_PATCH, Client

COLLECTION = f"/apis/{GROUP}/{VERSION}/{PLURAL}"


class Migrations:
    """The AzureLinuxMigrations of a cluster."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def probe(self) -> None:
        """Raises KubernetesError where the resource is not served, or may not be listed."""
        await self._client.json("GET", COLLECTION, query={"limit": "1"})

    async def all(self) -> list[dict[str, Any]]:
        """All of them, as they are now."""
        return list((await self._client.json("GET", COLLECTION)).get("items") or ())

    async def delete(self, name: str) -> None:
        """Begin the deletion of one; nothing happens where it is gone."""
        try:
            await self._client.json("DELETE", f"{COLLECTION}/{name}")
        except KubernetesError as error:
            if error.status != 404:
                raise

    async def deleting(self) -> list[str]:
        """Names of those that are being deleted and wait for their finalizer."""
        return [
            str(item["metadata"]["name"])
            for item in await self.all()
            if item["metadata"].get("deletionTimestamp")
            and FINALIZER in (item["metadata"].get("finalizers") or ())
        ]

    async def names(self) -> set[str]:
        """Names of all."""
        resource = await self._client.json("GET", COLLECTION)
        return {str(item["metadata"]["name"]) for item in resource.get("items") or ()}

    async def get(self, name: str) -> dict[str, Any]:
        """One, as it is now."""
        return await self._client.json("GET", f"{COLLECTION}/{name}")

    async def find(self, name: str) -> dict[str, Any] | None:
        """One, as it is now; None where it does not exist."""
        try:
            return await self.get(name)
        except KubernetesError as error:
            if error.status == 404:
                return None
            raise

    async def apply_status(
        self, name: str, status: dict[str, Any], *, resource_version: str
    ) -> int:
        """Apply the whole status (server-side) to that version only; returns the new version."""
        metadata = {"name": name, "resourceVersion": resource_version}
        body = {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "status": status}
        applied = await self._client.json(
            "PATCH",
            f"{COLLECTION}/{name}/status",
            query={"fieldManager": FIELD_MANAGER, "force": "true"},
            body=body,
            content_type=APPLY_PATCH,
        )
        return int(applied["metadata"]["resourceVersion"])
