"""One requirement on labels, by each operator."""

import pytest

from azure_linux_migrator.model.selectors import Requirement


@pytest.mark.parametrize(
    ("operator", "bound", "value", "holds"),
    [
        ("Gt", "8", "16", True),
        ("Gt", "8", "8", False),
        ("Gt", "-1", "0", True),
        ("Lt", "8", "7", True),
        ("Lt", "8", "16", False),
        ("Lt", "8", "many", False),
        ("Gt", "few", "16", False),
        ("Gt", "8", " 16", False),
        ("Gt", "8", "1_6", False),
        ("Near", "8", "8", False),
    ],
)
def test_numbers_are_compared(operator: str, bound: str, value: str, holds: bool) -> None:
    assert Requirement("size", operator, (bound,)).matches({"size": value}) is holds


def test_a_number_is_compared_with_one_that_is_there() -> None:
    assert not Requirement("size", "Gt", ("8",)).matches({})
    assert not Requirement("size", "Lt", ("8", "9")).matches({"size": "1"})
