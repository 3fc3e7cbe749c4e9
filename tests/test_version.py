"""The version is defined in pyproject.toml; other places agree with it."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def test_the_manifests_run_the_image_of_this_version() -> None:
    deployment = yaml.safe_load((ROOT / "deploy/kustomize/base/deployment.yaml").read_text())
    image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    overlay = ROOT / "deploy/kustomize/overlays/example/kustomization.yaml"
    tags = [image["newTag"] for image in yaml.safe_load(overlay.read_text())["images"]]
    assert image == f"azlm:{VERSION}"
    assert tags == [VERSION]


def test_the_pages_build_the_image_of_this_version() -> None:
    for page in ("README.md", "docs/install.md"):
        tags = re.findall(r"--image azlm:(\S+)", (ROOT / page).read_text())
        assert tags == [VERSION], page


def test_the_newest_section_of_the_changelog_is_this_version() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert re.fullmatch(rf"{re.escape(VERSION)} - \d{{4}}-\d{{2}}-\d{{2}}", headings[1])


def test_release_notes_exist_for_the_tag_of_this_version_and_for_no_other() -> None:
    script = [sys.executable, str(ROOT / "scripts" / "release_notes")]
    notes = subprocess.run([*script, f"v{VERSION}"], capture_output=True, text=True, check=True)
    other = subprocess.run([*script, "v0.0.0"], capture_output=True, text=True, check=False)
    assert notes.stdout.startswith(("###", "The "))
    assert "\n## " not in notes.stdout
    assert other.returncode == 1
    assert "not v" in other.stderr
