"""The pages of docs/ agree with the code."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAMED = re.compile(r"`([a-z_/]+\.py)::(test_[a-z0-9_]+)`")


def test_every_test_that_the_case_table_names_exists() -> None:
    text = (ROOT / "docs" / "drain-cases.md").read_text()
    named = NAMED.findall(text)
    missing = [
        f"{file}::{name}"
        for file, name in named
        if f"def {name}(" not in (ROOT / "tests" / file).read_text()
    ]
    assert missing == []
    numbers = re.findall(r"^\| (\d+) \|", text, re.MULTILINE)
    assert [int(number) for number in numbers] == list(range(1, 46))


def test_every_cause_of_a_blocker_is_explained() -> None:
    from azure_linux_migrator.api.causes import Cause

    text = (ROOT / "docs" / "drain.md").read_text()
    assert [cause.value for cause in Cause if f"`{cause.value}`" not in text] == []


def test_every_test_that_the_log_of_the_simulation_names_exists() -> None:
    text = (ROOT / "docs" / "simulation.md").read_text()
    names = re.findall(r"::(test_[a-z0-9_]+)`", text)
    tests = (ROOT / "tests" / "unit" / "core" / "test_regressions.py").read_text()
    assert len(names) > 9
    assert [name for name in names if f"def {name}(" not in tests] == []


def test_the_list_of_deliberate_faults_is_that_of_the_code() -> None:
    from simtest.mutations.hunt import MUTATIONS

    text = (ROOT / "docs" / "mutations.md").read_text()
    assert re.findall(r"^\| `([a-z-]+)` \|", text, re.MULTILINE) == [m.name for m in MUTATIONS]
    assert "not within" not in text
