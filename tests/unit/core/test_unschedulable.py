"""Pods that replace moved ones and fit on no node, also if the operator did not see the move."""

from dataclasses import replace
from typing import Any

import pytest

from azure_linux_migrator.api.status import MigrationStatus, timestamp
from azure_linux_migrator.api.status_drain import BatchProgress
from azure_linux_migrator.core.drain.planner import Planner
from azure_linux_migrator.core.reconcile.decide import decide
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.model.actions import EvictPod
from azure_linux_migrator.model.cluster import Controller, NamespacedName, Node, Owner, Pod
from tests.support.planners import planner
from tests.support.worlds import NOW, budget, migration, pod, seen, source, target, world

STARTED = NOW - 3600


def waiting(name: str, app: str = "web", **more: Any) -> Pod:
    """A pod that the scheduler finds no node for."""
    state: dict[str, Any] = {"node": "", "phase": "Pending", "ready": False}
    return pod(name, app=app, **(state | {"unschedulable": "no room", "created": NOW - 60} | more))


def restarted(world: World) -> Planner:
    """The planner of a process that has just begun, of a migration that began an hour ago."""
    work = planner(world)
    work.since = STARTED
    return work


def unschedulable_replacements(work: Planner, now: float = NOW) -> list[str]:
    return sorted(replacement.key.name for replacement in work.plan(now).unschedulable_replacements)


def test_after_a_restart_the_replacement_of_a_singleton_is_known() -> None:
    state = world([waiting("new", "one"), pod("a")])
    assert unschedulable_replacements(restarted(state)) == ["new"]
    assert unschedulable_replacements(planner(world([waiting("new", "one")]))) == [], (
        "no migration has begun"
    )


def test_pods_from_before_the_batch_count_if_the_migration_had_begun() -> None:
    state = world(
        [pod("a"), waiting("new", created=STARTED + 1), waiting("old", created=STARTED - 1)]
    )
    work = restarted(state)
    work.tracker.began = NOW - 10
    assert unschedulable_replacements(work) == ["new"]


@pytest.mark.parametrize(("node", "counts"), [("t-0", True), ("s-0", True), ("x-0", False)])
def test_where_the_others_of_its_owner_run_decides(node: str, counts: bool) -> None:
    state = world([pod("b", node=node), waiting("new")])
    state.put_node(Node("x-0", "gpu"))
    assert bool(unschedulable_replacements(restarted(state))) is counts


def test_the_old_pods_of_a_rollout_tell_for_the_new() -> None:
    old, new = Owner("ReplicaSet", "w-1", "w-1"), Owner("ReplicaSet", "w-2", "w-2")
    state = world([pod("b", node="x-0", owner=old), waiting("new", owner=new)])
    state.put_node(Node("x-0", "gpu"))
    assert unschedulable_replacements(restarted(state)) == ["new"]
    state.put_controller(Controller("Deployment", NamespacedName("default", "w"), "d"))
    for owner in (old, new):
        key = NamespacedName("default", owner.name)
        state.put_controller(Controller("ReplicaSet", key, owner.uid, owner="d"))
    assert unschedulable_replacements(planner(state)) == []


def test_what_came_while_everything_was_watched_is_known_by_what_was_seen() -> None:
    state = world([pod("mine", app="mine")])
    work = restarted(state)
    assert unschedulable_replacements(work) == []
    state.put_pod(waiting("alien", "alien", created=NOW + 100))
    state.put_pod(waiting("job", "job", owner=Owner("Job", "j", "j")))
    state.put_pod(waiting("daemon", "daemon", owner=Owner("DaemonSet", "d", "d")))
    state.remove_pod(NamespacedName("default", "mine"))
    state.put_pod(waiting("next", "mine", created=NOW + 100))
    assert unschedulable_replacements(work, NOW + 120) == ["next"]


def test_a_policy_that_changes_forgets_no_move() -> None:
    state = world([pod("mine", app="mine"), pod("a")])
    work = planner(state)
    unschedulable_replacements(work)
    state.remove_pod(NamespacedName("default", "mine"))
    state.put_pod(waiting("next", "mine", created=NOW + 100))
    again = planner(state, jobs="Evict")
    assert again is not work
    assert unschedulable_replacements(again, NOW + 120) == ["next"]


def test_daemons_and_finished_jobs_that_leave_are_no_moves() -> None:
    daemon, job = Owner("DaemonSet", "d", "d"), Owner("Job", "j", "j")
    done = pod("done", owner=job, phase="Succeeded", ready=False)
    state = world([pod("agent", owner=daemon), done])
    work = planner(state)
    state.remove_pod(NamespacedName("default", "agent"))
    state.remove_pod(NamespacedName("default", "done"))
    assert len(work.tracker.evicted_owners) == 0


def test_a_drain_that_is_begun_again_by_a_restart_evicts_nothing_while_pods_wait() -> None:
    guard = budget(allowed=1, healthy=1, desired=0, expected=1)
    state = world([pod("a"), waiting("new", "one")], [guard])
    batch = BatchProgress(index=1, of=1, started_at=timestamp(NOW - 10))
    status = MigrationStatus(step="Drain", start_time=timestamp(STARTED), batch=batch)
    decision = decide(migration(status), seen(state, source(), target()), NOW)
    assert not [action for action in decision.actions if isinstance(action, EvictPod)]
    assert "cannot be placed: default/new" in decision.status.message


