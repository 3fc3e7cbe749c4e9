"""Building the image from the shipped Dockerfile with buildah."""

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path

from testbed.image import bases
from testbed.image.tools import run

ROOT = Path(__file__).resolve().parents[2]
VERSION: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
_ON_THE_HOST = (Path("/etc/pip.conf"), Path("/etc/ssl/certs/ca-certificates.crt"))
"""The host's configuration of pip; mounted for the build, not part of the image."""


@dataclass(frozen=True)
class Layout:
    """An image as an OCI layout.

    See github.com/opencontainers/image-spec/blob/main/image-layout.md.
    """

    directory: Path

    @property
    def manifest(self) -> dict[str, object]:
        """The index's only manifest descriptor: digest, size and media type."""
        index = json.loads((self.directory / "index.json").read_text())
        (descriptor,) = index["manifests"]
        return dict(descriptor)

    @property
    def digest(self) -> str:
        """The image's digest."""
        return str(self.manifest["digest"])

    @property
    def compressed(self) -> int:
        """The bytes of all blobs: what a node downloads."""
        return sum(path.stat().st_size for path in self.directory.glob("blobs/*/*"))


def build(scratch: Path, target: Path, log: Path) -> Layout:
    """Build the image into an OCI layout at `target`, on the stand-in bases."""
    store = ("--root", scratch / "store", "--runroot", scratch / "run")
    for name, archive in (("build", bases.build_base()), ("run", bases.run_base())):
        file = scratch / f"{name}.Dockerfile"
        file.write_text("FROM scratch\nADD root.tar /\n")
        run(
            "buildah", *store, "bud", "--isolation", "chroot", "--tag", f"localhost/{name}",
            "--file", file, archive.parent, log=log,
        )  # fmt: skip
    mounts = [f"--volume={file}:{file}:ro" for file in _ON_THE_HOST if file.exists()]
    run(
        "buildah", *store, "bud", "--isolation", "chroot", "--format", "oci", "--pull=never",
        *mounts, "--build-arg", "BUILD_IMAGE=localhost/build",
        "--build-arg", "RUN_IMAGE=localhost/run", "--build-arg", f"VERSION={VERSION}",
        "--build-arg", f"REVISION={revision()}", "--tag", "localhost/azlm", ROOT, log=log,
    )  # fmt: skip
    run("buildah", *store, "push", "localhost/azlm", f"oci:{target}:{VERSION}", log=log)
    return Layout(target)


def revision() -> str:
    """The commit that is built."""
    return run("git", "-C", ROOT, "rev-parse", "HEAD").strip()
