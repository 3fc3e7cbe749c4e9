"""`python -m bench.start`: how long `azlm` takes to start, and the single file of `make binary`.

Wall-clock and CPU seconds of whole commands that do no work, the median of several runs. CPU time
is what the program needs; wall-clock time also shows what else the machine does.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench" / "results" / "start.md"
SINGLE_FILE = ROOT / "dist" / "kubectl-azlm"
INSTALLED = (sys.executable, "-m", "azure_linux_migrator")
COMMANDS = (("--version",), ("status", "--help"), ("plan", "--help"))
LIMIT_SECONDS = 0.4


@dataclass(frozen=True)
class Start:
    """A command and its medians, in seconds."""

    command: str
    wall: float
    cpu: float


def measure(command: tuple[str, ...], name: str, runs: int) -> Start:
    """Run it once to warm the caches of the file system, then several times."""
    walls, cpus = [], []
    for _ in range(runs + 1):
        before, began = os.times(), time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        walls.append(time.perf_counter() - began)
        after = os.times()
        used = after.children_user - before.children_user
        cpus.append(used + after.children_system - before.children_system)
    return Start(name, statistics.median(walls[1:]), statistics.median(cpus[1:]))


def table(starts: list[Start]) -> str:
    """As Markdown."""
    rows = [f"| `{s.command}` | {s.wall:.2f} | {s.cpu:.2f} |" for s in starts]
    return "\n".join(("| command | wall clock, s | CPU, s |", "|---|---|---|", *rows)) + "\n"


def main() -> int:
    """Print the table; 1 if an installed command needs more CPU time than the limit."""
    parser = argparse.ArgumentParser(prog="bench.start", description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--write", action="store_true", help=f"also write {RESULTS.name}")
    arguments = parser.parse_args()
    starts = [
        measure((*INSTALLED, *words), f"azlm {' '.join(words)}", arguments.runs)
        for words in COMMANDS
    ]
    slow = [start.command for start in starts if start.cpu > LIMIT_SECONDS]
    if SINGLE_FILE.exists():
        command = (str(SINGLE_FILE), "--version")
        starts.append(measure(command, "kubectl-azlm --version (single file)", arguments.runs))
    print(table(starts))
    if arguments.write:
        RESULTS.write_text(f"# Start of the command line\n\n{table(starts)}")
    if slow:
        print(f"more than {LIMIT_SECONDS} s: {', '.join(slow)}")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
