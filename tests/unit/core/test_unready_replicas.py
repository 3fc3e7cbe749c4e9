"""Replicas without a budget that are not Ready: no more of them leave than may be out."""

from typing import Any

from msgspec import convert

from azure_linux_migrator.api.causes import Cause
from azure_linux_migrator.core.drain.planner import Planner
from azure_linux_migrator.core.reconcile.context import context_of
from azure_linux_migrator.core.steps.build_snapshot import build_snapshot
from azure_linux_migrator.kube.decode_owners import DeploymentObject
from azure_linux_migrator.model.cluster import Controller, NamespacedName, Owner
from tests.support.planners import planner
from tests.support.worlds import NOW, at, migration, pod, seen, source, world

BEGAN = NOW - 3600


def deployment(**more: Any) -> Controller:
    """Deployment `web`, whose ReplicaSet owns what `pod` makes."""
    fields: dict[str, Any] = {"replicas": 20, "rolling": True, "max_unavailable": 2}
    return Controller("Deployment", NamespacedName("default", "web"), "d", **(fields | more))


def drained(unready: int, ready: int = 0, *, since: float = NOW - 5, **more: Any) -> Planner:
    """A drain in which so many replicas are unready since then, and so many are Ready."""
    pods = [pod(f"u-{n:02}", ready=False, unready_since=since) for n in range(unready)]
    state = world([*pods, *(pod(f"r-{n:02}") for n in range(ready))])
    state.put_controller(deployment(replicas=unready + ready, **more))
    state.put_controller(Controller("ReplicaSet", NamespacedName("default", "web"), "rs-web", "d"))
    work = planner(state)
    work.since = BEGAN
    return work


def evicted(work: Planner, now: float = NOW) -> list[str]:
    return [eviction.pod.name for eviction in work.plan(now).evictions]


def test_a_blip_of_all_replicas_evicts_none() -> None:
    work = drained(20)
    assert evicted(work) == []
    causes = [blocker.cause for blocker in work.plan(NOW + 60).blockers]
    assert causes == [Cause.OWNER_UNHEALTHY]


def test_unready_replicas_are_free_while_enough_others_are_healthy() -> None:
    assert evicted(drained(2, 18)) == ["u-00", "u-01"]
    assert evicted(drained(3, 17)) == []


def test_replicas_that_were_unready_before_the_migration_cost_nothing() -> None:
    assert len(evicted(drained(20, since=BEGAN - 60))) == 20


def test_a_stateful_set_is_no_exception() -> None:
    owner = Owner("StatefulSet", "db", "ss")
    pods = [pod(f"db-{n}", owner=owner, ready=False, unready_since=NOW - 5) for n in range(3)]
    state = world(pods)
    key = NamespacedName("default", "db")
    state.put_controller(
        Controller("StatefulSet", key, "ss", replicas=3, rolling=True, max_unavailable=1)
    )
    assert evicted(planner(state)) == []


def test_an_unhealthy_replica_holds_the_others_up_for_ten_minutes() -> None:
    """One of two crash-loops on the new nodes: the other moves in the end."""
    state = world([pod("last"), pod("bad", node="t-0", ready=False, unready_since=NOW - 60)])
    state.put_controller(deployment(replicas=2, max_unavailable=1))
    state.put_controller(Controller("ReplicaSet", NamespacedName("default", "web"), "rs-web", "d"))
    work = planner(state)
    assert evicted(work) == []
    assert (evicted(work, NOW + 60), evicted(work, NOW + 599)) == ([], [])
    assert work.plan(NOW + 599).wake_at == NOW + 600
    assert evicted(work, NOW + 600) == ["last"]
    assert evicted(work, NOW + 601) == ["last"], "asked again, the plan is the same"


def test_patience_lets_one_go_at_a_time() -> None:
    work = drained(5)
    evicted(work)
    evicted(work, NOW + 60)
    assert len(evicted(work, NOW + 600)) == 1


