"""Scans. The objects of the rendered chart fit the schemas of Kubernetes, what kube-score and
checkov find is explained in deploy/scans.yaml, and no commit holds a secret (exceptions:
.gitleaks.toml). `make scans` builds the tools."""

import json
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from testbed import schemas
from testbed.binaries import built
from tests.support.helm import CHART, ROOT, rendered

EVERYTHING = {
    "image": {"digest": f"sha256:{'0' * 64}"},
    "rights": {"force": True, "surge": True, "conditions": True, "scale": True},
    "networkPolicy": {"enabled": True},
    "metrics": {"dashboards": {"enabled": True}},
}
"""But for PodMonitor and PrometheusRule: their schemas are no part of Kubernetes."""
EXPLAINED: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "deploy" / "scans.yaml").read_text())
CHECKOV = ROOT / ".venv-scans" / "bin" / "checkov"
Findings = dict[str, set[str]]


def tool(name: str) -> str:
    binary = built(name)
    if binary is None:
        pytest.skip(f"{name} is not built here: make scans")
    return str(binary)


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("rendered") / "chart.yaml"
    file.write_text(yaml.safe_dump_all(rendered(EVERYTHING).values()))
    return file


def run(*command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def explained(name: str) -> Findings:
    return {check: set(entry["objects"]) for check, entry in EXPLAINED[name].items()}


def conforms(directory: Path, *files: Path) -> "subprocess.CompletedProcess[str]":
    location = f"{directory}/{schemas.LOCATION}"
    command = (tool("kubeconform"), "-strict", "-summary", "-output=json")
    return run(*command, f"-schema-location={location}", *map(str, files))


@pytest.fixture(scope="module")
def schema_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tool("kubeconform")
    directory = tmp_path_factory.mktemp("schemas")
    schemas.write(directory)
    return directory


def test_objects_fit_the_schemas_of_kubernetes(manifests: Path, schema_files: Path) -> None:
    samples = ROOT / "deploy" / "samples"
    migrations = ROOT / "examples" / "gitops" / "migrations"
    done = conforms(schema_files, manifests, samples, migrations)
    assert done.returncode == 0, done.stdout
    summary = json.loads(done.stdout)["summary"]
    assert summary["valid"] >= len(rendered(EVERYTHING)) + 2
    assert (summary["invalid"], summary["errors"], summary["skipped"]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [("replicas: 2", "replicaz: 2"), ("nodePool: workers", "nodePol: workers")],
)
def test_a_field_that_there_is_not_is_found(
    manifests: Path, schema_files: Path, tmp_path: Path, field: str, wrong: str
) -> None:
    sample = (ROOT / "deploy" / "samples" / "migration.yaml").read_text()
    text = f"{manifests.read_text()}\n---\n{sample}"
    assert field in text
    (tmp_path / "wrong.yaml").write_text(text.replace(field, wrong))
    done = conforms(schema_files, tmp_path / "wrong.yaml")
    assert done.returncode != 0
    assert wrong.partition(":")[0] in done.stdout


def test_what_kube_score_finds_is_explained(manifests: Path) -> None:
    done = run(tool("kube-score"), "score", "--output-format=json", str(manifests))
    findings: Findings = defaultdict(set)
    for item in json.loads(done.stdout):
        name = f"{item['type_meta']['kind']}/{item['object_meta']['name']}"
        for check in item["checks"] or ():
            if check["grade"] < 10 and not check["skipped"]:
                findings[check["check"]["id"]].add(name)
    assert dict(findings) == explained("kube-score")


def test_what_checkov_finds_is_explained(manifests: Path) -> None:
    if not CHECKOV.exists():
        pytest.skip("checkov is not installed here: make scans")
    flags = ("--framework=kubernetes", "--skip-download", "--output=json", "--quiet", "--compact")
    done = run(str(CHECKOV), f"--file={manifests}", *flags)
    findings: Findings = defaultdict(set)
    for check in json.loads(done.stdout)["results"]["failed_checks"]:
        kind, _, rest = check["resource"].partition(".")
        findings[check["check_id"]].add(f"{kind}/{rest.rpartition('.')[2]}")
    assert dict(findings) == explained("checkov")


def test_every_explanation_is_a_sentence() -> None:
    for entries in EXPLAINED.values():
        for check, entry in entries.items():
            assert len(entry["why"].split()) > 5, check


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="no clone, but an archive of it")
def test_no_commit_holds_a_secret() -> None:
    done = run(tool("gitleaks"), "git", "--no-banner", "--redact", "--verbose", str(ROOT))
    assert done.returncode == 0, done.stdout


def test_a_secret_is_found(tmp_path: Path) -> None:
    token = "".join(("ghp", "_", "x7Qp2mZr9LkV4tNc8YwB3sHd6JfG1aUe5RoT"))
    (tmp_path / "settings.py").write_text(f'TOKEN = "{token}"\n')
    config = f"--config={ROOT / '.gitleaks.toml'}"
    done = run(tool("gitleaks"), "dir", config, "--no-banner", "--redact", str(tmp_path))
    assert done.returncode == 1, done.stderr


def test_the_readme_of_the_chart_is_that_of_its_values(tmp_path: Path) -> None:
    copy = tmp_path / "chart"
    shutil.copytree(CHART, copy)
    done = run(tool("helm-docs"), f"--chart-search-root={copy}", "--log-level=error")
    assert done.returncode == 0, done.stderr
    assert (copy / "README.md").read_text() == (CHART / "README.md").read_text(), "make chart-docs"


def test_every_value_of_the_chart_is_explained() -> None:
    readme = (CHART / "README.md").read_text().splitlines()
    rows = [row for row in readme if row.startswith("| `")]
    assert len(rows) > 30
    assert [row for row in rows if row.rstrip(" |").count("|") < 3] == []
