"""The answer of one step: done, at work, or refused; and the context every step is given."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.core.drain.node_progress import PoolProgress
from azure_linux_migrator.core.drain.planner import Plan, Planner
from azure_linux_migrator.core.preflight.findings import Finding
from azure_linux_migrator.core.steps.observation import Observation
from azure_linux_migrator.model.actions import Action, ReadPools
from azure_linux_migrator.model.migration import Migration
from azure_linux_migrator.model.pool import Pool

PENDING_WRITE_SECONDS = 5.0
"""A write that the watch does not show after this is made again."""

FRESH_SECONDS = 15.0
"""A reading of the pools is no older where a change of a pool, or of nodes, follows from it."""

CHECK_SECONDS = 60.0
"""The pools are read so often while nothing else asks for it."""

SHOWS_SECONDS = 30.0
"""How long Azure may hide a pool that it was asked for."""

POLL_SHORTEST = 1.0
POLL_LONGEST = 15.0
POLL_UNKNOWN = 5.0
"""Where it is not known since when Azure works: after a restart, or for somebody else."""


@dataclass(frozen=True, slots=True)
class Progress:
    """`refused` needs someone to change something; `working` goes on by itself; `planned` is all
    that spec.mode Plan asks for.

    `findings` are those of a preflight made just now.
    """

    state: Literal["done", "working", "refused", "planned"]
    reason: Reason | Literal[""] = ""
    message: str = ""
    actions: tuple[Action, ...] = ()
    wake_at: float | None = None
    findings: tuple[Finding, ...] | None = None


DONE = Progress("done")


def working(
    reason: Reason | Literal[""], message: str, *actions: Action, wake_at: float | None = None
) -> Progress:
    """The step is under way."""
    return Progress("working", reason, message, actions, wake_at)


def refused(
    reason: Reason | Literal[""], message: str, *actions: Action, wake_at: float | None = None
) -> Progress:
    """The step cannot go on unless an admin acts; `actions` look whether that has happened."""
    return Progress("refused", reason, message, actions, wake_at)


@dataclass(frozen=True, slots=True)
class Context:
    """What a step may look at. `planner` makes the plan, once and only where it is asked for."""

    migration: Migration
    seen: Observation
    planner: Planner
    make_plan: Callable[[], Plan]
    now: float

    @property
    def plan(self) -> Plan:
        """What may be evicted now."""
        return self.make_plan()

    @property
    def pool_progress(self) -> PoolProgress:
        """What there is to move off the source pool."""
        return self.planner.pool_progress

    def pool(self, name: str) -> Pool | None:
        """A pool as last read; None where it does not exist or nothing was read yet."""
        return self.seen.pools.pools.get(name) if self.seen.pools else None

    def pools_newer_than(self, age: float) -> bool:
        """Whether the pools were read within the last `age` seconds; a clock that was set back
        makes no old reading fresh."""
        return self.seen.pools is not None and 0 <= self.now - self.seen.pools.at < age

    def pool_reads(self, age: float) -> tuple[Action, ...]:
        """Reads the pools unless they were read within the last `age` seconds."""
        return () if self.pools_newer_than(age) else (ReadPools(),)

    def hidden(self, name: str, within: float = SHOWS_SECONDS) -> bool:
        """Whether Azure may not show a pool yet that it was asked to make or change within the last
        seconds; one that is not shown after its deletion is gone."""
        if name in self.seen.deleted:
            return False
        asked_at = self.seen.asked.get(name, 0.0)
        return self.pool(name) is None and self.now - asked_at < within

    def pending_write(self, action: Action) -> float | None:
        """Until when to wait for the watch to show this very write; None where it was not made
        just now."""
        last_write = self.seen.written.get(action.key)
        if last_write is None or last_write[0] != action:
            return None
        due = last_write[1] + PENDING_WRITE_SECONDS
        return due if last_write[1] <= self.now < due else None

    def attempt(self, action: Action, reason: Reason | Literal[""], message: str) -> Progress:
        """Ask for an action, unless its last failure says to wait or to give up for now, or it
        was done just now and the watch has yet to show it."""
        if (due := self.pending_write(action)) is not None:
            return working(reason, message, wake_at=due)
        problem = self.seen.problems.get(action.key)
        if problem is None:
            return working(reason, message, action)
        answer = working if problem.retryable else refused
        if self.now >= problem.retry_at:
            return answer(problem.reason, problem.message, action)  # its result wakes
        return answer(problem.reason, problem.message, wake_at=problem.retry_at)

    def attempt_all(self, actions: Iterable[Action], reason: Reason, message: str) -> Progress:
        """All of them side by side (at least one); what went wrong with one of them is reported."""
        tried = [self.attempt(action, reason, message) for action in actions]
        worst = min(
            tried, key=lambda attempt: (attempt.state != "refused", attempt.reason == reason)
        )
        wakes = [attempt.wake_at for attempt in tried if attempt.wake_at is not None]
        return replace(
            worst,
            actions=tuple(action for attempt in tried for action in attempt.actions),
            wake_at=min(wakes, default=None),
        )

    def keep_refusal(self, refresh: Progress, *keys: str) -> Progress:
        """A look at the pools before an action of one of these keys: what was refused for good
        stays so meanwhile, and is not reported as work for every look."""
        for key in keys:
            problem = self.seen.problems.get(key)
            if problem is not None and not problem.retryable:
                return replace(
                    refresh, state="refused", reason=problem.reason, message=problem.message
                )
        return refresh

    def refresh_pools(
        self, reason: Reason, message: str, pool: str = "", *, interval: float = POLL_SHORTEST
    ) -> Progress:
        """Read the pools again where they were not read for `interval` seconds; while Azure works
        on `pool` the less often the longer."""
        if pool:
            asked_at = self.seen.asked.get(pool)
            waited = 0.0 if asked_at is None else self.now - asked_at
            interval = min(max(waited / 10, POLL_SHORTEST), POLL_LONGEST)
            interval = POLL_UNKNOWN if asked_at is None else interval
        if self.seen.pools is not None and self.pools_newer_than(interval):
            return working(reason, message, wake_at=self.seen.pools.at + interval)
        return self.attempt(ReadPools(), reason, message)
