"""The nodes of modelled pools in a real cluster, whose kwok acts as their kubelets."""

import asyncio
from collections.abc import Callable
from typing import Any

from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.kube.client import MERGE_PATCH, Client
from azure_linux_migrator.model.scheduling import Taint
from azure_linux_migrator.simulator.aks.managed_cluster import ManagedCluster
from azure_linux_migrator.simulator.aks.nodes import NodeRecord, parse_node_name, user_labels
from azure_linux_migrator.simulator.aks.operations import Evicts
from azure_linux_migrator.simulator.cluster.node_lifecycle import ADD_ONS

EVICT_SECONDS = 1.0
"""Seconds between two rounds of evictions; AKS retries about every five seconds."""
CAPACITY = {"cpu": "16", "memory": "64Gi", "pods": "110"}
LABEL = "kubernetes.azure.com/agentpool"


def manifest(node: NodeRecord) -> dict[str, Any]:
    """A v1 Node as AKS's kubelet would register it, with room for the pods of a test."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": node.name, "labels": node.labels},
        "spec": {"providerID": node.provider_id, "taints": _taints(node.taints)},
        "status": {
            "capacity": CAPACITY,
            "allocatable": CAPACITY,
            "nodeInfo": {
                "architecture": node.architecture,
                "bootID": "",
                "containerRuntimeVersion": node.container_runtime,
                "kernelVersion": node.kernel,
                "kubeProxyVersion": "",
                "kubeletVersion": node.kubelet_version,
                "machineID": "",
                "operatingSystem": node.operating_system,
                "osImage": node.os_image,
                "systemUUID": "",
            },
        },
    }


class KubernetesNodes:
    """Adds, changes and removes Node objects; each call may be repeated."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def appear(self, node: NodeRecord) -> None:
        """A node joins."""
        try:
            await self._client.request("POST", "/api/v1/nodes", body=manifest(node))
        except KubernetesError as error:
            if error.status != 409:
                raise

    async def change(self, node: NodeRecord) -> None:
        """A node's labels and taints change, or it comes back with another image."""
        whole = manifest(node)
        patch = {"metadata": {"labels": node.labels}, "spec": {"taints": whole["spec"]["taints"]}}
        await self._client.request(
            "PATCH", f"/api/v1/nodes/{node.name}", body=patch, content_type=MERGE_PATCH
        )

    async def stop(self, name: str) -> None:
        """A node's machine is deallocated: the node stays, NotReady."""
        await self._ready(name, "False")

    async def restart(self, name: str) -> None:
        """A node's machine runs again."""
        await self._ready(name, "True")
        await self.uncordon(name)

    async def uncordon(self, name: str) -> None:
        """A node takes pods again."""
        path, uncordon = f"/api/v1/nodes/{name}", {"spec": {"unschedulable": None}}
        await self._client.request("PATCH", path, body=uncordon, content_type=MERGE_PATCH)

    async def _ready(self, name: str, status: str) -> None:
        condition = {"type": "Ready", "status": status, "reason": "Testbed"}
        await self._client.request(
            "PATCH",
            f"/api/v1/nodes/{name}/status",
            body={"status": {"conditions": [condition]}},
            content_type="application/strategic-merge-patch+json",
        )

    async def vanish(self, name: str) -> None:
        """A node is gone with its machine."""
        try:
            await self._client.request("DELETE", f"/api/v1/nodes/{name}")
        except KubernetesError as error:
            if error.status != 404:
                raise

    async def drain(self, name: str, evicts: Evicts, goes_on: Callable[[], bool]) -> None:
        """Cordon the node and evict its pods, repeatedly until none is left or AKS gives up."""
        cordon = {"spec": {"unschedulable": True}}
        path = f"/api/v1/nodes/{name}"
        try:
            await self._client.request("PATCH", path, body=cordon, content_type=MERGE_PATCH)
            while goes_on() and await self._evict_all(name, evicts):  # noqa: ASYNC110 - polls, as AKS does
                await asyncio.sleep(EVICT_SECONDS)
        except KubernetesError as error:
            if error.status != 404:
                raise

    async def _evict_all(self, name: str, evicts: Evicts) -> int:
        """Evict each pod once; returns how many are left."""
        query = {"fieldSelector": f"spec.nodeName={name}"}
        only = f"/namespaces/{ADD_ONS}" if evicts is Evicts.ADD_ONS else ""
        listed = await self._client.json("GET", f"/api/v1{only}/pods", query=query)
        left = [pod for pod in listed["items"] if _moves(pod)]
        for pod in left:
            meta = pod["metadata"]
            where = {"name": meta["name"], "namespace": meta["namespace"]}
            eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": where}
            path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/eviction"
            try:
                await self._client.request("POST", path, body=eviction)
            except KubernetesError as error:
                if error.status not in {404, 409, 429}:
                    raise
        return len(left)

    async def adopt_into(
        self, cluster: ManagedCluster, more: dict[str, dict[str, Any]] | None = None
    ) -> None:
        """Add the nodes with AKS's label to the pools of the modelled cluster. `more` are ARM
        properties of pools that their nodes do not show, by the name of the pool."""
        listed = await self._client.json("GET", "/api/v1/nodes", query={"labelSelector": LABEL})
        pools: dict[str, list[dict[str, Any]]] = {}
        for item in listed["items"]:
            pools.setdefault(item["metadata"]["labels"][LABEL], []).append(item)
        for name, items in sorted(pools.items()):
            properties = _properties(items) | (more or {}).get(name, {})
            cluster.adopt(name, properties, [_record(name, item) for item in items])


