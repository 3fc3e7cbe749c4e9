"""Flux's kustomize-controller, and a stand-in for its source-controller.

The stand-in serves the head of the repository as the artifact of a GitRepository. The rest is
real: https://fluxcd.io/flux/components/kustomize/kustomizations/
"""

import hashlib
import http.server
import json
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from testbed import processes
from testbed.binaries import FLUX, FLUX_SOURCES, HELM, ensure_built, module_directory
from testbed.control_plane import ControlPlane
from testbed.kubectl import kubectl
from tests.support.bed import AZLM
from tests.support.gitops.controllers import account, define, wait_until
from tests.support.gitops.repository import CHART, VALUES, Repository

NAMESPACE = "flux-system"
ACCOUNT = "kustomize-controller"


class Flux:
    """kustomize-controller on a plane; it knows the Kustomizations of the example."""

    name = "Flux"
    user = f"system:serviceaccount:{NAMESPACE}:{ACCOUNT}"

    def __init__(self, plane: ControlPlane, repository: Repository, scratch: Path) -> None:
        self._plane = plane
        self._repository = repository
        self._directory = scratch
        self._server = _serve(repository, self._receive)
        self.events: list[dict[str, Any]] = []

    def start(self) -> None:
        """Install the definitions and start the controller."""
        for module, path in (
            (FLUX, "github.com/fluxcd/kustomize-controller"),
            (FLUX_SOURCES, "github.com/fluxcd/source-controller"),
        ):
            bases = module_directory(module, path) / "config" / "crd" / "bases"
            define(self._plane, "-f", str(bases))
        config = account(self._plane, NAMESPACE, ACCOUNT)
        source = {
            "apiVersion": "source.toolkit.fluxcd.io/v1",
            "kind": "GitRepository",
            "metadata": {"name": "flux-system", "namespace": NAMESPACE},
            "spec": {"url": "https://git.example.com/fleet", "interval": "1m"},
        }
        self._kubectl("apply", "-f", "-", stdin=yaml.safe_dump(source))
        binary = ensure_built((FLUX,))["kustomize-controller"]
        health, metrics = processes.free_ports(2)
        command = [
            "env",
            f"KUBECONFIG={config}",
            f"RUNTIME_NAMESPACE={NAMESPACE}",
            f"TMPDIR={self._directory}",
            str(binary),
            f"--health-addr=127.0.0.1:{health}",
            f"--metrics-addr=127.0.0.1:{metrics}",
            f"--events-addr=http://127.0.0.1:{self._server.server_port}",
            "--requeue-dependency=1s",
        ]
        processes.start(self._directory, ACCOUNT, command)

    def stop(self) -> None:
        """Stop the controller and the stand-in."""
        processes.stop(self._directory, ACCOUNT)
        self._server.shutdown()
        self._server.server_close()

    def deliver(self, *files: str) -> None:
        """What an admin applies once: files of clusters/flux of the example."""
        self._publish()
        for file in files:
            path = self._repository.path / "clusters" / "flux" / f"{file}.yaml"
            self._kubectl("apply", "-f", str(path))

    def use_chart(self) -> None:
        """Have the operator come from the chart, rendered into the repository; helm-controller,
        which Flux renders charts with, cannot be built here."""
        helm = ensure_built((HELM,))["helm"]
        command = [str(helm), "template", "azlm", str(CHART), "--namespace=azlm-system"]
        command += ["--no-hooks", "--values=-"]  # the pod of `helm test` is none of the operator
        done = subprocess.run(
            command, input=yaml.safe_dump(VALUES), capture_output=True, text=True, check=True
        )
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "azlm-system"}}
        text = f"{yaml.safe_dump(namespace)}---\n{done.stdout}"
        self._repository.write("operator/install.yaml", text)
        self._repository.remove("operator/kustomization.yaml")
        self._repository.commit("Take the chart")

    def deliver_apps(self) -> None:
        """The team's own workloads, in Git too."""
        body = {
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
            "kind": "Kustomization",
            "metadata": {"name": "apps", "namespace": NAMESPACE},
            "spec": {
                "sourceRef": {"kind": "GitRepository", "name": "flux-system"},
                "path": "./apps",
                "prune": True,
                "interval": "10m",
            },
        }
        self._kubectl("apply", "-f", "-", stdin=yaml.safe_dump(body))

    def sync(self, name: str) -> None:
        """Have a Kustomization apply the head now, and wait until it has."""
        revision = self._publish()
        wait_until(
            f"{name} at {revision}",
            lambda: self._applied(name, revision),
            lambda: self._ready(name),
        )

    def health(self) -> str:
        """What the Kustomization that waits for the migrations says, in Argo CD's words."""
        state, message = self._ready("azlm-done")
        if state == "True":
            return "Healthy"
        return "Degraded" if state == "False" and "failed" in message else "Progressing"

    def word(self, word: str, expected: Callable[[], bool]) -> None:
        """Flux has no actions: the command line does it."""
        yes = ("--yes",) if word in {"rollback", "abort"} else ()
        command = [*AZLM, word, "workers", f"--kubeconfig={self._plane.kubeconfig}", *yes]
        done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
        assert done.returncode == 0, done.stderr
        assert expected(), f"the status has no record of {word}"

    def _ready(self, name: str) -> tuple[str, str]:
        for condition in self._get(name).get("status", {}).get("conditions", ()):
            if condition["type"] == "Ready":
                return condition["status"], condition["message"]
        return "", ""

    def reconcile(self, name: str) -> None:
        """Have a Kustomization compare the cluster with Git once more, and wait until it has."""
        asked = f"reconcile.fluxcd.io/requestedAt={self._repository.head}.{len(self.events)}"
        before = self._get(name)["status"].get("lastHandledReconcileAt")
        self._kubectl("annotate", "--overwrite", "kustomization", name, "-n", NAMESPACE, asked)

        def handled() -> bool:
            now = self._get(name)["status"].get("lastHandledReconcileAt")
            return bool(now) and now != before

        wait_until(f"{name} is reconciled", handled)

    def compare(self, name: str) -> None:
        """The same: what differs is put back."""
        self.reconcile(name)

    def _applied(self, name: str, revision: str) -> bool:
        return bool(self._get(name).get("status", {}).get("lastAppliedRevision") == revision)

    def _publish(self) -> str:
        """Tell Flux of the head, as source-controller does."""
        head = self._repository.head
        archive = self._repository.archive(head)
        revision = f"main@sha1:{head}"
        status = {
            "artifact": {
                "path": f"{head}.tar.gz",
                "url": f"http://127.0.0.1:{self._server.server_port}/{head}.tar.gz",
                "revision": revision,
                "digest": f"sha256:{hashlib.sha256(archive).hexdigest()}",
                "lastUpdateTime": "2026-01-01T00:00:00Z",
                "size": len(archive),
            },
            "conditions": [
                {
                    "type": "Ready",
                    "status": "True",
                    "reason": "Succeeded",
                    "message": f"stored artifact for revision '{revision}'",
                    "lastTransitionTime": "2026-01-01T00:00:00Z",
                    "observedGeneration": 1,
                }
            ],
            "observedGeneration": 1,
        }
        patch = json.dumps({"status": status})
        where = ("gitrepository", "flux-system", "-n", NAMESPACE)
        self._kubectl("patch", *where, "--subresource=status", "--type=merge", "-p", patch)
        return revision

    def _receive(self, event: dict[str, Any]) -> None:
        self.events.append(event)

    def _get(self, name: str) -> dict[str, Any]:
        answer = self._kubectl("get", "kustomization", name, "-n", NAMESPACE, "-o", "json")
        return dict(json.loads(answer))

    def _kubectl(self, *args: str, stdin: str | None = None) -> str:
        return kubectl(self._plane.kubeconfig, *args, stdin=stdin)


def _serve(repository: Repository, receive: Any) -> http.server.ThreadingHTTPServer:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """An artifact: the archive of the commit that the path names."""
            body = repository.archive(self.path.strip("/").removesuffix(".tar.gz"))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            """An event, as notification-controller receives it."""
            receive(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(202)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
