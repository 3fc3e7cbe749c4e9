"""Numbers and words of a status that would mislead: after a rollback, while blocked, in a soak."""

from dataclasses import replace
from typing import Any

from azure_linux_migrator.api.status import (
    Condition,
    MigrationStatus,
    RollbackStatus,
    SourceRecord,
    timestamp,
)
from azure_linux_migrator.api.status_drain import BatchProgress, NodeCounts, Timing
from azure_linux_migrator.core.drain.batch_times import BatchDuration
from azure_linux_migrator.core.reconcile.decide import decide
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.model.cluster import Budget, NamespacedName, Node
from tests.support.decisions import drained
from tests.support.worlds import (
    NOW,
    at,
    budget,
    memory_of,
    migration,
    pod,
    seen,
    source,
    target,
    world,
)

BATCH: dict[str, Any] = {"unschedulable": True, "cordoned_by": "m", "batch": "m.uid-m.1"}
BEGUN = BatchProgress(index=1, of=1, started_at=timestamp(NOW - 60))


def status_of(state: World, before: MigrationStatus, **spec: Any) -> MigrationStatus:
    return decide(migration(before, **spec), seen(state, source(), target()), NOW).status


def blocked_world() -> World:
    """One pod whose budget can never be evicted from."""
    deadlocked = budget(expected=1, desired=1, healthy=1)
    return world([pod("a")], [deadlocked])


def test_after_a_rollback_nothing_counts_as_drained_nor_the_target_as_ready() -> None:
    back = RollbackStatus(reason="Requested", requested_at=timestamp(NOW - 90))
    before = at(
        "RemoveTarget",
        rollback=back,
        source=SourceRecord(count=2),
        nodes=NodeCounts(total=6, cordoned=6, drained=6, target_ready=6, progress="6/6"),
    )
    state = world([pod("a")], nodes=[Node("s-0", "src"), Node("s-1", "src")])
    after = decide(migration(before), seen(state, source()), NOW).status
    assert after.phase == "RolledBack"
    assert after.nodes == NodeCounts(total=2, progress="0/2")


def test_after_an_abort_no_node_counts_as_drained() -> None:
    nodes = [Node("s-0", "src", **BATCH), Node("s-1", "src", **BATCH), Node("t-0", "srcazl")]
    aborting = replace(migration(at("Drain", batch=BEGUN)), annotations={"azlm.dev/abort": "1"})
    after = decide(aborting, seen(world([], nodes=nodes), source(), target()), NOW).status
    assert after.phase == "Aborted"
    assert after.nodes == NodeCounts(total=2, target_ready=1, extra=1, progress="0/2")


def test_a_node_that_somebody_uncordons_does_not_undo_the_others_in_the_count() -> None:
    nodes = [Node("s-0", "src", **BATCH), Node("s-1", "src"), Node("t-0", "srcazl")]
    after = status_of(world([], nodes=nodes), at("Drain", batch=BEGUN))
    assert after.step == "CordonSource"
    assert (after.nodes.drained, after.nodes.progress) == (1, "1/2")


def test_a_drain_that_is_blocked_has_no_eta_and_one_that_goes_on_a_later_one() -> None:
    past = Timing(eta=timestamp(NOW - 5), estimate_seconds=10)
    blocked = status_of(blocked_world(), at("Drain", batch=BEGUN, timing=past))
    assert blocked.condition("DrainBlocked").status == "True"  # type: ignore[union-attr]
    assert blocked.timing.eta is None
    free: Budget = budget(expected=1, desired=1, healthy=1, allowed=0)
    state = world([pod("a", started_in=20.0), pod("b", started_in=20.0)])
    state.remove_budget(NamespacedName("default", "web"))
    state.put_budget(budget(app="other", expected=free.expected))
    going = status_of(state, at("Drain", batch=BEGUN, timing=past))
    assert going.timing.eta is None or going.timing.eta >= timestamp(NOW)


