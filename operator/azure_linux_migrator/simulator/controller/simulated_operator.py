"""One operator process that works on one migration, in virtual time."""

import random
from collections.abc import Callable

from msgspec import Struct

from azure_linux_migrator.api.spec import MigrationSpec
from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.core.reconcile.decide import decide
from azure_linux_migrator.core.state.observation import Decision, Observation
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.model.actions import (
    Action,
    CreatePool,
    DeleteMachines,
    DeletePool,
    ReadAzureFacts,
    ReadPools,
    UpdatePool,
)
from azure_linux_migrator.model.cluster import NamespacedName
from azure_linux_migrator.model.migration import Migration
from azure_linux_migrator.simulator.cluster.workload import Span
from azure_linux_migrator.simulator.controller.action_runner import ActionRunner, Backend
from azure_linux_migrator.simulator.controller.custom_resource import Body, CustomResource
from azure_linux_migrator.simulator.controller.deletion import Deletion
from azure_linux_migrator.simulator.controller.fault_hook import FaultHook
from azure_linux_migrator.simulator.controller.informer import Informer
from azure_linux_migrator.simulator.controller.process import SimulatedProcess
from azure_linux_migrator.simulator.controller.status_writer import Writer
from azure_linux_migrator.simulator.kernel import Timer

LONGEST_SLEEP_SECONDS = 600.0
SOONEST_SECONDS = 0.5
RETRY_SECONDS = 0.5
GIVE_WAY_SECONDS = 10.0
AZURE = (ReadPools, ReadAzureFacts, CreatePool, UpdatePool, DeleteMachines, DeletePool)
"""Actions that Azure answers, not Kubernetes."""


class Pace(Struct, frozen=True):
    """How fast things are, in seconds. `coalesce` is how long a wake-up waits for more events."""

    request: Span = Span(0.004, 0.02)
    azure: Span = Span(0.2, 0.8)
    watch: Span = Span(0.002, 0.02)
    coalesce: float = 0.003


