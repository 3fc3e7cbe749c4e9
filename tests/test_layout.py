"""The source root `operator/` must never shadow the standard library's module of that name."""

import operator
import sysconfig
from pathlib import Path


def test_operator_is_the_standard_librarys() -> None:
    assert Path(operator.__file__).is_relative_to(sysconfig.get_path("stdlib"))
