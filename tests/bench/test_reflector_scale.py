"""20,000 pods through a real HTTP server: nothing lost, no long turn, little memory."""

import json
import subprocess
import sys

import pytest


@pytest.mark.parametrize("flags", [[], ["--paged"]], ids=["streamed", "paged"])
def test_20_000_pods(flags: list[str]) -> None:
    command = [sys.executable, "-m", "bench.reflector", "--pods=20000", *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["pods"] == 20_000
    assert report["longest_turn_ms"] < 100
    assert report["bytes_per_pod"] < 5_000
