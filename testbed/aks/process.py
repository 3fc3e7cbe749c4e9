"""The simulated AKS as a separate process, for tests and the demo."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]


class AksServer:
    """Runs `python -m testbed aks` while entered; `url` is its base URL."""

    def __init__(self, kubeconfig: Path, *flags: str) -> None:
        self._command = [sys.executable, "-m", "testbed", "aks", f"--kubeconfig={kubeconfig}"]
        self._command += flags
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C ends the caller, which still needs this to clean up
        )
        if self._process.stdout is not None:
            self.url = self._process.stdout.readline().strip()
        if not self.url:
            raise RuntimeError("the simulated AKS did not start; see its stderr above")
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)
            if self._process.stdout is not None:
                self._process.stdout.close()

    def inject(self, faults: list[dict[str, Any]]) -> None:
        """Add faults (simtest.faults.azure_calls.CallFault, as JSON)."""
        request = urllib.request.Request(
            f"{self.url}/_testbed/faults", data=json.dumps(faults).encode(), method="POST"
        )
        urllib.request.urlopen(request, timeout=10).close()

    def requests(self) -> list[dict[str, Any]]:
        """Every ARM request so far: at (seconds since the epoch), method, path, status."""
        with urllib.request.urlopen(f"{self.url}/_testbed/requests", timeout=10) as answer:
            return list(json.load(answer))
