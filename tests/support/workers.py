"""A worker on a Kubernetes with one resource."""

import json
from typing import Any

from azure_linux_migrator.controller.metrics import Telemetry
from azure_linux_migrator.controller.worker import Worker, WorkerPorts
from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.kube.cluster_watch import ClusterWatch
from azure_linux_migrator.model.cluster import NamespacedName

BODY: dict[str, Any] = {
    "metadata": {"name": "m", "uid": "u", "generation": 1, "resourceVersion": "7"},
    "spec": {"source": {"nodePool": "src"}},
    "status": {"step": "AwaitRetireApproval", "phase": "Running"},
}


class WorkerServer:
    """A Kubernetes with one resource; a `silent` one records a status and does not answer."""

    def __init__(self, *, silent: bool = False) -> None:
        self.body = json.loads(json.dumps(BODY))
        self.silent = silent
        self.refuses = False
        self.fails: list[KubernetesError | None] = []
        """The faults of the next requests."""
        self.server = "http://127.0.0.1"
        self.sent: list[str | None] = []

    async def json(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        """As kube.client.Client."""
        error = self.fails.pop(0) if self.fails else None
        if error is not None:
            raise error
        if method == "PATCH" and path.endswith("/status"):
            version = more["body"]["metadata"].get("resourceVersion")
            self.sent.append(version)
            if self.refuses:
                raise KubernetesError(500, "field not declared in schema")
            if version != self.body["metadata"]["resourceVersion"]:
                raise KubernetesError(409, "the object has been modified")
            self.records(more["body"]["status"])
            if self.silent:
                raise KubernetesError(0, "no answer in time")
        return json.loads(json.dumps(self.body))  # type: ignore[no-any-return]

    async def request(self, *_: Any, **__: Any) -> bytes:
        """As kube.client.Client: takes events."""
        return b"{}"

    def records(self, status: dict[str, Any]) -> None:
        """Another client writes a status."""
        metadata = self.body["metadata"]
        self.body["status"] = json.loads(json.dumps(status))
        metadata["resourceVersion"] = str(int(metadata["resourceVersion"]) + 1)


def worker_on(server: Any, *, leads: bool = True, releasing: bool = False, **more: Any) -> Worker:
    ports = WorkerPorts(
        client=server,
        cluster_watch=ClusterWatch(server),
        pools=lambda _: server,
        telemetry=Telemetry(),
        may_act=lambda: leads,
        own_pod=NamespacedName("azlm-system", "azlm-0"),
    )
    body = json.loads(json.dumps(BODY | more))
    return Worker(body, ports, conflict=lambda _: "", releasing=releasing)
