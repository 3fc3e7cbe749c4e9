"""What of a pod's spec is notable for a move to another node OS, and what it requests."""

import json
from typing import Any

import msgspec
import pytest

from azure_linux_migrator.kube.decode import PodObject
from azure_linux_migrator.kube.decode_owners import DaemonSetObject
from azure_linux_migrator.model.cluster import Controller, Pod


def pod(spec: dict[str, Any], **annotations: str) -> Pod:
    body = {
        "metadata": {
            "name": "p",
            "namespace": "d",
            "uid": "u",
            "labels": {"app": "p"},
            "annotations": annotations,
        },
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
    controller: Controller = msgspec.json.decode(json.dumps(body), type=DaemonSetObject).record()
    assert controller.traits == ("selects:agentpool=w",)


@pytest.mark.parametrize(
    ("more", "spread"),
    [
        ({"labelSelector": {"matchLabels": {"app": "p"}}}, True),
        ({"labelSelector": {}}, True),
        ({"labelSelector": {"matchLabels": {"app": "other"}}}, False),
        ({"labelSelector": {"matchLabels": {"app": "p"}}, "namespaces": ["other"]}, False),
        ({"labelSelector": {}, "topologyKey": "topology.kubernetes.io/zone"}, False),
        ({}, False),
    ],
)
def test_a_pod_that_repels_its_kind_from_its_node(more: dict[str, Any], spread: bool) -> None:
    terms = [{"topologyKey": "kubernetes.io/hostname", **more}]
    anti = {"requiredDuringSchedulingIgnoredDuringExecution": terms}
    assert pod(container() | {"affinity": {"podAntiAffinity": anti}}).spread is spread


def test_claims_that_end_with_the_pod_are_told_from_those_that_outlive_it() -> None:
    volumes: list[dict[str, Any]] = [
        {"name": "data", "persistentVolumeClaim": {"claimName": "data-0"}},
        {"name": "scratch", "ephemeral": {"volumeClaimTemplate": {"spec": {}}}},
        {"name": "tmp", "emptyDir": {}},
    ]
    record = pod({"volumes": volumes})
    assert (record.claims, record.ephemeral_claims) == (("data-0",), ("p-scratch",))
