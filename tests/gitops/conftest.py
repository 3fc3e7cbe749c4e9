"""The tests of `make gitops`: not part of `make test`, because their tools take long to build."""

import os

import pytest

from tests.support.gitops.table import TABLE

collect_ignore_glob = [] if os.environ.get("AZLM_GITOPS") else ["test_*.py"]


def pytest_sessionfinish(exitstatus: int) -> None:
    """Write the table of docs/gitops.md, once all tools have shown all of it."""
    if exitstatus == pytest.ExitCode.OK and TABLE.complete:
        TABLE.write()