def _moves(pod: dict[str, Any]) -> bool:
    owners = pod["metadata"].get("ownerReferences") or [{}]
    finished = pod["status"].get("phase") in {"Succeeded", "Failed"}
    return owners[0].get("kind") not in {"DaemonSet", "Node"} and not finished


def _taints(taints: tuple[Taint, ...]) -> list[dict[str, str]]:
    return [
        {"key": taint.key, "effect": taint.effect} | ({"value": taint.value} if taint.value else {})
        for taint in taints
    ]


def _properties(items: list[dict[str, Any]]) -> dict[str, Any]:
    labels = items[0]["metadata"]["labels"]
    zones = {
        zone.rsplit("-", 1)[1]
        for item in items
        if "-" in (zone := item["metadata"]["labels"].get("topology.kubernetes.io/zone", ""))
    }
    mode = labels.get("kubernetes.azure.com/mode", "user").capitalize()
    sku = labels.get("kubernetes.azure.com/os-sku", "Ubuntu")
    properties: dict[str, Any] = {
        "count": len(items),
        "vmSize": labels.get("node.kubernetes.io/instance-type", "Standard_D4s_v5"),
        "osSKU": sku,
        "osType": "Windows" if sku.startswith("Windows") else "Linux",
        "mode": mode,
        "type": "VirtualMachineScaleSets",
        "nodeLabels": user_labels(labels),
    }
    return properties | ({"availabilityZones": sorted(zones)} if zones else {})


def _record(pool: str, item: dict[str, Any]) -> NodeRecord:
    meta, info = item["metadata"], item["status"].get("nodeInfo") or {}
    parsed = parse_node_name(meta["name"])
    return NodeRecord(
        name=meta["name"],
        pool=pool,
        index=parsed[1] if parsed else 0,
        provider_id=item["spec"].get("providerID", ""),
        labels=dict(meta["labels"]),
        taints=tuple(
            Taint(taint["key"], taint.get("value", ""), taint["effect"])
            for taint in item["spec"].get("taints") or ()
        ),
        os_image=info.get("osImage", ""),
        kernel=info.get("kernelVersion", ""),
        kubelet_version=info.get("kubeletVersion", ""),
        container_runtime=info.get("containerRuntimeVersion", ""),
        architecture=info.get("architecture", "amd64"),
        operating_system=info.get("operatingSystem", "linux"),
        cpus=16,
        memory_mib=65536,
        max_pods=110,
        zone=meta["labels"].get("topology.kubernetes.io/zone", "0"),
    )
