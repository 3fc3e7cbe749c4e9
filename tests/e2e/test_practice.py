"""`make practice`: what it prints can be typed, and nothing is left after Ctrl-C."""

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.cluster
def test_what_it_prints_can_be_typed_and_nothing_is_left(tmp_path: Path) -> None:
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    command = [sys.executable, "-m", "testbed", "practice", "--nodes=3"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            lines = [next(process.stdout) for _ in range(11)]
            typed = "".join(line for line in lines if line.startswith("    "))
            typed = re.sub("azlm status -w", "azlm wait --for=drained --timeout=90", typed)
            done = subprocess.run(
                ["bash", "-e", "-c", typed],
                capture_output=True,
                text=True,
                timeout=150,
                check=False,
            )
        finally:
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=60)
            process.kill()  # nothing where it has ended
        assert process.returncode == 0
    assert done.returncode == 0, done.stderr
    assert "clear to begin" in done.stdout
    assert re.search(r"^workers: ", done.stdout, re.MULTILINE), done.stdout
    assert list(tmp_path.iterdir()) == []
