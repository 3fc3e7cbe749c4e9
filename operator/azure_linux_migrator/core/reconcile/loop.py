"""The reconcile loop of one migration as a state machine: observe, decide, record, act, wait.

Owns when a decision is made, what is recorded before it acts, and what follows a failed write. It
does no I/O and reads no clock: a driver (controller/loop_driver.py in production,
simulator/controller/simulated_operator.py in virtual time) passes in what happened and when,
performs the outputs in order, and calls `tick` at `wake_at`.
"""

from pydantic import ValidationError

from azure_linux_migrator.api.conditions import ConditionType
from azure_linux_migrator.core.reconcile.decide import decide
from azure_linux_migrator.core.reconcile.lenient_parsing import with_invalid_spec
from azure_linux_migrator.core.reconcile.messages import (
    Closed,
    Now,
    Outputs,
    Overtaken,
    ReadResource,
    Released,
    ResourceSeen,
    StatusWritten,
    Submit,
    Watch,
    WriteAnswer,
)
from azure_linux_migrator.core.reconcile.observer import Observer
from azure_linux_migrator.core.reconcile.status_record import StatusOrigin, StatusRecord
from azure_linux_migrator.core.state.results import Decision

COALESCE_SECONDS = 0.003
"""Events come in bursts; a decision waits this long for the rest of one."""
LONGEST_SLEEP_SECONDS = 600.0
SHORTEST_SLEEP_SECONDS = 0.01
SOONEST_SECONDS = 0.5
"""A wake-up time that has passed is that of an action under way, whose answer wakes the loop; only
after a step that was recorded just now the next decision follows at once."""
RETRY_SECONDS = 0.5
"""After a step could not be recorded."""
GIVE_WAY_SECONDS = 10.0
"""A concurrent status writer acts as the leader, for example after a suspend. One that does
not hold the Lease ends within this time (kube/lease.py); until then nothing is decided."""
CONCURRENCY = 64
"""Actions of one migration whose requests are under way at one time."""
RELEASE_SECONDS = 60.0
"""How long one attempt to release a deleted resource may take."""
RELEASE_RETRY_SECONDS = 5.0
"""Until the next attempt, by a new loop that remembers nothing."""


