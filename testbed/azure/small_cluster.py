"""A small AKS cluster in a resource group of its own, and its deletion."""

import base64
import http.client
import json
import time
import urllib.error
import urllib.request
from typing import Any

from testbed.control_plane import StartError, say
from testbed.demo.process import AzureCluster

GROUPS = "2021-04-01"
CLUSTERS = "2026-08-01"
CREATE_SECONDS = 1800.0
DELETE_SECONDS = 1800.0
UNANSWERED_SECONDS = 60.0
"""How long a group may appear after a request to make it that was interrupted."""
TAG = "azlm-e2e"
ADD_ONS_ONLY = "CriticalAddonsOnly=true:NoSchedule"


class RefusedError(StartError):
    """Azure refused a request. `code` is its own."""

    def __init__(self, what: str, status: int, body: dict[str, Any]) -> None:
        error = body.get("error")
        error = error if isinstance(error, dict) else body
        self.status = status
        self.code = str(error.get("code") or status)
        super().__init__(f"{what}: {self.code}: {error.get('message') or status}")


class SmallCluster:
    """One System node that takes add-ons only, and the pool `workers` with Ubuntu. Requests go to
    `arm`, a base URL that wants no token."""

    def __init__(
        self, arm: str, cluster: AzureCluster, *, location: str, vm_size: str, nodes: int
    ) -> None:
        self._arm = arm
        self._location = location
        self._vm_size = vm_size
        self._nodes = nodes
        self._group = (
            f"/subscriptions/{cluster.subscription}/resourceGroups/{cluster.resource_group}"
        )
        self._cluster = (
            f"{self._group}/providers/Microsoft.ContainerService/managedClusters/{cluster.name}"
        )
        self._name = cluster.name
        self._owned = self._answered = False

    def create(self, poll_seconds: float) -> None:
        """Make the group and the cluster, and wait until it is there. Raises StartError, also where
        a group of that name exists: it is not ours to delete."""
        if self._group_state() is not None:
            raise StartError(f"resource group {self._name} exists already and is left alone")
        say(f"creating resource group {self._name} in {self._location} …")
        self._owned = True
        group = {"location": self._location, "tags": {TAG: self._name}}
        try:
            self._ask("PUT", self._group, GROUPS, group)
            self._answered = True
        except RefusedError as refused:
            self._answered = refused.status < 500
            raise
        say(f"creating the cluster: 1 System node, {self._nodes} Ubuntu nodes ({self._vm_size}) …")
        self._ask("PUT", self._cluster, CLUSTERS, self._wanted())
        deadline = time.monotonic() + CREATE_SECONDS
        while time.monotonic() < deadline:
            shown = self._ask("GET", self._cluster, CLUSTERS)["properties"]
            state = str(shown.get("provisioningState"))
            if state == "Succeeded":
                return
            if state in {"Failed", "Canceled"}:
                raise StartError(f"the cluster ended {state}: {json.dumps(shown.get('status'))}")
            time.sleep(poll_seconds)
        raise StartError(f"after {CREATE_SECONDS:.0f} s the cluster is not there")

    def kubeconfig(self) -> str:
        """The cluster admin's."""
        path = f"{self._cluster}/listClusterAdminCredential"
        [admin] = self._ask("POST", path, CLUSTERS)["kubeconfigs"]
        return base64.b64decode(admin["value"]).decode()

    def delete(self, poll_seconds: float) -> bool:
        """Delete the group with all that is in it, if it was made here, and wait until it is gone;
        whether it is."""
        if not self._owned:
            return True
        say(f"deleting resource group {self._name} with all that is in it; do not interrupt …")
        began = time.monotonic()
        settled = began + (0.0 if self._answered else UNANSWERED_SECONDS)
        asked = False
        while time.monotonic() < began + DELETE_SECONDS:
            try:
                state = self._group_state()
                if state is None and time.monotonic() >= settled:
                    say(f"resource group {self._name} is gone")
                    return True
                if state not in {None, "Deleting"}:
                    if asked:
                        say(f"resource group {self._name} is {state} again; deleting it …")
                    self._ask("DELETE", self._group, GROUPS)
                    asked = True
            except (RefusedError, OSError) as error:
                say(f"{error}; it is tried again")
            time.sleep(poll_seconds)
        return False

    def _wanted(self) -> dict[str, Any]:
        shared = {"vmSize": self._vm_size, "osType": "Linux", "type": "VirtualMachineScaleSets"}
        system = {"name": "system", "mode": "System", "count": 1, "osSKU": "AzureLinux"}
        workers = {"name": "workers", "mode": "User", "count": self._nodes, "osSKU": "Ubuntu"}
        return {
            "location": self._location,
            "identity": {"type": "SystemAssigned"},
            "properties": {
                "dnsPrefix": self._name,
                "agentPoolProfiles": [
                    shared | system | {"nodeTaints": [ADD_ONS_ONLY]},
                    shared | workers,
                ],
                "networkProfile": {"networkPlugin": "azure", "networkPluginMode": "overlay"},
            },
        }

    def _group_state(self) -> str | None:
        """The provisioningState of the group; None if there is no such group."""
        try:
            group = self._ask("GET", self._group, GROUPS)
        except RefusedError as refused:
            if refused.status == 404:
                return None
            raise
        return str((group.get("properties") or {}).get("provisioningState"))

    def _ask(self, method: str, path: str, version: str, body: Any = None) -> dict[str, Any]:
        request = urllib.request.Request(
            f"{self._arm}{path}?api-version={version}",
            data=json.dumps(body).encode() if body is not None else None,
            method=method,
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                text = error.read()
            raise RefusedError(f"{method} {path}", error.code, _json(text)) from error
        except http.client.HTTPException as error:
            raise ConnectionError(f"{method} {path}: {error!r}") from error
        return _json(text)


def _json(text: bytes) -> dict[str, Any]:
    try:
        body = json.loads(text) if text else {}
    except ValueError:
        body = None
    return body if isinstance(body, dict) else {"message": text.decode(errors="replace")[:300]}
