"""Debian's tools that `make image` uses, and how they are run."""

import os
import shutil
import subprocess
from pathlib import Path

from testbed.binaries import BuildError

PACKAGES = {
    "buildah": "buildah",
    "bwrap": "bubblewrap",
    "mmdebstrap": "mmdebstrap",
    "setpriv": "util-linux",
}
"""The Debian package of each command."""


def require() -> None:
    """Raises BuildError where a tool is missing, or where they cannot work."""
    missing = sorted(package for tool, package in PACKAGES.items() if shutil.which(tool) is None)
    if missing:
        raise BuildError(
            f"make image needs {', '.join(missing)}: apt-get install {' '.join(missing)}"
        )
    if os.geteuid() != 0:
        raise BuildError("make image unpacks root file systems and drops to uid 65532: run as root")


def run(*command: str | Path, log: Path | None = None, stdin: str | None = None) -> str:
    """Run a command and return its stdout; its stderr goes to `log`.

    Raises BuildError with the end of stderr if it fails.
    """
    done = subprocess.run(
        [str(part) for part in command], input=stdin, capture_output=True, text=True, check=False
    )
    if log is not None:
        with log.open("a") as file:
            file.write(f"$ {' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    if done.returncode != 0:
        tail = "\n".join((done.stderr or done.stdout).splitlines()[-15:])
        raise BuildError(f"{command[0]} failed (exit {done.returncode}):\n{tail}")
    return done.stdout
