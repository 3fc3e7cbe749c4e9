"""Drives one reconcile loop in virtual time, as controller/loop_driver.py does with asyncio.

For forecasts: there is one process, and neither it nor a request ever fails.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.core.reconcile.loop import Loop
from azure_linux_migrator.core.reconcile.messages import (
    Now,
    Outputs,
    ResourceSeen,
    StatusWritten,
    Submit,
    Watch,
    WriteAnswer,
    WriteStatus,
)
from azure_linux_migrator.core.reconcile.observer import Observer
from azure_linux_migrator.core.state.results import Decision
from azure_linux_migrator.simulator.assembly.simulated_cluster import SimulatedCluster
from azure_linux_migrator.simulator.controller.action_runner import ActionRunner
from azure_linux_migrator.simulator.controller.world_watch import WorldWatch
from azure_linux_migrator.simulator.kernel import Timer


class SimulatedOperator:
    """One migration of a simulated cluster. `resource` is the custom resource as it is stored;
    `on_decision` is called with every decision."""

    def __init__(
        self,
        cluster: SimulatedCluster,
        name: str,
        spec: Mapping[str, Any],
        rng: random.Random,
        on_decision: Callable[[Decision], None],
    ) -> None:
        self._kernel, self._pace = cluster.kernel, cluster.pace
        self._rng = rng
        self._on_decision = on_decision
        self._timer: Timer | None = None
        now = self._kernel.now
        self.resource = ResourceSeen(
            name, f"uid-{name}", 1, 1, spec, MigrationStatus(), created=float(int(now))
        )
        self._watch = WorldWatch(cluster.store, self._wake)
        self.runner = ActionRunner(cluster, self._watch.world, rng, self._wake)
        observer = Observer(self._watch, self.runner, began=now)
        # An event is seen when the watch has delivered it and its burst is over.
        coalesce = self._pace.watch.mean + self._pace.coalesce
        self._loop = Loop(self.resource, observer, coalesce=coalesce)

    def start(self) -> None:
        """Begin to work."""
        self._tick()

    def annotate(self, name: str, value: str) -> None:
        """An admin sets an annotation of the resource."""
        if self.resource.annotations.get(name) != value:
            self._put(annotations={**self.resource.annotations, name: value})
            self._perform(self._loop.seen(self.resource, self._now()))

    def _tick(self) -> None:
        decisions = self._loop.decisions
        outputs = self._loop.tick(self._now())
        self._perform(outputs)
        if self._loop.decisions != decisions and self._loop.last is not None:
            self._on_decision(self._loop.last)

    def _wake(self) -> None:
        self._loop.changed(self._now())
        self._arm()

    def _now(self) -> Now:
        return Now(self._kernel.now, self._kernel.now)

    def _perform(self, outputs: Outputs) -> None:
        """Do what the loop asks for. The resource is never deleted, and nobody else writes to it
        unseen, so the loop never reads it again and never releases it."""
        for output in outputs:
            match output:
                case Watch(on):
                    self._watch.start() if on else self._watch.stop()
                case WriteStatus():
                    self._write(output)
                case Submit(_, decision):
                    self.runner.submit(decision.actions)
        self._arm()

    def _arm(self) -> None:
        at, timer = self._loop.wake_at, self._timer
        if timer is not None and timer.live:
            if timer.at == at:
                return
            timer.cancel()
        if at is not None:
            self._timer = self._kernel.at(at, self._tick)

    def _put(self, **changes: Any) -> None:
        self.resource = replace(self.resource, version=self.resource.version + 1, **changes)

    def _write(self, write: WriteStatus) -> None:
        """The status is stored at once, and the answer takes the time of a request."""
        self._put(status=write.status)
        written = StatusWritten(WriteAnswer.TAKEN, self.resource.version)
        self._kernel.after(
            self._pace.request.draw(self._rng),
            lambda: self._perform(self._loop.written(written, self._now())),
        )
