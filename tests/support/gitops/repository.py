"""A Git repository of a platform team: the example of examples/gitops, at the release of this
checkout."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from testbed.kubectl import run_kubectl

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "examples" / "gitops"
CHART = ROOT / "deploy" / "chart"
VALUES: dict[str, Any] = {
    "image": {"repository": "example.azurecr.io/azlm"},
    "identity": {"clientID": "11111111-1111-1111-1111-111111111111"},
    "cluster": {
        "subscriptionID": "00000000-0000-0000-0000-000000000000",
        "resourceGroup": "demo-rg",
        "name": "demo",
    },
}
"""Values of the chart for the simulated AKS cluster."""


def install_yaml() -> str:
    """What `make install-yaml` writes: the release's file, which a team commits."""
    base = ROOT / "deploy" / "kustomize" / "base"
    done = run_kubectl("", "kustomize", "--load-restrictor=LoadRestrictionsNone", str(base))
    assert done.returncode == 0, done.stderr
    return done.stdout


class Repository:
    """The example for the simulated AKS cluster. A GitOps tool reads it by its path, or as an
    archive of its head."""

    def __init__(self, path: Path) -> None:
        self.path = path
        shutil.copytree(EXAMPLE, path)
        self.write("operator/install.yaml", install_yaml())
        for old, new in (
            ("GROUP=example-rg", "GROUP=demo-rg"),
            ("CLUSTER=example", "CLUSTER=demo"),
        ):
            self.replace("operator/kustomization.yaml", old, new)
        self._git("init", "--quiet", "--initial-branch=main")
        self.commit("Import")

    def write(self, file: str, content: str | dict[str, Any]) -> None:
        """Write a file; an object becomes YAML."""
        target = self.path / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content if isinstance(content, str) else yaml.safe_dump(content))

    def read(self, file: str) -> str:
        """A file's text."""
        return (self.path / file).read_text()

    def replace(self, file: str, old: str, new: str) -> None:
        """Change a text that is there."""
        text = self.read(file)
        assert old in text, f"{file} has no {old}"
        self.write(file, text.replace(old, new))

    def copy(self, source: Path, target: str) -> None:
        """Copy a directory of this checkout."""
        shutil.copytree(source, self.path / target)

    def remove(self, file: str) -> None:
        """Remove a file or a directory."""
        target = self.path / file
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink()

    def commit(self, subject: str) -> str:
        """Commit everything; returns the hash of the commit."""
        self._git("add", "--all")
        self._git("commit", "--quiet", "--allow-empty", f"--message={subject}")
        return self.head

    @property
    def head(self) -> str:
        """The hash of the last commit."""
        return self._git("rev-parse", "HEAD").strip()

    def archive(self, commit: str) -> bytes:
        """The files of a commit, as tar.gz."""
        command = ["git", "archive", "--format=tar.gz", commit]
        return subprocess.run(command, cwd=self.path, capture_output=True, check=True).stdout

    def _git(self, *args: str) -> str:
        identity = ["-c", "user.name=team", "-c", "user.email=team@example.com"]
        return subprocess.run(
            ["git", *identity, *args], cwd=self.path, capture_output=True, text=True, check=True
        ).stdout
