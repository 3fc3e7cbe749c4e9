"""Cordoning, with the owner of the cordon written beside it in the same request.

A cordon is ours only if the node was open when it was written. So a node is looked at first, and
written only at the resourceVersion that was seen: a `kubectl cordon` in between makes the write a
conflict, and the next look finds someone else's cordon. A JSON patch could not say so: `test` of a
path that is absent, as spec.unschedulable is on an open node, fails by RFC 6902, section 4.6.

That ends: kubelets renew Leases and write their node's status only when it
changes or every five minutes (kubelet's nodeStatusReportFrequency), so a node rarely changes
between a look and a write; where it does so ATTEMPTS times the action is tried again later.
"""

from typing import Any

from azure_linux_migrator.api.names import BATCH, CORDONED_BY
from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.kube.client import JSON_PATCH, MERGE_PATCH, Client

ATTEMPTS = 5
PAGE = 500


async def cordon(client: Client, node: str, *, by: str, batch: str | None = None) -> None:
    """Make a node unschedulable and ours; `batch` is the mark of the batch it joins.

    Someone else's cordon stays theirs: such a node only joins the batch. Raises KubernetesError.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            node_object = await client.json("GET", f"/api/v1/nodes/{node}")
            if patch := _cordoned(node_object, by, batch):
                await _patch(client, node, patch, MERGE_PATCH)
        except KubernetesError as error:
            if error.status == 404:
                return
            if error.status != 409 or attempt == ATTEMPTS:
                raise
        else:
            return


def _cordoned(node_object: dict[str, Any], by: str, batch: str | None) -> dict[str, Any]:
    """The merge patch for a node as it was seen."""
    mark = {BATCH: batch} if batch else {}
    owner = (node_object["metadata"].get("annotations") or {}).get(CORDONED_BY)
    if node_object["spec"].get("unschedulable") and owner != by:
        return {"metadata": {"annotations": mark}} if mark else {}
    version = node_object["metadata"]["resourceVersion"]
    return {
        "metadata": {"resourceVersion": version, "annotations": {CORDONED_BY: by} | mark},
        "spec": {"unschedulable": True},
    }


async def cordoned_nodes(client: Client) -> dict[str, str]:
    """The nodes that azlm has cordoned, and by which migration. Raises KubernetesError."""
    owners: dict[str, str] = {}
    query = {"limit": str(PAGE)}
    while True:
        page = await client.json("GET", "/api/v1/nodes", query=query)
        for node in page.get("items") or ():
            owner = (node["metadata"].get("annotations") or {}).get(CORDONED_BY)
            if owner and node["spec"].get("unschedulable"):
                owners[str(node["metadata"]["name"])] = str(owner)
        if not (following := page["metadata"].get("continue")):
            return owners
        query["continue"] = str(following)


async def mark(client: Client, node: str, batch: str) -> None:
    """Let a node join a batch; an empty mark is removed."""
    await _patch(client, node, {"metadata": {"annotations": {BATCH: batch or None}}}, MERGE_PATCH)


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
