"""Moved pods that do not come back: not made, not started, or crashing on the new OS."""

from typing import Any

import pytest
from msgspec import convert

from azure_linux_migrator.core.drain.planner import Planner
from azure_linux_migrator.core.reconcile.decide import decide
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.kube.decode import PodObject
from azure_linux_migrator.model.actions import EvictPod
from azure_linux_migrator.model.cluster import Controller, NamespacedName, Owner, Pod
from tests.support.planners import planner
from tests.support.worlds import NOW, at, migration, pod, seen, source, target, world

REFUSED = "pods is forbidden: exceeded quota"


def deployment(state: World, replicas: int = 1, app: str = "web", **more: Any) -> None:
    key = NamespacedName("default", app)
    state.put_controller(Controller("Deployment", key, f"d-{app}", replicas=replicas, **more))
    state.put_controller(Controller("ReplicaSet", key, f"rs-{app}", f"d-{app}", replicas=replicas))


def changed(of: Pod, **more: Any) -> Pod:
    return Pod(**({field: getattr(of, field) for field in of.__struct_fields__} | more))


def moved(state: World, name: str) -> None:
    """A pod is evicted, terminates and is gone."""
    key = NamespacedName("default", name)
    state.put_pod(changed(state.pods[key], terminating=True))
    state.remove_pod(key)


def replacement(name: str, **more: Any) -> Pod:
    fields: dict[str, Any] = {"node": "t-0", "ready": False, "created": NOW}
    return pod(name, **(fields | more))


def begun(state: World) -> Planner:
    work = planner(state)
    work.since = NOW - 60
    work.plan(NOW)
    return work


def causes(work: Planner, now: float) -> list[str]:
    return [str(blocker.cause) for blocker in work.plan(now).unrecovered]


def test_a_replacement_that_never_becomes_ready_is_reported_after_five_minutes() -> None:
    state = world([pod("a")])
    deployment(state)
    work = begun(state)
    moved(state, "a")
    state.put_pod(replacement("b"))
    assert causes(work, NOW + 299) == []
    assert causes(work, NOW + 311) == ["ReplacementNotReady"]
    state.put_pod(replacement("b", ready=True, started_in=320.0))
    assert causes(work, NOW + 330) == []


def test_one_that_takes_long_by_nature_is_given_three_times_that() -> None:
    state = world([pod("a", started_in=200.0)])
    deployment(state)
    work = begun(state)
    moved(state, "a")
    state.put_pod(replacement("b"))
    assert (causes(work, NOW + 590), causes(work, NOW + 611)) == ([], ["ReplacementNotReady"])


def test_one_that_crashes_is_reported_after_a_minute_with_the_kubelets_words() -> None:
    state = world([pod("a")])
    deployment(state)
    work = begun(state)
    moved(state, "a")
    state.put_pod(replacement("b", failing="CrashLoopBackOff: back-off 40s"))
    [blocker] = work.plan(NOW + 71).unrecovered
    assert "CrashLoopBackOff: back-off 40s" in blocker.message
    assert (blocker.kind, blocker.key.name) == ("Pod", "b")


def test_what_was_not_ready_before_may_be_so_again() -> None:
    state = world([pod("a"), pod("bad", ready=False)])
    deployment(state, 2)
    work = begun(state)
    for name in ("bad", "a"):
        moved(state, name)
    state.put_pod(replacement("bad2", failing="CrashLoopBackOff"))
    state.put_pod(replacement("a2", ready=True))
    assert causes(work, NOW + 71) == []
    state.put_pod(replacement("a2", failing="CrashLoopBackOff"))
    assert causes(work, NOW + 90) == ["ReplacementNotReady"]


@pytest.mark.parametrize(
    "other",
    [
        replacement("o", node="s-1"),
        replacement("o", created=NOW - 100),
        replacement("o", owner=Owner("DaemonSet", "d", "d")),
        replacement("o", owner=Owner("ReplicaSet", "alien", "rs-alien")),
    ],
)
def test_other_pods_are_none_of_it(other: Pod) -> None:
    state = world([pod("a"), other])
    deployment(state)
    work = begun(state)
    moved(state, "a")
    state.put_pod(replacement("b", ready=True))
    assert causes(work, NOW + 400) == []


def test_replacements_that_are_refused_are_reported_with_the_apiservers_words() -> None:
    state = world([pod("a"), pod("b")])
    deployment(state, 2)
    work = begun(state)
    moved(state, "a")
    assert causes(work, NOW + 10) == []
    deployment(state, 2, failing=REFUSED)
    assert causes(work, NOW + 69) == []
    [blocker] = work.plan(NOW + 80).unrecovered
    assert (blocker.cause, blocker.kind, blocker.pods) == ("ReplacementNotCreated", "Deployment", 1)
    assert REFUSED in blocker.message
    state.put_pod(replacement("a2", ready=True))
    assert causes(work, NOW + 90) == []


def test_a_stateful_pod_that_is_still_leaving_is_not_missed() -> None:
    owner = Owner("StatefulSet", "db", "ss")
    state = world([pod("db-0", owner=owner)])
    key = NamespacedName("default", "db")
    state.put_controller(Controller("StatefulSet", key, "ss", replicas=1))
    work = begun(state)
    leaving = changed(state.pods[NamespacedName("default", "db-0")], terminating=True)
    state.put_pod(leaving)
    assert causes(work, NOW + 300) == []
    state.remove_pod(leaving.key)
    work.plan(NOW + 320)
    assert causes(work, NOW + 390) == ["ReplacementNotCreated"]


def test_a_workload_that_is_scaled_down_misses_nothing() -> None:
    state = world([pod("a")])
    deployment(state)
    work = begun(state)
    moved(state, "a")
    work.plan(NOW + 1)
    deployment(state, 0)
    assert causes(work, NOW + 100) == []


def test_nothing_is_evicted_meanwhile_unless_the_spec_says_so() -> None:
    state = world([pod("a"), pod("next", app="other"), pod("last", app="other", node="s-1")])
    deployment(state)
    deployment(state, 2, "other")
    wanted = migration(at("Drain"))
    observation = seen(state, source(), target())
    decide(wanted, observation, NOW)
    moved(state, "a")
    state.put_pod(replacement("b", failing="CrashLoopBackOff"))
    decision = decide(wanted, observation, NOW + 71)
    ready = decision.status.condition("Ready")
    blocked = decision.status.condition("DrainBlocked")
    assert ready is not None
    assert blocked is not None
    assert (ready.reason, blocked.reason) == ("ReplacementsUnhealthy", "ReplacementNotReady")
    assert not [blocker for blocker in decision.actions if isinstance(blocker, EvictPod)]
    careless = migration(at("Drain"), drain={"unhealthyReplacements": "Ignore"})
    decision = decide(careless, observation, NOW + 72)
    assert [blocker for blocker in decision.actions if isinstance(blocker, EvictPod)]


def test_why_a_container_fails_is_read() -> None:
    waiting = {"reason": "CrashLoopBackOff", "message": "back-off 40s restarting"}
    raw = {
        "metadata": {"name": "p", "namespace": "default"},
        "status": {"containerStatuses": [{"state": {"waiting": waiting}}]},
    }
    assert convert(raw, PodObject).record().failing == "CrashLoopBackOff: back-off 40s restarting"
    waiting["reason"] = "ContainerCreating"
    assert convert(raw, PodObject).record().failing == ""
