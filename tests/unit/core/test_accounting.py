"""Time and progress that a status records, whatever process writes it."""

from dataclasses import replace
from typing import Any

from azure_linux_migrator.api.elapsed import Elapsed, ElapsedPart
from azure_linux_migrator.api.status import Condition, MigrationStatus, Phase, timestamp
from azure_linux_migrator.api.status_drain import NodeCounts, PodCounts
from azure_linux_migrator.api.steps import Step
from azure_linux_migrator.core.reconcile.accounting import accounted, elapsed_now
from azure_linux_migrator.core.reconcile.decide import decide
from azure_linux_migrator.core.steps.decision_memory import DecisionMemory
from tests.support.worlds import NOW, migration, pod, seen, world


def status(step: str, reason: str = "x", **fields: Any) -> MigrationStatus:
    ready = Condition(type="Ready", status="False", reason=reason, last_transition_time="")
    given: dict[str, Any] = {"phase": Phase.RUNNING, "start_time": timestamp(NOW)} | fields
    return MigrationStatus(step=step, conditions=(ready,), **given)


def follow(*stages: tuple[float, MigrationStatus]) -> MigrationStatus:
    """Decide each status at its second after NOW; what was recorded is carried on."""
    last = MigrationStatus()
    for seconds, stage in stages:
        after = stage.model_copy(
            update={"elapsed": last.elapsed, "last_progress_time": last.last_progress_time}
        )
        last = accounted(last, after, NOW + seconds)
    return last


def test_each_part_has_its_own_time() -> None:
    last = follow(
        (0, status(Step.CREATE_TARGET)),
        (100, status(Step.DRAIN, "Draining")),
        (130, status(Step.DRAIN, "Draining", phase=Phase.PAUSED)),
        (630, status(Step.DRAIN, "Draining")),
        (640, status(Step.DRAIN, "BatchSoak")),
        (645, status(Step.DRAIN, phase=Phase.STALLED)),
        (700, status(Step.AWAIT_RETIRE_APPROVAL, "AwaitingApproval")),
        (800, status("", phase=Phase.SUCCEEDED)),
    )
    assert last.elapsed.seconds == {
        ElapsedPart.MOVING: 40,
        ElapsedPart.SOAKING: 5,
        ElapsedPart.WAITING: 155,
        ElapsedPart.PAUSED: 500,
        ElapsedPart.PREPARING: 100,
    }
    assert elapsed_now(last, NOW + 10_000) == last.elapsed


def test_what_is_under_way_counts_up_to_now_and_is_not_written_by_the_second() -> None:
    first = follow((0, status(Step.DRAIN)), (7, status(Step.DRAIN)), (9, status(Step.DRAIN)))
    assert first.elapsed == Elapsed(part="moving", counted_to=timestamp(NOW))
    assert elapsed_now(first, NOW + 9).moving == 9


def test_extra_nodes_count_for_as_long_as_they_are_there() -> None:
    last = follow(
        (0, status(Step.DRAIN)),
        (10, status(Step.DRAIN, nodes=NodeCounts(extra=3))),
        (30, status(Step.DRAIN, nodes=NodeCounts(extra=1))),
        (40, status(Step.DRAIN, nodes=NodeCounts())),
        (90, status("", phase=Phase.SUCCEEDED)),
    )
    assert last.elapsed.extra_node_seconds == 3 * 20 + 10


def test_a_time_that_goes_back_takes_nothing_away() -> None:
    last = follow((50, status(Step.DRAIN)), (0, status(Step.DRAIN, phase=Phase.PAUSED)))
    assert last.elapsed.moving == 0


def test_progress_is_a_step_a_count_or_the_end_of_a_pause() -> None:
    drain = status(Step.DRAIN, pods=PodCounts(remaining=5))
    waits = drain.model_copy(update={"pods": PodCounts(remaining=5, waiting=2)})
    assert follow((0, drain), (60, waits)).last_progress_time == timestamp(NOW)
    fewer = drain.model_copy(update={"pods": PodCounts(remaining=4)})
    assert follow((0, drain), (60, fewer)).last_progress_time == timestamp(NOW + 60)
    paused = drain.model_copy(update={"phase": Phase.PAUSED})
    assert follow((0, paused), (60, drain)).last_progress_time == timestamp(NOW + 60)


def test_a_new_process_goes_on_from_the_recorded_progress() -> None:
    state = world([pod("a", "s-0")])
    wanted = migration(status(Step.DRAIN))
    first = decide(wanted, seen(state), NOW).status
    recorded = first.model_copy(update={"last_progress_time": timestamp(NOW - 4_000)})
    again = replace(seen(state), memory=DecisionMemory())
    later = decide(replace(wanted, status=recorded), again, NOW + 60).status
    assert later.last_progress_time == timestamp(NOW - 4_000)
