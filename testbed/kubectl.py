"""kubectl, from the wheel that the development requirements bring."""

import subprocess
import sys
from pathlib import Path

KUBECTL = Path(sys.executable).parent / "kubectl"


def kubectl(
    kubeconfig: Path | str, *args: str, stdin: str | None = None, check: bool = True
) -> str:
    """Run kubectl and return its stdout; raises RuntimeError with its stderr if `check` fails."""
    done = run_kubectl(kubeconfig, *args, stdin=stdin)
    if check and done.returncode != 0:
        raise RuntimeError(f"kubectl {' '.join(args)} failed: {done.stderr.strip()}")
    return done.stdout


def run_kubectl(
    kubeconfig: Path | str, *args: str, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run kubectl whatever its outcome."""
    return subprocess.run(
        [str(KUBECTL), f"--kubeconfig={kubeconfig}", *args],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
