"""What of a pod's spec is notable for a move to another node OS, and what it requests."""

import json
from typing import Any

import msgspec
import pytest

from azure_linux_migrator.kube.decode import PodObject
from azure_linux_migrator.kube.decode_owners import DaemonSetObject
from azure_linux_migrator.model.cluster import Controller, Pod
from azure_linux_migrator.model.scheduling import SchedulingConstraints
from azure_linux_migrator.model.traits import NO_TRAITS, AppArmor, HostPath, PodTraits


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


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (container(), NO_TRAITS),
        (
            {"volumes": [{"name": "v", "hostPath": {"path": "/etc/ssl/certs"}}]},
            PodTraits(host_paths=(HostPath("/etc/ssl/certs"),)),
        ),
        (
            {
                "volumes": [
                    {"name": "v", "hostPath": {"path": "/run/x.sock", "type": "Socket"}},
                    {"name": "w", "hostPath": {"path": "/var/log"}},
                ],
                "containers": [
                    {"name": "a", "volumeMounts": [{"name": "w", "readOnly": True}]},
                    {"name": "b", "volumeMounts": [{"name": "v"}]},
                ],
            },
            PodTraits(
                host_paths=(HostPath("/run/x.sock", "Socket"), HostPath("/var/log", "", False))
            ),
        ),
        (
            container(securityContext={"appArmorProfile": {"type": "Localhost"}}),
            PodTraits(apparmor=AppArmor.LOCALHOST),
        ),
        (container(securityContext={"privileged": True}), PodTraits(privileged=True)),
        (
            container(command=["/bin/sh", "-c", "/usr/bin/apt-get update"]),
            PodTraits(commands=("apt-get",)),
        ),
        (container(args=["modprobe overlay"]), PodTraits(commands=("modprobe",))),
        (
            {"securityContext": {"sysctls": [{"name": "net.x", "value": "1"}]}},
            PodTraits(sysctls=("net.x",)),
        ),
        ({"terminationGracePeriodSeconds": 900}, PodTraits(grace_seconds=900)),
        ({"terminationGracePeriodSeconds": 30}, NO_TRAITS),
        (
            container(resources={"requests": {"nvidia.com/gpu": "1"}}),
            PodTraits(gpus=("nvidia.com/gpu",)),
        ),
    ],
)
def test_traits(spec: dict[str, Any], expected: PodTraits) -> None:
    assert pod(spec).traits == expected


def test_annotations_count_too() -> None:
    kept = pod(container(), **{"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"})
    assert kept.traits.kept_by == ("cluster-autoscaler.kubernetes.io/safe-to-evict",)
    old = pod(
        container(), **{"container.apparmor.security.beta.kubernetes.io/c": "localhost/profile"}
    )
    assert old.traits.apparmor is AppArmor.LOCALHOST


def test_what_says_nothing_is_one_object() -> None:
    assert pod(container()).traits is NO_TRAITS
    one, other = (pod({"nodeSelector": {"tier": "x"}}).scheduling for _ in range(2))
    assert one is other


def test_a_daemonset_has_those_of_its_template() -> None:
    spec = {"nodeSelector": {"agentpool": "w"}, "hostPID": True, **container(args=["nsenter"])}
    body = {
        "metadata": {"name": "a", "namespace": "d", "uid": "u"},
        "spec": {"template": {"spec": spec}},
    }
    controller: Controller = msgspec.json.decode(json.dumps(body), type=DaemonSetObject).record()
    assert controller.scheduling == SchedulingConstraints((("agentpool", "w"),))
    assert controller.traits.commands == ("nsenter",)


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
    repelled = pod(container() | {"affinity": {"podAntiAffinity": anti}})
    assert repelled.scheduling.alone(repelled.key.namespace, repelled.labels) is spread


def test_claims_that_end_with_the_pod_are_told_from_those_that_outlive_it() -> None:
    volumes: list[dict[str, Any]] = [
        {"name": "data", "persistentVolumeClaim": {"claimName": "data-0"}},
        {"name": "scratch", "ephemeral": {"volumeClaimTemplate": {"spec": {}}}},
        {"name": "tmp", "emptyDir": {}},
    ]
    record = pod({"volumes": volumes})
    assert (record.claims, record.ephemeral_claims) == (("data-0",), ("p-scratch",))
