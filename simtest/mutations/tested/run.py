"""Whether the test of a mutation fails under it."""

import json
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from msgspec import Struct

from simtest.mutations.tested.edit import TextMutation
from simtest.mutations.tested.table import TESTED

ROOT = Path(__file__).resolve().parents[3]
DETECTED = 0


class Trial(Struct):
    """A mutation, whether its test failed, and what the test has printed if it did not."""

    mutation: TextMutation
    detected: bool
    output: str = ""


def try_mutation(mutation: TextMutation) -> Trial:
    """Run its test in a process of its own."""
    edits = [[edit.module, edit.old, edit.new] for edit in mutation.edits]
    command = [sys.executable, "-m", "simtest.mutations.tested", json.dumps(edits), mutation.test]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode == DETECTED:
        return Trial(mutation, detected=True)
    return Trial(mutation, detected=False, output=done.stdout[-2000:] + done.stderr[-500:])


def try_all(names: Sequence[str], jobs: int) -> list[Trial]:
    """Run the tests of these mutations, of all if there are no names."""
    chosen = [mutation for mutation in TESTED if not names or mutation.name in names]
    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(try_mutation, chosen))
