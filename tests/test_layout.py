"""The layout of the source tree and of the tests."""

import operator
import re
import subprocess
import sys
import sysconfig
from pathlib import Path


def test_operator_is_the_standard_librarys() -> None:
    assert Path(operator.__file__).is_relative_to(sysconfig.get_path("stdlib"))


def test_what_tests_share_is_in_support() -> None:
    importing = re.compile(r"^from tests\.[a-z_.]*\btest_\w+ import", re.MULTILINE)
    files = Path(__file__).parent.rglob("*.py")
    assert [file.name for file in files if importing.search(file.read_text())] == []


def test_the_package_imports_nothing_that_is_not_shipped() -> None:
    importing = re.compile(r"^\s*(from|import) (simtest|testbed|tests|bench)\b", re.MULTILINE)
    files = (Path(__file__).parents[1] / "operator").rglob("*.py")
    assert [file.name for file in files if importing.search(file.read_text())] == []


def test_the_package_has_no_cycles_and_no_constructor_with_many_arguments() -> None:
    script = Path(__file__).parents[1] / "scripts" / "structure"
    output = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    rows = dict(re.findall(r"^\| (.+?) \| (.+) \|$", output.stdout, re.MULTILINE))
    assert rows["cycles of files"] == "0"
    assert rows["cycles of packages"] == "0"
    assert rows["constructors with 9 or more arguments"] == "0"
