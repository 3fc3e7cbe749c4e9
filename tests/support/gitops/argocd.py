"""Argo CD: its application controller, repository server and API server, with Redis.

https://argo-cd.readthedocs.io/en/stable/operator-manual/architecture/
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from testbed import processes
from testbed.binaries import ARGOCD, HELM, KUSTOMIZE, ensure_built, module_directory
from testbed.control_plane import ControlPlane
from testbed.kubectl import kubectl
from tests.support.gitops.controllers import account, define, wait_until
from tests.support.gitops.repository import CHART, ROOT, VALUES, Repository

NAMESPACE = "argocd"
CONTROLLER, API = "argocd-application-controller", "argocd-server"
PROCESSES = (API, CONTROLLER, "argocd-repo-server", "redis")


class ArgoCD:
    """Argo CD on a plane, with client-side apply; it knows the Applications of the example."""

    name = "Argo CD"
    user = f"system:serviceaccount:{NAMESPACE}:{CONTROLLER}"
    options: tuple[str, ...] = ()
    """Sync options of every Application."""
    annotations: dict[str, str] = {}  # noqa: RUF012

    def __init__(self, plane: ControlPlane, repository: Repository, scratch: Path) -> None:
        self._plane = plane
        self._repository = repository
        self._directory = scratch
        self._server = ""

    def start(self) -> None:
        """Install the definitions and the configuration, and start the processes."""
        manifests = module_directory(ARGOCD, "github.com/argoproj/argo-cd/v3") / "manifests"
        configs = {name: account(self._plane, NAMESPACE, name) for name in (CONTROLLER, API)}
        define(self._plane, "-k", str(manifests / "crds"))
        self._kubectl("apply", "-k", str(manifests / "base" / "config"), "-n", NAMESPACE)
        patch = ROOT / "deploy" / "gitops" / "argocd" / "argocd-cm.yaml"
        self._kubectl("patch", "cm", "argocd-cm", "-n", NAMESPACE, f"--patch-file={patch}")
        secret = json.dumps({"stringData": {"server.secretkey": "loopback only"}})
        self._kubectl("patch", "secret", "argocd-secret", "-n", NAMESPACE, "-p", secret)
        self._apply(
            {
                "apiVersion": "argoproj.io/v1alpha1",
                "kind": "AppProject",
                "metadata": {"name": "default", "namespace": NAMESPACE},
                "spec": {
                    "sourceRepos": ["*"],
                    "destinations": [{"namespace": "*", "server": "*"}],
                    "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
                },
            }
        )
        self._start_processes(configs)

    def stop(self) -> None:
        """Stop the processes."""
        for name in PROCESSES:
            processes.stop(self._directory, name)

    def deliver(self, *files: str) -> None:
        """What an admin applies once: files of clusters/argocd of the example."""
        for file in files:
            text = (self._repository.path / "clusters" / "argocd" / f"{file}.yaml").read_text()
            application = yaml.safe_load(text)
            application["spec"]["source"]["repoURL"] = f"file://{self._repository.path}"
            policy = application["spec"]["syncPolicy"]
            policy["syncOptions"] = [*policy.get("syncOptions", ()), *self.options]
            application["metadata"]["annotations"] = self.annotations
            self._apply(application)

    def use_chart(self) -> None:
        """Have the operator come from the chart, which Argo CD renders."""
        self._repository.copy(CHART, "chart")
        file = "clusters/argocd/operator.yaml"
        application = yaml.safe_load(self._repository.read(file))
        application["spec"]["source"] |= {"path": "chart", "helm": {"valuesObject": VALUES}}
        application["spec"]["syncPolicy"]["syncOptions"] = ["CreateNamespace=true"]
        self._repository.write(file, application)
        self._repository.commit("Take the chart")

    def deliver_apps(self) -> None:
        """The team's own workloads, in Git too."""
        file = "clusters/argocd/apps.yaml"
        application = yaml.safe_load(self._repository.read("clusters/argocd/operator.yaml"))
        application["metadata"]["name"] = "apps"
        application["spec"]["source"]["path"] = "apps"
        application["spec"]["destination"]["namespace"] = "default"
        self._repository.write(file, application)
        self.deliver("apps")

    def sync(self, name: str) -> None:
        """Have the head of the repository applied, and wait until it is."""
        head = self._repository.head
        self._refresh(name)

        def applied() -> bool:
            status = self._get(name).get("status", {})
            running = status.get("operationState", {}).get("phase") == "Running"
            sync = status.get("sync", {})
            return not running and (sync.get("status"), sync.get("revision")) == ("Synced", head)

        wait_until(f"{name} at {head}", applied, lambda: self._get(name).get("status"))

    def reconcile(self, name: str) -> None:
        """Compare with Git once more; nothing may differ."""
        self.compare(name)
        status = self._get(name)["status"]
        assert status["sync"]["status"] == "Synced", status

    def compare(self, name: str) -> None:
        """Compare with Git once more, and wait until that is done."""
        self._refresh(name)

        def compared() -> bool:
            annotations = self._get(name)["metadata"].get("annotations", {})
            return "argocd.argoproj.io/refresh" not in annotations

        wait_until(f"{name} is compared", compared)

    def health(self) -> str:
        """The health of the Application of the migrations."""
        return str(self._get("azlm-migrations")["status"].get("health", {}).get("status"))

    def word(self, word: str, expected: Callable[[], bool]) -> None:
        """Run the action of this name, as its button does; wait until it has had its effect."""
        command = [self._link("argocd"), "app", "actions", "run", "azlm-migrations", word]
        command += ["--group=azlm.dev", "--kind=AzureLinuxMigration", "--resource-name=workers"]
        command += [f"--server={self._server}", "--plaintext"]
        environment = os.environ | {"HOME": str(self._directory)}
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        wait_until(f"{word} is recorded", expected)

    def _start_processes(self, configs: dict[str, Path]) -> None:
        redis, repo, api, *metrics = processes.free_ports(6)
        tools = self._directory / "bin"
        tools.mkdir(exist_ok=True)
        for module in (HELM, KUSTOMIZE):
            for name, binary in ensure_built((module,)).items():
                (tools / name).symlink_to(binary)
        environment = [
            "env",
            f"PATH={tools}:{os.environ['PATH']}",
            f"HOME={self._directory}",
            f"TMPDIR={self._directory}",
            "ARGOCD_FAKE_IN_CLUSTER=true",
            "ARGOCD_GPG_ENABLED=false",
            f"ARGOCD_TLS_DATA_PATH={self._directory / 'tls'}",
            f"ARGOCD_SSH_DATA_PATH={self._directory / 'ssh'}",
            f"ARGOCD_PLUGINSOCKFILEPATH={self._directory / 'plugins'}",
        ]
        server = shutil.which("redis-server")
        assert server is not None, "redis-server is not installed: apt-get install redis-server"
        cache = f"--redis=127.0.0.1:{redis}"
        manifests = (f"--repo-server=127.0.0.1:{repo}", "--repo-server-plaintext")
        where = f"--namespace={NAMESPACE}"

        def run(name: str, *flags: str) -> None:
            identity = [f"KUBECONFIG={configs[name]}"] if name in configs else []
            command = [*environment, *identity, self._link(name), *flags]
            processes.start(self._directory, name, command)

        local = ("--bind", "127.0.0.1", "--port", str(redis), "--save", "", "--appendonly", "no")
        processes.start(self._directory, "redis", [server, *local])
        run(
            "argocd-repo-server",
            "--address=127.0.0.1",
            f"--port={repo}",
            "--metrics-address=127.0.0.1",
            f"--metrics-port={metrics[0]}",
            "--disable-tls",
            cache,
        )
        run(
            CONTROLLER,
            f"--metrics-port={metrics[1]}",
            "--self-heal-timeout-seconds=1",
            cache,
            where,
            *manifests,
        )
        run(
            API,
            "--address=127.0.0.1",
            f"--port={api}",
            "--metrics-address=127.0.0.1",
            f"--metrics-port={metrics[2]}",
            "--disable-auth",
            "--insecure",
            cache,
            where,
            *manifests,
        )
        self._server = f"127.0.0.1:{api}"

    def _link(self, name: str) -> str:
        """The one binary under the name of a command: it does what its name says."""
        link = self._directory / "bin" / name
        if not link.exists():
            link.symlink_to(ensure_built((ARGOCD,))["argocd"])
        return str(link)

    def _refresh(self, name: str) -> None:
        how = "argocd.argoproj.io/refresh=normal"
        self._kubectl("annotate", "--overwrite", "application", name, "-n", NAMESPACE, how)

    def _get(self, name: str) -> dict[str, Any]:
        answer = self._kubectl("get", "application", name, "-n", NAMESPACE, "-o", "json")
        return dict(json.loads(answer))

    def _apply(self, body: dict[str, Any]) -> None:
        self._kubectl("apply", "-f", "-", stdin=yaml.safe_dump(body))

    def _kubectl(self, *args: str, stdin: str | None = None) -> str:
        return kubectl(self._plane.kubeconfig, *args, stdin=stdin)


class ArgoCDServerSide(ArgoCD):
    """The same with server-side apply and server-side diff."""

    name = "Argo CD, server-side"
    options = ("ServerSideApply=true",)
    annotations = {"argocd.argoproj.io/compare-options": "ServerSideDiff=true"}  # noqa: RUF012
