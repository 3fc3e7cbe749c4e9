"""The operator as a process with its ServiceAccount, and the measurements of it."""

import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

from testbed.processes import free_ports

AZLM = Path(sys.executable).parent / "azlm"
SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True)
class AzureCluster:
    """The names of a managed cluster."""

    subscription: str = SUBSCRIPTION
    resource_group: str = "demo-rg"
    name: str = "demo"

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags of azlm that name it."""
        return (
            f"--subscription-id={self.subscription}",
            f"--resource-group={self.resource_group}",
            f"--cluster-name={self.name}",
        )


DEMO = AzureCluster()


class AzlmProcess:
    """Runs `azlm run` while entered; its log is `azlm.log` in `scratch`."""

    def __init__(
        self, kubeconfig: Path, arm: str, scratch: Path, cluster: AzureCluster = DEMO
    ) -> None:
        self._log = scratch / "azlm.log"
        self._port = free_ports(1)[0]
        self._command = [
            str(AZLM),
            "run",
            f"--kubeconfig={kubeconfig}",
            f"--arm-endpoint={arm}",
            f"--metrics-port={self._port}",
            *cluster.flags,
        ]
        self._process: subprocess.Popen[bytes] | None = None
        self._done = threading.Event()
        self._peak = 0
        self.ready_after = 0.0
        self.idle_bytes = 0

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        threading.Thread(target=self._sample, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    @property
    def pid(self) -> int:
        """Its pid."""
        return self._process.pid if self._process else 0

    @property
    def address(self) -> str:
        """Host and port of its probes and metrics."""
        return f"127.0.0.1:{self._port}"

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def wait_ready(self, patience: float = 30.0) -> None:
        """Wait for /readyz and note how long it took, in seconds."""
        began = time.monotonic()
        while time.monotonic() - began < patience:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self._port}/readyz", timeout=1).close()
            except (urllib.error.URLError, OSError):
                if not self.alive:
                    break
                time.sleep(0.02)
            else:
                self.ready_after = time.monotonic() - began
                self.idle_bytes = psutil.Process(self.pid).memory_info().rss
                return
        raise RuntimeError(f"the operator is not ready:\n{self.log_tail()}")

    def metrics(self) -> str:
        """The text of /metrics."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/metrics", timeout=5) as answer:
            return str(answer.read().decode())

    def log_tail(self, lines: int = 30) -> str:
        """The end of the log."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])

    def figures(self, idle_seconds: float = 4.0) -> str:
        """Start time, memory and CPU, in words; watches an idle operator for a while."""
        used = self._cpu()
        time.sleep(idle_seconds)
        idle = (self._cpu() - used) / idle_seconds
        parts = (
            f"ready {self.ready_after:.1f} s after its start",
            f"memory {self.idle_bytes / 1e6:.0f} MB idle, {self._peak / 1e6:.0f} MB at its peak",
            f"CPU {used:.1f} s for the migration, {idle:.1%} of a core idle",
        )
        return "; ".join(parts)

    def _cpu(self) -> float:
        times = psutil.Process(self.pid).cpu_times()
        return float(times.user + times.system)

    def _sample(self) -> None:
        while not self._done.wait(0.1):
            try:
                self._peak = max(self._peak, psutil.Process(self.pid).memory_info().rss)
            except psutil.NoSuchProcess:
                return
