"""Uninstall: every migration is deleted, and what they did to nodes is undone.

The operator that runs finishes the deletions. Where none runs any more, this process takes the
Lease and finishes them by the same code; a finalizer is never removed without the work that it
stands for.
"""

import asyncio
import dataclasses
from collections.abc import Callable
from typing import Any

from azure_linux_migrator.api.names import BATCH, CORDONED_BY
from azure_linux_migrator.controller.process import serve
from azure_linux_migrator.controller.settings import Settings
from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.kube import cordon
from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.kube.migrations import Migrations

POLL_SECONDS = 1.0
Say = Callable[[str], None]


async def uninstall(settings: Settings, client: Client, say: Say) -> None:
    """Delete every migration and wait until they are gone, then release nodes with marks that are
    left of deleted ones. Raises KubernetesError, and SettingsError where no cluster is given."""
    migrations = Migrations(client)
    uids = {uid: name for name, uid in (await _present(migrations)).items()}
    for name in uids.values():
        await migrations.delete(name)

    async def gone() -> None:
        while remaining := set((await _present(migrations)).values()) & uids.keys():
            for uid in [uid for uid in uids if uid not in remaining]:
                say(f"{uids.pop(uid)}: gone; both pools stay")
            await asyncio.sleep(POLL_SECONDS)
        for name in uids.values():
            say(f"{name}: gone; both pools stay")

    if uids:
        await serve(dataclasses.replace(settings, metrics_port=0), until=gone)
    for node in await release_orphans(client, set(await _present(migrations))):
        say(f"node {node}: released; its migration was gone before")


async def release_orphans(client: Client, names: set[str]) -> list[str]:
    """Undo cordons and marks of migrations that do not exist; `names` are those that do. Returns
    the nodes. Raises KubernetesError."""
    released = []
    for node in (await client.json("GET", "/api/v1/nodes")).get("items") or ():
        marks = node["metadata"].get("annotations") or {}
        owner = marks.get(CORDONED_BY, "")
        if (owner and owner not in names) or (not names and BATCH in marks):
            await cordon.uncordon(client, node["metadata"]["name"], by=owner)
            released.append(str(node["metadata"]["name"]))
    return released


async def _present(migrations: Migrations) -> dict[str, str]:
    """The uids of all migrations by name; none where the definition is gone too."""
    try:
        items: list[dict[str, Any]] = await migrations.all()
    except KubernetesError as error:
        if error.status == 404:
            return {}
        raise
    return {str(item["metadata"]["name"]): str(item["metadata"]["uid"]) for item in items}
