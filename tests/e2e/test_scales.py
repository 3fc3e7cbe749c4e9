"""How many pods a custom resource should have, read on the real control plane by its scale."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator

import pytest

from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.kube.cluster_watch import ClusterWatch
from azure_linux_migrator.kube.snapshot import read_cluster
from testbed.control_plane import ControlPlane
from testbed.kubectl import kubectl

pytestmark = pytest.mark.cluster

COMPONENT = "deploy/kustomize/components/scale/rbac.yaml"
CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "clonesets.azlm.test"},
    "spec": {
        "group": "azlm.test",
        "scope": "Namespaced",
        "names": {"plural": "clonesets", "singular": "cloneset", "kind": "CloneSet"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "properties": {"size": {"type": "integer"}},
                            },
                            "status": {
                                "type": "object",
                                "properties": {"size": {"type": "integer"}},
                            },
                        },
                    }
                },
                "subresources": {
                    "status": {},
                    "scale": {
                        "specReplicasPath": ".spec.size",
                        "statusReplicasPath": ".status.size",
                    },
                },
            }
        ],
    },
}
CLONES = {
    "apiVersion": "azlm.test/v1",
    "kind": "CloneSet",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {"size": 3},
}
KIND = "CloneSet.azlm.test"


@pytest.fixture
def clones(control_plane: ControlPlane) -> Iterator[str]:
    """A CloneSet of three with two pods; the uid of it."""
    config = control_plane.kubeconfig
    kubectl(config, "apply", "-f", "-", stdin=json.dumps(CRD))
    crd = "crd/clonesets.azlm.test"
    kubectl(config, "wait", "--for=condition=Established", crd, "--timeout=20s")
    kubectl(config, "apply", "-f", "-", stdin=json.dumps(CLONES))
    uid = kubectl(config, "get", "clonesets", "web", "-o", "jsonpath={.metadata.uid}")
    owner = {"apiVersion": "azlm.test/v1", "kind": "CloneSet", "name": "web", "uid": uid}
    for name in ("web-a", "web-b"):
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": name,
                "namespace": "default",
                "ownerReferences": [owner | {"controller": True}],
            },
            "spec": {"containers": [{"name": "web", "image": "web"}]},
        }
        kubectl(config, "apply", "-f", "-", stdin=json.dumps(pod))
    yield uid
    kubectl(config, "delete", "pod", "web-a", "web-b", "--ignore-not-found", "--now")
    kubectl(config, "delete", crd)
    kubectl(config, "delete", "-f", COMPONENT, "--ignore-not-found")


@pytest.fixture
async def account(control_plane: ControlPlane) -> AsyncIterator[Client]:
    """The operator's own account."""
    config = control_plane.service_account_kubeconfig("azlm-system", "azlm")
    client = await Client.connect(str(config))
    yield client
    await client.close()
    await asyncio.sleep(0.25)  # docs.aiohttp.org/en/stable/client_advanced.html#graceful-shutdown


async def _watched(client: Client, uid: str) -> tuple[int | None, list[str]]:
    """The wanted replicas as the watches know them, and why a scale is not known."""
    watch, changed = ClusterWatch(client), asyncio.Event()
    await watch.acquire(changed.set)
    try:
        async with asyncio.timeout(20):
            while not watch.synced:
                changed.clear()
                await changed.wait()
        controller = watch.world.owner_index.controller(uid)
        replicas = controller.replicas if controller is not None else None
        return replicas, [*watch.world.unread_scales.values()]
    finally:
        await watch.release(changed.set)


async def test_a_custom_resource_tells_its_wanted_pods_where_that_is_allowed(
    control_plane: ControlPlane, clones: str, account: Client
) -> None:
    replicas, [why] = await _watched(account, clones)
    assert replicas is None
    assert "clonesets/scale" in why
    snapshot = await read_cluster(account, 1.0)
    assert [line for line in snapshot.unseen if line.startswith(f"scale of {KIND}: ")]

    kubectl(control_plane.kubeconfig, "apply", "-f", COMPONENT)
    async with asyncio.timeout(10):
        while (await _watched(account, clones))[1]:  # noqa: ASYNC110 - RBAC is cached for a moment
            await asyncio.sleep(0.2)
    assert await _watched(account, clones) == (3, [])
    snapshot = await read_cluster(account, 1.0)
    assert [c.replicas for c in snapshot.controllers if c.kind == KIND] == [3]
