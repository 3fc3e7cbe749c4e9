"""An operator in a simulated cluster whose resource is edited, deleted and applied again."""

import random
from collections.abc import Callable
from functools import partial

from azure_linux_migrator.core.reconcile.loop import Loop
from azure_linux_migrator.core.reconcile.messages import (
    Closed,
    Now,
    Outputs,
    ReadResource,
    Released,
    ResourceSeen,
    StatusWritten,
    Submit,
    Watch,
    WriteAnswer,
    WriteStatus,
    answer_of,
)
from azure_linux_migrator.core.reconcile.observer import Observer
from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.simulator.assembly.simulated_cluster import SimulatedCluster
from azure_linux_migrator.simulator.controller.action_runner import ActionRunner
from azure_linux_migrator.simulator.controller.world_watch import WorldWatch
from azure_linux_migrator.simulator.kernel import Timer
from simtest.custom_resource import Body, CustomResource

LATE_SECONDS = 1.0
"""How often it is looked whether the requests of a loop that has ended are answered."""


class EditedOperator:
    """Works on one resource as controller/supervisor.py does: one loop at a time, and another one
    that releases the resource once the first has ended and its requests are answered."""

    def __init__(self, cluster: SimulatedCluster, resource: CustomResource) -> None:
        self._cluster, self._resource = cluster, resource
        self._rng = random.Random(1)
        self._loop = self._begin(releasing=False)
        resource.watchers.append(self._changed)

    def _begin(self, *, releasing: bool) -> "_DrivenLoop":
        return _DrivenLoop(self._cluster, self._resource, self._rng, self._over, releasing)

    def _changed(self, body: Body | None) -> None:
        if body is None:
            self._loop.end()
        elif self._loop.uid != body.uid:
            self._loop = self._begin(releasing=body.deleting)
        elif body.deleting and not self._loop.releasing:
            self._loop.close()
        else:
            self._loop.seen(body)

    def _over(self, loop: "_DrivenLoop") -> None:
        """A loop is closed: the resource is released once its requests are answered."""
        if loop is not self._loop:
            return
        if loop.runner.running:
            self._cluster.kernel.after(LATE_SECONDS, partial(self._over, loop))
        elif self._resource.body is not None and not loop.releasing:
            self._loop.end()
            self._loop = self._begin(releasing=True)


class _DrivenLoop:
    """One reconcile loop, driven in virtual time."""

    def __init__(
        self,
        cluster: SimulatedCluster,
        resource: CustomResource,
        rng: random.Random,
        on_closed: "Callable[[_DrivenLoop], None]",
        releasing: bool,
    ) -> None:
        assert resource.body is not None
        self._kernel, self._resource = cluster.kernel, resource
        self._on_closed = on_closed
        self._timer: Timer | None = None
        self._ended = self._closing = False
        self.uid, self.releasing = resource.body.uid, releasing
        self._watch = WorldWatch(cluster.store, self._wake)
        self.runner = ActionRunner(cluster, self._watch.world, rng, self._wake)
        observer = Observer(
            self._watch,
            self.runner,
            began=self._kernel.now,
            releasing=releasing,
            reports_drain=True,
        )
        pace = cluster.pace
        coalesce = pace.watch.mean + pace.coalesce
        self._loop = Loop(_seen(resource.body), observer, coalesce=coalesce)
        self._kernel.after(0.0, self._tick)

    def seen(self, body: Body) -> None:
        """The resource has changed."""
        self._perform(self._loop.seen(_seen(body), self._now()))

    def close(self) -> None:
        """The last status is written."""
        if not self._closing:
            self._closing = True
            self._perform(self._loop.close(self._now()))

    def end(self) -> None:
        """Nothing more is decided."""
        if not self._ended:
            self._ended = True
            if self._watch.synced:
                self._watch.stop()

    def _tick(self) -> None:
        if not self._ended:
            self._perform(self._loop.tick(self._now()))

    def _wake(self) -> None:
        if not self._ended:
            self._loop.changed(self._now())
            self._arm()

    def _now(self) -> Now:
        return Now(self._kernel.now, self._kernel.now)

    def _perform(self, outputs: Outputs) -> None:
        for output in outputs:
            match output:
                case Watch(on):
                    self._watch.start() if on else self._watch.stop()
                case WriteStatus():
                    self._kernel.after(0.01, partial(self._write, output))
                case Submit(_, decision):
                    self.runner.submit(decision.actions)
                case ReadResource():
                    self._kernel.after(0.01, self._read)
                case Released():
                    self._resource.release()
                case Closed():
                    self._on_closed(self)
        self._arm()

    def _arm(self) -> None:
        at, timer = self._loop.wake_at, self._timer
        if timer is not None and timer.live:
            if timer.at == at:
                return
            timer.cancel()
        if at is not None and not self._ended:
            self._timer = self._kernel.at(at, self._tick)

    def _write(self, write: WriteStatus) -> None:
        if self._ended:
            return
        try:
            version = self._resource.write_status(write.status, write.version).revision
            written = StatusWritten(WriteAnswer.TAKEN, version)
        except KubernetesError as error:
            written = StatusWritten(answer_of(error))
        self._perform(self._loop.written(written, self._now()))

    def _read(self) -> None:
        if self._ended:
            return
        body = self._resource.body
        resource = _seen(body) if body is not None else None
        self._perform(self._loop.resource_read(resource, self._now()))


def _seen(body: Body) -> ResourceSeen:
    return ResourceSeen(
        body.name,
        body.uid,
        body.revision,
        body.generation,
        body.spec,
        body.status,
        body.annotations,
        body.created,
    )
