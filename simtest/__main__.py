"""`python -m simtest`: many seeds, one seed, or the mutations.

python -m simtest --seeds 10000            seeds 0 to 9999 on all CPUs
python -m simtest --digest FILE            also a hash of every decision, a line per seed in FILE
python -m simtest replay 4711              one seed, step by step
python -m simtest replay 4711 --keep 0,2   with only these of its faults
python -m simtest mutations                mutations: seeds until each is found
python -m simtest mutations no-soak daemons   only these
"""

import argparse
import gc
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path

from msgspec import Struct, field

from simtest.faults.schedule import describe
from simtest.invariants.audit import KNOWN
from simtest.invariants.registry import ENOUGH_SEEDS, INVARIANTS, MOST_EXCUSED
from simtest.mutations.hunt import MOST_SEEDS, MUTATIONS, Catch, hunt
from simtest.mutations.mutation import Mutation
from simtest.mutations.tested.run import Trial, try_all
from simtest.run import Run, SeedResult, faults_of
from simtest.shrink import shrink

CHUNK = 50
GARBAGE = 20_000
"""Objects between two collections; a run leaves some 100 MB of them at the most."""
SHOWN = 5
LIST = Path(__file__).resolve().parents[1] / "docs" / "mutations.md"


def _settle() -> None:
    """What is imported stays: a process that only runs seeds need not look through it for garbage
    again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE, 20, 20)


class Sum(Struct):
    """The sum of all results so far."""

    done: int = 0
    events: int = 0
    faults: int = 0
    evictions: int = 0
    refused: int = 0
    moves: int = 0
    failed: list[SeedResult] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)
    judged: Counter[str] = field(default_factory=Counter)
    excused: Counter[str] = field(default_factory=Counter)
    tolerated: Counter[str] = field(default_factory=Counter)
    digests: list[str] = field(default_factory=list)

    def add(self, result: SeedResult) -> None:
        """Add one result."""
        self.done += 1
        self.events += result.events
        self.faults += len(result.faults)
        self.evictions += result.evictions
        self.refused += result.refused
        self.moves = max(self.moves, result.moves)
        self.judged.update(result.judged)
        self.excused.update(result.excused)
        self.tolerated.update(result.tolerated)
        self.digests.append(f"{result.seed} {result.digest}")
        self.ends["failed" if result.failure else result.ended.split(":")[0].split()[0]] += 1
        if result.failure:
            self.failed.append(result)

    @property
    def unjudged(self) -> list[str]:
        """Invariants that no seed has judged, although there were enough seeds."""
        enough = self.done >= ENOUGH_SEEDS
        return [name for name in INVARIANTS if enough and not self.judged[name]]

    @property
    def lenient(self) -> list[str]:
        """Invariants that were excused too often, if there were enough seeds."""
        enough = self.done >= ENOUGH_SEEDS
        return [name for name in INVARIANTS if enough and self._excuses(name) > MOST_EXCUSED]

    def _excuses(self, name: str) -> float:
        excused = self.excused[name]
        return excused / max(1, excused + self.judged[name])


def _chunk(first: int, last: int, *, hashed: bool) -> list[SeedResult]:
    return [Run(str(seed), hashed=hashed).go() for seed in range(first, last)]


def many(seeds: int, first: int, jobs: int, digests: Path | None) -> int:
    """Run all seeds; the last line says how many failed. `digests` gets the hashes."""
    began = time.monotonic()
    total = Sum()
    hashed = digests is not None
    chunks = [(at, min(at + CHUNK, first + seeds)) for at in range(first, first + seeds, CHUNK)]
    with ProcessPoolExecutor(jobs, get_context("fork"), _settle) as pool:
        for outcomes in pool.map(partial(_chunk, hashed=hashed), *zip(*chunks, strict=True)):
            for outcome in outcomes:
                total.add(outcome)
            if total.done % 1000 == 0 or total.done == seeds:
                rate = total.done / (time.monotonic() - began)
                failed = len(total.failed)
                print(f"{total.done} seeds, {failed} failed, {rate:.0f} a second", flush=True)
    for result in total.failed[:SHOWN]:
        _tell(shrink(result))
    _table(total)
    print(
        f"{total.events} events, {total.faults} faults, {total.evictions} evictions granted, "
        f"{total.refused} refused, a replica was moved {total.moves} times at the most; "
        f"ends: {', '.join(f'{n} {end}' for end, n in sorted(total.ends.items()))}; "
        f"{time.monotonic() - began:.0f} s"
    )
    if digests is not None:
        lines = "\n".join(total.digests) + "\n"
        digests.write_text(lines, encoding="utf-8")
        print(f"digest of all decisions: {sha256(lines.encode()).hexdigest()}")
    for name in total.unjudged:
        print(f"never judged: {name} ({INVARIANTS[name]})")
    for name in total.lenient:
        print(f"excused too often: {name} ({INVARIANTS[name]})")
    print(f"{total.done} seeds, {len(total.failed)} failed")
    return 1 if total.failed or total.unjudged or total.lenient else 0


def _table(total: Sum) -> None:
    """Print each invariant, how often it was judged, and how often it was excused."""
    print("\n   judged  excused  invariant")
    for name, statement in INVARIANTS.items():
        print(f"{total.judged[name]:9}{total.excused[name]:9}  {name}: {statement}")
    print()
    for name, why in KNOWN.items():
        print(f"known, being fixed: {name}, broken {total.tolerated[name]} times: {why}")


def _tell(outcome: SeedResult) -> None:
    own = faults_of(outcome.seed)
    keep = ",".join(str(own.index(fault)) for fault in outcome.faults) or "none"
    print(f"\nseed {outcome.seed}: {outcome.failure.strip()}")
    for fault in outcome.faults:
        print(f"  {describe(fault)}")
    print(f"  at the end: {outcome.ended}")
    print(f"  replay: .venv/bin/python -m simtest replay {outcome.seed} --keep {keep}\n")


def replay(seed: str, keep: str | None) -> int:
    """Run one seed, and print what happened."""
    own = faults_of(seed)
    if keep is None:
        chosen = own
    else:
        chosen = () if keep == "none" else tuple(own[int(at)] for at in keep.split(","))
    run_of_seed = Run(seed, chosen)
    print(f"seed {seed}: {run_of_seed.scenario.spec}")
    for fault in chosen:
        print(f"  {describe(fault)}")
    outcome = run_of_seed.go()
    for line in outcome.trail:
        print(f"  {line}")
    print(f"at the end: {outcome.ended}")
    for name, times in sorted(outcome.tolerated.items()):
        print(f"known, being fixed: {name}, broken {times} times: {KNOWN[name]}")
    print(f"1 seeds, {int(bool(outcome.failure))} failed")
    if outcome.failure:
        print(outcome.failure)
    return 1 if outcome.failure else 0


def _hunted(at: int, most: int) -> Catch:
    return hunt(MUTATIONS[at], most)


def mutations(names: list[str], jobs: int, most: int, *, write: bool) -> int:
    """Print the table of mutations."""
    lines = [
        "| mutation | what is wrong | found by seed | what gave it away |",
        "|---|---|---|---|",
    ]
    chosen = [at for at, mutation in enumerate(MUTATIONS) if not names or mutation.name in names]
    missed = 0
    with ProcessPoolExecutor(jobs, get_context("fork"), _settle) as pool:
        catches = pool.map(partial(_hunted, most=most), chosen)
        for at, caught in zip(chosen, catches, strict=True):
            missed += not caught.seeds
            lines.append(_row(MUTATIONS[at], caught, most))
            print(lines[-1], flush=True)
    tested = [
        "| mutation | what is wrong | found by | why not by seeds |",
        "|---|---|---|---|",
    ]
    trials = try_all(names, jobs)
    for trial in trials:
        missed += not trial.detected
        tested.append(_tested_row(trial))
        print(tested[-1], flush=True)
    if write:
        LIST.write_text(f"{_PAGE}{NL.join(lines)}\n{_TESTED}{NL.join(tested)}\n")
    print(f"{len(chosen) + len(trials)} mutations, {missed} missed")
    return 1 if missed else 0


def _row(mutation: Mutation, caught: Catch, most: int) -> str:
    rank = f"no. {caught.seeds}" if caught.seeds else f"**not within {most}**"
    why = caught.why
    if not why and caught.other:
        why = f"seed {caught.other_seed} fails otherwise: {caught.other}"
    shown = why.replace("|", " ")[:120]
    return f"| `{mutation.name}` | {mutation.what} | {rank} | {shown} |"


def _tested_row(trial: Trial) -> str:
    mutation = trial.mutation
    test = mutation.test.removeprefix("tests/") if trial.detected else "**nothing**"
    return f"| `{mutation.name}` | {mutation.what} | `{test}` | {mutation.why} |"


NL = "\n"
_PAGE = """# Mutations, and how soon the simulation finds them

