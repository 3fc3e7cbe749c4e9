"""Back-off: the first delay, then twice as long with every failure, up to a limit."""

import pytest

from azure_linux_migrator.core.state.retry_delay import RetryDelay


@pytest.mark.parametrize(("failures", "seconds"), [(1, 2.0), (2, 4.0), (4, 16.0), (5, 30.0)])
def test_the_delay_doubles_up_to_the_longest(failures: int, seconds: float) -> None:
    assert RetryDelay(2.0, 30.0).after(failures) == seconds


def test_no_number_of_failures_is_too_large() -> None:
    assert RetryDelay(1.0, 60.0).after(10**9) == 60.0
