"""What the harnesses of both tools need: a ServiceAccount that may do everything, and patience."""

import time
from collections.abc import Callable
from pathlib import Path

from testbed.control_plane import ControlPlane
from testbed.kubectl import kubectl, run_kubectl

PATIENCE = 150.0
"""Seconds; both tools and two operators share the machine."""


def account(plane: ControlPlane, namespace: str, name: str) -> Path:
    """A kubeconfig of a new ServiceAccount with cluster-admin, as both tools are installed."""
    run_kubectl(plane.kubeconfig, "create", "namespace", namespace)  # may be there
    kubectl(plane.kubeconfig, "create", "serviceaccount", name, "-n", namespace)
    subject = f"--serviceaccount={namespace}:{name}"
    role = "--clusterrole=cluster-admin"
    kubectl(plane.kubeconfig, "create", "clusterrolebinding", name, role, subject)
    return plane.service_account_kubeconfig(namespace, name)


def define(plane: ControlPlane, *directory: str) -> None:
    """Apply CustomResourceDefinitions, and wait until their resources are served."""
    kubectl(plane.kubeconfig, "apply", "--server-side", *directory)
    established = ("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
    # kubectl wait fails at once for an object that has no conditions yet.
    wait_until(
        "the definitions are served",
        lambda: run_kubectl(plane.kubeconfig, *established).returncode == 0,
    )


def wait_until(
    what: str, check: Callable[[], bool], state: Callable[[], object] | None = None
) -> None:
    """Wait until `check` holds; fails with the state, where it can be read."""
    deadline = time.monotonic() + PATIENCE
    while not check():
        if time.monotonic() > deadline:
            raise AssertionError(f"not reached: {what}; {state() if state else ''}")
        time.sleep(0.3)