def test_no_budget_is_kept_where_the_spec_says_so() -> None:
    state = world([pod("last"), pod("bad", node="t-0", ready=False)])
    assert evicted(planner(state)) == []
    assert evicted(planner(state, implicitBudgets="Ignore")) == ["last"]


def test_a_replica_that_is_ready_too_shortly_does_not_count() -> None:
    def freed(**more: Any) -> int:
        state = world([pod(f"r-{n}") for n in range(4)])
        state.put_controller(deployment(replicas=4, max_unavailable=1, **more))
        own = Controller("ReplicaSet", NamespacedName("default", "web"), "rs-web", "d")
        state.put_controller(own)
        return len(evicted(planner(state)))

    assert (freed(), freed(available=4), freed(available=3)) == (1, 1, 0)


def test_available_replicas_are_read_where_min_ready_seconds_is_set() -> None:
    raw: dict[str, Any] = {
        "metadata": {"namespace": "default", "name": "web", "uid": "d"},
        "spec": {"replicas": 4, "paused": True},
        "status": {
            "availableReplicas": 3,
            "conditions": [
                {"type": "ReplicaFailure", "status": "True", "message": "pods is forbidden: quota"}
            ],
        },
    }
    record = convert(raw, DeploymentObject).record()
    assert (record.available, record.paused) == (None, True)
    assert record.failing == "pods is forbidden: quota"
    raw["spec"]["minReadySeconds"] = 30
    assert convert(raw, DeploymentObject).record().available == 3


def test_a_scale_tells_how_many_pods_of_a_custom_resource_there_should_be() -> None:
    """One of three is not made: without the scale, the other two would be all there are."""
    owner = Owner("CloneSet", "web", "clones", "apps.kruise.io")
    state = world([pod("web-a", owner=owner), pod("web-b", owner=owner)])
    key = NamespacedName("default", "web")
    assert len(evicted(planner(state))) == 1
    state.put_controller(Controller(owner.qualified_kind, key, owner.uid, replicas=3))
    assert evicted(planner(state)) == []
    state.put_controller(Controller(owner.qualified_kind, key, owner.uid, replicas=2))
    assert len(evicted(planner(state))) == 1


def test_a_scale_that_is_older_than_the_pods_lets_no_more_of_them_go() -> None:
    """An autoscaler has added ten pods since the scale was read."""
    owner = Owner("CloneSet", "web", "clones", "apps.kruise.io")
    scale = Controller(
        owner.qualified_kind, NamespacedName("default", "web"), "clones", replicas=10
    )
    state = world([pod(f"p{number}", owner=owner) for number in range(10)])
    state.put_controller(scale)
    for number in range(10, 20):
        state.put_pod(pod(f"p{number}", owner=owner))
    assert len(evicted(planner(state))) == 2
    for number in range(2):
        state.remove_pod(NamespacedName("default", f"p{number}"))
    assert evicted(planner(state)) == [], "two of twenty are out"
    for number in range(2, 10):
        state.remove_pod(NamespacedName("default", f"p{number}"))
    state.put_pod(pod("old", "t-0", owner=owner, phase="Failed", ready=False))
    work = planner(state)
    assert evicted(work) == []
    state.put_controller(scale)
    assert len(evicted(work)) == 1, "it was scaled down; a pod that failed is no replica"


def test_scales_that_cannot_be_read_are_reported_where_their_pods_are_on_the_source() -> None:
    owner = Owner("CloneSet", "web", "clones", "apps.kruise.io")
    state = world([pod("web-a", owner=owner)])
    reasons = {"CloneSet.apps.kruise.io": "may not", "CloneSet.apps.kruise.io default/web": "none"}
    others = {"Rollout.argoproj.io": "may not", "CloneSet.apps.kruise.io default/other": "none"}
    state.unread_scales = reasons | others
    context = context_of(migration(at("Preflight")), seen(state, source()), NOW)
    assert build_snapshot(context).unread_scales == reasons
