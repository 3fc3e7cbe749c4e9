"""What is read of the controllers, and of pods that do not become Ready."""

import json
from typing import Any

import msgspec
import pytest

from azure_linux_migrator.kube.decode import PodObject, epoch
from azure_linux_migrator.kube.decode_owners import DaemonSetObject, StatefulSetObject
from azure_linux_migrator.model.scheduling import NodeTerm
from azure_linux_migrator.model.selectors import Requirement

META = {"name": "db", "namespace": "shop", "uid": "1", "creationTimestamp": "2026-05-01T10:00:00Z"}


def _decode(kind: type[Any], **parts: Any) -> Any:
    body = json.dumps({"metadata": META, **parts}).encode()
    return msgspec.json.decode(body, type=kind).record()


@pytest.mark.parametrize(
    ("spec", "ordered", "first"),
    [
        ({}, True, 0),
        ({"podManagementPolicy": "OrderedReady"}, True, 0),
        ({"podManagementPolicy": "Parallel"}, False, 0),
        ({"ordinals": {"start": 5}}, True, 5),
        ({"ordinals": {}}, True, 0),
    ],
)
def test_how_a_statefulset_starts_its_pods(spec: dict[str, Any], ordered: bool, first: int) -> None:
    controller = _decode(StatefulSetObject, spec=spec)
    assert (controller.ordered, controller.first_ordinal) == (ordered, first)


def test_a_daemonsets_affinity_is_that_of_its_template() -> None:
    term = {"matchExpressions": [{"key": "os", "operator": "In", "values": ["linux"]}]}
    required = {"nodeSelectorTerms": [term, {"matchFields": []}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
    daemonset = _decode(DaemonSetObject, spec={"template": {"spec": {"affinity": affinity}}})
    linux = NodeTerm((Requirement("os", "In", ("linux",)),))
    assert daemonset.scheduling.terms == (linux, NodeTerm())
    assert _decode(DaemonSetObject).scheduling is _decode(DaemonSetObject).scheduling


@pytest.mark.parametrize(
    ("status", "state", "since"),
    [
        ("True", {"running": {}}, 0.0),
        ("False", {"running": {}}, epoch("2026-05-01T12:00:00Z")),
        ("False", {"waiting": {"reason": "ContainerCreating"}}, epoch("2026-05-01T12:00:00Z")),
        ("False", {"waiting": {"reason": "CrashLoopBackOff"}}, epoch("2026-05-01T10:00:00Z")),
        ("False", {"waiting": {"reason": "ImagePullBackOff"}}, epoch("2026-05-01T10:00:00Z")),
    ],
)
def test_since_when_a_pod_is_not_ready(status: str, state: dict[str, Any], since: float) -> None:
    ready = {"type": "Ready", "status": status, "lastTransitionTime": "2026-05-01T12:00:00Z"}
    pod = _decode(
        PodObject, status={"conditions": [ready], "containerStatuses": [{"state": state}]}
    )
    assert pod.unready_since == since
