"""The fault simulation itself: it is repeatable, it finds mutations, and its first seeds pass."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from simtest.__main__ import _tell, replay
from simtest.faults.fault import Fault
from simtest.faults.schedule import describe
from simtest.invariants.audit import KNOWN
from simtest.invariants.registry import INVARIANTS, Judge, ViolationError
from simtest.mutations.hunt import MUTATIONS, hunt
from simtest.run import Run, run
from simtest.shrink import shrink

ROOT = Path(__file__).resolve().parents[2]
SEEDS = int(os.environ.get("AZLM_TEST_SEEDS", "24"))
"""`make coverage` runs more of them."""
SOON = 12
"""Seeds within which the mutations of SHARP are found; docs/mutations.md has them all."""
SHARP = (
    "slot-off-by-one",
    "inflight-ignored",
    "no-owner-budget",
    "daemons",
    "prefetch",
    "no-cordon",
    "no-soak",
    "no-approval",
    "batch-size-ignored",
    "batch-soak-skipped",
    "target-one-node-short",
    "target-unready",
    "retired-full",
    "no-restart-point",
    "status-not-before-act",
    "eviction-without-uid",
    "cordon-without-version",
    "cordon-taken-over",
    "deletions-ignored",
    "lines-cut",
    "cordons-unread",
    "no-if-match",
    "takes-a-held-lease",
    "events-for-every-decision",
)


def test_the_first_seeds_pass() -> None:
    results = [run(str(seed)) for seed in range(SEEDS)]
    assert [(result.seed, result.failure) for result in results if result.failure] == []
    assert sum(result.evictions for result in results) > SEEDS
    assert {result.ended.split()[0] for result in results} >= {"Succeeded", "RolledBack", "gone"}
    assert {name for result in results for name in result.judged} <= set(INVARIANTS)


def test_a_seed_is_always_the_same_run() -> None:
    first, second, other = (Run(seed, hashed=True).go() for seed in ("7", "7", "8"))
    assert first == second
    assert first.digest != other.digest


@pytest.mark.parametrize("name", SHARP)
def test_a_deliberate_fault_is_found(name: str) -> None:
    mutation = next(mutation for mutation in MUTATIONS if mutation.name == name)
    caught = hunt(mutation, SOON)
    assert caught.seeds, caught.other


def test_every_deliberate_fault_is_meant_for_an_invariant_there_is() -> None:
    assert {mutation.finds for mutation in MUTATIONS} <= set(INVARIANTS)
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS)
    assert set(KNOWN) <= set(INVARIANTS)


def test_every_deliberate_fault_replaces_what_there_is() -> None:
    for mutation in MUTATIONS:
        for target, name, _ in mutation.patches():
            assert hasattr(target, name), f"{mutation.name}: {name}"


def test_what_is_broken_is_raised_by_its_name_unless_it_is_known() -> None:
    judge = Judge({"final-soak": "being fixed"})
    judge.that("final-soak", holds=False)
    judge.that("budget-kept", holds=True)
    with pytest.raises(ViolationError, match="budget-kept: 1 of 2") as raised:
        judge.that("budget-kept", holds=False, text="1 of 2")
    assert raised.value.name == "budget-kept"
    assert judge.judged == {"final-soak": 1, "budget-kept": 2}
    assert judge.broken == {"final-soak": 1}


def test_a_failing_schedule_is_shrunk_to_what_is_needed() -> None:
    mutation = next(mutation for mutation in MUTATIONS if mutation.name == "forgotten-uncordon")
    needed = Fault("deleted", 0.0, on="Drain")
    harmless = [Fault("clock", 5.0, 1.0), Fault("watch-held", 7.0, 1.0, 3)]
    with mutation.applied():
        seed = next(str(seed) for seed in range(SOON) if run(str(seed), (needed,)).failure)
        failing = run(seed, (harmless[0], needed, harmless[1]))
        assert failing.broken == "released"
        shrunk = shrink(failing)
        assert shrunk.faults == (needed,)
        assert shrunk.broken == "released"


@pytest.mark.parametrize("kind", ["crash-before", "crash-after"])
def test_a_crash_at_every_kind_of_action_loses_nothing(kind: str) -> None:
    calm = Run("3", ())
    assert not calm.go().failure
    for action in calm.injector.sent:
        for number in range(1, 1 + min(2, calm.injector.sent[action])):
            faulted = Run("3", (Fault(kind, float(number), 2.0, 0, action),))
            result = faulted.go()
            assert not result.failure, (action, number, result.failure)
            assert (kind, action) in faulted.injector.strikes


def test_a_seed_is_replayed_without_its_faults() -> None:
    command = [sys.executable, "-m", "simtest", "replay", "11", "--keep", "none"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": "operator"},
    )
    assert done.stdout.splitlines()[-1] == "1 seeds, 0 failed"


def test_a_failure_prints_the_command_that_replays_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    mutation = next(mutation for mutation in MUTATIONS if mutation.name == "forgotten-uncordon")
    with mutation.applied():
        results = (run(str(seed)) for seed in range(SEEDS))
        failing = next(r for r in results if r.broken == "released" and len(r.faults) > 1)
        shrunk = shrink(failing)
        _tell(shrunk)
        shown = capsys.readouterr().out
        assert f"seed {shrunk.seed}: {shrunk.failure.strip()}" in shown
        assert [describe(fault) in shown for fault in failing.faults].count(True) == 1
        command = re.search(r"simtest replay (\S+) --keep (\S+)$", shown.rstrip())
        assert command is not None
        assert replay(command[1], command[2]) == 1
    replayed = capsys.readouterr().out
    assert replayed.strip().endswith(f"1 seeds, 1 failed\n{shrunk.failure.strip()}")
    assert replay(command[1], command[2]) == 0, "fails without the mutation too"


def test_the_command_counts() -> None:
    command = [sys.executable, "-m", "simtest", "--seeds", "6", "--jobs", "1"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": "operator"},
    )
    assert done.stdout.splitlines()[-1] == "6 seeds, 0 failed"
