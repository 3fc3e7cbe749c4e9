"""Exponential back-off as a value: no clock and no counter, which its users keep."""

from msgspec import Struct


class RetryDelay(Struct, frozen=True):
    """Seconds between attempts: `first`, doubled with every further failure up to `longest`."""

    first: float
    longest: float

    def after(self, failures: int) -> float:
        """Seconds to wait after that many failures in a row."""
        return min(self.first * 2.0 ** min(failures - 1, 64), self.longest)
