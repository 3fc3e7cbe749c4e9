"""One operator process at work on one migration: the loop of shell/worker.py on simulated time."""

import random
from collections.abc import Callable

from msgspec import Struct

from azure_linux_migrator.api.spec import MigrationSpec
from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.core.actions import (
    Action,
    CreatePool,
    DeleteMachines,
    DeletePool,
    ReadPools,
    SurveyAzure,
    UpdatePool,
)
from azure_linux_migrator.core.decide import decide
from azure_linux_migrator.core.migration import Decision, Migration, Observation
from azure_linux_migrator.core.records import Key
from azure_linux_migrator.core.world import World
from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.sim.cluster.shapes import Span
from azure_linux_migrator.sim.kernel import Timer
from azure_linux_migrator.sim.pilot.hands import Backend, Fate, Hands
from azure_linux_migrator.sim.pilot.informer import Informer
from azure_linux_migrator.sim.pilot.resource import Body, Resource

LONGEST_SLEEP_SECONDS = 600.0
RETRY_SECONDS = 0.5
WRITE_SECONDS = 0.5
AZURE = (ReadPools, SurveyAzure, CreatePool, UpdatePool, DeleteMachines, DeletePool)
"""Actions that Azure answers, not Kubernetes."""


class Pace(Struct, frozen=True):
    """How fast things are, in seconds. `coalesce` is how long a wake-up waits for more events."""

    request: Span = Span(0.004, 0.02)
    azure: Span = Span(0.2, 0.8)
    watch: Span = Span(0.002, 0.02)
    coalesce: float = 0.003


