"""A registry on loopback, and what is published to it: the image, its SBOM and signatures."""

import os
import subprocess
import tarfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Self

from testbed.binaries import COSIGN, CRANE, SYFT, BuildError, ensure_built
from testbed.image.build import VERSION, Layout
from testbed.image.pod import Unpacked
from testbed.image.tools import run
from testbed.processes import free_ports

_OFFLINE = ("--use-signing-config=false", "--tlog-upload=false", "--allow-insecure-registry")
_UNLOGGED = ("--insecure-ignore-tlog", "--allow-insecure-registry")
"""No transparency log is reached from here; the release signs with one, and without a key."""


class Registry:
    """`crane registry serve` while entered."""

    def __init__(self, scratch: Path, log: Path) -> None:
        tools = ensure_built((CRANE, COSIGN, SYFT))
        self._crane, self._cosign, self._syft = tools["crane"], tools["cosign"], tools["syft"]
        self._scratch = scratch
        self._log = log
        self._port = free_ports(1)[0]
        self._process: subprocess.Popen[bytes] | None = None
        self.repository = f"127.0.0.1:{self._port}/azlm"

    def __enter__(self) -> Self:
        data = self._scratch / "registry"
        data.mkdir()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._crane), "registry", "serve", f"--address=127.0.0.1:{self._port}",
                 f"--disk={data}"],
                stdout=log, stderr=log,
            )  # fmt: skip
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self._port}/v2/", timeout=1).close()
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
            else:
                return self
        raise BuildError(f"the registry does not start; see {self._log}")

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(timeout=15)

    def push(self, layout: Layout) -> str:
        """Push the image; returns its name by digest. Raises BuildError if the digest differs."""
        tag = f"{self.repository}:{VERSION}"
        run(self._crane, "push", layout.directory, tag, log=self._log)
        pushed = run(self._crane, "digest", tag).strip()
        if pushed != layout.digest:
            raise BuildError(f"the registry has {pushed}, and {layout.digest} was built")
        return f"{self.repository}@{pushed}"

    def describe(self, layout: Layout, target: Path) -> list[Path]:
        """Write the SBOM in SPDX and in CycloneDX."""
        files = {"spdx-json": target / "sbom.spdx.json", "cyclonedx-json": target / "sbom.cdx.json"}
        outputs = [f"--output={kind}={file}" for kind, file in files.items()]
        source = f"oci-dir:{layout.directory}"
        os.environ.setdefault("SYFT_CHECK_FOR_APP_UPDATE", "false")
        run(self._syft, "scan", source, "--source-name=azlm", *outputs, log=self._log)
        return list(files.values())

    def sign(self, image: str, sbom: Path) -> None:
        """Sign the image and attest its SBOM with a key that is made for this."""
        key = self._key("signing")
        run(self._cosign, "sign", "--yes", f"--key={key}.key", *_OFFLINE, image, log=self._log)
        run(
            self._cosign, "attest", "--yes", f"--key={key}.key", "--type=spdxjson",
            f"--predicate={sbom}", *_OFFLINE, image, log=self._log,
        )  # fmt: skip

    def verify(self, image: str) -> None:
        """Verify both, and that another key does not. Raises BuildError."""
        key, other = self._scratch / "signing.pub", Path(f"{self._key('other')}.pub")
        run(self._cosign, "verify", f"--key={key}", *_UNLOGGED, image, log=self._log)
        attestation = ("verify-attestation", "--type=spdxjson")
        run(self._cosign, *attestation, f"--key={key}", *_UNLOGGED, image, log=self._log)
        try:
            run(self._cosign, "verify", f"--key={other}", *_UNLOGGED, image, log=self._log)
        except BuildError:
            return
        raise BuildError("the signature is verified by a key that did not sign")

    def unpack(self, image: str) -> Unpacked:
        """Pull the image and unpack its root file system."""
        archive, config = self._scratch / "root.tar", self._scratch / "config.json"
        root = self._scratch / "root"
        config.write_text(run(self._crane, "config", image))
        run(self._crane, "export", image, archive, log=self._log)
        with tarfile.open(archive) as content:
            content.extractall(root, filter="fully_trusted")
        archive.unlink()
        root.chmod(0o755)
        unpacked = Unpacked(root, config)
        unpacked.add_mount_points()
        return unpacked

    def _key(self, name: str) -> Path:
        os.environ.setdefault("COSIGN_PASSWORD", "")
        prefix = self._scratch / name
        run(self._cosign, "generate-key-pair", f"--output-key-prefix={prefix}", log=self._log)
        return prefix
