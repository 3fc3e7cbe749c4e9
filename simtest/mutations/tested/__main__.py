"""`python -m simtest.mutations.tested NAME`: one mutation, and whether its test fails under it.

Ends with 0 if the test fails, with 1 if it passes, and with 2 if it cannot be run.
"""

import sys

import pytest

from simtest.mutations.tested.edit import install
from simtest.mutations.tested.table import TESTED

OPTIONS = ("-q", "-x", "-p", "no:cacheprovider", "-p", "no:randomly", "--no-header", "--tb=line")


def main() -> int:
    """Run the test of the mutation that is named."""
    mutation = next(mutation for mutation in TESTED if mutation.name == sys.argv[1])
    install(mutation)
    code = pytest.main([*OPTIONS, *(sys.argv[2:] or [mutation.test])])
    return {pytest.ExitCode.TESTS_FAILED: 0, pytest.ExitCode.OK: 1}.get(code, 2)


if __name__ == "__main__":
    sys.exit(main())
