"""Kubernetes Events about our resource; a repeated one raises its count, as kubelet's do."""

import hashlib
from collections.abc import Mapping

from azure_linux_migrator.api.status import timestamp
from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.kube.client import MERGE_PATCH, Client

MESSAGE_LIMIT = 1000


async def publish(
    client: Client,
    *,
    regarding: Mapping[str, str],
    reason: str,
    message: str,
    type: str,  # noqa: A002 - the API's own name
    now: float,
) -> None:
    """Record an event; events about cluster-scoped objects live in `default`."""
    namespace = regarding.get("namespace") or "default"
    identity = "|".join((*regarding.values(), reason, message))
    digest = hashlib.sha256(identity.encode()).hexdigest()[:16]
    name = f"{regarding['name'][:200]}.{digest}"
    collection = f"/api/v1/namespaces/{namespace}/events"
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": namespace},
        "involvedObject": dict(regarding),
        "reason": reason,
        "message": message[:MESSAGE_LIMIT],
        "type": type,
        "source": {"component": "azlm"},
        "reportingComponent": "azlm.dev/azlm",
        "reportingInstance": "azlm",
        "action": reason,
        "firstTimestamp": timestamp(now),
        "lastTimestamp": timestamp(now),
        "count": 1,
    }
    try:
        await client.request("POST", collection, body=event)
    except KubernetesError as error:
        if error.status != 409:
            raise
        patch = {"lastTimestamp": timestamp(now)}
        await client.request("PATCH", f"{collection}/{name}", body=patch, content_type=MERGE_PATCH)
