"""The image builds the wheel from requirements/build.txt alone: nothing of it may be missing."""

import re
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement

REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements"


def pins(file: str) -> dict[str, str]:
    """Name and pinned version of each line of a lock file."""
    text = (REQUIREMENTS / file).read_text()
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^ \\\n]+)", text, re.MULTILINE))


def closure(*names: str) -> set[str]:
    """These distributions and all that they require, extras left out."""
    packages: set[str] = set()
    queue = [*names]
    while queue:
        name = re.sub(r"[-_.]+", "-", queue.pop()).lower()
        if name in packages:
            continue
        packages.add(name)
        for text in requires(name) or []:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                queue.append(requirement.name)
    return packages


def test_the_build_lock_is_whole() -> None:
    assert pins("build.txt").keys() >= closure("hatchling")


def test_the_build_lock_has_the_versions_of_the_development_lock() -> None:
    development = pins("dev.txt")
    assert {name: development.get(name) for name in pins("build.txt")} == pins("build.txt")


def test_the_image_uses_it() -> None:
    dockerfile = (REQUIREMENTS.parent / "Dockerfile").read_text()
    assert "--require-hashes --only-binary=:all: -r requirements/build.txt" in dockerfile
