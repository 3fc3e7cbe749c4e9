"""The phase of a drain that cannot go on: not Running."""

from typing import Any

import pytest
from msgspec import structs

from azure_linux_migrator.api.status import MigrationStatus, timestamp
from azure_linux_migrator.api.status_drain import BatchProgress, PodCounts
from azure_linux_migrator.core.reconcile.decide import decide
from azure_linux_migrator.core.state.results import PoolReading
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.model.actions import EvictPod
from azure_linux_migrator.model.cluster import Budget, Node, Pod
from tests.support.worlds import NOW, at, budget, migration, pod, seen, source, target, world

BEGUN = BatchProgress(index=1, of=1, started_at=timestamp(NOW - 600))


def status_of(state: World, **more: Any) -> MigrationStatus:
    before = at("Drain", batch=BEGUN, **more)
    return decide(migration(before), seen(state, source(), target()), NOW).status


def deadlock(*pods: Pod) -> World:
    """A budget that one pod can never be evicted from, beside other pods."""
    never: Budget = budget(expected=1, desired=1, healthy=1)
    return world([pod("a"), *pods], [never])


def test_a_deadlock_is_blocked() -> None:
    status = status_of(deadlock())
    assert (status.phase, status.step) == ("Blocked", "Drain")
    assert status.is_true("Reconciling"), "it is looked at again: not Stalled"


def test_a_drain_that_moves_others_is_running() -> None:
    free = pod("b", app="free")
    assert status_of(deadlock(free)).phase == "Running"
    leaving = structs.replace(free, terminating=True, deadline=NOW + 30)
    assert status_of(deadlock(leaving)).phase == "Running"


def test_a_drain_that_waits_for_a_slot_is_running() -> None:
    """The other budget's slot is in use by a pod that starts elsewhere."""
    state = deadlock(pod("b", app="other"))
    state.put_budget(budget("other", allowed=0, healthy=1, desired=1, expected=2))
    assert status_of(state).phase == "Running"


def test_a_drain_that_has_moved_nothing_for_a_minute_beside_a_blocker_is_blocked() -> None:
    state = deadlock(pod("b", app="other"))
    state.put_budget(budget("other", allowed=0, healthy=1, desired=1, expected=2))
    long_ago = {"last_progress_time": timestamp(NOW - 60)}
    assert status_of(state, pods=PodCounts(remaining=2), **long_ago).phase == "Blocked"
    assert status_of(state, pods=PodCounts(remaining=3), **long_ago).phase == "Running"


def sent(state: World, before: MigrationStatus) -> tuple[MigrationStatus, EvictPod]:
    """The status after a decision that evicts one pod, whose eviction is under way then."""
    decision = decide(migration(before), seen(state, source(), target()), NOW)
    (eviction,) = [action for action in decision.actions if isinstance(action, EvictPod)]
    state.evicting(eviction, NOW)
    return decision.status, eviction


LONG_AGO: dict[str, Any] = {
    "last_progress_time": timestamp(NOW - 7200),
    "pods": PodCounts(remaining=2),
}


@pytest.mark.parametrize("more", [{}, LONG_AGO])
def test_a_drain_is_running_while_an_eviction_is_under_way(more: dict[str, Any]) -> None:
    state = deadlock(pod("b", app="free"))
    status, eviction = sent(state, at("Drain", batch=BEGUN, **more))
    assert status.phase == "Running"
    after = decide(migration(status), seen(state, source(), target()), NOW + 1).status
    assert after.phase == "Running"
    state.eviction_granted(eviction)
    after = decide(migration(after), seen(state, source(), target()), NOW + 1.2).status
    assert after.phase == "Running"
    state.put_pod(pod("b", app="free", terminating=True, deadline=NOW + 600))
    after = decide(migration(after), seen(state, source(), target()), NOW + 120).status
    assert after.phase == "Running"


def test_a_drain_is_running_while_it_waits_to_ask_again_and_blocked_after_a_minute() -> None:
    state = deadlock(pod("b", app="free"))
    status, eviction = sent(state, at("Drain", batch=BEGUN))
    state.eviction_refused(eviction, reason="x", message="y", until=NOW + 20)
    after = decide(migration(status), seen(state, source(), target()), NOW + 1).status
    assert after.phase == "Running"
    fresh = PoolReading({"src": source(), "srcazl": target()}, NOW + 61)
    asks_again = decide(migration(after), seen(state, pools=fresh), NOW + 61)
    assert [type(action) for action in asks_again.actions] == [EvictPod]
    assert asks_again.status.phase == "Blocked", "it was refused before"


def test_a_drain_is_running_for_a_minute_after_a_long_pause() -> None:
    state = deadlock(pod("b", app="other"))
    state.put_budget(budget("other", allowed=0, healthy=1, desired=1, expected=2))
    before = at("Drain", batch=BEGUN, phase="Paused", **LONG_AGO)
    status = decide(migration(before), seen(state, source(), target()), NOW).status
    assert status.phase == "Running"
    after = decide(migration(status), seen(state, source(), target()), NOW + 59).status
    assert after.phase == "Running"
    after = decide(migration(after), seen(state, source(), target()), NOW + 61).status
    assert after.phase == "Blocked"


def test_a_target_that_takes_no_pods_blocks() -> None:
    source_node = Node("s-0", "src", unschedulable=True, cordoned_by="m", batch="m.uid-m.1")
    state = world([pod("a")], nodes=[source_node, Node("t-0", "srcazl", unschedulable=True)])
    assert status_of(state).phase == "Blocked"


def test_a_drain_that_goes_on_is_running_again() -> None:
    state = deadlock()
    before = status_of(state)
    state.put_budget(budget(expected=2, desired=1, healthy=2, allowed=1))
    after = decide(migration(before), seen(state, source(), target()), NOW + 1).status
    assert after.phase == "Running"


def test_a_way_back_keeps_its_name() -> None:
    back = {"reason": "Requested", "requested_at": timestamp(NOW - 90)}
    status = status_of(deadlock(), rollback=back)
    assert status.phase == "RollingBack"
