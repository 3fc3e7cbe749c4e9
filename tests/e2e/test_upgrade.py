"""Another version of the operator takes over in the middle of a drain: no pod moves twice.

The other version is the commit that set the version of pyproject.toml, which is the last release.
"""

import json
import subprocess
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from testbed.fill.workloads import uniform
from tests.support.bed import Bed

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).parents[2]
MANIFESTS = ("crds/azurelinuxmigrations.azlm.dev.yaml", "deploy/kustomize/base/rbac.yaml")
CANARY_OFF = '{"spec":{"strategy":{"canary":{"nodes":0}}}}'
"""Since 0.2.0 the first batch is one node, with a soak of ten minutes: see docs/upgrade.md."""


def git(*args: str) -> bytes:
    return subprocess.run(["git", "-C", str(ROOT), *args], capture_output=True, check=True).stdout


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    commit = git("log", "-1", "--format=%H", "-G^version = ", "--", "pyproject.toml").decode()
    assert commit.strip(), "the history of pyproject.toml is not in this clone"
    folder = tmp_path_factory.mktemp("released")
    with tarfile.open(
        fileobj=BytesIO(git("archive", commit.strip(), "operator", "crds", "deploy"))
    ) as files:
        files.extractall(folder, filter="data")
    return folder


@pytest.fixture
def versions(bed: Bed, released: Path) -> Iterator[dict[str, Path]]:
    """Both, by name; this one's definition and rights are on the plane again afterwards."""
    yield {"released": released, "this": ROOT}
    install(bed, ROOT)


def install(bed: Bed, version: Path) -> None:
    for manifest in MANIFESTS:
        bed.kubectl("apply", "-f", str(version / manifest))


@pytest.mark.parametrize(("first", "second"), [("released", "this"), ("this", "released")])
def test_another_version_takes_over_in_the_middle_of_a_drain(
    bed: Bed, versions: dict[str, Path], first: str, second: str
) -> None:
    bed.fill(uniform(2, 12, 1))
    bed.start_aks()
    install(bed, versions[first])
    bed.start_operator(source=versions[first] / "operator")
    strategy: dict[str, Any] = {"batch": {"size": "50%", "soak": "1s"}, "finalSoak": "1s"}
    if first == "this":
        strategy["canary"] = {"nodes": 0}
    body = {
        "apiVersion": "azlm.dev/v1alpha1",
        "kind": "AzureLinuxMigration",
        "metadata": {"name": "workers"},
        "spec": {"source": {"nodePool": "workers"}, "strategy": strategy},
    }
    bed.kubectl("apply", "-f", "-", stdin=json.dumps(body))
    bed.wait("draining", lambda: bed.audit.evictions().get(201, 0) >= 4)
    bed.stop_operator()
    before = bed.audit.evictions()[201]
    assert before < 24, "the drain was not interrupted"
    install(bed, versions[second])
    if first == "released":
        bed.kubectl("patch", "azlm", "workers", "--type=merge", "-p", CANARY_OFF)
    bed.start_operator(source=versions[second] / "operator")
    bed.wait_done()
    assert bed.audit.evictions().keys() <= {201}
    assert set(bed.audit.evicted().values()) == {1}, "a pod moved twice"
    assert sum(bed.audit.evicted().values()) == 24
    assert bed.nodes("workers") == []