class Loop:
    """One migration. A loop whose observer is `releasing` undoes what a deleted resource did."""

    def __init__(
        self, resource: ResourceSeen, observer: Observer, *, coalesce: float = COALESCE_SECONDS
    ) -> None:
        self.resource = resource
        self.observer = observer
        self.status = resource.status
        self.last: Decision | None = None
        self.decisions = 0
        self.watching = False
        self.releasing = observer.releasing
        self.gives_way_until = 0.0
        self._coalesce = coalesce
        self._record = StatusRecord(resource.version, resource.status, intact=not resource.lost)
        self._decide_at: float | None = 0.0
        self._changed = False
        self._unrecorded: Decision | None = None
        self._recording = self._reading = self._stopped = self._closing = self._wrote_last = False

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return self.status.is_true(ConditionType.SUCCEEDED)

    @property
    def recording(self) -> bool:
        """Whether a decision waits for its status to be recorded, or for a re-read."""
        return self._unrecorded is not None or self._reading

    @property
    def wake_at(self) -> float | None:
        """When `tick` is due (steady clock); None while only an answer helps."""
        flush_at = None if self._record.sending else self._record.flush_at
        if flush_at is None or self._decide_at is None:
            return self._decide_at if flush_at is None else flush_at
        return min(flush_at, self._decide_at)

    # Inputs

    def tick(self, now: Now) -> Outputs:
        """Do what is due."""
        outputs = self._flush(now)
        if self._decide_at is not None and self._decide_at <= now.steady:
            outputs += self._pass(now)
        return outputs

    def changed(self, now: Now) -> None:
        """The watches or the runner have something new: decide soon."""
        self._changed = True
        soon = now.steady + self._coalesce
        waits = self._stopped or self.recording
        if not waits and (self._decide_at is None or soon < self._decide_at):
            self._decide_at = soon

    def seen(self, resource: ResourceSeen, now: Now) -> Outputs:
        """The resource was seen. A status that another process wrote is gone on from, and an own
        one that was not answered: it is later than what this loop remembers."""
        if resource.version <= self.resource.version:
            return []
        self.resource = resource
        outputs: Outputs = []
        origin = self._record.saw(resource.version, resource.status)
        if origin is StatusOrigin.FOREIGN:
            self.gives_way_until = now.steady + GIVE_WAY_SECONDS
            outputs.append(Overtaken())
        if origin is StatusOrigin.FOREIGN or (
            origin is StatusOrigin.DOUBTFUL and self._is_elsewhere(resource)
        ):
            self._go_on_from(resource)
        self.changed(now)
        return outputs

    def written(self, written: StatusWritten, now: Now) -> Outputs:
        """The answer to WriteStatus."""
        recorded = self._record.answered(written)
        if written.wait:
            self._record.hold(now.steady + written.wait)
        if not recorded and written.answer is not WriteAnswer.UNSENT:
            self.changed(now)
        outputs: Outputs = []
        if self._recording:
            self._recording = False
            outputs += self._recorded(now) if recorded else self._not_recorded(now)
        if self._closing:
            return outputs + self._write_last(now)
        self._record.schedule()
        return outputs + (self._push(now) if self._unrecorded else self._flush(now))

    def resource_read(self, resource: ResourceSeen | None, now: Now) -> Outputs:
        """The answer to ReadResource; None where it could not be read."""
        self._reading = False
        if resource is not None and resource.version >= self.resource.version:
            self._go_on_from(resource)
        elif resource is not None or self._record.doubts(self.resource.status):
            self._go_on_from(self.resource)
        if not self._stopped:
            self._decide_at = now.steady + RETRY_SECONDS
        return []

    def stop(self) -> None:
        """Decide nothing more; a decision that waits for its status still acts."""
        self._stopped = True
        self._decide_at = None
        self.observer.close()

    def close(self, now: Now) -> Outputs:
        """Decide nothing more, and write what is still wanted, at once. Ends with Closed."""
        self.stop()
        self._closing, self._unrecorded, self._record.flush_at = True, None, None
        return self._write_last(now)

    # Deciding

    def _pass(self, now: Now) -> Outputs:
        if now.steady < self.gives_way_until and not self.releasing:
            self._decide_at = self.gives_way_until
            return []
        self._decide_at, self._changed = None, False
        outputs: Outputs = []
        if not self.watching and (self.releasing or not self.finished):
            self.watching = True
            outputs.append(Watch(on=True))
        try:
            migration = self.observer.migration(self.resource, self.status)
        except ValidationError as error:
            self.status = with_invalid_spec(self.status, error, self.resource.generation, now.wall)
            self._record.want(self.status)
            self._record.schedule()
            self._sleep(None, now)
            return outputs
        decision = decide(migration, self.observer.observation(), now.wall)
        self.last = decision
        self.decisions += 1
        self._record.want(decision.status)
        if not decision.enters_new_step(self.status):
            self._record.schedule()
            return outputs + self._act(decision, now)
        self._unrecorded = decision
        return outputs + self._push(now)

    def _act(self, decision: Decision, now: Now) -> Outputs:
        before, self.status = self.status, decision.status
        outputs: Outputs = [Submit(before, decision)]
        if self._stopped:
            return outputs
        if self.watching and self.finished and not self.releasing:
            self.watching = False
            outputs.append(Watch(on=False))
        if self.releasing and decision.released:
            self.stop()
            return [*outputs, Released()]
        self._sleep(decision.wake_at, now, turned=decision.enters_new_step(before))
        return outputs

    def _sleep(self, wake_at: float | None, now: Now, *, turned: bool = False) -> None:
        limit = LONGEST_SLEEP_SECONDS if wake_at is None else wake_at - now.wall
        limit = SOONEST_SECONDS if limit <= 0 and not turned else limit
        wait = max(SHORTEST_SLEEP_SECONDS, min(limit, LONGEST_SLEEP_SECONDS))
        wait = min(wait, self._coalesce) if self._changed else wait
        self._decide_at = now.steady + wait

    # Recording

    def _push(self, now: Now) -> Outputs:
        """Record the decision that waits: before a new step acts."""
        if self._record.sending or self._recording:
            return []
        if not self._record.pending:
            return self._recorded(now)
        if now.steady < self._record.held_until:
            return self._put_off(now)
        self._recording = True
        return [self._record.send(now.steady)]

    def _put_off(self, now: Now) -> Outputs:
        """The API server wants no write yet: decide again when it does. A release acts."""
        if self.releasing:
            return self._recorded(now)
        self._unrecorded, self._decide_at = None, self._record.held_until
        self._record.take_back()
        return []

    def _recorded(self, now: Now) -> Outputs:
        decision, self._unrecorded = self._unrecorded, None
        return [] if decision is None else self._act(decision, now)

    def _not_recorded(self, now: Now) -> Outputs:
        """Do not act: go on from what is recorded, as after a restart. A release acts, since what
        only undoes may be done twice, and a resource that goes needs no record."""
        decision, self._unrecorded = self._unrecorded, None
        if decision is None or self._stopped:
            self._record.take_back()
            return []
        if self.releasing:
            return self._act(decision, now)
        self._record.take_back()
        self._reading = True
        return [ReadResource()]

    def _flush(self, now: Now) -> Outputs:
        """The coalesced write, if it is due."""
        flush_at = self._record.flush_at
        if flush_at is None or flush_at > now.steady or self._record.sending:
            return []
        self._record.flush_at = None
        return [self._record.send(now.steady)] if self._record.pending else []

    def _write_last(self, now: Now) -> Outputs:
        if self._record.sending:
            return []
        held = now.steady < self._record.held_until
        if self._record.pending and not self._wrote_last and not held:
            self._wrote_last = True
            return [self._record.send(now.steady)]
        return [Closed()]

    def _go_on_from(self, resource: ResourceSeen) -> None:
        if not self._recording:
            self._unrecorded = None  # Its write waits for another one: it is not sent any more.
        self.resource = resource
        self.status = resource.status
        self._record.start_from(resource.version, resource.status, intact=not resource.lost)

    def _is_elsewhere(self, resource: ResourceSeen) -> bool:
        """Whether that resource is at another step than this loop."""
        there = resource.status
        return (there.step, there.phase) != (self.status.step, self.status.phase)
