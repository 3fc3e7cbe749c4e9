"""Conditions of a node that report its drain to other tools.

Their types are those of k8s.io/api/core/v1 (NodeDrainInProgress, NodeDrained), set and cleared by
the tool that drains (kubernetes/enhancements, keps/sig-node/5683-lifecycle-conditions). One of
them is True while azlm drains a node, or keeps it drained; without a drain neither is there.
"""

from collections.abc import Iterable
from typing import Protocol

from azure_linux_migrator.api.names import DRAIN_IN_PROGRESS, DRAIN_REASON, DRAINED
from azure_linux_migrator.api.status import timestamp
from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.kube.client import STRATEGIC_PATCH, Client

_MESSAGE = "migration "


class ConditionFields(Protocol):
    """What is read of a condition."""

    type: str
    status: str
    reason: str
    message: str


def drain_of(conditions: Iterable[ConditionFields]) -> str:
    """What azlm has reported of a drain, as `migration/type`; empty for nothing."""
    for condition in conditions:
        ours = condition.reason == DRAIN_REASON and condition.status == "True"
        if ours and condition.type in {DRAIN_IN_PROGRESS, DRAINED}:
            return f"{condition.message.removeprefix(_MESSAGE)}/{condition.type}"
    return ""


async def report(client: Client, node: str, *, by: str, condition: str, now: float) -> None:
    """Set one of the two conditions and remove the other, or remove both; `now` in seconds since
    the epoch. Raises KubernetesError."""
    entries: list[dict[str, str]] = [
        {"$patch": "delete", "type": other}
        for other in (DRAIN_IN_PROGRESS, DRAINED)
        if other != condition
    ]
    if condition:
        entries.append(
            {
                "type": condition,
                "status": "True",
                "reason": DRAIN_REASON,
                "message": f"{_MESSAGE}{by}",
                "lastHeartbeatTime": timestamp(now),
                "lastTransitionTime": timestamp(now),
            }
        )
    patch = {"status": {"conditions": entries}}
    try:
        await client.request(
            "PATCH", f"/api/v1/nodes/{node}/status", body=patch, content_type=STRATEGIC_PATCH
        )
    except KubernetesError as error:
        if error.status != 404:
            raise