class SimulatedOperator:
    """A worker, its watches and its hands. `skew` is how far its clock is ahead of the world's;
    `leads` whether it takes itself for the holder of the Lease (kube/lease.py)."""

    def __init__(
        self,
        resource: CustomResource,
        backend: Backend,
        rng: random.Random,
        *,
        pace: Pace,
        fault_hook: FaultHook,
        own_pod: NamespacedName | None = None,
        status_fails: Callable[[], KubernetesError | None] = lambda: None,
    ) -> None:
        self._resource = resource
        self._backend = backend
        self._kernel = backend.kernel
        self._rng = rng
        self._pace = pace
        self._fate = fault_hook
        self._own_pod = own_pod
        self._status_fails = status_fails
        self.process = SimulatedProcess(backend.kernel)
        self.skew = 0.0
        self._began = backend.kernel.now
        self.alive = self.leads = True
        self.world = World()
        self.decisions = 0
        self.last: Decision | None = None
        self.on_decision: Callable[[Decision], None] | None = None
        self.informer = Informer(
            backend.api.store, self.process, self.world, self._watch_seconds, self.wake
        )
        self.runner = self._new_hands()
        self._writer = self._new_writer()
        self._body: Body | None = resource.body
        self._status = self._body.status if self._body else MigrationStatus()
        self._spec: tuple[int, MigrationSpec] | None = None
        self._release: Deletion | None = None
        self._watching = False
        self._busy = self._halted = False
        self.recording = False
        """Whether a decision waits for its status to be written."""
        self._gives_way_until = 0.0
        self._woken = True
        self._timer: Timer | None = None
        resource.watchers.append(self._resource_changed)

    def start(self) -> None:
        """The process begins to work."""
        if self._body is not None and self._body.deleting:
            self._release = Deletion(self, daemon=False)
        else:
            self._pass()

    def kill(self, *, late: float | None = None) -> None:
        """The process ends at once; see Hands.die for what is on its way."""
        if not self.alive:
            return
        self._end()
        if self._release is not None:
            self._release.die(late=late)
        self.runner.die(late=late)
        self._writer.die(late=late)

    def _end(self) -> None:
        self.alive = False
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
        self.process.after(self._watch_seconds(), lambda: self._observe(body))

    def _observe(self, body: Body | None) -> None:
        if not self.alive:
            return
        if body is None:
            self._end()  # the process lives: what it has under way still takes effect
            return
        if self._release is None and (self._body is None or body.revision > self._body.revision):
            self._body = body
            if self._writer.saw(body.revision, body.status):
                self._go_on_from(body)
                self._gives_way_until = self._kernel.now + GIVE_WAY_SECONDS
            if body.deleting:
                self._release = Deletion(self, daemon=True)
            self.wake()

    # Deletion

    def halt(self) -> tuple[ActionRunner, Writer]:
        """The worker decides nothing more; what it has under way is still to end."""
        self._busy = self._halted = True
        return self.runner, self._writer

    def unwatch(self) -> None:
        """Its watches end, and what they have told is forgotten."""
        if self._watching:
            self._watching = False
            self.informer.stop()
            self.world.clear()

    def forget(self) -> None:
        """Kopf removes the finalizer."""
        self._resource.release()

    def release(self) -> None:
        """A new worker undoes what is ours: it starts from the resource and remembers nothing."""
        body = self._resource.body
        if body is None or not self.alive:
            return
        self._body, self._status = body, body.status
        self._busy = self._halted = self.recording = False
        self.runner, self._writer = self._new_hands(), self._new_writer()
        if not self._watching:
            self._watching = True
            self.informer.start()
        self._pass()

    # The loop

    def _pass(self) -> None:
        if not self.alive or self._busy or self._body is None:
            return
        if self._kernel.now < self._gives_way_until and self._release is None:
            self._sleep_until(self._gives_way_until)
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
        if decision.enters_new_step(before):
            self._busy = self.recording = True
            runner = self.runner
            self._writer.write_now(
                decision.status, lambda done: self._recorded(decision, runner, done=done)
            )
            return
        self._writer.offer(decision.status)
        self._go_on(decision)

    def _go_on(self, decision: Decision) -> None:
        turned = decision.enters_new_step(self._status)
        self._status = decision.status
        self.runner.submit(decision.actions)
        if self._status.is_true("Succeeded") and self._release is None:
            self.unwatch()
        if decision.released and self._release is not None:
            self._busy = True
            self._release.done()
            return
        wake_at = decision.wake_at
        limit = LONGEST_SLEEP_SECONDS if wake_at is None else wake_at - self.clock()
        limit = SOONEST_SECONDS if limit <= 0 and not turned else limit
        wait = max(0.01, min(limit, LONGEST_SLEEP_SECONDS))
        wait = min(wait, self._pace.coalesce) if self._woken else wait
        self._sleep_until(self._kernel.now + wait)

    def _sleep_until(self, when: float) -> None:
        if self._timer is not None and self._timer.live:
            if self._timer.at <= when:
                return
            self._timer.cancel()
        self._timer = self.process.at(when, self._pass)

    def _migration(self, body: Body) -> Migration:
        if self._spec is None or self._spec[0] != body.generation:
            self._spec = (body.generation, MigrationSpec.model_validate(body.spec))
            self.runner.outcomes.forget_verdicts()
        return Migration(
            body.name,
            body.uid,
            body.generation,
            self._spec[1],
            self._status,
            self._release is not None,
            body.annotations,
            created=body.created,
        )

    def _observation(self) -> Observation:
        outcomes = self.runner.outcomes
        return Observation(
            world=self.world,
            world_ready=self.informer.synced,
            pools=outcomes.pools_read,
            missing_access=outcomes.missing_access,
            own_pod=self._own_pod,
            began=self._began,
            azure_facts=outcomes.azure_facts,
            forecast=outcomes.forecast,
            asked=outcomes.asked,
            running=self.runner.running,
            written=outcomes.written,
            problems=outcomes.problems,
        )

    def _recorded(self, decision: Decision, runner: ActionRunner, *, done: bool) -> None:
        """A new step is recorded before it acts; else it is gone on from what is recorded."""
        if self._halted or runner is not self.runner:
            if runner is self.runner:
                self.recording = False
            runner.submit(decision.actions if done else ())
            return
        self._busy = self.recording = False
        if done:
            self._go_on(decision)
            return
        found = self._resource.body
        if found is not None:
            self._go_on_from(found)
        self._sleep_until(self._kernel.now + RETRY_SECONDS)

    def _go_on_from(self, body: Body) -> None:
        self._body, self._status = body, body.status
        self._writer.start_from(body.status)
        self._writer.saw(body.revision, body.status)

    # Helpers

    def _new_hands(self) -> ActionRunner:
        return ActionRunner(
            self._backend,
            self.world,
            self._rng,
            self.process,
            clock=self.clock,
            latency=self._latency,
            fault_hook=self._fate,
            may_act=self._may_act,
            on_result=self.wake,
        )

    def _new_writer(self) -> Writer:
        return Writer(
            self._resource,
            self._kernel,
            self.process,
            self._rng,
            may_write=self._may_act,
            way=lambda: self._pace.request.draw(self._rng) / 2,
            fails=self._status_fails,
            on_failure=self.wake,
        )

    def _may_act(self) -> bool:
        return self.leads

    def _latency(self, action: Action) -> float:
        pace = self._pace.azure if isinstance(action, AZURE) else self._pace.request
        return pace.draw(self._rng)

    def _watch_seconds(self) -> float:
        return self._pace.watch.draw(self._rng)
