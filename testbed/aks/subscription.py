"""What surrounds the simulated cluster where it is made and deleted: its resource group, the
request that makes it, and the admin's credential."""

import base64
import json
import re
from pathlib import Path

from azure_linux_migrator.simulator.aks.errors import ArmError, cluster_not_found
from azure_linux_migrator.simulator.aks.managed_cluster import ManagedCluster
from azure_linux_migrator.simulator.aks.rest_api import ArmAnswer, ArmRequest

_GROUP = re.compile(
    r"^/subscriptions/[^/]+/resourcegroups/(?P<group>[^/]+)(?P<below>/.*)?$", re.IGNORECASE
)
_CLUSTER = re.compile(
    r"^/providers/Microsoft\.ContainerService/managedClusters/(?P<name>[^/]+)$", re.IGNORECASE
)
_ADMIN = "/listclusteradmincredential"
DELETE_SECONDS = 2.0


class Subscription:
    """One resource group and one cluster, which do not exist at first."""

    def __init__(self, cluster: ManagedCluster, kubeconfig: Path, boot_seconds: float) -> None:
        self._cluster = cluster
        self._kubeconfig = kubeconfig
        self._boot_seconds = boot_seconds
        self._group = self._made = False
        self._gone_at: float | None = None

    def answer(self, request: ArmRequest) -> ArmAnswer | None:
        """The answer to a request; None for one that the cluster answers. Raises ArmError."""
        match = _GROUP.match(request.path)
        if match is None:
            return None
        if self._gone_at is not None and request.now >= self._gone_at:
            self._group = self._made = False
            self._gone_at = None
        group, below = match["group"], match["below"] or ""
        if not below:
            return self._answer_group(request, group)
        if not self._group:
            raise _no_group(group)
        if cluster := _CLUSTER.match(below):
            if request.method == "PUT":
                return self._make(request)
            if not self._made:
                raise cluster_not_found(group, cluster["name"])
        if below.lower().endswith(_ADMIN) and request.method == "POST":
            value = base64.b64encode(self._kubeconfig.read_bytes()).decode()
            return _json({"kubeconfigs": [{"name": "clusterAdmin", "value": value}]})
        return None

    def _answer_group(self, request: ArmRequest, group: str) -> ArmAnswer:
        if request.method == "PUT":
            self._group = True
            return _json(_shown(request, group, "Succeeded"), 201)
        if not self._group:
            raise _no_group(group)
        if request.method == "DELETE":
            self._gone_at = self._gone_at or request.now + DELETE_SECONDS
            return ArmAnswer(202)
        state = "Succeeded" if self._gone_at is None else "Deleting"
        return _json(_shown(request, group, state))

    def _make(self, request: ArmRequest) -> ArmAnswer:
        """Make the cluster with its pools; a pool of a cluster has its name beside its
        properties."""
        wanted = json.loads(request.body)
        for profile in wanted["properties"]["agentPoolProfiles"]:
            properties = {key: value for key, value in profile.items() if key != "name"}
            self._cluster.put(profile["name"], {"properties": properties}, request.now)
        self._cluster.occupy("Creating", self._boot_seconds, request.now)
        self._made = True
        return _json(self._cluster.cluster(request.now), 201)


def _no_group(group: str) -> ArmError:
    text = f"Resource group '{group}' could not be found."
    return ArmError(404, "ResourceGroupNotFound", text)


def _shown(request: ArmRequest, group: str, state: str) -> dict[str, object]:
    return {"id": request.path, "name": group, "properties": {"provisioningState": state}}


def _json(body: object, status: int = 200) -> ArmAnswer:
    content = {"Content-Type": "application/json; charset=utf-8"}
    return ArmAnswer(status, content, json.dumps(body).encode())
