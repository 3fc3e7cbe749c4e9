"""The latency of a control plane on each slot, one eviction at a time.

From the request for an eviction until the budget allows the next, less the start time of the
replacement: the eviction is answered, the replacement made and scheduled, the budget written. On
nodes of their own, before the tool starts, on the same control plane.
"""

import http.client
import json
import ssl
import threading
import time
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import yaml

from testbed.control_plane import ControlPlane
from testbed.fill.command import apply, fill_workloads
from testbed.fill.workloads import ANYWHERE, budget, deployment
from testbed.kubectl import kubectl
from testbed.observer import BUDGETS, watch

APP = "calibration"
SPACE = "calibration"
EVICTIONS = 9
START_SECONDS = 0.4
PATIENCE = 20.0


def latency(plane: ControlPlane) -> float:
    """The median, in seconds."""
    apply(plane.kubeconfig, [{"apiVersion": "v1", "kind": "Namespace", "metadata": _meta(SPACE)}])
    manifests = [
        deployment(
            APP,
            2,
            SPACE,
            annotations={"ready-ms": f"{START_SECONDS * 1000:.0f}ms"},
            tolerations=ANYWHERE,
            scheduling={"nodeSelector": {"agentpool": "system"}},
        ),
        budget(APP, SPACE, maxUnavailable=1),
    ]
    fill_workloads(plane.kubeconfig, manifests)
    allowed = _Allowed(plane)
    try:
        times = [_one(plane, allowed) for _ in range(EVICTIONS)]
    finally:
        allowed.stop()
        kubectl(plane.kubeconfig, "delete", "namespace", SPACE, "--wait=false")
    _until_gone(plane)
    return max(0.0, median(times) - START_SECONDS)


def _meta(name: str) -> dict[str, Any]:
    return {"name": name}


def _until_gone(plane: ControlPlane) -> None:
    deadline = time.monotonic() + PATIENCE
    while kubectl(plane.kubeconfig, "get", "pods", "-n", SPACE, "-o", "name").strip():
        if time.monotonic() > deadline:
            raise RuntimeError(f"the pods of {SPACE} are not gone")
        time.sleep(0.2)


class _Allowed:
    """Follows the budget."""

    def __init__(self, plane: ControlPlane) -> None:
        self._process = watch(plane.kubeconfig, BUDGETS)
        self._changed = threading.Condition()
        self._allowed = 0
        self._history: list[tuple[float, int]] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            item = json.loads(line)["object"]
            if item["metadata"].get("namespace") == SPACE:
                with self._changed:
                    self._history.append(
                        (time.perf_counter(), item["status"]["disruptionsAllowed"])
                    )
                    self._changed.notify_all()

    def again(self, since: float) -> float:
        """When the budget allowed an eviction again, after it had allowed none since `since`."""
        with self._changed:
            self._changed.wait_for(lambda: self._returned(since) is not None, PATIENCE)
            at = self._returned(since)
        if at is None:
            raise RuntimeError(f"the budget of {SPACE} did not recover in {PATIENCE:.0f} s")
        return at

    def _returned(self, since: float) -> float | None:
        taken = False
        for at, allowed in self._history:
            if at >= since and allowed == 0:
                taken = True
            elif taken and allowed > 0:
                return at
        return None

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=10)


def _one(plane: ControlPlane, allowed: _Allowed) -> float:
    """Evict a Ready pod; seconds until the next could be evicted."""
    listed = json.loads(kubectl(plane.kubeconfig, "get", "pods", "-n", SPACE, "-o", "json"))
    present = [p for p in listed["items"] if "deletionTimestamp" not in p["metadata"]]
    name = min(present, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))["metadata"][
        "name"
    ]
    client = _Client(plane)
    began = time.perf_counter()
    client.evict(name)
    took = allowed.again(began) - began
    client.close()
    return took


class _Client:
    """One connection to the API server, open before the time runs."""

    def __init__(self, plane: ControlPlane) -> None:
        config = yaml.safe_load(plane.kubeconfig.read_text())
        server = urlsplit(config["clusters"][0]["cluster"]["server"])
        context = ssl.create_default_context(cafile=str(plane.directory / "ca.crt"))
        self._token = config["users"][0]["user"]["token"]
        self._connection = http.client.HTTPSConnection(
            str(server.hostname), server.port, context=context, timeout=PATIENCE
        )
        self._connection.connect()

    def evict(self, name: str) -> None:
        body = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": name, "namespace": SPACE},
        }
        self._connection.request(
            "POST",
            f"/api/v1/namespaces/{SPACE}/pods/{name}/eviction",
            json.dumps(body),
            {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status != 201:
            raise RuntimeError(f"the eviction of {SPACE}/{name} was refused: {text.decode()}")

    def close(self) -> None:
        self._connection.close()
