"""`python -m proof`: many seeds, one seed, or the mutations.

python -m proof --seeds 10000            seeds 0 to 9999 on all CPUs
python -m proof replay 4711              one seed, step by step
python -m proof replay 4711 --keep 0,2   with only these of its faults
python -m proof mutations                deliberate faults: seeds until each is found
"""

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from proof.faults import schedule
from proof.mutations import MUTATIONS
from proof.run import Outcome, Run, run
from proof.shrink import shrink

CHUNK = 50
SHOWN = 5
MOST_SEEDS = 3000
LIST = Path(__file__).resolve().parents[1] / "docs" / "mutations.md"


def _chunk(first: int, last: int) -> list[Outcome]:
    return [run(str(seed)) for seed in range(first, last)]


def many(seeds: int, first: int, jobs: int) -> int:
    """All of them; the last line says how many failed."""
    began = time.monotonic()
    failed: list[Outcome] = []
    ends: Counter[str] = Counter()
    done = events = evictions = refused = faults = 0
    chunks = [(at, min(at + CHUNK, first + seeds)) for at in range(first, first + seeds, CHUNK)]
    with ProcessPoolExecutor(jobs, mp_context=get_context("fork")) as pool:
        for outcomes in pool.map(_chunk, *zip(*chunks, strict=True)):
            for each in outcomes:
                done += 1
                events += each.events
                evictions += each.evictions
                refused += each.refused
                faults += len(each.faults)
                ends["failed" if each.failure else each.ended.split(":")[0].split()[0]] += 1
                if each.failure:
                    failed.append(each)
            if done % 1000 == 0 or done == seeds:
                rate = done / (time.monotonic() - began)
                print(f"{done} seeds, {len(failed)} failed, {rate:.0f} a second", flush=True)
    for each in failed[:SHOWN]:
        _tell(shrink(each))
    print(
        f"{events} events, {faults} faults, {evictions} evictions granted, {refused} refused; "
        f"ends: {', '.join(f'{n} {end}' for end, n in sorted(ends.items()))}; "
        f"{time.monotonic() - began:.0f} s"
    )
    print(f"{done} seeds, {len(failed)} failed")
    return 1 if failed else 0


def _tell(outcome: Outcome) -> None:
    own = schedule(outcome.seed)
    keep = ",".join(str(own.index(each)) for each in outcome.faults) or "none"
    print(f"\nseed {outcome.seed}: {outcome.failure.strip()}")
    for each in outcome.faults:
        print(f"  {each}")
    print(f"  at the end: {outcome.ended}")
    print(f"  replay: .venv/bin/python -m proof replay {outcome.seed} --keep {keep}\n")


def replay(seed: str, keep: str | None) -> int:
    """One seed, with what happened."""
    own = schedule(seed)
    if keep is None:
        chosen = own
    else:
        chosen = () if keep == "none" else tuple(own[int(at)] for at in keep.split(","))
    made = Run(seed, chosen)
    print(f"seed {seed}: {made.stage.spec}")
    for each in chosen:
        print(f"  {each}")
    outcome = made.go()
    for line in outcome.trail:
        print(f"  {line}")
    print(f"at the end: {outcome.ended}")
    print(f"1 seeds, {int(bool(outcome.failure))} failed")
    if outcome.failure:
        print(outcome.failure)
    return 1 if outcome.failure else 0


def _hunt(at: int) -> tuple[int, str]:
    """Seeds until it is found (0 for never), and what gave it away."""
    with MUTATIONS[at].applied():
        for seed in range(MOST_SEEDS):
            outcome = run(str(seed))
            if outcome.failure:
                return seed + 1, outcome.failure.strip().splitlines()[-1]
    return 0, ""


def mutations(jobs: int, *, write: bool) -> int:
    """The table of deliberate faults."""
    lines = [
        "| mutation | what is wrong | found by seed | what gave it away |",
        "|---|---|---|---|",
    ]
    missed = 0
    with ProcessPoolExecutor(jobs, mp_context=get_context("fork")) as pool:
        for each, (seeds, why) in zip(
            MUTATIONS, pool.map(_hunt, range(len(MUTATIONS))), strict=True
        ):
            missed += not seeds
            told = f"no. {seeds}" if seeds else f"**not within {MOST_SEEDS}**"
            lines.append(f"| `{each.name}` | {each.what} | {told} | {why[:120]} |")
            print(lines[-1], flush=True)
    if write:
        LIST.write_text(_PAGE + "\n".join(lines) + "\n")
    print(f"{len(MUTATIONS)} mutations, {missed} missed")
    return 1 if missed else 0


_PAGE = """# Deliberate faults, and how soon the simulation finds them

Written by `python -m proof mutations --write`. Each row is azlm with one fault put in on purpose;
the seeds are tried from the first on, as `make sim` does, until a run fails.

"""


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="proof", description=__doc__)
    parser.add_argument("command", nargs="?", choices=("replay", "mutations"))
    parser.add_argument("seed", nargs="?", default="0")
    parser.add_argument("--seeds", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--keep", help="comma-separated numbers of the faults to keep, or none")
    parser.add_argument("--write", action="store_true", help="write docs/mutations.md")
    asked = parser.parse_args()
    if asked.command == "replay":
        return replay(asked.seed, asked.keep)
    if asked.command == "mutations":
        return mutations(asked.jobs, write=asked.write)
    return many(asked.seeds, asked.first, asked.jobs)


if __name__ == "__main__":
    sys.exit(main())
