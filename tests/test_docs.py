"""The pages of docs/ agree with the code."""

import re
from pathlib import Path

from tests.support.worlds import migration

ROOT = Path(__file__).resolve().parents[1]
NAMED = re.compile(r"`([a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`")


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


def test_the_page_of_findings_names_tests_mutations_and_words_that_exist() -> None:
    from azure_linux_migrator.api.causes import Cause
    from azure_linux_migrator.api.checks import Check
    from azure_linux_migrator.api.reasons import Reason
    from simtest.mutations.hunt import MUTATIONS
    from simtest.mutations.tested.table import TESTED

    text = (ROOT / "docs" / "findings.md").read_text()
    rows = [line for line in text.splitlines() if re.match(r"^\| (?!#|finding|-)", line)]
    without = [row for row in rows if not NAMED.search(row)]
    assert (len(rows) > 90, without) == (True, [])
    missing = [
        f"{file}::{name}"
        for file, name in NAMED.findall(text)
        if f"def {name}(" not in (ROOT / "tests" / file).read_text()
    ]
    assert missing == []
    words = {mutation.name for mutation in MUTATIONS} | {mutation.name for mutation in TESTED}
    words |= {check.value for check in Check}
    words |= {cause.value for cause in Cause} | {reason.value for reason in Reason}
    quoted = {word for row in rows for word in re.findall(r"`([A-Za-z.-]+)`", row)}
    assert quoted - words == {"implicitBudgets"}
    _, _, last = text.partition("## The field cases")
    cases = re.findall(r"^\| (\d\d) \|", last, re.MULTILINE)
    assert len(cases) == 30
    assert cases == sorted(set(cases))


def test_every_cause_of_a_blocker_is_explained() -> None:
    from azure_linux_migrator.api.causes import Cause

    text = (ROOT / "docs" / "drain.md").read_text()
    assert [cause.value for cause in Cause if f"`{cause.value}`" not in text] == []


def test_every_blocker_has_a_way_out() -> None:
    from azure_linux_migrator.api.causes import Cause

    text = (ROOT / "docs" / "troubleshooting.md").read_text()
    _, _, text = text.partition("## The way out of each blocker")
    outs = re.findall(r"^\| `(\w+)` \| \S", text, re.MULTILINE)
    assert sorted(outs) == sorted(cause.value for cause in Cause if cause.blocks)


def test_the_batches_of_the_page_on_big_pools_are_those_of_the_code() -> None:
    text = (ROOT / "docs" / "how-to" / "big-clusters.md").read_text()
    row = r"^\| (\d+) nodes \| `(\d+%)`.* \| (\d+) \| 1, then (\d+) \| 10 m \+ (\d+) . 15 m \|$"
    rows = re.findall(row, text, re.MULTILINE)
    assert len(rows) == 5
    for nodes, size, batches, later, soaks in rows:
        wanted = migration(strategy={"batch": {"size": size}})
        sizes: list[int] = []
        while sum(sizes) < int(nodes):
            sizes.append(wanted.batch_nodes(len(sizes) + 1, int(nodes)))
        assert (len(sizes), sizes[0], sizes[1]) == (int(batches), 1, int(later))
        assert len(sizes) == int(soaks) + 2, "no batch soak after the last batch"
        assert wanted.batch_soak(1, int(nodes)) == 600.0
        assert wanted.batch_soak(2, int(nodes)) == 900.0


def test_every_test_that_the_log_of_the_simulation_names_exists() -> None:
    text = (ROOT / "docs" / "simulation.md").read_text()
    names = re.findall(r"::(test_[a-z0-9_]+)`", text)
    tests = (ROOT / "tests" / "unit" / "core" / "test_regressions.py").read_text()
    assert len(names) > 9
    assert [name for name in names if f"def {name}(" not in tests] == []


def test_the_list_of_deliberate_faults_is_that_of_the_code() -> None:
    from simtest.mutations.hunt import MUTATIONS
    from simtest.mutations.tested.table import TESTED

    text = (ROOT / "docs" / "mutations.md").read_text()
    names = [*(hunted.name for hunted in MUTATIONS), *(tested.name for tested in TESTED)]
    assert re.findall(r"^\| `([a-z0-9-]+)` \|", text, re.MULTILINE) == names
    assert "not within" not in text
    assert "**nothing**" not in text


def test_the_page_of_the_simulation_counts_the_mutations() -> None:
    from simtest.mutations.hunt import MUTATIONS
    from simtest.mutations.processes import PROCESSES
    from simtest.mutations.requests import REQUESTS
    from simtest.mutations.tested.table import TESTED

    text = " ".join((ROOT / "docs" / "simulation.md").read_text().split())
    assert f"are {len(MUTATIONS) + len(TESTED)} deliberate defects" in text
    assert f"{len(MUTATIONS)} of them are hunted by seeds" in text
    assert f"The other {len(TESTED)} are found by a test" in text
    assert f"{len(REQUESTS) + len(PROCESSES)} change the source of `kube/`" in text
    readme = " ".join((ROOT / "README.md").read_text().split())
    assert f"{len(MUTATIONS)} deliberate defects are each found" in readme
