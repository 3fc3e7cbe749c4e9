"""Nodes of a pool and the pods on them now, read from the apiserver and not from a watch."""

import asyncio
from collections.abc import Iterable
from typing import TypeVar

import msgspec

from azure_linux_migrator.api.names import AGENTPOOL_LABEL
from azure_linux_migrator.kube.client import Client, all_answers
from azure_linux_migrator.kube.decode import Metadata, NodeObject, PodObject
from azure_linux_migrator.model.cluster import Node, Pod

CONCURRENCY = 16

T = TypeVar("T")


class _ListedObject(msgspec.Struct):
    metadata: Metadata


class _Nodes(msgspec.Struct):
    items: list[_ListedObject] | None = None


class _NodeRecords(msgspec.Struct):
    items: list[NodeObject] | None = None


class _Pods(msgspec.Struct):
    items: list[PodObject] | None = None


async def nodes_of(client: Client, pool: str) -> set[str]:
    """Names of a pool's nodes."""
    query = {"labelSelector": f"{AGENTPOOL_LABEL}={pool}"}
    nodes = await _list(client, "/api/v1/nodes", query, _Nodes)
    return {item.metadata.name for item in nodes.items or ()}


async def node_records(client: Client, pool: str) -> list[Node]:
    """A pool's nodes."""
    query = {"labelSelector": f"{AGENTPOOL_LABEL}={pool}"}
    nodes = await _list(client, "/api/v1/nodes", query, _NodeRecords)
    return [node.record() for node in nodes.items or ()]


async def pods_on(client: Client, nodes: Iterable[str]) -> list[Pod]:
    """The pods of these nodes, those that have ended included."""
    gate = asyncio.Semaphore(CONCURRENCY)

    async def read(node: str) -> list[Pod]:
        async with gate:
            query = {"fieldSelector": f"spec.nodeName={node}"}
            pods = await _list(client, "/api/v1/pods", query, _Pods)
            return [item.record() for item in pods.items or ()]

    return [pod for some in await all_answers(map(read, nodes)) for pod in some]


async def _list(client: Client, path: str, query: dict[str, str], kind: type[T]) -> T:
    """Without a resourceVersion a list is as new as etcd, and yet answered from the apiserver's
    cache, where pods are indexed by node (k8s.io/apiserver, pkg/storage/cacher/delegator.go).
    There is no limit, because apiservers before 1.34 take one to etcd and through all pods; a node
    has at most 250 pods on AKS."""
    return msgspec.json.decode(await client.request("GET", path, query=query), type=kind)
