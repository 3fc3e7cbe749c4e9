"""What the harnesses of both tools need: a ServiceAccount that may do everything, and patience."""

import time
from collections.abc import Callable
from pathlib import Path

from testbed.control_plane import ControlPlane
from testbed.kubectl import kubectl

PATIENCE = 90.0


def account(plane: ControlPlane, namespace: str, name: str) -> Path:
    """A kubeconfig of a new ServiceAccount with cluster-admin, as both tools are installed."""
    kubectl(plane.kubeconfig, "create", "namespace", namespace)
    kubectl(plane.kubeconfig, "create", "serviceaccount", name, "-n", namespace)
    subject = f"--serviceaccount={namespace}:{name}"
    role = "--clusterrole=cluster-admin"
    kubectl(plane.kubeconfig, "create", "clusterrolebinding", name, role, subject)
    return plane.service_account_kubeconfig(namespace, name)


def wait_until(what: str, check: Callable[[], bool], patience: float = PATIENCE) -> None:
    """Wait until `check` holds; `patience` in seconds."""
    deadline = time.monotonic() + patience
    while not check():
        assert time.monotonic() < deadline, f"not reached: {what}"
        time.sleep(0.3)
