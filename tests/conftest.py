"""The real control plane, once per test session, with the operator and the simulated AKS on it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.control_plane import ControlPlane
from testbed.kubectl import kubectl
from tests.support.bed import Bed

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A plane of its own for this run; pods are Ready after 0.3 to 0.8 s, gone after 0.3 s."""
    directory = tmp_path_factory.mktemp("plane")
    plane = ControlPlane.start(directory, ready_ms=300, ready_jitter_ms=800, delete_ms=300)
    try:
        crds = ROOT / "crds" / "azurelinuxmigrations.azlm.dev.yaml"
        base = ROOT / "deploy" / "kustomize" / "base"
        kubectl(plane.kubeconfig, "apply", "-f", str(crds))
        for name in ("namespace", "serviceaccount", "rbac"):
            kubectl(plane.kubeconfig, "apply", "-f", str(base / f"{name}.yaml"))
        yield plane
    finally:
        plane.stop()


@pytest.fixture
def bed(control_plane: ControlPlane, tmp_path: Path) -> Iterator[Bed]:
    """An operator and an AKS on the plane; the objects of the test are removed afterwards."""
    bed = Bed(control_plane, tmp_path)
    try:
        yield bed
    finally:
        bed.close(keep_logs=bool(os.environ.get("AZLM_KEEP_LOGS")))
