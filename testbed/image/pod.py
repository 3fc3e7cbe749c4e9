"""The image as a pod: its root file system under bubblewrap, as the Deployment restricts it.

uid and gid 65532, a read-only root, no capabilities, no new privileges, an empty /tmp, and the
ServiceAccount's files and variables that a kubelet provides
(kubernetes.io/docs/tasks/run-application/access-api-from-pod).
"""

import base64
import json
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import yaml

from testbed.binaries import BuildError
from testbed.control_plane import ControlPlane
from testbed.kubectl import kubectl
from testbed.processes import free_ports

SERVICE_ACCOUNT = "var/run/secrets/kubernetes.io/serviceaccount"
NAMESPACE = "azlm-system"
SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
NOBODY = 65532


@dataclass(frozen=True)
class Unpacked:
    """An image's root file system, and the part of its configuration that a kubelet uses."""

    root: Path
    config: Path

    def add_mount_points(self) -> None:
        """Create the directories that a container runtime mounts on."""
        for name in ("proc", "dev", "tmp", SERVICE_ACCOUNT):
            (self.root / name).mkdir(parents=True, exist_ok=True)

    def _settings(self) -> dict[str, list[str] | str]:
        return dict(json.loads(self.config.read_text())["config"])

    @property
    def user(self) -> str:
        """The user that the image asks for."""
        return str(self._settings()["User"])

    @property
    def command(self) -> list[str]:
        """Entrypoint and default arguments."""
        settings = self._settings()
        return [*settings["Entrypoint"], *settings["Cmd"]]

    @property
    def environment(self) -> dict[str, str]:
        """The image's variables."""
        return dict(str(entry).split("=", 1) for entry in self._settings()["Env"])


class ImagePod:
    """Runs the image on a control plane while entered."""

    def __init__(self, image: Unpacked, plane: ControlPlane, scratch: Path) -> None:
        self._image = image
        self._plane = plane
        self._scratch = scratch
        self._port = free_ports(1)[0]
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0.0
        self.log = scratch / "pod.log"

    def __enter__(self) -> Self:
        account = self._service_account()
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                self._sandbox(account, *self._image.command, f"--metrics-port={self._port}"),
                stdout=log,
                stderr=log,
                user=NOBODY,
                group=NOBODY,
                extra_groups=[],
                cwd="/",
            )
        self._began = time.monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def wait_ready(self, patience: float = 60.0) -> float:
        """Wait for /readyz; returns the seconds since the start. Raises BuildError."""
        assert self._process is not None
        while time.monotonic() - self._began < patience and self._process.poll() is None:
            try:
                self.get("/readyz")
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
            else:
                return time.monotonic() - self._began
        tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
        raise BuildError(f"the image is not ready as a pod:\n{tail}")

    def get(self, path: str) -> str:
        """The body of a path of the metrics port."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}{path}", timeout=5) as answer:
            return str(answer.read().decode())

    def python(self, program: str) -> str:
        """Run a Python program in a second container of the image, restricted alike."""
        done = subprocess.run(
            self._sandbox(self._scratch / "account", "python3", "-c", program),
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr

    def _sandbox(self, account: Path, *command: str) -> list[str]:
        server = self._cluster()["server"].removeprefix("https://")
        host, _, port = server.rpartition(":")
        environment = self._image.environment | {
            "KUBERNETES_SERVICE_HOST": host,
            "KUBERNETES_SERVICE_PORT": port,
            "POD_NAME": "azlm-image",
            "POD_NAMESPACE": NAMESPACE,
            "AZLM_SUBSCRIPTION_ID": SUBSCRIPTION,
            "AZLM_RESOURCE_GROUP": "demo-rg",
            "AZLM_CLUSTER": "demo",
        }
        return [
            "bwrap", "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts",
            "--die-with-parent", "--cap-drop", "ALL", "--clearenv",
            "--ro-bind", str(self._image.root), "/",
            "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp",
            "--ro-bind", str(account), f"/{SERVICE_ACCOUNT}",
            *(part for name, value in environment.items() for part in ("--setenv", name, value)),
            "--", *command,
        ]  # fmt: skip

    def _cluster(self) -> dict[str, str]:
        config = yaml.safe_load(self._plane.kubeconfig.read_text())
        return dict(config["clusters"][0]["cluster"])

    def _service_account(self) -> Path:
        """The files of a projected token, readable by the pod's user."""
        folder = self._scratch / "account"
        folder.mkdir(exist_ok=True)
        token = kubectl(
            self._plane.kubeconfig, "create", "token", "azlm", "-n", NAMESPACE, "--duration=1h"
        )
        cluster = self._cluster()
        inline = cluster.get("certificate-authority-data")
        authority = (
            base64.b64decode(inline)
            if inline
            else Path(cluster["certificate-authority"]).read_bytes()
        )
        (folder / "token").write_text(token.strip())
        (folder / "ca.crt").write_bytes(authority)
        (folder / "namespace").write_text(NAMESPACE)
        return folder
