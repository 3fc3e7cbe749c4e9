"""Cordoning, with the owner of the cordon written beside it in the same request."""

from azure_linux_migrator.api.names import BATCH, CORDONED_BY
from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.kube.client import JSON_PATCH, MERGE_PATCH, Client


async def cordon(client: Client, node: str, *, by: str, batch: str | None = None) -> None:
    """Make a node unschedulable and ours; `batch` is the mark of the batch it joins."""
    annotations = {CORDONED_BY: by} | ({BATCH: batch} if batch else {})
    patch = {"metadata": {"annotations": annotations}, "spec": {"unschedulable": True}}
    await _patch(client, node, patch, MERGE_PATCH)


async def mark(client: Client, node: str, batch: str) -> None:
    """Let a node join a batch."""
    await _patch(client, node, {"metadata": {"annotations": {BATCH: batch}}}, MERGE_PATCH)


async def uncordon(client: Client, node: str, *, by: str) -> None:
    """Undo our cordon if it still is ours, and remove the batch mark; both in one request each.

    A cordon that someone else took over, or made before us, stays.
    """
    escaped = CORDONED_BY.replace("~", "~0").replace("/", "~1")
    ours = f"/metadata/annotations/{escaped}"
    patch = [
        {"op": "test", "path": ours, "value": by},
        {"op": "remove", "path": ours},
        {"op": "add", "path": "/spec/unschedulable", "value": False},
    ]
    try:
        await _patch(client, node, patch, JSON_PATCH)
    except KubernetesError as error:
        if error.status != 422:
            raise
    await _patch(client, node, {"metadata": {"annotations": {BATCH: None}}}, MERGE_PATCH)


async def _patch(client: Client, node: str, patch: object, content_type: str) -> None:
    try:
        await client.request(
            "PATCH", f"/api/v1/nodes/{node}", body=patch, content_type=content_type
        )
    except KubernetesError as error:
        if error.status != 404:
            raise
