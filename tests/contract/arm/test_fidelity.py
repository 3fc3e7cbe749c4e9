"""docs/azure-fidelity.md: every behaviour has a test, and every test of one is in the table.

AZLM_WRITE_DOCS=1 writes the page.
"""

import os
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

from tests.contract.arm import test_exchanges, test_unkind, test_wire
from tests.contract.arm.fidelity import BEHAVIOURS, SAME_TO_THE_SDK, Behaviour

PAGE = Path(__file__).resolve().parents[3] / "docs" / "azure-fidelity.md"
HEAD = """# How the simulated AKS is like the real one

Written by `tests/contract/arm/test_fidelity.py` from a table in code. azlm is tested against a
simulated AKS. This page lists what it does as the service does, from where that is known, and the
test of it. Tests of recorded exchanges compare statuses, states, keys of bodies and the headers
that clients act on. **never seen** marks what rests on documentation or an assumption alone: no
answer of the service was at hand. A run of `make azure-e2e RECORD=1` keeps such answers.
"""
SDK = """
## What is the same to the SDK

Two differences between answers that the Azure SDK hides, so that azlm sees neither.
"""


def _rows(behaviours: Iterable[Behaviour]) -> list[str]:
    lines = ["", "| behaviour | source | test | |", "|---|---|---|---|"]
    for behaviour in behaviours:
        module, _, function = behaviour.test.partition(".")
        test = f"`{module}.py`: {function.removeprefix('test_').replace('_', ' ')}"
        mark = "" if behaviour.seen else "**never seen**"
        lines.append(f"| {behaviour.what} | {behaviour.source} | {test} | {mark} |")
    return lines


def page() -> str:
    """The text of the page."""
    lines = [HEAD.rstrip(), *_rows(BEHAVIOURS), SDK.rstrip(), *_rows(SAME_TO_THE_SDK)]
    return "\n".join(lines) + "\n"


def test_the_page_is_that_of_the_table() -> None:
    if os.environ.get("AZLM_WRITE_DOCS"):
        PAGE.write_text(page())
    assert PAGE.read_text() == page()


def test_every_behaviour_has_its_test_and_every_test_its_behaviour() -> None:
    listed = {behaviour.test for behaviour in (*BEHAVIOURS, *SAME_TO_THE_SDK)}
    for test in listed:
        module, _, function = test.partition(".")
        assert hasattr(import_module(f"tests.contract.arm.{module}"), function), test
    tests = {
        f"{module.__name__.rpartition('.')[2]}.{name}"
        for module in (test_exchanges, test_unkind, test_wire)
        for name in vars(module)
        if name.startswith("test_")
    }
    assert tests <= listed
