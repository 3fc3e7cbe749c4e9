"""Virtual time: calls are made in the order of their times; of two at one time, the older first."""

from collections.abc import Callable
from heapq import heappop, heappush

Call = Callable[[], None]


class Timer:
    """A scheduled call; `cancel` removes it."""

    __slots__ = ("_call", "at")

    def __init__(self, at: float, call: Call) -> None:
        self.at = at
        self._call: Call | None = call

    @property
    def live(self) -> bool:
        """Whether the call is neither cancelled nor made."""
        return self._call is not None

    def cancel(self) -> None:
        """Cancel the call."""
        self._call = None

    def postpone(self, kernel: "Kernel", seconds: float) -> "Timer":
        """Cancel the call, and schedule it so many seconds later."""
        call, self._call = self._call, None
        return kernel.at(self.at + seconds, call or (lambda: None))

    def fire(self) -> None:
        """Make the call, once."""
        call, self._call = self._call, None
        if call is not None:
            call()


class Kernel:
    """The agenda of one simulated cluster. Times are in seconds since the epoch."""

    def __init__(self, now: float) -> None:
        self.now = now
        self.steps = 0
        self._agenda: list[tuple[float, int, Timer]] = []
        """By time and order of arrival: tuples, which a heap compares without a call."""
        self._count = 0

    def at(self, when: float, call: Call) -> Timer:
        """Call at that time, or now if it is past."""
        self._count += 1
        timer = Timer(max(when, self.now), call)
        heappush(self._agenda, (timer.at, self._count, timer))
        return timer

    def after(self, delay: float, call: Call) -> Timer:
        """Call so many seconds from now."""
        return self.at(self.now + delay, call)

    def next_at(self) -> float | None:
        """The time of the next call; None if there is none."""
        agenda = self._agenda
        while agenda and not agenda[0][2].live:
            heappop(agenda)
        return agenda[0][0] if agenda else None

    def step(self) -> bool:
        """Make the next call; False if there is none."""
        if self.next_at() is None:
            return False
        self.now, _, timer = heappop(self._agenda)
        self.steps += 1
        timer.fire()
        return True

    def run(self, until: Callable[[], bool], *, end: float) -> bool:
        """Continue until the condition holds; False if it does not by `end` or if no call is
        left."""
        while not until():
            due = self.next_at()
            if due is None or due > end:
                return until()
            self.step()
        return True
