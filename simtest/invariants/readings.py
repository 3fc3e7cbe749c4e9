"""What a status, a spec, a pod and a node mean to the judges, without calling the product."""

from collections.abc import Mapping
from typing import Any

from azure_linux_migrator.api.quantities import seconds
from azure_linux_migrator.api.status import MigrationStatus, Phase
from azure_linux_migrator.model.cluster import Node, Pod
from simtest.scenario import NAME


def starts_again(old: MigrationStatus, new: MigrationStatus) -> bool:
    """Whether a changed spec has started another attempt after a rollback."""
    ended = old.phase == Phase.ROLLED_BACK
    return ended and (new.phase not in {Phase.ROLLED_BACK, Phase.DELETING})


def length_of(spec: Mapping[str, Any], *path: str) -> float:
    """A duration of the spec in seconds; 0 if it is not set."""
    value: Any = spec
    for name in path:
        value = (value or {}).get(name)
    return seconds(value) if value else 0.0


def policy_of(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """spec.drain, with the defaults of the API."""
    return {
        "unmanagedPods": "Block",
        "emptyDir": "Evict",
        "jobs": "Wait",
        "timeout": "30m",
        "onTimeout": "Pause",
        "prefetch": False,
        "order": (),
        **(spec.get("drain") or {}),
    }


def leaves(pod: Pod) -> bool:
    """Whether a pod has to leave before its node is removed."""
    if pod.mirror or pod.finished:
        return False
    return pod.owner is None or pod.owner.kind != "DaemonSet"


def counts(pod: Pod) -> bool:
    """Whether a pod is healthy, as budgets count."""
    return pod.ready and not pod.terminating and not pod.finished


def in_batch(node: Node) -> int:
    """The batch in azlm's mark of a node; 0 for none."""
    owner, _, index = node.batch.rpartition(".")
    name = owner.rpartition(".")[0]
    return int(index) if name == NAME and index.isdecimal() else 0
