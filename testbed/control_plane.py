"""A real Kubernetes control plane on loopback: etcd, API server, controllers, scheduler, kwok.

All files of a plane are in its directory: certificates, logs, pid files, the audit log.
"""

import contextlib
import secrets
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

from testbed import certificates, processes, stages
from testbed.binaries import ensure_built
from testbed.kubectl import kubectl

NAMES = ("kwok", "kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd")
"""In the order in which they are stopped."""

_IDENTITIES = {
    "admin": ("azlm-testbed-admin", "system:masters"),
    "controller-manager": ("system:kube-controller-manager", "system:masters"),
    "scheduler": ("system:kube-scheduler", "system:masters"),
    "kwok": ("azlm-testbed-kwok", "system:masters"),
    "aks": ("azlm-testbed-aks", "system:masters"),
}


class StartError(Exception):
    """The plane did not start; the text holds the end of the log with the cause."""


@dataclass(frozen=True)
class ControlPlane:
    """A plane, running or not, identified by its directory."""

    directory: Path

    @classmethod
    def start(
        cls,
        directory: Path,
        *,
        ready_ms: int = 1000,
        ready_jitter_ms: int = 2000,
        delete_ms: int = 500,
        feature_gates: str = "",
    ) -> "ControlPlane":
        """Start a plane and wait until it serves. Times in milliseconds, see stages.py;
        `feature_gates` are the apiserver's, as its flag of that name takes them."""
        plane = cls(directory.resolve())
        if any(processes.running(plane.directory, name) for name in NAMES):
            raise StartError(
                f"a control plane already runs in {directory}; stop it with: "
                f"python -m testbed down --dir {directory}"
            )
        plane.directory.mkdir(parents=True, exist_ok=True)
        plane.audit_log.unlink(missing_ok=True)
        try:
            plane._launch(ready_ms, ready_jitter_ms, delete_ms, feature_gates)
        except BaseException:
            plane.stop()
            raise
        return plane

    @property
    def kubeconfig(self) -> Path:
        """The cluster admin's kubeconfig."""
        return self.directory / "kubeconfig"

    @property
    def audit_log(self) -> Path:
        """One JSON line per request that the apiserver completed."""
        return self.directory / "audit.log"

    @property
    def pids(self) -> dict[str, int]:
        """Pids of the running processes, by name."""
        pids = {name: processes.running(self.directory, name) for name in NAMES}
        return {name: process.pid for name, process in pids.items() if process is not None}

    def stop(self) -> None:
        """End every process of this plane; does nothing if none runs."""
        for name in NAMES:
            processes.stop(self.directory, name)

    def kill(self, name: str) -> Callable[[], None]:
        """SIGKILL one of NAMES; returns what starts it again and waits until the API serves."""
        command = processes.kill(self.directory, name)

        def start() -> None:
            processes.start(self.directory, name, command)
            self._wait_ready(self.server)

        return start

    @property
    def server(self) -> str:
        """The address of the API server."""
        config = yaml.safe_load(self.kubeconfig.read_text())
        return str(config["clusters"][0]["cluster"]["server"])

    def service_account_kubeconfig(self, namespace: str, name: str) -> Path:
        """A kubeconfig that authenticates as a ServiceAccount, by a token valid for a day."""
        token = kubectl(
            self.kubeconfig, "create", "token", name, "-n", namespace, "--duration=24h"
        ).strip()
        return self._write_kubeconfig(f"{namespace}.{name}.kubeconfig", self.server, token)

    def _launch(
        self, ready_ms: int, ready_jitter_ms: int, delete_ms: int, feature_gates: str
    ) -> None:
        binaries = ensure_built()
        client, peer, secure, cm, sched, kwok = processes.free_ports(6)
        server = f"https://127.0.0.1:{secure}"
        certificates.write(self.directory)
        configs = self._write_identities(server)
        self._write_audit_policy()
        stage_file = self.directory / "stages.yaml"
        stage_file.write_text(
            stages.render(ready_ms=ready_ms, ready_jitter_ms=ready_jitter_ms, delete_ms=delete_ms)
        )

        def run(name: str, *flags: str) -> None:
            processes.start(self.directory, name, [str(binaries[name]), *flags])

        run("etcd", *self._etcd_flags(client, peer))
        gates = (f"--feature-gates={feature_gates}",) if feature_gates else ()
        run("kube-apiserver", *self._apiserver_flags(client, secure), *gates)
        self._wait_ready(server)
        run("kube-controller-manager", *self._controller_flags(configs["controller-manager"], cm))
        run("kube-scheduler", *_scheduler_flags(configs["scheduler"], sched))
        run(
            "kwok",
            f"--kubeconfig={configs['kwok']}",
            f"--config={stage_file}",
            "--manage-all-nodes=true",
            "--node-lease-duration-seconds=0",
            f"--server-address=127.0.0.1:{kwok}",
        )
        self._wait_service_account()

    def _etcd_flags(self, client: int, peer: int) -> list[str]:
        data = self.directory / "etcd"
        return [
            "--unsafe-no-fsync",
            f"--data-dir={data}",
            "--name=testbed",
            f"--listen-client-urls=http://127.0.0.1:{client}",
            f"--advertise-client-urls=http://127.0.0.1:{client}",
            f"--listen-peer-urls=http://127.0.0.1:{peer}",
            f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
            f"--initial-cluster=testbed=http://127.0.0.1:{peer}",
            "--log-level=warn",
        ]

    def _apiserver_flags(self, etcd: int, port: int) -> list[str]:
        here = self.directory
        return [
            f"--etcd-servers=http://127.0.0.1:{etcd}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            "--endpoint-reconciler-type=none",
            f"--secure-port={port}",
            f"--cert-dir={here}",
            f"--tls-cert-file={here / 'apiserver.crt'}",
            f"--tls-private-key-file={here / 'apiserver.key'}",
            f"--token-auth-file={here / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={here / 'sa.key'}",
            f"--service-account-signing-key-file={here / 'sa.key'}",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--max-requests-inflight=2000",
            "--max-mutating-requests-inflight=1000",
            f"--audit-policy-file={here / 'audit-policy.yaml'}",
            f"--audit-log-path={self.audit_log}",
            "--audit-log-mode=blocking",
            "--disable-admission-plugins=DefaultTolerationSeconds",
        ]

    def _controller_flags(self, kubeconfig: Path, port: int) -> list[str]:
        here = self.directory
        return [
            *_authenticated(kubeconfig, port),
            f"--root-ca-file={here / 'ca.crt'}",
            f"--service-account-private-key-file={here / 'sa.key'}",
            "--use-service-account-credentials=false",
            "--controllers=*,-nodeipam",
            "--node-monitor-grace-period=24h",
        ]

    def _write_identities(self, server: str) -> dict[str, Path]:
        lines, configs = [], {}
        for name, (user, group) in _IDENTITIES.items():
            token = secrets.token_hex(16)
            lines.append(f'{token},{user},{user},"{group}"')
            file = "kubeconfig" if name == "admin" else f"{name}.kubeconfig"
            configs[name] = self._write_kubeconfig(file, server, token)
        tokens = self.directory / "tokens.csv"
        tokens.write_text("\n".join(lines) + "\n")
        tokens.chmod(0o600)
        return configs

    def _write_kubeconfig(self, file: str, server: str, token: str) -> Path:
        path = self.directory / file
        cluster = {"server": server, "certificate-authority": str(self.directory / "ca.crt")}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "testbed", "cluster": cluster}],
            "users": [{"name": "user", "user": {"token": token}}],
            "contexts": [{"name": "testbed", "context": {"cluster": "testbed", "user": "user"}}],
            "current-context": "testbed",
        }
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(document))
        return path

    def _write_audit_policy(self) -> None:
        policy = {
            "apiVersion": "audit.k8s.io/v1",
            "kind": "Policy",
            "omitStages": ["RequestReceived", "ResponseStarted"],
            "rules": [{"level": "Metadata"}],
        }
        (self.directory / "audit-policy.yaml").write_text(yaml.safe_dump(policy))

    def _wait_ready(self, server: str, timeout: float = 60.0) -> None:
        context = ssl.create_default_context(cafile=str(self.directory / "ca.crt"))
        deadline = time.monotonic() + timeout
        while True:
            try:
                urllib.request.urlopen(f"{server}/readyz", context=context, timeout=2).close()
            except (urllib.error.URLError, OSError) as error:
                self._check_alive("etcd", "kube-apiserver")
                if time.monotonic() > deadline:
                    tail = processes.log_tail(self.directory, "kube-apiserver")
                    raise StartError(f"kube-apiserver is not ready: {error}\n{tail}") from error
                time.sleep(0.05)
            else:
                return

    def _wait_service_account(self, timeout: float = 30.0) -> None:
        """Pods can be created after the controllers have created the default ServiceAccount."""
        deadline = time.monotonic() + timeout
        command = ("get", "serviceaccount", "default", "-n", "default", "-o", "name")
        while not kubectl(self.kubeconfig, *command, check=False).strip():
            self._check_alive(*NAMES)
            if time.monotonic() > deadline:
                tail = processes.log_tail(self.directory, "kube-controller-manager")
                raise StartError(f"kube-controller-manager does not work:\n{tail}")
            time.sleep(0.05)
        self._check_alive(*NAMES)

    def _check_alive(self, *names: str) -> None:
        for name in names:
            if processes.running(self.directory, name) is None:
                tail = processes.log_tail(self.directory, name)
                raise StartError(f"{name} ended while starting:\n{tail}")


def _authenticated(kubeconfig: Path, port: int) -> list[str]:
    return [
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={kubeconfig.parent}",
        "--kube-api-qps=1000",
        "--kube-api-burst=2000",
    ]


def _scheduler_flags(kubeconfig: Path, port: int) -> list[str]:
    return _authenticated(kubeconfig, port)


def say(text: str) -> None:
    """Print a line for the user on stderr; stdout is kept for results.

    Never fails, since clean-up goes on after it: the reader of a pipe may have ended (OSError), the
    stream be closed (ValueError), or a signal handler interrupt another print (RuntimeError).
    """
    with contextlib.suppress(OSError, ValueError, RuntimeError):
        print(text, file=sys.stderr, flush=True)