class Pilot:
    """A worker, its watches and its hands. `skew` is how far its clock is ahead of the world's."""

    def __init__(
        self,
        resource: Resource,
        backend: Backend,
        rng: random.Random,
        *,
        pace: Pace,
        fate: Fate,
        own_pod: Key | None = None,
        status_fails: Callable[[], KubernetesError | None] = lambda: None,
    ) -> None:
        self._resource = resource
        self._backend = backend
        self._kernel = backend.kernel
        self._rng = rng
        self._pace = pace
        self._fate = fate
        self._own_pod = own_pod
        self._status_fails = status_fails
        self.skew = 0.0
        self.alive = True
        self.world = World()
        self.decisions = 0
        self.last: Decision | None = None
        self.on_decision: Callable[[Decision], None] | None = None
        self.informer = Informer(
            backend.api.store, self._kernel, self.world, self._watch_seconds, self.wake
        )
        self.hands = self._new_hands()
        self._body: Body | None = resource.body
        self._status = self._body.status if self._body else MigrationStatus()
        self._written = self._status
        self._wanted = self._status
        self._flushing = False
        self._last_write = 0.0
        self._version = self._body.revision if self._body else 0
        self._spec: tuple[int, MigrationSpec] | None = None
        self._releasing = False
        self._watching = False
        self._busy = False
        self._woken = True
        self._timer: Timer | None = None
        resource.watchers.append(self._resource_changed)

    def start(self) -> None:
        """The process begins to work."""
        if self._body is not None and self._body.deleting:
            self._begin_release(self._body)
        self._pass()

    def kill(self, *, late: float | None = None) -> None:
        """The process ends at once; see Hands.die for what is on its way."""
        if not self.alive:
            return
        self.alive = False
        self.hands.die(late=late)
        self.informer.stop()
        if self._timer is not None:
            self._timer.cancel()
        self._resource.watchers.remove(self._resource_changed)

    def clock(self) -> float:
        """What this process takes for the time."""
        return self._kernel.now + self.skew

    def wake(self) -> None:
        """Look again soon."""
        self._woken = True
        if self.alive and not self._busy:
            self._sleep_until(self._kernel.now + self._pace.coalesce)

    @property
    def status(self) -> MigrationStatus:
        """The status it believes in."""
        return self._status

    # What it hears of the resource

    def _resource_changed(self, body: Body | None) -> None:
        self._kernel.after(self._watch_seconds(), lambda: self._observe(body))

    def _observe(self, body: Body | None) -> None:
        if not self.alive:
            return
        if body is None:
            self.kill()
            return
        if self._body is None or body.revision > self._body.revision:
            self._body = body
            self._version = max(self._version, body.revision)
            if body.deleting and not self._releasing:
                self._begin_release(body)
            self.wake()

    def _begin_release(self, body: Body) -> None:
        """Kopf ends the daemon and calls the deletion handler, which starts from the resource."""
        self._releasing = True
        self._status = self._written = self._wanted = body.status
        old = self.hands
        self.hands = self._new_hands()
        self.hands.outcomes.asked.update(old.outcomes.asked)
        old.die(late=0.0)
        if not self._watching:
            self._watching = True
            self.informer.start()

    # The loop

    def _pass(self) -> None:
        if not self.alive or self._busy or self._body is None:
            return
        finished = self._status.is_true("Succeeded")
        if not finished and not self._watching:
            self._watching = True
            self.informer.start()
        self._woken = False
        decision = decide(self._migration(self._body), self._observation(), self.clock())
        self.decisions += 1
        self.last = decision
        if self.on_decision is not None:
            self.on_decision(decision)
        before = self._status
        if decision.turns(before):
            self._busy = True
            self._wanted = decision.status
            self._request(lambda: self._write(decision.status, self._version), decision)
            return
        self._offer(decision.status)
        self._go_on(decision)

    def _go_on(self, decision: Decision) -> None:
        self._status = decision.status
        self.hands.submit(decision.actions)
        if self._status.is_true("Succeeded") and self._watching and not self._releasing:
            self._watching = False
            self.informer.stop()
            self.world.clear()
        if decision.released:
            self._resource.release()
            return
        wake_at = decision.wake_at
        limit = LONGEST_SLEEP_SECONDS if wake_at is None else wake_at - self.clock()
        wait = max(0.01, min(limit, LONGEST_SLEEP_SECONDS))
        wait = min(wait, self._pace.coalesce) if self._woken else wait
        self._sleep_until(self._kernel.now + wait)

    def _sleep_until(self, when: float) -> None:
        if self._timer is not None and self._timer.live:
            if self._timer.at <= when:
                return
            self._timer.cancel()
        self._timer = self._kernel.at(when, self._pass)

    def _migration(self, body: Body) -> Migration:
        if self._spec is None or self._spec[0] != body.generation:
            self._spec = (body.generation, MigrationSpec.model_validate(body.spec))
            self.hands.outcomes.forget_verdicts()
        return Migration(
            body.name,
            body.uid,
            body.generation,
            self._spec[1],
            self._status,
            self._releasing,
            body.annotations,
        )

    def _observation(self) -> Observation:
        outcomes = self.hands.outcomes
        return Observation(
            world=self.world,
            world_ready=self.informer.synced,
            pools=outcomes.pools_read,
            missing_access=outcomes.missing_access,
            own_pod=self._own_pod,
            survey=outcomes.survey,
            forecast=outcomes.forecast,
            asked=outcomes.asked,
            running=self.hands.running,
            written=outcomes.written,
            problems=outcomes.problems,
        )

    # Writing the status

    def _request(self, commit: Callable[[], bool], decision: Decision) -> None:
        way = self._pace.request.draw(self._rng) / 2

        def arrives() -> None:
            if self.alive:
                done = commit()
                self._kernel.after(way, lambda: self._answered(decision, done=done))

        self._kernel.after(way, arrives)

    def _answered(self, decision: Decision, *, done: bool) -> None:
        if not self.alive:
            return
        self._busy = False
        if done:
            self._go_on(decision)
            return
        found = self._resource.body
        if found is not None:
            self._body = found
            self._version = max(self._version, found.revision)
            self._status = self._written = found.status
        self._sleep_until(self._kernel.now + RETRY_SECONDS)

    def _write(self, status: MigrationStatus, revision: int | None) -> bool:
        if status == self._written:
            return True
        self._last_write = self._kernel.now
        error = self._status_fails()
        try:
            if error is None or error.status == 0:
                answer = self._resource.write_status(status, revision)
            if error is not None:
                raise error
        except KubernetesError:
            return False
        self._written = status
        self._version = max(self._version, answer.revision)
        return True

    def _offer(self, status: MigrationStatus) -> None:
        self._wanted = status
        if self._wanted != self._written and not self._flushing:
            self._flushing = True
            self._kernel.at(self._last_write + WRITE_SECONDS, self._flush)

    def _flush(self) -> None:
        self._flushing = False
        if self.alive and self._resource.body is not None and self._wanted != self._written:
            if not self._write(self._wanted, None):
                self.wake()
            self._offer(self._wanted)

    # Helpers

    def _new_hands(self) -> Hands:
        return Hands(
            self._backend,
            self.world,
            self._rng,
            clock=self.clock,
            latency=self._latency,
            fate=self._fate,
            on_result=self.wake,
        )

    def _latency(self, action: Action) -> float:
        pace = self._pace.azure if isinstance(action, AZURE) else self._pace.request
        return pace.draw(self._rng)

    def _watch_seconds(self) -> float:
        return self._pace.watch.draw(self._rng)
