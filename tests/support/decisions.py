"""One migration, decided again and again while time passes."""

from dataclasses import replace
from typing import Any

from azure_linux_migrator.api.status import MigrationStatus, SourceRecord, timestamp
from azure_linux_migrator.api.status_drain import BatchProgress
from azure_linux_migrator.core.reconcile.decide import decide
from azure_linux_migrator.core.state.results import Decision, PoolReading
from azure_linux_migrator.core.state.world import World
from tests.support.worlds import NOW, migration, seen, source, target


class DecisionRun:
    """One migration whose status is what was decided last; time passes by steps."""

    def __init__(self, state: World, status: MigrationStatus, **spec: Any) -> None:
        self.world, self.wanted = state, migration(status, **spec)

    def at(self, now: float) -> Decision:
        pools = {"src": source(), "srcazl": target()}
        observation = replace(seen(self.world), pools=PoolReading(pools, now))
        decision = decide(self.wanted, observation, now)
        self.wanted = replace(self.wanted, status=decision.status)
        return decision

    def until(self, end: float, every: float = 30.0) -> Decision:
        """Look every so often, as its own wake-ups do."""
        now = NOW
        decision = self.at(now)
        while now < end:
            now = min(end, now + every)
            decision = self.at(now)
        return decision


def ready(decision: Decision) -> str:
    condition = decision.status.condition("Ready")
    return condition.reason if condition else ""


def stalled(decision: Decision) -> bool:
    condition = decision.status.condition("Stalled")
    return condition is not None and condition.status == "True"


def drained(step: str, **more: Any) -> MigrationStatus:
    """Everything has left the source."""
    batch = BatchProgress(
        index=1, of=1, started_at=timestamp(NOW - 60), drained_at=timestamp(NOW - 50)
    )
    fields: dict[str, Any] = {"start_time": timestamp(NOW - 90), "source": SourceRecord(count=2)}
    return MigrationStatus(step=step, batch=batch, **(fields | more))
