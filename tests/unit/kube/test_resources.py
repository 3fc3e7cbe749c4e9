"""What a pod requests, and what a node can hold, out of their JSON."""

import json
from typing import Any

import msgspec
import pytest

from azure_linux_migrator.kube.decode import NodeObject, PodObject
from azure_linux_migrator.kube.resources import quantity
from azure_linux_migrator.model.cluster import Allocatable, ExtendedResources, Node


def one(**asked: str) -> dict[str, Any]:
    """A container that requests this."""
    return {"name": "c", "resources": {"requests": asked}}


def sidecar(**asked: str) -> dict[str, Any]:
    """An init container that stays."""
    return one(**asked) | {"restartPolicy": "Always"}


def asks(**spec: Any) -> tuple[tuple[int, int], ExtendedResources]:
    body = {"metadata": {"name": "p", "namespace": "d", "uid": "u"}, "spec": spec}
    pod = msgspec.json.decode(json.dumps(body), type=PodObject).record()
    return pod.requests, pod.extended_resources


APP = one(cpu="250m", memory="1Gi")
GPU = {"nvidia.com/gpu": "2"}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"containers": [{"name": "c"}]}, (0, 0)),
        ({"containers": [APP, one(cpu="1", memory="512Mi")]}, (1250, 1536)),
        ({"containers": [APP], "initContainers": [one(cpu="100m")]}, (250, 1024)),
        ({"containers": [APP], "initContainers": [one(cpu="2"), one(memory="4Gi")]}, (2000, 4096)),
        ({"containers": [APP], "initContainers": [sidecar(cpu="1", memory="1Gi")]}, (1250, 2048)),
        # An init container runs beside the sidecars that were started before it, not after.
        ({"containers": [APP], "initContainers": [sidecar(cpu="1"), one(cpu="2")]}, (3000, 1024)),
        ({"containers": [APP], "initContainers": [one(cpu="2"), sidecar(cpu="1")]}, (2000, 1024)),
        ({"containers": [APP], "overhead": {"cpu": "120m", "memory": "100Mi"}}, (370, 1124)),
        ({"containers": [APP], "resources": {"requests": {"cpu": "4"}}}, (4000, 1024)),
        (
            {
                "containers": [APP],
                "resources": {"requests": {"cpu": "4"}},
                "overhead": {"cpu": "120m"},
            },
            (4120, 1024),
        ),
    ],
)
def test_requests(spec: dict[str, Any], expected: tuple[int, int]) -> None:
    assert asks(**spec) == (expected, ())


def test_other_resources() -> None:
    assert asks(containers=[one(cpu="1", **GPU), one(**GPU)]) == (
        (1000, 0),
        (("nvidia.com/gpu", 4),),
    )
    assert asks(containers=[one(**GPU)], initContainers=[one(**{"nvidia.com/gpu": "3"})])[1] == (
        ("nvidia.com/gpu", 3),
    )
    assert asks(containers=[one(**{"ephemeral-storage": "1Gi", "hugepages-2Mi": "4Mi"})])[1] == (
        ("ephemeral-storage", 2**30),
        ("hugepages-2Mi", 4 * 2**20),
    )


def test_pods_alike_share_their_tuples() -> None:
    first, second = asks(containers=[one(cpu="1", **GPU)]), asks(containers=[one(cpu="1", **GPU)])
    assert first[0] is second[0]
    assert first[1] is second[1]


def allocatable(**allocatable: str) -> Allocatable:
    body = {"metadata": {"name": "n"}, "status": {"allocatable": allocatable}}
    node: Node = msgspec.json.decode(json.dumps(body), type=NodeObject).record()
    return node.allocatable


def test_a_node_has_its_allocatable_resources() -> None:
    assert allocatable(cpu="3860m", memory="12Gi", pods="110") == Allocatable(3860, 12288, 110)
    rich = {"nvidia.com/gpu": "8", "hugepages-2Mi": "0", "attachable-volumes-azure-disk": "8"}
    assert allocatable(cpu="96", memory="900Gi", pods="110", **rich) == Allocatable(
        96_000, 921_600, 110, (("nvidia.com/gpu", 8),)
    )


def test_a_room_of_an_older_snapshot_is_read() -> None:
    assert msgspec.json.decode(b"[1,2,3]", type=Allocatable) == Allocatable(1, 2, 3)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("250m", 0.25), ("2", 2), ("1Gi", 2**30), ("1G", 1e9), ("100n", 1e-7), ("", 0), ("x", 0)],
)
def test_quantities(text: str, expected: float) -> None:
    assert quantity(text) == pytest.approx(expected)
