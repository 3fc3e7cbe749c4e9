"""Durations and sizes, as specs write them."""

import pytest

from azure_linux_migrator.api.quantities import seconds, share


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0", 0), ("0s", 0), ("90s", 90), ("15m", 900), ("1h30m", 5400), ("1h1m1s", 3661)],
)
def test_durations(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "15", "m", "1d", "-1m", "1m1h", "1.5h", " 1m"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="15m"):
        seconds(text)


@pytest.mark.parametrize(
    ("size", "total", "expected"),
    [
        ("10%", 25, 3),
        ("100%", 7, 7),
        ("1%", 5, 1),
        (3, 10, 3),
        ("3", 10, 3),
        (30, 10, 10),
        ("50%", 0, 1),
    ],
)
def test_shares_round_up_and_stay_within_the_pool(
    size: str | int, total: int, expected: int
) -> None:
    assert share(size, total) == expected
