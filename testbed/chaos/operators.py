"""Operators as a kubelet runs them: a process that ends is started again."""

import contextlib
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Self

import yaml

from testbed.chaos.proxy import Proxy
from testbed.control_plane import ControlPlane
from testbed.demo.command import ROOT
from testbed.demo.process import DEMO
from testbed.fill.command import apply
from testbed.kubectl import kubectl

NAMESPACE = "azlm-system"
RESTART_SECONDS = 1.0


class SupervisedOperator:
    """`azlm run` under a ServiceAccount of its own, so that the audit log shows its requests; it
    reaches the API server and Azure through proxies of its own."""

    def __init__(self, plane: ControlPlane, arm: str, scratch: Path, account: str) -> None:
        self.user = f"system:serviceaccount:{NAMESPACE}:{account}"
        self.api, self.arm = Proxy(plane.server), Proxy(arm)
        self.restarts = 0
        self._plane, self._account, self._scratch = plane, account, scratch
        self._config = Path()
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self.api.__enter__()
        self.arm.__enter__()
        _authorize(self._plane, self._account)
        self._config = self._plane.service_account_kubeconfig(NAMESPACE, self._account)
        document = yaml.safe_load(self._config.read_text())
        document["clusters"][0]["cluster"]["server"] = self.api.url
        self._config.write_text(yaml.safe_dump(document))
        self._start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(timeout=10)
        with self._lock:
            if self._process is not None:
                self._process.send_signal(signal.SIGCONT)
                self._process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(timeout=20)
                self._process.kill()
                self._process.wait()
        self.api.__exit__(None, None, None)
        self.arm.__exit__(None, None, None)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process."""
        with self._lock:
            if self._process is not None:
                self._process.send_signal(number)

    def log(self) -> str:
        """The log of all its processes."""
        return (self._scratch / f"{self._account}.log").read_text(errors="replace")

    def _start(self) -> None:
        command = [sys.executable, "-m", "azure_linux_migrator", "run"]
        command += [f"--kubeconfig={self._config}"]
        command += [f"--arm-endpoint={self.arm.url}", "--metrics-port=0", *DEMO.flags]
        command += [f"--identity={self._account}-{self.restarts}"]
        with (self._scratch / f"{self._account}.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            with self._lock:
                ended = self._process is not None and self._process.poll() is not None
            if ended and not self._over.wait(RESTART_SECONDS):
                with self._lock:
                    self.restarts += 1
                    self._start()


def _authorize(plane: ControlPlane, account: str) -> None:
    """Give an account the rights that the shipped one has."""
    if account == "azlm":
        return
    metadata = {"name": account, "namespace": NAMESPACE}
    subject = {"kind": "ServiceAccount", **metadata}
    apply(plane.kubeconfig, [{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}])
    shipped = (ROOT / "deploy" / "kustomize" / "base" / "rbac.yaml").read_text()
    for manifest in yaml.safe_load_all(shipped):
        if manifest["kind"] in {"ClusterRoleBinding", "RoleBinding"}:
            manifest["metadata"]["name"] += f"-{account}"
            manifest["subjects"] = [subject]
            kubectl(plane.kubeconfig, "apply", "-f", "-", stdin=yaml.safe_dump(manifest))


def leader(plane: ControlPlane, patience: float = 180.0) -> str:
    """The identity that holds the Lease; waits until one does."""
    deadline = time.monotonic() + patience
    holder = ("get", "lease", "azlm", "-n", NAMESPACE, "-o", "jsonpath={.spec.holderIdentity}")
    while not (name := kubectl(plane.kubeconfig, *holder, check=False).strip()):
        if time.monotonic() > deadline:
            raise RuntimeError("nobody holds the Lease")
        time.sleep(0.2)
    return name
