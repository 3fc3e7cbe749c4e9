"""Virtual time: what is due is done in order, and of two things due at once the older first."""

from collections.abc import Callable
from heapq import heappop, heappush

Call = Callable[[], None]


class Timer:
    """Something that is due; `cancel` lets it pass without effect."""

    __slots__ = ("_call", "at", "sequence")

    def __init__(self, at: float, sequence: int, call: Call) -> None:
        self.at = at
        self.sequence = sequence
        self._call: Call | None = call

    def __lt__(self, other: "Timer") -> bool:
        return (self.at, self.sequence) < (other.at, other.sequence)

    @property
    def live(self) -> bool:
        """Whether it was not cancelled."""
        return self._call is not None

    def cancel(self) -> None:
        """Do not do it."""
        self._call = None

    def postpone(self, kernel: "Kernel", seconds: float) -> "Timer":
        """The same thing, due so much later; this one does nothing any more."""
        call, self._call = self._call, None
        return kernel.at(self.at + seconds, call or (lambda: None))

    def fire(self) -> None:
        """Do it, once."""
        call, self._call = self._call, None
        if call is not None:
            call()


class Kernel:
    """The agenda of one simulated world. Times are in seconds since the epoch."""

    def __init__(self, now: float) -> None:
        self.now = now
        self.steps = 0
        self._agenda: list[Timer] = []
        self._count = 0

    def at(self, when: float, call: Call) -> Timer:
        """Do it then, or now if that is past."""
        self._count += 1
        timer = Timer(max(when, self.now), self._count, call)
        heappush(self._agenda, timer)
        return timer

    def after(self, delay: float, call: Call) -> Timer:
        """Do it so many seconds from now."""
        return self.at(self.now + delay, call)

    def next_at(self) -> float | None:
        """When something is due next; None if nothing ever is."""
        while self._agenda and not self._agenda[0].live:
            heappop(self._agenda)
        return self._agenda[0].at if self._agenda else None

    def step(self) -> bool:
        """Do what is due next; False if nothing is."""
        if self.next_at() is None:
            return False
        timer = heappop(self._agenda)
        self.now = timer.at
        self.steps += 1
        timer.fire()
        return True

    def run(self, until: Callable[[], bool], *, end: float) -> bool:
        """Go on until that holds; False where it does not by `end` or nothing is left to do."""
        while not until():
            due = self.next_at()
            if due is None or due > end:
                return until()
            self.step()
        return True
