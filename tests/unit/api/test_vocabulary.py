"""Steps and reasons are defined once: no other module spells one out, and the page lists them
all."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import azure_linux_migrator
from azure_linux_migrator.api.causes import Cause, cause_table
from azure_linux_migrator.api.conditions import ConditionType
from azure_linux_migrator.api.reasons import Reason, table
from azure_linux_migrator.api.status import Phase
from azure_linux_migrator.api.steps import Step

PACKAGE = Path(azure_linux_migrator.__file__).parent
DOCS = Path(__file__).resolve().parents[3] / "docs"
AMBIGUOUS = {*ConditionType, *Phase, *Cause, "Deleting"}
"""Words that are also condition types, phases, causes, or states of a node pool in AKS."""
WORDS = ({*Reason} | {*Step}) - AMBIGUOUS
HOMES = {"api/reasons.py", "api/steps.py", "api/causes.py", "api/conditions.py"}
OTHER_PRODUCTS = ("simulator/aks/",)
"""Azure's own words, as Azure spells them."""


def spelled_out(source: str) -> Iterator[tuple[int, str]]:
    """The literals of a module that are a step or a reason, docstrings left out."""
    tree = ast.parse(source)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        if node.value in WORDS and id(node) not in docstrings:
            yield node.lineno, node.value


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda file: file.stem)
def test_no_module_spells_out_a_step_or_a_reason(file: Path) -> None:
    name = file.relative_to(PACKAGE).as_posix()
    if name in HOMES or name.startswith(OTHER_PRODUCTS):
        return
    assert list(spelled_out(file.read_text())) == []


def test_the_scan_finds_a_literal() -> None:
    assert list(spelled_out('x = "Draining"')) == [(1, "Draining")]
    assert list(spelled_out('"""Draining"""')) == []


def test_the_page_lists_every_reason() -> None:
    assert (DOCS / "conditions.md").read_text().endswith(table() + "\n"), "run make docs-tables"


def test_the_page_lists_every_cause() -> None:
    assert all(cause.text for cause in Cause)
    assert f"{cause_table()}\n\n" in (DOCS / "drain.md").read_text(), "run make docs-tables"


@pytest.mark.parametrize("reason", list(Reason))
def test_a_reason_says_what_it_means(reason: Reason) -> None:
    assert reason.text
    assert not reason.text.endswith(".")
    assert "|" not in reason.text + reason.remedy


def test_a_step_is_its_value() -> None:
    assert f"{Step.DRAIN}" == "Drain"
    assert Step.DRAIN.text
