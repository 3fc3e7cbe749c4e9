"""What a batch had to take, by the replacements that the watches have shown."""

from typing import Any

import pytest

from azure_linux_migrator.api.status import timestamp
from azure_linux_migrator.core.drain.batch_times import MOST_EVENTS, BatchDuration
from azure_linux_migrator.core.drain.planner import Planner
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.model.cluster import Budget, NamespacedName, Owner
from tests.support.planners import planner
from tests.support.worlds import NOW, budget, pod, world

WEB = NamespacedName("default", "web")
FIRST = (1, timestamp(NOW))
SET = Owner("StatefulSet", "web", "set")


def _budget(allowed: int, revision: int) -> Budget:
    return budget(allowed=allowed, healthy=2 + allowed, desired=2, expected=3, revision=revision)


def _three() -> World:
    return world([pod(f"p{i}") for i in range(3)], [_budget(1, 1)])


def _move(
    state: World, work: Planner, turn: int, *, at: float, start: float, wasted: float = 0.0
) -> float:
    """Evict a pod `wasted` seconds after it could go; its replacement is made after 0.1 s, and
    0.2 s after it is Ready the budget says so. Returns the time of that."""
    [eviction] = work.plan(at).evictions
    at += wasted
    work.plan(at)
    state.evicting(eviction, at)
    state.remove_pod(eviction.pod, 100 * turn)
    state.put_budget(_budget(0, 100 * turn + 1))
    work.plan(at)
    new = pod(f"new{turn}", node="t-0", ready=False, revision=100 * turn + 2)
    state.put_pod(new)
    work.plan(at + 0.1)
    state.put_pod(pod(f"new{turn}", node="t-0", revision=100 * turn + 3))
    work.plan(at + 0.1 + start)
    state.put_budget(_budget(1, 100 * turn + 4))
    work.plan(at + 0.3 + start)
    return at + 0.3 + start


def _drained(*starts: float, wasted: float = 0.0) -> BatchDuration:
    state, at = _three(), NOW
    work = planner(state)
    for turn, start in enumerate(starts, start=1):
        at = _move(state, work, turn, at=at, start=start, wasted=wasted)
    seen = work.batch_time(at, FIRST)
    assert seen is not None
    return seen


def test_the_ideal_is_that_of_the_start_times_and_the_floor_has_the_latency() -> None:
    seen = _drained(4.0, 6.0, 5.0)
    assert seen.budget == WEB
    assert seen.ideal == pytest.approx(10.0), "the last pod needs no slot after it"
    assert seen.floor == pytest.approx(10.6)
    assert seen.seconds == pytest.approx(10.6)


@pytest.mark.parametrize("wasted", [1.0, 5.0])
def test_a_wasteful_drain_changes_neither_ideal_nor_floor(wasted: float) -> None:
    good, bad = _drained(4.0, 6.0, 5.0), _drained(4.0, 6.0, 5.0, wasted=wasted)
    assert bad.ideal == pytest.approx(good.ideal)
    assert bad.floor == pytest.approx(good.floor)
    assert bad.seconds == pytest.approx(good.seconds + 3 * wasted, abs=0.01)


def test_a_pod_of_the_same_name_holds_its_slot_while_the_old_one_ends() -> None:
    state = world([pod(f"web-{i}", owner=SET) for i in range(3)], [_budget(1, 1)])
    work, at = planner(state), NOW
    for turn in (1, 2, 3):
        [eviction] = work.plan(at).evictions
        state.evicting(eviction, at)
        key, revision = eviction.pod, 100 * turn
        leaving = pod(key.name, owner=SET, terminating=True, revision=revision)
        state.put_pod(leaving)
        state.put_budget(_budget(0, revision + 1))
        work.plan(at)
        state.remove_pod(key, revision + 2)
        work.plan(at + 2)
        again: dict[str, Any] = {"uid": f"again{turn}", "owner": SET, "node": "t-0"}
        state.put_pod(pod(key.name, ready=False, revision=revision + 3, **again))
        work.plan(at + 2.5)
        state.put_pod(pod(key.name, revision=revision + 4, **again))
        work.plan(at + 7.5)
        state.put_budget(_budget(1, revision + 5))
        at += 7.5
    seen = work.batch_time(at, FIRST)
    assert seen is not None
    assert seen.ideal == pytest.approx(2 * (2 + 5) + 2)
    assert seen.floor == pytest.approx(seen.ideal + 2 * 0.5)


def test_a_batch_that_was_under_way_before_the_first_look_is_not_measured() -> None:
    state = _three()
    work = planner(state)
    work.tracker.began = NOW - 60
    at = NOW
    for turn in (1, 2, 3):
        at = _move(state, work, turn, at=at, start=1.0)
    assert work.batch_time(at, FIRST) is None


def test_a_batch_without_evictions_has_no_time() -> None:
    state = world([pod("a")])
    work = planner(state)
    work.plan(NOW)
    state.remove_pod(NamespacedName("default", "a"), 5)
    assert work.batch_time(NOW + 5, FIRST) is None


def test_what_happens_to_others_is_not_kept_and_not_too_much_of_the_rest() -> None:
    state = _three()
    work = planner(state)
    work.plan(NOW)
    events = work.tracker.batch_times._events
    for index in range(10):
        state.put_pod(pod(f"job-{index}", app="other", node="t-0"))
    assert events == []
    [eviction] = work.plan(NOW).evictions
    state.evicting(eviction, NOW)
    state.remove_pod(eviction.pod, 100)
    for index in range(MOST_EVENTS + 10):
        state.put_pod(pod("flapping", node="t-0", ready=bool(index % 2), revision=200 + index))
    assert len(events) <= MOST_EVENTS
    for name in ("p0", "p1", "p2"):
        state.remove_pod(NamespacedName("default", name), 90_000)
    assert work.batch_time(NOW + 60, FIRST) is None, "a part of it was not kept"
