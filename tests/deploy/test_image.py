"""What the Dockerfile relies on; `make image` builds and runs it."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PIN = re.compile(r"^([a-z0-9-]+)(?:\[[a-z]+\])?==(\S+)", re.MULTILINE)


def pins(lock: str) -> dict[str, str]:
    return dict(PIN.findall((ROOT / "requirements" / lock).read_text()))


def test_the_build_context_holds_what_the_dockerfile_copies() -> None:
    copies = re.findall(
        r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE
    )
    sources = {source for line in copies for source in line.split()}
    ignore = (ROOT / ".dockerignore").read_text().split()
    kept = {line.removeprefix("!") for line in ignore if line.startswith("!")}
    assert ignore[0] == "*"
    assert sources == kept
    assert all((ROOT / source).exists() for source in sources)


def test_the_bytecode_of_a_checkout_is_not_in_the_build_context() -> None:
    lines = (ROOT / ".dockerignore").read_text().split()
    assert lines.index("**/__pycache__") > lines.index("!operator")


def test_the_image_has_the_locked_versions_without_the_reader_of_kubeconfigs() -> None:
    runtime, image = pins("runtime.txt"), pins("image.txt")
    assert image.items() <= runtime.items()
    assert "kubernetes" not in image
    assert {"kopf", "aiohttp", "azure-identity", "pydantic", "uvloop"} <= image.keys()


def test_the_image_is_of_no_architecture() -> None:
    """`make image` resolves the locks for arm64; the release builds both on their own machines."""
    architecture = re.compile(r"amd64|arm64|x86|aarch64|--platform|TARGETARCH", re.IGNORECASE)
    for file in ("Dockerfile", "deploy/chart/templates/deployment.yaml"):
        assert architecture.findall((ROOT / file).read_text()) == [], file
    release = (ROOT / ".github" / "workflows" / "release.yml").read_text()
    images = re.findall(r"- \{arch: (\w+), runner: (\S+)\}", release)
    assert images == [("amd64", "ubuntu-24.04"), ("arm64", "ubuntu-24.04-arm")]


def test_hatchling_is_built_from_a_lock_of_its_own() -> None:
    assert {"hatchling", "tomlkit", "trove-classifiers"} <= pins("build.txt").keys()
