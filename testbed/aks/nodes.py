"""Where the nodes of modelled pools appear: in a real cluster, whose kwok plays their kubelets."""

from typing import Any

from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.kube.client import MERGE_PATCH, Client
from azure_linux_migrator.sim.aks import ManagedCluster
from azure_linux_migrator.sim.aks_nodes import NodeRecord, Taint, parse_node_name, user_labels

CAPACITY = {"cpu": "16", "memory": "64Gi", "pods": "110"}
LABEL = "kubernetes.azure.com/agentpool"


def manifest(node: NodeRecord) -> dict[str, Any]:
    """A v1 Node as AKS's kubelet would register it, with room for a test's pods."""
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
    """Makes Node objects come, change and go; each call may be repeated."""

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

    async def vanish(self, name: str) -> None:
        """A node is gone with its machine."""
        try:
            await self._client.request("DELETE", f"/api/v1/nodes/{name}")
        except KubernetesError as error:
            if error.status != 404:
                raise

    async def adopt_into(self, cluster: ManagedCluster) -> None:
        """Take the nodes that carry AKS's label for the pools of the modelled cluster."""
        listed = await self._client.json("GET", "/api/v1/nodes", query={"labelSelector": LABEL})
        pools: dict[str, list[dict[str, Any]]] = {}
        for item in listed["items"]:
            pools.setdefault(item["metadata"]["labels"][LABEL], []).append(item)
        for name, items in sorted(pools.items()):
            cluster.adopt(name, _properties(items), [_record(name, item) for item in items])


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
    found: dict[str, Any] = {
        "count": len(items),
        "vmSize": labels.get("node.kubernetes.io/instance-type", "Standard_D4s_v5"),
        "osSKU": sku,
        "osType": "Windows" if sku.startswith("Windows") else "Linux",
        "mode": mode,
        "type": "VirtualMachineScaleSets",
        "nodeLabels": user_labels(labels),
    }
    return found | ({"availabilityZones": sorted(zones)} if zones else {})


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
            Taint(each["key"], each.get("value", ""), each["effect"])
            for each in item["spec"].get("taints") or ()
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