def test_a_start_written_by_a_slow_clock_makes_no_older_pod_a_replacement() -> None:
    state = world([pod("a"), waiting("old", created=NOW - 100)])
    status = MigrationStatus(
        step="Drain",
        start_time=timestamp(NOW - 300),
        batch=BatchProgress(index=1, of=1, started_at=timestamp(NOW - 50)),
    )
    changed = replace(migration(status), created=NOW - 100)
    decision = decide(changed, seen(state, source(), target()), NOW)
    assert "cannot be placed" not in decision.status.message
    early = decide(replace(changed, created=NOW - 200), seen(state, source(), target()), NOW)
    assert "cannot be placed" in early.status.message


def moved(state: World, name: str, app: str = "web") -> None:
    """A pod of the source is evicted: it terminates, and is gone."""
    key = NamespacedName("default", name)
    state.put_pod(replace_pod(state.pods[key], terminating=True))
    state.remove_pod(key)


def replace_pod(of: Pod, **more: Any) -> Pod:
    """The pod with some fields changed."""
    return Pod(**({field: getattr(of, field) for field in of.__struct_fields__} | more))


def deployment(state: World, replicas: int) -> None:
    """Deployment `web` with that many replicas."""
    key = NamespacedName("default", "web")
    state.put_controller(Controller("Deployment", key, "d-web", replicas=replicas))
    state.put_controller(Controller("ReplicaSet", key, "rs-web", owner="d-web", replicas=replicas))


def test_a_replica_that_was_pending_before_is_not_missed() -> None:
    state = world([pod("a"), pod("b"), waiting("old", created=STARTED - 100)])
    deployment(state, 3)
    work = restarted(state)
    assert unschedulable_replacements(work) == []
    moved(state, "a")
    state.put_pod(pod("a2", node="t-0", created=NOW))
    assert unschedulable_replacements(work, NOW + 1) == []
    moved(state, "b")
    state.put_pod(waiting("b2", created=NOW + 2))
    assert unschedulable_replacements(work, NOW + 3) == ["b2"], "one is missed, and is the newest"


def test_the_scheduler_may_place_the_old_pending_replica_first() -> None:
    state = world([pod("a"), waiting("old", created=STARTED - 100)])
    deployment(state, 2)
    work = restarted(state)
    unschedulable_replacements(work)
    moved(state, "a")
    state.put_pod(pod("old", node="t-0", created=STARTED - 100))
    state.put_pod(waiting("a2", created=NOW))
    assert unschedulable_replacements(work, NOW + 1) == []


def test_replicas_that_are_added_during_the_drain_are_not_missed() -> None:
    state = world([pod("a"), pod("b")])
    deployment(state, 2)
    work = restarted(state)
    unschedulable_replacements(work)
    for name in ("a", "b"):
        moved(state, name)
        state.put_pod(pod(f"{name}2", node="t-0", created=NOW))
    deployment(state, 6)
    for number in range(4):
        state.put_pod(waiting(f"more-{number}", created=NOW + 100))
    assert unschedulable_replacements(work, NOW + 101) == []
    state.remove_pod(NamespacedName("default", "a2"))
    state.put_pod(waiting("a3", created=NOW + 102))
    assert unschedulable_replacements(work, NOW + 103) == ["a3"]


def test_replicas_that_are_taken_away_are_missed_no_longer() -> None:
    state = world([pod("a"), pod("b"), pod("c")])
    deployment(state, 3)
    work = restarted(state)
    unschedulable_replacements(work)
    for name in ("a", "b", "c"):
        moved(state, name)
    state.put_pod(pod("a2", node="t-0", created=NOW))
    deployment(state, 1)
    deployment(state, 2)
    state.put_pod(waiting("b2", created=NOW))
    assert unschedulable_replacements(work, NOW + 1) == []


def test_pods_of_negative_priority_are_pending_by_design() -> None:
    state = world([pod("spare", priority=-10)])
    work = restarted(state)
    unschedulable_replacements(work)
    moved(state, "spare")
    state.put_pod(waiting("next", priority=-10, created=NOW))
    assert unschedulable_replacements(work, NOW + 1) == []
    state.put_pod(waiting("next", created=NOW))
    assert unschedulable_replacements(work, NOW + 1) == ["next"]


def test_growth_after_a_restart_is_not_missed_either() -> None:
    state = world([pod("a"), pod("a2", node="t-0", created=NOW - 100)])
    deployment(state, 2)
    work = restarted(state)
    assert unschedulable_replacements(work) == []
    deployment(state, 4)
    state.put_pod(waiting("more", created=NOW + 100))
    assert unschedulable_replacements(work, NOW + 101) == []


def test_a_singleton_that_was_leaving_at_a_restart_is_missed() -> None:
    state = world([pod("one", terminating=True, deadline=NOW), waiting("next", created=NOW - 1)])
    work = planner(state)
    work.since = NOW - 3
    unschedulable_replacements(work)
    state.remove_pod(NamespacedName("default", "one"))
    assert unschedulable_replacements(work, NOW + 1) == ["next"]


def test_a_pod_that_left_before_a_rollback_is_missed() -> None:
    leaving = pod("a", node="t-0", terminating=True, deadline=NOW + 30)
    state = world([leaving, pod("b")])
    deployment(state, 2)
    work = restarted(state)
    unschedulable_replacements(work)
    moved(state, "b")
    state.put_pod(pod("b2", node="t-0", created=NOW))
    assert unschedulable_replacements(work, NOW + 1) == []
    state.remove_pod(leaving.key)
    state.put_pod(waiting("a2", created=NOW + 2))
    assert unschedulable_replacements(work, NOW + 3) == ["a2"]
