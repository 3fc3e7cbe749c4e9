"""`python -m simtest.mutations.tested EDITS TEST`: a test under edits of azlm, as JSON.

Ends with 0 if the test fails, with 1 if it passes, and with 2 if it cannot be run.
"""

import json
import sys

import pytest

from simtest.mutations.tested.edit import Edit, install

OPTIONS = ("-q", "-x", "-p", "no:cacheprovider", "--no-header", "--tb=line")


def main() -> int:
    """Run the test."""
    edits, test = sys.argv[1:]
    install([Edit(*edit) for edit in json.loads(edits)])
    code = pytest.main([*OPTIONS, test])
    return {pytest.ExitCode.TESTS_FAILED: 0, pytest.ExitCode.OK: 1}.get(pytest.ExitCode(code), 2)


if __name__ == "__main__":
    sys.exit(main())
