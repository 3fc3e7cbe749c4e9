"""The fixture of an integration test: a filled cluster, a simulated AKS, the operator."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from testbed.aks.process import AksServer
from testbed.audit import AuditLog
from testbed.control_plane import ControlPlane
from testbed.fill.command import apply, fill
from testbed.fill.nodes import pool_nodes
from testbed.fill.workloads import Manifest
from testbed.kubectl import kubectl, run_kubectl
from testbed.processes import free_ports

AZLM = (sys.executable, "-m", "azure_linux_migrator")
OPERATOR_USER = "system:serviceaccount:azlm-system:azlm"
ZERO = "00000000-0000-0000-0000-000000000000"
PATIENCE = 45.0


class Bed:
    """The fixture of one test. The test names the pools; nothing is left after `close`."""

    def __init__(self, plane: ControlPlane, scratch: Path) -> None:
        self.plane = plane
        self.scratch = scratch
        self.patience = PATIENCE
        self.audit = AuditLog(plane.audit_log)
        self._aks: AksServer | None = None
        self._operator: subprocess.Popen[bytes] | None = None
        self._standby: subprocess.Popen[bytes] | None = None
        [self.metrics_port] = free_ports(1)

    # Set-up

    def fill(self, workloads: list[Manifest], *, pool: str = "workers", nodes: int = 4) -> None:
        """Nodes of the source pool and of a system pool, and workloads on the source."""
        apply(self.plane.kubeconfig, pool_nodes("system", 1, os_sku="AzureLinux", mode="System"))
        fill(self.plane.kubeconfig, workloads, pool=pool, nodes=nodes)
        self.audit.mark()

    def start_aks(self, *flags: str) -> AksServer:
        """Start the simulated AKS with the existing nodes."""
        fast = ("--boot-seconds=2", "--delete-seconds=1")
        self._aks = AksServer(self.plane.kubeconfig, *(flags or fast))
        self._aks.__enter__()
        return self._aks

    def stop_aks(self) -> None:
        """End the simulated AKS, if it runs."""
        if self._aks is not None:
            self._aks.__exit__(None, None, None)
            self._aks = None

    @property
    def aks(self) -> AksServer:
        """The simulated AKS."""
        assert self._aks is not None, "start_aks() comes first"
        return self._aks

    def start_operator(self, identity: str = "test", *, source: Path | None = None) -> int:
        """`azlm run` as the shipped ServiceAccount; returns its pid. `source` is the directory of
        another version's package."""
        self._operator = self._run(identity, source)
        return self._operator.pid

    def start_standby(self) -> "subprocess.Popen[bytes]":
        """A second operator, which has to wait for the first one's Lease."""
        self._standby = self._run("standby")
        return self._standby

    def _run(self, identity: str, source: Path | None = None) -> "subprocess.Popen[bytes]":
        config = self.plane.service_account_kubeconfig("azlm-system", "azlm")
        command = [
            *AZLM,
            "run",
            f"--kubeconfig={config}",
            f"--arm-endpoint={self.aks.url}",
            f"--metrics-port={self.metrics_port if identity != 'standby' else 0}",
            f"--subscription-id={ZERO}",
            "--resource-group=demo-rg",
            "--cluster-name=demo",
            f"--identity={identity}",
        ]
        with (self.scratch / "azlm.log").open("ab") as log:
            environment = os.environ | ({"PYTHONPATH": str(source)} if source else {})
            return subprocess.Popen(command, stdout=log, stderr=log, env=environment)

    def kill_operator(self) -> None:
        """SIGKILL: the process ends without any clean-up."""
        assert self._operator is not None
        self._operator.kill()
        self._operator.wait()
        self._operator = None

    def stop_operator(self) -> None:
        """SIGTERM, and wait."""
        if self._operator is not None:
            self._operator.terminate()
            self._operator.wait(timeout=30)
            self._operator = None

    # Use

    def kubectl(self, *args: str, stdin: str | None = None) -> str:
        """kubectl as the cluster's admin."""
        return kubectl(self.plane.kubeconfig, *args, stdin=stdin)

    def try_kubectl(self, *args: str, stdin: str | None = None) -> str:
        """Run kubectl whatever its exit code; returns stdout and stderr."""
        done = run_kubectl(self.plane.kubeconfig, *args, stdin=stdin)
        return done.stdout + done.stderr

    def migrate(self, name: str = "workers", **spec: Any) -> None:
        """Apply a migration of the pool `workers`; no canary and no soaks but those of the spec."""
        strategy = {"batch": {"size": "50%", "soak": "0s"}, "finalSoak": "0s"}
        strategy = {"canary": {"nodes": 0}} | spec.get("strategy", strategy)
        whole = {"source": {"nodePool": "workers"}} | spec | {"strategy": strategy}
        body = {
            "apiVersion": "azlm.dev/v1alpha1",
            "kind": "AzureLinuxMigration",
            "metadata": {"name": name},
            "spec": whole,
        }
        self.kubectl("apply", "-f", "-", stdin=json.dumps(body))

    def status(self, name: str = "workers") -> dict[str, Any]:
        """The migration's status."""
        return dict(json.loads(self.kubectl("get", "azlm", name, "-o", "json")).get("status") or {})

    def condition(self, kind: str, name: str = "workers") -> dict[str, Any]:
        """One condition of it, or an empty one."""
        conditions = [c for c in self.status(name).get("conditions", ()) if c["type"] == kind]
        return dict(conditions[0]) if conditions else {}

    def wait(self, what: str, check: Callable[[], bool], patience: float = 0.0) -> None:
        """Wait until `check` holds, `self.patience` seconds by default; fails with the log."""
        deadline = time.monotonic() + (patience or self.patience)
        while not check():
            if time.monotonic() > deadline:
                status = self.try_kubectl("get", "azlm", "-o", "yaml")
                raise AssertionError(f"not reached: {what}\n{status[-6000:]}\n{self.log()[-6000:]}")
            time.sleep(0.1)

    def wait_reason(self, reason: str, kind: str = "Ready", name: str = "workers") -> None:
        """Wait for a condition's reason."""
        self.wait(
            f"{kind} with reason {reason}",
            lambda: self.condition(kind, name).get("reason") == reason,
        )

    def wait_done(self, name: str = "workers") -> None:
        """Wait until the migration has Succeeded."""
        self.wait("Succeeded", lambda: self.condition("Succeeded", name).get("status") == "True")

    def nodes(self, pool: str) -> list[dict[str, Any]]:
        """The nodes of a pool."""
        selector = f"kubernetes.azure.com/agentpool={pool}"
        return list(json.loads(self.kubectl("get", "nodes", "-l", selector, "-o", "json"))["items"])

    def log(self) -> str:
        """The log of the operator."""
        path = self.scratch / "azlm.log"
        return path.read_text() if path.exists() else ""

    def close(self, *, keep_logs: bool) -> None:
        """Remove everything, finalizers included."""
        self.stop_operator()
        if self._standby is not None:
            self._standby.terminate()
            self._standby.wait(timeout=30)
        self.try_kubectl(
            "patch", "azlm", "--all", "--type=merge", "-p", '{"metadata":{"finalizers":null}}'
        )
        for name in self.kubectl("get", "azlm", "-o", "name").split():
            self.try_kubectl(
                "patch", name, "--type=merge", "-p", '{"metadata":{"finalizers":null}}'
            )
            self.try_kubectl("delete", name, "--ignore-not-found")
        kinds = "deployments,statefulsets,daemonsets,jobs,poddisruptionbudgets"
        for namespace in ("default", "kube-system"):
            self.try_kubectl("delete", kinds, "--all", "-n", namespace, "--cascade=background")
            self.try_kubectl(
                "delete", "pods", "--all", "-n", namespace, "--force", "--grace-period=0"
            )
        self.try_kubectl("delete", "nodes", "--all")
        self.stop_aks()
        if keep_logs:
            print(self.log())
