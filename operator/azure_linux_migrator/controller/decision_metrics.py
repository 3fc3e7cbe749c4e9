"""What the decisions of one migration add to the metrics: ends, drained nodes, moved pods."""

from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.controller.metrics import Telemetry
from azure_linux_migrator.core.drain.node_progress import PoolProgress
from azure_linux_migrator.core.reconcile.accounting import OVER
from azure_linux_migrator.core.state.slot_timing import SlotTimes


class DecisionMetrics:
    """Of one migration in one process. A node that was in a batch when the process began is not
    measured, since the time that it joined is not known."""

    def __init__(self, telemetry: Telemetry, migration: str) -> None:
        self._telemetry = telemetry
        self._migration = migration
        self._joined: dict[str, float | None] | None = None

    def decided(self, before: MigrationStatus, after: MigrationStatus, strategy: str) -> None:
        """A decision was recorded."""
        if after.phase in OVER and before.phase not in OVER:
            self._telemetry.finished(after.phase, strategy, after.elapsed)

    def moved(self, slot_times: SlotTimes) -> None:
        """Pods that moved since the last call."""
        while slot_times.recent:
            self._telemetry.pod_moved(slot_times.recent.popleft())

    def drained(self, progress: PoolProgress, now: float) -> None:
        """Nodes that joined a batch or were drained since the last call (`now` in seconds)."""
        first, joined = self._joined is None, self._joined or {}
        draining = {
            name
            for batch, names in progress.batches.items()
            if batch > 0
            for name in names
            if not progress.by_node[name].drained
        }
        for name in [name for name in joined if name not in draining]:
            since = joined.pop(name)
            load = progress.by_node.get(name)
            if since is not None and load is not None and load.drained:
                self._telemetry.node_drained(max(0.0, now - since), self._migration)
        for name in draining - joined.keys():
            joined[name] = None if first else now
        self._joined = joined
