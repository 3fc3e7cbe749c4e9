"""Evicting one pod, and what the answer means.

The answers are those of pkg/registry/core/pod/storage/eviction.go and of the apiserver's filters;
several causes share a status code, and blaming the wrong one sends an admin to the wrong place.
"""

import json
from dataclasses import dataclass
from enum import StrEnum

from azure_linux_migrator.core.records import Key
from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.kube.client import Client


class EvictionResult(StrEnum):
    """The meaning of an answer."""

    GRANTED = "granted"
    GONE = "gone"
    SUCCESSOR = "successor"
    CONFLICT = "conflict"
    BUDGET = "budget"
    THROTTLED = "throttled"
    TWO_BUDGETS = "two_budgets"
    WEBHOOK = "webhook"
    NAMESPACE_TERMINATING = "namespace_terminating"
    FORBIDDEN = "forbidden"
    NEGATIVE = "negative"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of an eviction. `retry_after` in seconds, where the apiserver named one."""

    result: EvictionResult
    message: str = ""
    retry_after: float | None = None


async def evict(client: Client, pod: Key, uid: str) -> Verdict:
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
            return await _look_again(client, path, uid, answer)
        return answer
    return Verdict(EvictionResult.GRANTED)


async def delete(client: Client, pod: Key, uid: str) -> Verdict:
    """Delete the pod of that uid with its own grace, whatever its budget says."""
    path = f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}"
    body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}}
    try:
        await client.request("DELETE", path, body=body, timeout=40.0)
    except KubernetesError as error:
        answer = classify(error)
        if answer.result is EvictionResult.CONFLICT:
            return await _look_again(client, path, uid, answer)
        return answer
    return Verdict(EvictionResult.GRANTED)


async def _look_again(client: Client, path: str, uid: str, conflict: Verdict) -> Verdict:
    """A 409 is not "gone": the budget's status may have been contended for too long."""
    try:
        found = json.loads(await client.request("GET", path))
    except KubernetesError as error:
        return Verdict(EvictionResult.GONE) if error.status == 404 else conflict
    if found["metadata"]["uid"] != uid:
        return Verdict(EvictionResult.SUCCESSOR)
    return conflict


def classify(error: KubernetesError) -> Verdict:
    """The meaning of a refusal, from its status, causes and text."""
    return Verdict(_meaning(error), error.message, error.retry_after)


_ADMISSION = ("admission webhook", "failed calling webhook", "ValidatingAdmissionPolicy")
_BY_STATUS = {404: EvictionResult.GONE, 409: EvictionResult.CONFLICT}


def _meaning(error: KubernetesError) -> EvictionResult:
    causes = {str(cause.get("reason") or "") for cause in error.causes}
    found = EvictionResult.SERVER
    if any(word in error.message for word in _ADMISSION):
        found = EvictionResult.WEBHOOK
    elif error.status == 429:
        budget = "DisruptionBudget" in causes
        found = EvictionResult.BUDGET if budget else EvictionResult.THROTTLED
    elif error.status == 403:
        found = _forbidden(causes)
    elif error.status == 500 and "more than one PodDisruptionBudget" in error.message:
        found = EvictionResult.TWO_BUDGETS
    elif error.status in _BY_STATUS:
        found = _BY_STATUS[error.status]
    return found


def _forbidden(causes: set[str]) -> EvictionResult:
    if "NamespaceTerminating" in causes:
        return EvictionResult.NAMESPACE_TERMINATING
    if any(cause.startswith("DisruptionBudget") for cause in causes):
        return EvictionResult.NEGATIVE
    return EvictionResult.FORBIDDEN
