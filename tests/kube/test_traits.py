"""What of a pod's spec is notable for a move to another node OS, and what it requests."""

import json
from typing import Any

import msgspec
import pytest

from azure_linux_migrator.core.records import Controller, Node, Pod, Room
from azure_linux_migrator.kube.decode import NodeObject, PodObject
from azure_linux_migrator.kube.decode_owners import DaemonSetObject
from azure_linux_migrator.kube.sizes import quantity


def pod(spec: dict[str, Any], **annotations: str) -> Pod:
    body = {
        "metadata": {"name": "p", "namespace": "d", "uid": "u", "annotations": annotations},
        "spec": spec,
    }
    return msgspec.json.decode(json.dumps(body), type=PodObject).record()


def container(**fields: Any) -> dict[str, Any]:
    return {"containers": [{"name": "c", **fields}]}


def affinity(key: str, operator: str, *values: str) -> dict[str, Any]:
    term = {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}
    required = {"nodeSelectorTerms": [term]}
    return {
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
    }


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (container(), ()),
        ({"nodeSelector": {"agentpool": "w", "tier": "x"}}, ("selects:agentpool=w",)),
        (
            affinity("kubernetes.azure.com/os-sku", "In", "Ubuntu"),
            ("selects:kubernetes.azure.com/os-sku=Ubuntu",),
        ),
        (affinity("kubernetes.azure.com/os-sku", "NotIn", "Ubuntu"), ()),
        (
            {"volumes": [{"name": "v", "hostPath": {"path": "/etc/ssl/certs"}}]},
            ("hostpath:/etc/ssl/certs",),
        ),
        ({"volumes": [{"name": "v", "hostPath": {"path": "/var/log"}}]}, ()),
        ({"volumes": [{"name": "v", "emptyDir": {}}]}, ("emptydir:",)),
        (
            container(securityContext={"appArmorProfile": {"type": "Localhost"}}),
            ("apparmor:localhost",),
        ),
        (container(securityContext={"privileged": True}), ("privileged:",)),
        (container(command=["/bin/sh", "-c", "/usr/bin/apt-get update"]), ("command:apt-get",)),
        (container(args=["modprobe overlay"]), ("command:modprobe",)),
        ({"securityContext": {"sysctls": [{"name": "net.x", "value": "1"}]}}, ("sysctl:net.x",)),
        ({"terminationGracePeriodSeconds": 900}, ("grace:900",)),
        ({"terminationGracePeriodSeconds": 30}, ()),
        (container(resources={"requests": {"nvidia.com/gpu": "1"}}), ("gpu:nvidia.com/gpu",)),
    ],
)
def test_traits(spec: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert pod(spec).traits == expected


def test_annotations_count_too() -> None:
    kept = pod(container(), **{"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"})
    assert kept.traits == ("keep:cluster-autoscaler.kubernetes.io/safe-to-evict",)
    old = pod(
        container(), **{"container.apparmor.security.beta.kubernetes.io/c": "localhost/profile"}
    )
    assert old.traits == ("apparmor:localhost",)


def test_a_daemonset_has_those_of_its_template() -> None:
    body = {
        "metadata": {"name": "a", "namespace": "d", "uid": "u"},
        "spec": {"template": {"spec": {"nodeSelector": {"agentpool": "w"}}}},
    }
    found: Controller = msgspec.json.decode(json.dumps(body), type=DaemonSetObject).record()
    assert found.traits == ("selects:agentpool=w",)


def test_requests_are_summed_and_a_spread_is_seen() -> None:
    spec = {
        "containers": [
            {"name": "a", "resources": {"requests": {"cpu": "250m", "memory": "1Gi"}}},
            {"name": "b", "resources": {"requests": {"cpu": "1", "memory": "512Mi"}}},
        ],
        "affinity": {
            "podAntiAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [
                    {"topologyKey": "kubernetes.io/hostname"}
                ]
            }
        },
    }
    made = pod(spec)
    assert (made.requests, made.spread) == ((1250, 1536), True)
    assert pod(container()).requests == (0, 0)


def test_a_node_tells_its_room() -> None:
    body = {
        "metadata": {"name": "n"},
        "status": {"allocatable": {"cpu": "3860m", "memory": "12Gi", "pods": "110"}},
    }
    node: Node = msgspec.json.decode(json.dumps(body), type=NodeObject).record()
    assert node.room == Room(3860, 12288, 110)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("250m", 0.25), ("2", 2), ("1Gi", 2**30), ("1G", 1e9), ("100n", 1e-7), ("", 0), ("x", 0)],
)
def test_quantities(text: str, expected: float) -> None:
    assert quantity(text) == pytest.approx(expected)
