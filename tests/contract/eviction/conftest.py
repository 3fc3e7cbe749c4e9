"""A namespace per test on the real control plane, two kwok nodes for all of them."""

import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from azure_linux_migrator.kube.client import Client
from testbed.control_plane import ControlPlane
from testbed.fill.command import apply
from testbed.fill.nodes import pool_nodes
from testbed.kubectl import kubectl
from tests.support.eviction_manifests import POOL
from tests.support.eviction_world import Place

_numbers = itertools.count(1)


@pytest.fixture(scope="package")
def nodes(control_plane: ControlPlane) -> Iterator[list[str]]:
    """Names of the nodes."""
    manifests = pool_nodes(POOL, 2)
    apply(control_plane.kubeconfig, manifests)
    names = [str(manifest["metadata"]["name"]) for manifest in manifests]
    yield names
    kubectl(control_plane.kubeconfig, "delete", "nodes", *names, "--ignore-not-found")


@pytest.fixture(scope="package")
def operator_config(control_plane: ControlPlane) -> Path:
    """The shipped ServiceAccount's kubeconfig."""
    return control_plane.service_account_kubeconfig("azlm-system", "azlm")


@pytest.fixture
async def place(
    control_plane: ControlPlane, nodes: list[str], operator_config: Path
) -> AsyncIterator[Place]:
    """A namespace of its own; it is deleted, and its pods lose their finalizers."""
    admin = await Client.connect(str(control_plane.kubeconfig))
    operator = await Client.connect(str(operator_config))
    namespace = f"evict-{next(_numbers)}"
    place = Place(control_plane, admin, operator, namespace, nodes)
    try:
        await place.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
        yield place
        await place.abandon()
    finally:
        await admin.close()
        await operator.close()
