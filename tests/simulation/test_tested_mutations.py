"""The mutations that tests find: each replaces text that is there, and names a test."""

from pathlib import Path

import pytest

from simtest.mutations.hunt import MUTATIONS
from simtest.mutations.processes import PROCESSES
from simtest.mutations.requests import REQUESTS
from simtest.mutations.tested.edit import PACKAGE, Edit, TextMutation
from simtest.mutations.tested.run import try_mutation
from simtest.mutations.tested.table import TESTED

ROOT = Path(__file__).resolve().parents[2]
SHELL = ("azure.", "controller.", "kube.")
SAMPLE = ("delete-without-uid", "one-tag-enough", "terminating-unread")


def _source(edit: Edit) -> str:
    path = ROOT / "operator" / PACKAGE / f"{edit.module.replace('.', '/')}.py"
    return path.read_text()


@pytest.mark.parametrize("mutation", TESTED, ids=[mutation.name for mutation in TESTED])
def test_a_mutation_replaces_text_that_is_there_and_names_a_test(mutation: TextMutation) -> None:
    for edit in mutation.edits:
        compile(edit.apply(_source(edit)), edit.module, "exec")
    file, _, name = mutation.test.partition("::")
    assert f"def {name.rpartition('::')[2]}(" in (ROOT / file).read_text()
    assert mutation.what
    assert mutation.why


def test_there_are_two_hundred_and_many_of_them_outside_the_core() -> None:
    names = [*(hunted.name for hunted in MUTATIONS), *(tested.name for tested in TESTED)]
    assert len(names) == len(set(names)) >= 200
    outside = [m for m in TESTED if m.edits[0].module.startswith(SHELL)]
    assert len(outside) + len(PROCESSES) + len(REQUESTS) >= 40


@pytest.mark.parametrize("name", SAMPLE)
def test_a_test_fails_under_its_mutation(name: str) -> None:
    trial = try_mutation(next(mutation for mutation in TESTED if mutation.name == name))
    assert trial.detected, trial.output


def test_a_test_that_passes_under_a_mutation_is_reported() -> None:
    edit = Edit("kube.lease", "import asyncio\n", "import asyncio  # the same\n")
    same = TextMutation("same", "nothing", "tests/unit/kube/test_zones.py", (edit,), "none")
    assert edit.apply(_source(edit)) != _source(edit)
    with pytest.raises(ValueError, match="0 times"):
        Edit("kube.lease", "no such text", "").apply(_source(edit))
    assert not try_mutation(same).detected