def test_after_the_drain_no_eta_is_left() -> None:
    before = drained("Soak", timing=Timing(eta=timestamp(NOW - 5)))
    after = status_of(world([]), before, strategy={"finalSoak": "1h"})
    assert after.step == "Soak"
    assert after.timing.eta is None


def _measured(state: World, *, ideal: float, floor: float) -> None:
    """The batch that ended last took 50 s, and had to take these."""
    planner = memory_of(state)._planner
    assert planner is not None
    planner.tracker.batch_times.last = BatchDuration(
        seconds=50.0, ideal=ideal, floor=floor, budget=NamespacedName("default", "web")
    )


def _ratio(since: float) -> float | None:
    """The ratio of a batch that ends now after 50 s, twice of what it had to take, where
    DrainBlocked has changed at `since`."""
    condition = Condition(
        type="DrainBlocked",
        status="False",
        reason="NotBlocked",
        last_transition_time=timestamp(since),
    )
    state, before = world([]), at("Drain", batch=BEGUN, conditions=(condition,))
    status_of(state, before)
    _measured(state, ideal=25.0, floor=26.0)
    return status_of(state, before).timing.ratio


def test_a_batch_that_was_blocked_has_no_ratio() -> None:
    assert _ratio(NOW - 100) == 2.0
    assert _ratio(NOW - 30) is None, "the time in which it was blocked is not the operator's"


def test_the_ratio_is_that_of_all_batches_that_were_measured() -> None:
    state = world([])
    past = Timing(drain_seconds=60.0, measured_seconds=50.0, ideal_seconds=25.0, floor_seconds=26.0)
    before = at("Drain", batch=BEGUN, timing=past)
    status_of(state, before)
    assert status_of(state, before).timing.ratio is None, "a batch that was not seen adds nothing"
    _measured(state, ideal=75.0, floor=76.0)
    after = status_of(state, before).timing
    assert (after.measured_seconds, after.ideal_seconds, after.floor_seconds) == (100, 100, 102)
    assert after.ratio == 1.0


def test_a_batch_without_pods_does_not_count_the_one_before_again() -> None:
    state, before = world([]), at("Drain", batch=batch_of(index=1))
    status_of(state, before)
    _measured(state, ideal=25.0, floor=26.0)
    first = status_of(state, before)
    assert first.timing.measured_seconds == 50
    assert status_of(state, before).timing.measured_seconds == 50, "its write was refused"
    second = at("Drain", batch=batch_of(index=2), timing=first.timing)
    assert status_of(state, second).timing.measured_seconds == 50


def batch_of(index: int) -> BatchProgress:
    """A batch that is not drained yet."""
    return BEGUN.model_copy(update={"index": index, "of": 2, "counted_from": timestamp(NOW - 60)})


def test_a_soak_says_until_when() -> None:
    state = world([], nodes=[Node("s-0", "src", **BATCH), Node("t-0", "srcazl")])
    after = status_of(
        state, drained("Soak", soak_started_at=timestamp(NOW - 60)), strategy={"finalSoak": "1h"}
    )
    assert f"until {timestamp(NOW + 3540)}" in after.message
    nodes = [Node("s-0", "src", **BATCH), Node("s-1", "src", unschedulable=True, cordoned_by="m")]
    between = world([pod("a", node="s-1")], nodes=[*nodes, Node("t-0", "srcazl")])
    batch = BatchProgress(
        index=1, of=2, started_at=timestamp(NOW - 90), drained_at=timestamp(NOW - 60)
    )
    after = status_of(
        between,
        at("Drain", batch=batch),
        strategy={"batch": {"size": 1, "soak": "10m"}, "canary": {"nodes": 0}},
    )
    assert f"at {timestamp(NOW + 540)}" in after.message


def test_a_message_stands_in_the_condition_that_it_explains() -> None:
    after = status_of(blocked_world(), at("Drain", batch=BEGUN))
    carrying = [condition.type for condition in after.conditions if condition.message]
    assert carrying == ["DrainBlocked", "Ready", "Reconciling"]
