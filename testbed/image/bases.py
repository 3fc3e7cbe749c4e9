"""Stand-ins for the two base images, made of Debian packages.

The shipped Dockerfile builds on Azure Linux's Python image and runs on its distroless one. With
stand-ins, no foreign registry is needed. They have what the Dockerfile relies on: the
first a shell, pip and venv, the second a Python interpreter of the same minor version and no shell.
"""

import hashlib
from pathlib import Path

from testbed.binaries import cache_directory
from testbed.image.tools import run

SUITE = "bookworm"
BUILD_PACKAGES = ("ca-certificates", "python3", "python3-pip", "python3-venv")
RUN_PACKAGES = ("ca-certificates", "libpython3.11-stdlib", "python3", "tzdata")


def build_base() -> Path:
    """The archive of the base to build on."""
    return _archive("build", "essential", BUILD_PACKAGES)


def run_base() -> Path:
    """The archive of the base to run on: packages extracted, none of Debian's essential ones."""
    return _archive("run", "extract", RUN_PACKAGES)


def _archive(name: str, variant: str, packages: tuple[str, ...]) -> Path:
    options = (f"--variant={variant}", f"--include={','.join(packages)}", SUITE)
    key = hashlib.sha256(repr(options).encode()).hexdigest()[:16]
    archive = cache_directory(f"image-base-{name}-{key}") / "root.tar"
    if not archive.exists():
        archive.parent.mkdir(parents=True, exist_ok=True)
        scratch = archive.with_suffix(".partial.tar")
        run("mmdebstrap", *options, scratch)
        scratch.rename(archive)
    return archive
