"""The reconcile loop: what it records, when it acts, and what follows a failure."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from azure_linux_migrator.api.spec_drain import Drain
from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.core.drain.scope import Scope
from azure_linux_migrator.core.reconcile import loop as looping
from azure_linux_migrator.core.reconcile.loop import (
    COALESCE_SECONDS,
    GIVE_WAY_SECONDS,
    LONGEST_SLEEP_SECONDS,
    RETRY_SECONDS,
    SOONEST_SECONDS,
    Loop,
)
from azure_linux_migrator.core.reconcile.messages import (
    Closed,
    Now,
    Overtaken,
    ReadResource,
    Released,
    ResourceSeen,
    StatusWritten,
    Submit,
    Watch,
    WriteAnswer,
    WriteStatus,
)
from azure_linux_migrator.core.reconcile.observer import Observer
from azure_linux_migrator.core.reconcile.status_record import INTERVAL_SECONDS
from azure_linux_migrator.core.state.outcomes import Outcomes
from azure_linux_migrator.core.state.results import Decision
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.core.steps.observation import Observation
from azure_linux_migrator.model.actions import ReadPools
from azure_linux_migrator.model.migration import Migration

WALL = 1_800_000_000.0
WAITING = MigrationStatus(step="AwaitRetireApproval", phase="Running")
RETIRING = MigrationStatus(step="RetireSource", phase="Running")
DONE = MigrationStatus.model_validate(
    {
        "step": "RetireSource",
        "phase": "Succeeded",
        "conditions": [
            {
                "type": "Succeeded",
                "status": "True",
                "reason": "Migrated",
                "message": "",
                "lastTransitionTime": "2027-01-01T00:00:00Z",
            }
        ],
    }
)
SEEN = ResourceSeen("m", "u", 7, 1, {"source": {"nodePool": "src"}}, WAITING)
TAKEN = StatusWritten(WriteAnswer.TAKEN, 8)


@dataclass
class NoWatches:
    world: World = field(default_factory=World)
    synced: bool = True

    def problem(self) -> str:
        return "the watch of pods has delivered nothing since noon"


@dataclass
class NoRunner:
    outcomes: Outcomes = field(default_factory=lambda: Outcomes(World(), lambda: 1.0))
    running: frozenset[str] = frozenset(("ReadPools",))


class Decider:
    """Makes the given decisions, and records its inputs."""

    def __init__(self) -> None:
        self.decision = Decision((), WAITING)
        self.migrations: list[Migration] = []
        self.observations: list[Observation] = []

    def __call__(self, migration: Migration, seen: Observation, now: float) -> Decision:
        self.migrations.append(migration)
        self.observations.append(seen)
        return self.decision


@pytest.fixture
def decider(monkeypatch: pytest.MonkeyPatch) -> Decider:
    decider = Decider()
    monkeypatch.setattr(looping, "decide", decider)
    return decider


def _at(seconds: float) -> Now:
    return Now(WALL + seconds, 100.0 + seconds)


def _loop(seen: ResourceSeen = SEEN, **more: Any) -> Loop:
    observer = Observer(NoWatches(), NoRunner(), began=WALL, **more)
    return Loop(seen, observer)


def _records(decider: Decider) -> tuple[Loop, WriteStatus]:
    """A loop whose write of a new step is under way."""
    loop = _loop()
    decider.decision = Decision((ReadPools(),), RETIRING)
    watch, write = loop.tick(_at(0))
    assert isinstance(watch, Watch)
    assert isinstance(write, WriteStatus)
    return loop, write


def test_a_new_step_is_recorded_before_it_acts(decider: Decider) -> None:
    loop, write = _records(decider)
    assert write == WriteStatus(RETIRING, 7)
    assert loop.recording
    assert loop.wake_at is None
    assert loop.written(TAKEN, _at(1)) == [Submit(WAITING, decider.decision)]
    assert loop.status == RETIRING


@pytest.mark.parametrize(
    "answer", [WriteAnswer.CONFLICT, WriteAnswer.REFUSED, WriteAnswer.UNANSWERED]
)
def test_a_step_that_is_not_recorded_does_not_act(decider: Decider, answer: WriteAnswer) -> None:
    loop, _ = _records(decider)
    assert loop.written(StatusWritten(answer), _at(1)) == [ReadResource()]
    other = replace(SEEN, version=9, status=MigrationStatus(step="Soak"))
    assert loop.resource_read(other, _at(2)) == []
    assert loop.status.step == "Soak"
    assert loop.wake_at == pytest.approx(_at(2).steady + RETRY_SECONDS)
    assert not loop.gives_way_until


def test_a_refused_status_is_not_written_behind_the_loops_back(decider: Decider) -> None:
    loop = _loop()
    decider.decision = Decision((), WAITING.model_copy(update={"message": "waiting"}))
    loop.tick(_at(0))
    assert loop.wake_at is not None
    assert loop.wake_at <= 100.0, "a coalesced write is due"
    loop.tick(_at(0))
    loop.written(TAKEN, _at(0.1))
    decider.decision = Decision((), WAITING.model_copy(update={"message": "waiting on"}))
    loop.changed(_at(0.2))
    loop.tick(_at(0.3))  # a coalesced write is due at 0.5
    decider.decision = Decision((ReadPools(),), RETIRING)
    loop.changed(_at(0.31))
    assert loop.tick(_at(0.32)) == [WriteStatus(RETIRING, 8)]
    assert loop.written(StatusWritten(WriteAnswer.REFUSED), _at(0.4)) == [ReadResource()]
    assert loop.resource_read(None, _at(0.45)) == []
    assert loop.tick(_at(0.9)) == [], "the re-read has failed: nothing is flushed"
    assert loop.status.step == "AwaitRetireApproval"
    assert loop.tick(_at(0.96)) == [WriteStatus(RETIRING, 8)], "it is tried again"


def test_an_unanswered_step_that_was_recorded_is_gone_on_from(decider: Decider) -> None:
    loop, _ = _records(decider)
    loop.written(StatusWritten(WriteAnswer.UNANSWERED), _at(1))
    loop.resource_read(None, _at(1.1))
    assert loop.status == WAITING
    assert loop.seen(replace(SEEN, version=8, status=RETIRING), _at(1.2)) == []
    assert loop.status == RETIRING, "it would be recorded again, with another start time"
    assert not loop.gives_way_until


def test_a_step_that_shows_before_the_write_fails_is_gone_on_from(decider: Decider) -> None:
    loop, _ = _records(decider)
    assert loop.seen(replace(SEEN, version=8, status=RETIRING), _at(0.5)) == []
    assert loop.status == WAITING
    loop.written(StatusWritten(WriteAnswer.UNANSWERED), _at(1))
    loop.resource_read(None, _at(1.1))
    assert loop.status == RETIRING


def test_a_reread_that_is_older_than_what_was_seen_is_ignored(decider: Decider) -> None:
    loop, _ = _records(decider)
    loop.written(StatusWritten(WriteAnswer.CONFLICT), _at(1))
    soaks = MigrationStatus(step="Soak")
    assert loop.seen(replace(SEEN, version=9, status=soaks), _at(1.1)) == [Overtaken()]
    loop.resource_read(replace(SEEN, version=8), _at(1.2))
    assert loop.status == soaks


@pytest.mark.usefixtures("decider")
def test_it_gives_way_to_another_writer() -> None:
    loop = _loop()
    loop.tick(_at(0))
    assert loop.seen(replace(SEEN, version=8, status=RETIRING), _at(1)) == [Overtaken()]
    assert loop.status == RETIRING
    assert loop.tick(_at(2)) == []
    assert loop.wake_at == _at(1 + GIVE_WAY_SECONDS).steady
    assert loop.decisions == 1
    loop.tick(_at(1 + GIVE_WAY_SECONDS))
    assert loop.decisions == 2


@pytest.mark.usefixtures("decider")
def test_an_edit_is_not_another_writer() -> None:
    loop = _loop()
    loop.tick(_at(0))
    assert loop.seen(replace(SEEN, version=8, annotations={"a": "b"}), _at(1)) == []
    assert loop.wake_at == _at(1 + COALESCE_SECONDS).steady
    assert loop.seen(replace(SEEN, version=7, status=RETIRING), _at(1)) == [], "an older sight"
    assert loop.status == WAITING


def test_writes_are_coalesced(decider: Decider) -> None:
    loop = _loop()
    sent: list[WriteStatus] = []
    for number in range(110):
        now = _at(number / 100)
        message = f"pod {number}"
        decider.decision = Decision((), WAITING.model_copy(update={"message": message}))
        loop.changed(now)
        for output in loop.tick(Now(now.wall, now.steady + COALESCE_SECONDS)):
            if isinstance(output, WriteStatus):
                sent.append(output)
                assert loop.written(StatusWritten(WriteAnswer.TAKEN, 7 + len(sent)), now) == []
    assert len(sent) == 1 + 1 / INTERVAL_SECONDS
    assert [write.version for write in sent] == [7, 8, 9]


def test_a_coalesced_write_that_fails_is_repeated_later_and_looked_into(decider: Decider) -> None:
    loop = _loop()
    decider.decision = Decision((), WAITING.model_copy(update={"message": "x"}))
    loop.tick(_at(0))
    (write,) = loop.tick(_at(0))
    assert loop.written(StatusWritten(WriteAnswer.REFUSED), _at(0.1)) == []
    assert loop.wake_at == _at(0.1 + COALESCE_SECONDS).steady
    loop.tick(_at(0.2))
    assert loop.wake_at == _at(INTERVAL_SECONDS).steady
    assert loop.tick(_at(INTERVAL_SECONDS)) == [write]


def test_a_step_waits_for_the_write_under_way(decider: Decider) -> None:
    loop = _loop()
    decider.decision = Decision((), WAITING.model_copy(update={"message": "x"}))
    loop.tick(_at(0))
    loop.tick(_at(0))
    decider.decision = Decision((), RETIRING)
    loop.changed(_at(0.1))
    assert loop.tick(_at(0.2)) == [], "one request at a time"
    assert loop.written(TAKEN, _at(0.3)) == [WriteStatus(RETIRING, 8)]


def test_a_step_that_waits_to_be_recorded_does_not_act_after_another_writer(
    decider: Decider,
) -> None:
    loop = _loop()
    decider.decision = Decision((), WAITING.model_copy(update={"message": "x"}))
    loop.tick(_at(0))
    loop.tick(_at(0))
    decider.decision = Decision((ReadPools(),), RETIRING)
    loop.changed(_at(0.1))
    loop.tick(_at(0.2))
    soaks = MigrationStatus(step="Soak")
    assert loop.seen(replace(SEEN, version=8, status=soaks), _at(0.25)) == [Overtaken()]
    assert loop.written(StatusWritten(WriteAnswer.CONFLICT), _at(0.3)) == []
    assert loop.status == soaks
    assert not loop.recording


def test_nothing_is_written_to_a_resource_that_is_gone(decider: Decider) -> None:
    loop = _loop()
    decider.decision = Decision((), WAITING.model_copy(update={"message": "x"}))
    loop.tick(_at(0))
    loop.tick(_at(0))
    loop.written(StatusWritten(WriteAnswer.GONE), _at(0.1))
    loop.tick(_at(1))
    assert loop.close(_at(2)) == [Closed()]


def test_a_status_that_cannot_be_read_is_written_again(decider: Decider) -> None:
    loop = _loop(replace(SEEN, lost=("nodes",)))
    decider.decision = Decision((), WAITING)
    loop.tick(_at(0))
    assert loop.tick(_at(0)) == [WriteStatus(WAITING, 7)]


@pytest.mark.parametrize(
    ("wake_at", "status", "sleeps"),
    [
        (None, WAITING, LONGEST_SLEEP_SECONDS),
        (WALL + 5, WAITING, 5.0),
        (WALL + 5000, WAITING, LONGEST_SLEEP_SECONDS),
        (WALL - 5, WAITING, SOONEST_SECONDS),
    ],
)
def test_how_long_it_sleeps(
    decider: Decider, wake_at: float | None, status: MigrationStatus, sleeps: float
) -> None:
    loop = _loop()
    decider.decision = Decision((), status, wake_at)
    loop.tick(_at(0))
    assert loop.wake_at == pytest.approx(100 + sleeps)


def test_after_a_step_was_recorded_a_time_that_has_passed_is_now(decider: Decider) -> None:
    loop = _loop()
    decider.decision = Decision((), RETIRING, WALL)
    loop.tick(_at(0))
    loop.written(TAKEN, _at(0.1))
    assert loop.wake_at is not None
    assert loop.wake_at < _at(0.2).steady


def test_what_happens_while_a_step_is_recorded_is_looked_at_after_it(decider: Decider) -> None:
    loop, _ = _records(decider)
    loop.changed(_at(0.1))
    assert loop.wake_at is None
    loop.written(TAKEN, _at(1))
    assert loop.wake_at == pytest.approx(_at(1 + COALESCE_SECONDS).steady)


def test_a_finished_migration_watches_nothing(decider: Decider) -> None:
    loop = _loop()
    decider.decision = Decision((), DONE)
    assert loop.tick(_at(0))[0] == Watch(on=True)
    assert loop.written(TAKEN, _at(0.1))[-1] == Watch(on=False)
    loop.changed(_at(1))
    assert loop.tick(_at(2)) == [Submit(DONE, decider.decision)]


def test_a_release_needs_no_record(decider: Decider) -> None:
    deleting = MigrationStatus(step="Drain", phase="Deleting")
    loop = _loop(releasing=True)
    decider.decision = Decision((), deleting, released=True)
    loop.tick(_at(0))
    assert decider.migrations[0].deleting
    write = WriteStatus(deleting, 7)
    outputs = loop.written(StatusWritten(WriteAnswer.REFUSED), _at(1))
    assert outputs == [Submit(WAITING, decider.decision), Released(), write]
    assert loop.close(_at(2)) == [], "a write is under way"
    assert loop.written(StatusWritten(WriteAnswer.REFUSED), _at(3)) == [write], "once more"
    assert loop.written(StatusWritten(WriteAnswer.REFUSED), _at(4)) == [Closed()]


def test_stopped_it_ends_what_it_began(decider: Decider) -> None:
    loop, _ = _records(decider)
    loop.stop()
    assert loop.written(TAKEN, _at(1)) == [Submit(WAITING, decider.decision)]
    loop.changed(_at(2))
    assert loop.wake_at is None
    assert loop.close(_at(3)) == [Closed()]


def test_closed_while_it_records_it_waits_for_the_answer_only(decider: Decider) -> None:
    loop, _ = _records(decider)
    assert loop.close(_at(1)) == []
    assert loop.written(StatusWritten(WriteAnswer.UNANSWERED), _at(2)) == [Closed()]


@pytest.mark.usefixtures("decider")
def test_an_invalid_spec_is_reported_and_not_decided_on() -> None:
    loop = _loop(replace(SEEN, spec={"source": {}}))
    loop.tick(_at(0))
    assert loop.decisions == 0
    (write,) = loop.tick(_at(0))
    assert isinstance(write, WriteStatus)
    assert write.status.is_true("Stalled")
    loop.seen(replace(SEEN, version=8, generation=2), _at(1))
    loop.tick(_at(2))
    assert loop.decisions == 1


def test_the_observation_is_complete(decider: Decider) -> None:
    conflict: Callable[[], str] = lambda: "older (a to b)"  # noqa: E731
    _loop(conflict=conflict).tick(_at(0))
    seen = decider.observations[0]
    assert seen.conflict == "older (a to b)"
    assert seen.watch_problem.startswith("the watch of pods")
    assert seen.running == {"ReadPools"}
    assert seen.began == WALL


def test_a_changed_spec_forgets_verdicts(decider: Decider) -> None:
    loop = _loop()
    loop.tick(_at(0))
    outcomes = loop.observer._runner.outcomes
    outcomes.missing_access = ("patch nodes",)
    loop.changed(_at(1))
    loop.tick(_at(2))
    assert decider.observations[-1].missing_access == ("patch nodes",)
    loop.seen(replace(SEEN, version=8, generation=2), _at(3))
    loop.tick(_at(4))
    assert decider.observations[-1].missing_access is None


def test_a_loop_that_has_stopped_follows_the_world_no_more() -> None:
    loop = _loop()
    observation = loop.observer.observation()
    scope = Scope("m", "src", "srcazl", Drain(), uid="uid-m")
    observation.memory.planner(observation.world, scope, began=0.0, since=0.0)
    assert len(observation.world.listeners) == 1
    loop.stop()
    assert observation.world.listeners == [], "each event would cost more with every stop"


def test_a_step_is_recorded_again_only_when_the_server_wants_it(decider: Decider) -> None:
    loop, write = _records(decider)
    busy = StatusWritten(WriteAnswer.REFUSED, wait=5.0)
    assert loop.written(busy, _at(1)) == [ReadResource()]
    loop.resource_read(None, _at(1.1))
    assert loop.tick(_at(1.7)) == []
    loop.changed(_at(3))
    assert loop.tick(_at(3.1)) == []
    assert loop.wake_at == _at(6).steady
    assert loop.tick(_at(6)) == [write]


def test_a_coalesced_write_waits_as_long_as_the_server_asks(decider: Decider) -> None:
    loop = _loop()
    decider.decision = Decision((), WAITING.model_copy(update={"message": "x"}))
    loop.tick(_at(0))
    (write,) = loop.tick(_at(0))
    loop.written(StatusWritten(WriteAnswer.REFUSED, wait=5.0), _at(0.1))
    assert write not in loop.tick(_at(2))
    assert write in loop.tick(_at(5.2))


def test_a_release_does_not_wait_for_a_busy_server(decider: Decider) -> None:
    loop = _loop(releasing=True)
    decider.decision = Decision((), MigrationStatus(step="Drain", phase="Deleting"))
    loop.tick(_at(0))
    loop.written(StatusWritten(WriteAnswer.REFUSED, wait=5.0), _at(0.1))
    again = MigrationStatus(step="Drain", phase="Deleting", message="again")
    decider.decision = Decision((), again, released=True)
    loop.changed(_at(0.2))
    assert Released() in loop.tick(_at(0.3))
    assert loop.close(_at(0.4)) == [Closed()], "a last status is not worth it"
