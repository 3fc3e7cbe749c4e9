"""One case of `make chaos` on the real control plane; the others take as long each."""

import pytest

from testbed.chaos.cases import CASES
from testbed.chaos.command import run_case

pytestmark = pytest.mark.cluster


def test_a_migration_ends_right_though_its_connections_are_cut() -> None:
    [case] = [case for case in CASES if case.name == "cut"]
    assert run_case(case).wrong == []
