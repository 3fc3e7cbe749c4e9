"""Runs the operator's containers: what the kubelet does, where kwok only says so.

For each pod of the operator's Deployment there is a process with the pod's arguments and
environment, with the ServiceAccount of the pod. It begins when the pod is Ready, begins again where
it ended, and gets SIGTERM when the pod is deleted. So an upgrade by Git is one here too: new pods,
a handover of the Lease.
"""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Self

from testbed.control_plane import ControlPlane
from testbed.kubectl import run_kubectl

NAMESPACE = "azlm-system"


class OperatorPods:
    """The processes of the operator's pods; `images` are those of the pods that ran, in order."""

    def __init__(self, plane: ControlPlane, arm_url: str, log: Path) -> None:
        self._plane = plane
        self._arm_url = arm_url
        self._log = log
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._ended: set[str] = set()
        self._kubeconfig: Path | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self.images: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            process.wait(timeout=30)

    @property
    def running(self) -> int:
        """How many processes run."""
        return sum(process.poll() is None for process in self._processes.values())

    def _follow(self) -> None:
        while not self._stop.wait(0.3):
            pods = self._get("pods", "-l", "app.kubernetes.io/name=azlm")
            live = {pod["metadata"]["name"]: pod for pod in pods if _runs(pod)}
            for name, pod in live.items():
                process = self._processes.get(name)
                if process is None or process.poll() is not None:
                    self._start(name, pod)
            for name in self._processes.keys() - live.keys() - self._ended:
                self._processes[name].terminate()
                self._ended.add(name)

    def _start(self, name: str, pod: dict[str, Any]) -> None:
        if self._kubeconfig is None:
            self._kubeconfig = self._plane.service_account_kubeconfig(NAMESPACE, "azlm")
        container = pod["spec"]["containers"][0]
        environment = os.environ | {"POD_NAME": name, "POD_NAMESPACE": NAMESPACE}
        for source in container.get("envFrom", ()):
            for config in self._get("configmap"):
                if config["metadata"]["name"] == source["configMapRef"]["name"]:
                    environment |= config["data"]
        flags = [f"--kubeconfig={self._kubeconfig}", f"--arm-endpoint={self._arm_url}"]
        flags += ["--metrics-address=127.0.0.1", "--metrics-port=0"]
        command = [sys.executable, "-m", "azure_linux_migrator", *container["args"], *flags]
        with self._log.open("ab") as log:
            self._processes[name] = subprocess.Popen(
                command, stdout=log, stderr=log, env=environment
            )
        if container["image"] not in self.images:
            self.images.append(container["image"])

    def _get(self, *what: str) -> list[dict[str, Any]]:
        done = run_kubectl(self._plane.kubeconfig, "get", *what, "-n", NAMESPACE, "-o", "json")
        return list(json.loads(done.stdout)["items"]) if done.returncode == 0 else []


def _runs(pod: dict[str, Any]) -> bool:
    ready = any(
        condition["type"] == "Ready" and condition["status"] == "True"
        for condition in pod["status"].get("conditions", ())
    )
    return ready and "deletionTimestamp" not in pod["metadata"]
