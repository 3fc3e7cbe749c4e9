"""`python -m testbed image`: build the image, publish it to a registry on loopback, run it."""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from testbed.binaries import BuildError
from testbed.control_plane import ControlPlane, say
from testbed.demo.command import install
from testbed.image import tools
from testbed.image.build import ROOT, VERSION, Layout, build
from testbed.image.contents import MEGABYTE, measure
from testbed.image.pod import ImagePod, Unpacked
from testbed.image.registry import Registry
from testbed.kubectl import kubectl

PAGE = ROOT / "docs" / "image.md"
_LEASE = """
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: {name: azlm, namespace: azlm-system}
spec:
  holderIdentity: azlm-leader
  leaseDurationSeconds: 3600
"""
_PROBE = """
import os, pathlib, shutil
print(os.getuid(), os.getgid(), shutil.which("sh"))
for path in ("/app/written", "/written", "/tmp/written"):
    try:
        pathlib.Path(path).write_text("")
    except OSError as error:
        print(path, error.strerror)
    else:
        print(path, "written")
status = pathlib.Path("/proc/self/status").read_text()
print(*[line for line in status.splitlines() if line.startswith(("CapEff", "CapBnd", "NoNew"))])
"""
_CONFINED = (
    "65532 65532 None\n"
    "/app/written Read-only file system\n"
    "/written Read-only file system\n"
    "/tmp/written written\n"
    "CapEff:\t0000000000000000 CapBnd:\t0000000000000000 NoNewPrivs:\t1\n"
)


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = commands.add_parser("image", help="build, publish, sign and run the image, all here")
    parser.add_argument("--output", type=Path, default=ROOT / "dist" / "image")
    parser.add_argument("--write", action="store_true", help="renew the table of docs/image.md")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    tools.require()
    output: Path = arguments.output.resolve()
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    log = output / "build.log"
    with tempfile.TemporaryDirectory(prefix="azlm-image-") as directory:
        scratch = Path(directory)
        scratch.chmod(0o755)
        with _step("built from the Dockerfile"):
            layout = build(scratch, output / "oci", log)
        with _step("every wheel of the locks exists for arm64"):
            _check_arm64()
        with Registry(scratch, log) as registry:
            with _step("pushed to a registry on loopback"):
                image = registry.push(layout)
            with _step("described by an SBOM, signed and verified"):
                sbom, *_ = registry.describe(layout, output)
                registry.sign(image, sbom)
                registry.verify(image)
            unpacked = registry.unpack(image)
        _measure(layout, unpacked, write=arguments.write)
        _run_as_pod(unpacked, scratch)
    say(f"image: {layout.digest} in {output}")


@contextmanager
def _step(done: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    say(f"image: {done} ({time.monotonic() - started:.0f} s)")


def _check_arm64() -> None:
    """Resolve the locks of the Dockerfile for the other architecture; nothing is installed."""
    locks = [f"--requirement={ROOT / 'requirements' / name}" for name in ("image.txt", "build.txt")]
    with tempfile.TemporaryDirectory() as target:
        tools.run(
            sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--no-deps",
            f"--target={target}", "--only-binary=:all:", "--require-hashes",
            "--python-version=3.12", "--implementation=cp", "--platform=manylinux_2_28_aarch64",
            "--platform=manylinux2014_aarch64", "--platform=manylinux_2_17_aarch64",
            *locks,
        )  # fmt: skip


def _measure(layout: Layout, unpacked: Unpacked, *, write: bool) -> None:
    contents = measure(unpacked.root)
    say(
        f"image: {layout.compressed / MEGABYTE:.1f} MB to download, "
        f"{contents.total / MEGABYTE:.1f} MB on disk"
    )
    table = (
        f"{layout.compressed / MEGABYTE:.0f} MB to download; on disk, amd64:\n\n{contents.table()}"
    )
    say(table)
    if write:
        head, _, rest = PAGE.read_text().partition("<!-- contents -->\n")
        tail = rest.partition("<!-- end of contents -->")[2]
        PAGE.write_text(f"{head}<!-- contents -->\n{table}\n<!-- end of contents -->{tail}")


def _run_as_pod(unpacked: Unpacked, scratch: Path) -> None:
    if unpacked.user != "65532:65532":
        raise BuildError(f"the image runs as {unpacked.user}, not as 65532:65532")
    plane = ControlPlane.start(scratch / "plane")
    try:
        install(plane.kubeconfig)
        kubectl(plane.kubeconfig, "create", "-f", "-", stdin=_renewed_now())
        with ImagePod(unpacked, plane, scratch) as pod:
            seconds = pod.wait_ready()
            if "azlm_leader 0.0" not in pod.get("/metrics"):
                raise BuildError("the pod leads, although another holder has the Lease")
            confined = pod.python(_PROBE)
            version = pod.python(
                "import azure_linux_migrator.cli.main, importlib.metadata as m;"
                "print(m.version('azure-linux-migrator'))"
            ).strip()
    finally:
        plane.stop()
    if confined != _CONFINED:
        raise BuildError(f"the pod is not confined as the Deployment asks:\n{confined}")
    if version != VERSION:
        raise BuildError(f"the image holds version {version}, not {VERSION}")
    say(
        f"image: a ready standby {seconds:.1f} s after its start, as uid 65532, with a read-only "
        "root, no capabilities and no shell"
    )


def _renewed_now() -> str:
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime())
    return f"{_LEASE}  acquireTime: {now}\n  renewTime: {now}\n"
