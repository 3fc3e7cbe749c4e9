"""Argo CD's own commands for what is configured, on the patches that are shipped."""

import json
import subprocess
from pathlib import Path
from typing import Any

import yaml

from testbed.binaries import ARGOCD, ensure_built
from tests.support.gitops.repository import ROOT

PATCHES = ROOT / "deploy" / "gitops" / "argocd"


def override(scratch: Path, command: str, body: dict[str, Any], *args: str) -> str:
    """What `argocd admin settings resource-overrides COMMAND` prints for a resource."""
    config = _patched(scratch, "argocd-cm", "argocd-cm.yaml")
    where = (f"--argocd-cm-path={config}", "--load-cluster-settings=false")
    resource = _file(scratch, "resource.yaml", body)
    return _argocd("settings", "resource-overrides", command, str(resource), *args, *where)


def notification(scratch: Path, kind: str, command: str, name: str, body: dict[str, Any]) -> str:
    """What `argocd admin notifications KIND COMMAND NAME` prints for an Application."""
    config = _patched(scratch, "argocd-notifications-cm", "notifications.yaml")
    application = _file(scratch, "application.yaml", body)
    # It wants to know a cluster, and asks it nothing.
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "none", "cluster": {"server": "http://127.0.0.1:1"}}],
        "contexts": [{"name": "none", "context": {"cluster": "none", "user": ""}}],
        "current-context": "none",
    }
    where = (f"--config-map={config}", "--secret=:empty", "--namespace=argocd")
    access = f"--kubeconfig={_file(scratch, 'kubeconfig', kubeconfig)}"
    return _argocd("notifications", kind, command, name, str(application), *where, access)


def _patched(scratch: Path, name: str, patch: str) -> Path:
    """A ConfigMap as it is once patched."""
    labels = {"app.kubernetes.io/part-of": "argocd"}
    metadata = {"name": name, "namespace": "argocd", "labels": labels}
    whole = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    return _file(scratch, f"{name}.yaml", whole | yaml.safe_load((PATCHES / patch).read_text()))


def _file(scratch: Path, name: str, body: dict[str, Any]) -> Path:
    path = scratch / name
    path.write_text(json.dumps(body))
    return path


def _argocd(*args: str) -> str:
    binary = str(ensure_built((ARGOCD,))["argocd"])
    done = subprocess.run([binary, "admin", *args], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
