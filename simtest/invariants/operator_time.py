"""When the operators were paused, when none was at work, and how wrong their clocks were."""

from bisect import bisect_right

SLACK = 3.0
"""Seconds by which timestamps in whole seconds and the watches may be late."""
GAP_SECONDS = 45.0
"""Without a decision for so many seconds, no operator was at work."""


class OperatorTime:
    """Of one migration, from `now` on. All times are in seconds of the kernel's clock."""

    def __init__(self, now: float) -> None:
        self._skews: list[tuple[float, float]] = [(now, 0.0)]
        self._pauses: list[tuple[float, float]] = []
        self._paused_at: float | None = None
        self._gaps: list[tuple[float, float]] = []
        self._decided_at = now

    def decided(self, now: float, skew: float) -> None:
        """A process has decided; `skew` is how far its clock is ahead."""
        if now - self._decided_at > GAP_SECONDS:
            self._gaps.append((self._decided_at, now))
        self._decided_at = now
        if skew != self._skews[-1][1]:
            self._skews.append((now, skew))

    def pause(self, now: float, *, paused: bool) -> None:
        """The migration is paused now, or it is not."""
        if paused and self._paused_at is None:
            self._paused_at = now
        elif not paused and self._paused_at is not None:
            self._pauses.append((self._paused_at, now))
            self._paused_at = None

    def paused(self, since: float, now: float) -> float:
        """Seconds paused since then."""
        open_ = [] if self._paused_at is None else [(self._paused_at, now)]
        return _overlap([*self._pauses, *open_], since, now)

    def unattended(self, since: float, now: float) -> float:
        """Seconds without an operator since then."""
        return _overlap(self._gaps, since, now)

    def slack(self, since: float) -> float:
        """How wrong the clocks of the operators may have been from that time until now."""
        at = bisect_right(self._skews, (since, float("inf"))) - 1
        skews = [skew for _, skew in self._skews[max(at, 0) :]]
        return SLACK + max(skews) - min(skews)


def _overlap(spans: list[tuple[float, float]], since: float, until: float) -> float:
    return sum(max(0.0, min(end, until) - max(start, since)) for start, end in spans)
