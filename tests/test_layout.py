"""The layout of the source tree and of the tests."""

import ast
import operator
import re
import subprocess
import sys
import sysconfig
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


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


def _modules(*folders: str) -> dict[str, ast.Module]:
    files = (path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")))
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text()) for path in files}


def test_a_name_of_a_class_means_one_class() -> None:
    modules = defaultdict(list)
    for file, module in _modules("operator", "simtest", "testbed", "bench", "monitoring").items():
        for node in module.body:
            if isinstance(node, ast.ClassDef):
                modules[node.name].append(file)
    assert len(modules) > 400
    assert {name: files for name, files in modules.items() if len(files) > 1} == {}


@pytest.mark.parametrize("folder", ["operator", "simtest", "testbed", "tests", "bench"])
def test_variables_are_nouns(folder: str) -> None:
    """The participles that docs/glossary.md names."""
    participles = {"each", "found", "known", "made", "told", "said", "heard", "meant"}
    names = [
        f"{file}:{node.lineno}"
        for file, module in _modules(folder).items()
        for node in ast.walk(module)
        if (isinstance(node, ast.Name) and node.id in participles)
        or (isinstance(node, ast.arg) and node.arg in participles)
    ]
    assert names == []
