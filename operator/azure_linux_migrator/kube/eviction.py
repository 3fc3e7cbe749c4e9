"""Evicting one pod: what is sent, and what came of it."""

import json

from azure_linux_migrator.core.state.eviction_response import (
    EvictionResponse,
    EvictionResult,
    classify,
)
from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.model.cluster import NamespacedName


async def evict(client: Client, pod: NamespacedName, uid: str) -> EvictionResponse:
    """Evict the pod of that uid; a successor of the same name is never touched."""
    path = f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}"
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod.name, "namespace": pod.namespace},
        "deleteOptions": {"preconditions": {"uid": uid}},
    }
    try:
        await client.request("POST", f"{path}/eviction", body=body, timeout=40.0)
    except KubernetesError as error:
        answer = classify(error)
        if answer.result is EvictionResult.CONFLICT:
            return await _read_pod(client, path, uid, answer)
        return answer
    return EvictionResponse(EvictionResult.GRANTED)


async def delete(client: Client, pod: NamespacedName, uid: str) -> EvictionResponse:
    """Delete the pod of that uid with its own grace, whatever its budget says."""
    path = f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}"
    body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}}
    try:
        await client.request("DELETE", path, body=body, timeout=40.0)
    except KubernetesError as error:
        answer = classify(error)
        if answer.result is EvictionResult.CONFLICT:
            return await _read_pod(client, path, uid, answer)
        return answer
    return EvictionResponse(EvictionResult.GRANTED)


async def _read_pod(
    client: Client, path: str, uid: str, conflict: EvictionResponse
) -> EvictionResponse:
    """A 409 is not "gone": the budget's status may have been contended for too long."""
    try:
        pod = json.loads(await client.request("GET", path))
    except KubernetesError as error:
        return EvictionResponse(EvictionResult.GONE) if error.status == 404 else conflict
    if pod["metadata"]["uid"] != uid:
        return EvictionResponse(EvictionResult.SUCCESSOR)
    return conflict
