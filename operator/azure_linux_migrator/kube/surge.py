"""What moves a singleton without downtime; repeating any of it changes nothing."""

from azure_linux_migrator.api.names import LOWEST_DELETION_COST, RELINQUISHED, RESTARTED, SURGE
from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.kube.client import JSON_PATCH, MERGE_PATCH, Client
from azure_linux_migrator.kube.decode import DELETION_COST
from azure_linux_migrator.model.cluster import NamespacedName

CONFLICTS = frozenset({404, 409, 422})
"""The object is gone, or is no longer as it was seen: the next decision uses its new state."""

DENIED = " denied "
"""In the words of an admission webhook or policy, which may answer with any status."""


async def restart(client: Client, deployment: NamespacedName, stamp: str) -> None:
    """Restart a rollout, as `kubectl rollout restart` does, once per stamp."""
    annotations = {"annotations": {RESTARTED: stamp}}
    patch = {"spec": {"template": {"metadata": annotations}}}
    await _send(client, _path(deployment), patch, MERGE_PATCH)


async def surge(client: Client, deployment: NamespacedName, replicas: int, by: str) -> None:
    """One replica more, with the number to go back to, if the scale is still as it was seen."""
    path = f"/metadata/annotations/{_escaped(SURGE)}"
    patch = [
        {"op": "test", "path": "/spec/replicas", "value": replicas},
        {"op": "replace", "path": "/spec/replicas", "value": replicas + 1},
        {"op": "add", "path": path, "value": f"{by}/{replicas}"},
    ]
    await _send(client, _path(deployment), patch, JSON_PATCH)


async def set_deletion_cost(client: Client, pod: NamespacedName, uid: str, *, first: bool) -> None:
    """Let the ReplicaSet remove this very pod first, or no longer."""
    cost = str(LOWEST_DELETION_COST) if first else None
    patch = {"metadata": {"uid": uid, "annotations": {DELETION_COST: cost}}}
    await _send(client, f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}", patch, MERGE_PATCH)


async def restore(client: Client, deployment: NamespacedName, replicas: int) -> None:
    """Take the replica back, if the scale is still ours; the record of it goes in any case."""
    path = f"/metadata/annotations/{_escaped(SURGE)}"
    patch = [
        {"op": "test", "path": "/spec/replicas", "value": replicas + 1},
        {"op": "replace", "path": "/spec/replicas", "value": replicas},
        {"op": "remove", "path": path},
    ]
    if not await _send(client, _path(deployment), patch, JSON_PATCH):
        record: dict[str, object] = {"metadata": {"annotations": {SURGE: None}}}
        await _send(client, _path(deployment), record, MERGE_PATCH)


async def relinquish_scale(client: Client, deployment: NamespacedName, by: str, uid: str) -> None:
    """Say on the Deployment that its scale was left to the writer that changed it."""
    patch = {"metadata": {"annotations": {SURGE: f"{by}/{RELINQUISHED}.{uid}"}}}
    await _send(client, _path(deployment), patch, MERGE_PATCH)


async def forget(client: Client, deployment: NamespacedName, mark: str) -> None:
    """Remove the record of a surge, if it is still this one."""
    path = f"/metadata/annotations/{_escaped(SURGE)}"
    patch = [{"op": "test", "path": path, "value": mark}, {"op": "remove", "path": path}]
    await _send(client, _path(deployment), patch, JSON_PATCH)


def _path(deployment: NamespacedName) -> str:
    return f"/apis/apps/v1/namespaces/{deployment.namespace}/deployments/{deployment.name}"


def _escaped(annotation: str) -> str:
    return annotation.replace("~", "~0").replace("/", "~1")


async def _send(client: Client, path: str, patch: object, content_type: str) -> bool:
    """Returns whether it applied."""
    try:
        await client.request("PATCH", path, body=patch, content_type=content_type)
    except KubernetesError as error:
        if DENIED in error.message:
            raise KubernetesError(403, error.message) from error
        if error.status in CONFLICTS:
            return False
        raise
    return True