Written by `python -m simtest mutations --write`. Each row is azlm with one deliberate defect; the
seeds are tried from the first on, as `make sim` does. A mutation counts as found only if the
invariant that is meant for it breaks, in a run that does not break it without the mutation.

"""
_TESTED = """
## Found by tests

These are text in a module of azlm that is replaced before it is imported. A mutation counts as
found if the test that is named fails under it.

"""


def main() -> int:
    """Parse the command line and run the command."""
    parser = argparse.ArgumentParser(
        prog="simtest", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", nargs="?", choices=("replay", "mutations"))
    parser.add_argument("names", nargs="*", help="the seed to replay, or names of mutations")
    parser.add_argument("--seeds", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--most", type=int, default=MOST_SEEDS, help="seeds to hunt each mutation")
    parser.add_argument("--keep", help="comma-separated numbers of the faults to keep, or none")
    parser.add_argument("--digest", type=Path, help="write a hash of each seed's decisions here")
    parser.add_argument("--write", action="store_true", help="write docs/mutations.md")
    asked = parser.parse_intermixed_args()
    if asked.command == "replay":
        return replay(next(iter(asked.names), "0"), asked.keep)
    if asked.command == "mutations":
        return mutations(asked.names, asked.jobs, asked.most, write=asked.write)
    return many(asked.seeds, asked.first, asked.jobs, asked.digest)


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        # The order of sets depends on it; with a fixed value a replay repeats its run exactly.
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "simtest", *sys.argv[1:]])
    sys.exit(main())
