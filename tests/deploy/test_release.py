"""What a release publishes is one version of one image."""

import hashlib
import re
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest
import yaml

from testbed.binaries import built

ROOT = Path(__file__).parents[2]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
DIGEST = f"sha256:{'0123456789abcdef' * 4}"
IMAGE = f"ghcr.io/example/azlm@{DIGEST}"
PLATFORMS = ("linux-amd64", "linux-arm64", "darwin-arm64")


def release_files(*arguments: str) -> "subprocess.CompletedProcess[str]":
    script = str(ROOT / "scripts" / "release_files")
    command = [sys.executable, script, "--repository", "example/azlm", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    helm = built("helm")
    if helm is None:
        pytest.skip("helm is not built: make chart")
    output = tmp_path_factory.mktemp("dist")
    for platform in PLATFORMS:
        (output / f"kubectl-azlm-{platform}.tar.gz").write_text(platform)
    done = release_files("--image", IMAGE, "--helm", str(helm), "--output", str(output))
    assert done.returncode == 0, done.stderr
    return output


def test_an_image_without_its_digest_is_refused() -> None:
    done = release_files("--image", "ghcr.io/example/azlm:0.2.0", "--helm", "helm")
    assert done.returncode == 2
    assert "not REPOSITORY@sha256:DIGEST" in done.stderr


def test_the_manifests_of_a_release_run_its_image_by_digest(files: Path) -> None:
    objects = list(yaml.safe_load_all((files / "install.yaml").read_text()))
    (deployment,) = (entry for entry in objects if entry["kind"] == "Deployment")
    images = [c["image"] for c in deployment["spec"]["template"]["spec"]["containers"]]
    assert images == [IMAGE]
    assert "CustomResourceDefinition" in {entry["kind"] for entry in objects}


def test_the_chart_of_a_release_runs_its_image_by_digest(files: Path) -> None:
    helm = built("helm")
    assert helm is not None
    rendered = subprocess.run(
        [str(helm), "template", "azlm", str(files / f"azlm-{VERSION}.tgz"),
         "--set=identity.clientID=11111111-1111-1111-1111-111111111111",
         "--set=cluster.subscriptionID=00000000-0000-0000-0000-000000000000",
         "--set=cluster.resourceGroup=rg,cluster.name=aks"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert rendered.returncode == 0, rendered.stderr
    images = set(re.findall(r"image: \"?(ghcr[^\s\"]+)", rendered.stdout))
    assert images == {IMAGE}
    with tarfile.open(files / f"azlm-{VERSION}.tgz") as chart:
        metadata = chart.extractfile("azlm/Chart.yaml")
        assert metadata is not None
        assert yaml.safe_load(metadata)["appVersion"] == VERSION


def test_the_manifest_for_krew_names_each_archive_with_its_hash(files: Path) -> None:
    plugin = yaml.safe_load((files / "azlm.yaml").read_text())
    assert plugin["spec"]["version"] == f"v{VERSION}"
    assert len(plugin["spec"]["shortDescription"]) < 51
    hashes = {Path(entry["uri"]).name: entry["sha256"] for entry in plugin["spec"]["platforms"]}
    archives = {path.name: path for path in files.glob("*.tar.gz")}
    assert hashes == {
        name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in archives.items()
    }


def test_krew_accepts_the_manifest(files: Path) -> None:
    validate = built("validate-krew-manifest")
    if validate is None:
        pytest.skip("krew's validator is not built: make workflows")
    command = [str(validate), "-skip-install", "-manifest", str(files / "azlm.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_sums_name_every_file_of_a_release(files: Path) -> None:
    lines = (files / "SHA256SUMS").read_text().splitlines()
    assert {line.split("  ")[1] for line in lines} == {
        path.name for path in files.iterdir() if path.name != "SHA256SUMS"
    }
    checked = subprocess.run(
        ["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=files, check=False
    )
    assert checked.returncode == 0


def test_every_job_of_the_release_has_only_the_permissions_that_it_names() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())
    assert workflow["permissions"] == {}
    assert all("permissions" in job for job in workflow["jobs"].values())
    writing = {
        name for name, job in workflow["jobs"].items() if "write" in job["permissions"].values()
    }
    assert writing == {"image", "publish"}
