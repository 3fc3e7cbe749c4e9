"""Faults that the simulation found, each in the smallest world that shows it."""

from dataclasses import replace
from typing import Any

from azure_linux_migrator.api.causes import Cause
from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.api.status import MigrationStatus, RollbackStatus, SourceRecord, timestamp
from azure_linux_migrator.api.status_drain import BatchProgress
from azure_linux_migrator.core.reconcile.decide import decide
from azure_linux_migrator.core.state.outcomes import Outcomes
from azure_linux_migrator.core.state.results import PoolReading
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.model.actions import (
    Action,
    CordonNode,
    CreatePool,
    DeletePool,
    ReadAzureFacts,
    ReadPools,
    RestartRollout,
    RunForecast,
    UpdatePool,
)
from azure_linux_migrator.model.azure_facts import AzureFacts
from azure_linux_migrator.model.cluster import Controller, NamespacedName, Node, Owner
from azure_linux_migrator.model.migration import Migration
from azure_linux_migrator.model.pool import Failure
from tests.support.planners import causes, names, planner
from tests.support.worlds import NOW, budget, migration, pod, seen, source, target, world


def _back(step: str, **more: Any) -> Migration:
    why = RollbackStatus(reason="Requested", requested_at=timestamp(NOW))
    return migration(MigrationStatus(step=step, rollback=why, source=SourceRecord(count=2), **more))


def _surged(world: World, **more: Any) -> None:
    world.put_controller(
        Controller("ReplicaSet", NamespacedName("default", "web"), "rs-web", owner="web")
    )
    fields: dict[str, Any] = {"replicas": 1, "rolling": True, "max_surge": 1}
    world.put_controller(
        Controller("Deployment", NamespacedName("default", "web"), "web", **fields | more)
    )


def test_a_restart_covers_only_the_pods_it_was_for() -> None:
    state = world([pod("one", created=NOW - 50)])
    _surged(state)
    [first] = planner(state, singletons="SurgeFirst").plan(NOW, "uid-m").surges
    assert isinstance(first, RestartRollout)
    _surged(state, restarted=first.stamp)
    assert planner(state, singletons="SurgeFirst").plan(NOW, "uid-m").surges == ()
    state.remove_pod(NamespacedName("default", "one"))
    state.put_pod(pod("two", created=NOW + 5))
    [again] = planner(state, singletons="SurgeFirst").plan(NOW, "uid-m").surges
    assert isinstance(again, RestartRollout)
    assert again.stamp != first.stamp


def test_a_budget_that_was_deadlocked_at_the_start_is_seen_loosened() -> None:
    dead = budget(allowed=0, healthy=2, desired=2, expected=2)
    state = world([pod("a"), pod("b")], [dead])
    _surged(state, replicas=2)
    work = planner(state, singletons="SurgeFirst")
    assert names(work) == []
    state.put_budget(budget(allowed=1, healthy=2, desired=1, expected=2, generation=2))
    state.put_budget(
        budget(allowed=1, healthy=2, desired=1, expected=2, generation=2, observed_generation=2)
    )
    assert names(work) == ["a"]


def test_a_resize_that_failed_is_asked_for_again() -> None:
    cluster = world([], nodes=[Node("s-0", "src"), Node("t-0", "srcazl")])
    for state in ("Failed", "Canceled"):
        pools = (source(count=2, state=state), target())
        decision = decide(_back("RestoreSource"), seen(cluster, *pools), NOW)
        assert [type(action) for action in decision.actions] == [UpdatePool]
        just = seen(cluster, *pools, asked={"src": NOW - 5})
        decision = decide(_back("RestoreSource"), just, NOW)
        assert decision.actions == ()
        assert decision.wake_at == NOW + 55


def test_pending_replacements_stop_the_drain_after_a_restart_too() -> None:
    waiting: dict[str, Any] = {"node": "", "phase": "Pending", "ready": False}
    waiting["unschedulable"] = "no room"
    state = world([pod("a"), pod("new", created=NOW - 5, **waiting)])
    work = planner(state)
    assert work.plan(NOW).unschedulable_replacements == ()
    work.tracker.began = NOW - 10
    assert [pod.key.name for pod in work.plan(NOW).unschedulable_replacements] == ["new"]
    other = Owner("ReplicaSet", "other", "rs-other")
    state.put_pod(pod("alien", created=NOW - 5, owner=other, **waiting))
    assert [replacement.key.name for replacement in work.plan(NOW).unschedulable_replacements] == [
        "new"
    ]


def test_replicas_without_a_budget_that_wait_are_reported() -> None:
    state = world([pod("a"), pod("b", ready=False, node="t-0"), pod("c", ready=False, node="t-0")])
    work = planner(state)
    assert causes(work) == []
    [blocker] = work.plan(NOW + 61).blockers
    assert blocker.cause is Cause.OWNER_UNHEALTHY
    assert blocker.message.startswith("ReplicaSet default/web has 1 of 3 pods healthy")


def test_a_write_is_not_repeated_before_the_watch_can_show_it() -> None:
    state = world([], nodes=[Node("s-0", "src"), Node("t-0", "srcazl")])
    status = MigrationStatus(step="CordonSource", start_time=timestamp(NOW - 60))
    cordon: Action = CordonNode("s-0", "m", "m.uid-m.1")
    pools = (source(count=1), target())
    assert decide(migration(status), seen(state, *pools), NOW).actions == (cordon,)
    echo = {cordon.key: (cordon, NOW - 1.0)}
    decision = decide(migration(status), seen(state, *pools, written=echo), NOW)
    assert decision.actions == ()
    assert decision.wake_at == NOW + 4
    late = seen(state, *pools, written={cordon.key: (cordon, NOW - 6.0)})
    assert decide(migration(status), late, NOW).actions == (cordon,)
    other = {cordon.key: (CordonNode("s-0", "m"), NOW - 1.0)}
    assert decide(migration(status), seen(state, *pools, written=other), NOW).actions == (cordon,)


def _in_place(**more: Any) -> Migration:
    status = MigrationStatus(step="UpdateInPlace", start_time=timestamp(NOW - 60), **more)
    return migration(status, strategy={"type": "InPlace"})


def test_a_pool_that_succeeded_with_old_nodes_is_asked_again() -> None:
    state = world([], nodes=[Node("s-0", "src", os_sku="Ubuntu")])
    pool = source(os_sku="AzureLinux", count=1)
    decision = decide(_in_place(), seen(state, pool, asked={"src": NOW - 10}), NOW)
    assert not [action for action in decision.actions if isinstance(action, UpdatePool)]
    decision = decide(_in_place(), seen(state, pool, asked={"src": NOW - 200}), NOW)
    assert [type(action) for action in decision.actions] == [UpdatePool]


def test_a_pool_that_azure_hides_is_looked_for_again() -> None:
    state = world([], nodes=[Node("s-0", "src"), Node("s-1", "src")])
    just = seen(state, source(), asked={"srcazl": NOW - 5})
    decision = decide(_back("RemoveTarget"), replace(just, pools=None), NOW)
    assert [type(action) for action in decision.actions] == [ReadPools]
    decision = decide(_back("RemoveTarget"), just, NOW)
    assert decision.status.phase == "RollingBack"
    later = seen(state, source(), asked={"srcazl": NOW - 31})
    assert decide(_back("RemoveTarget"), later, NOW).status.phase == "RolledBack"


def test_a_pool_that_is_not_shown_after_its_deletion_is_gone() -> None:
    state = world([], nodes=[Node("s-0", "src"), Node("s-1", "src")])
    outcomes = Outcomes(state, lambda: 1.0)
    outcomes.pool_changed(CreatePool("src", "srcazl", "AzureLinux", 2, {}, ()), NOW - 60)
    outcomes.pool_changed(DeletePool("srcazl", ""), NOW - 2)
    recorded: dict[str, Any] = {"asked": outcomes.asked, "deleted": outcomes.deleted}
    decision = decide(_back("RemoveTarget"), seen(state, source(), **recorded), NOW)
    assert decision.status.phase == "RolledBack"
    outcomes.pool_changed(CreatePool("src", "srcazl", "AzureLinux", 2, {}, ()), NOW - 1)
    recorded = {"asked": outcomes.asked, "deleted": outcomes.deleted}
    decision = decide(_back("RemoveTarget"), seen(state, source(), **recorded), NOW)
    assert decision.status.phase == "RollingBack"


def test_the_last_batch_has_an_end() -> None:
    marks: dict[str, Any] = {"unschedulable": True, "cordoned_by": "m", "batch": "m.uid-m.1"}
    state = world([], nodes=[Node("s-0", "src", **marks), Node("t-0", "srcazl")])
    batch = BatchProgress(index=1, of=1, started_at=timestamp(NOW - 10))
    begun = timestamp(NOW - 60)
    status = MigrationStatus(step="Drain", start_time=begun, batch=batch)
    decision = decide(migration(status), seen(state, source(count=1), target()), NOW)
    assert decision.status.step == "RetireSource"
    assert decision.status.batch.drained_at == timestamp(NOW)
    assert decision.status.timing.drain_seconds == 10.0


def test_plan_mode_asks_for_a_forecast_and_changes_nothing() -> None:
    state = world([pod("a")])
    plans = migration(mode="Plan")
    decision = decide(plans, seen(state, source()), NOW)
    assert decision.actions == (RunForecast(1),)
    assert decision.status.step == "Preflight"
    assert decision.status.condition("Ready").status == "False"  # type: ignore[union-attr]


def test_an_operation_whose_cause_may_pass_is_asked_for_again() -> None:
    failure = Failure(Reason.CAPACITY_SHORT, "no room", retryable=True, delay=60.0)
    pool = target(state="Failed", failure=failure)
    status = MigrationStatus(step="CreateTarget", start_time=timestamp(NOW - 60))
    state = world([], nodes=[Node("s-0", "src")])
    asked = {"srcazl": NOW - 3600}
    decision = decide(migration(status), seen(state, source(), pool, asked=asked), NOW)
    assert (decision.actions, decision.wake_at) == ((), NOW + 60)
    observation = seen(state, source(), pool, asked=asked)
    fresh = PoolReading({"src": source(), "srcazl": pool}, NOW + 60)
    decision = decide(migration(status), replace(observation, pools=fresh), NOW + 60)
    assert [type(action) for action in decision.actions] == [UpdatePool]


def test_a_refused_preflight_goes_on_refusing_while_it_looks_again() -> None:
    state = world([], nodes=[Node("s-0", "src")])
    windows = source(os_type="Windows")
    first = decide(migration(), seen(state, windows), NOW)
    assert first.status.is_true("Stalled")
    later = decide(migration(first.status), seen(state, windows), NOW + 61)
    assert later.status.is_true("Stalled")
    assert [type(action) for action in later.actions] == [ReadPools]
    azure_facts = seen(state, source(), azure_facts=AzureFacts(at=NOW - 400))
    blocked = replace(azure_facts, pools=PoolReading({"src": source(state="Updating")}, NOW))
    decision = decide(migration(first.status), blocked, NOW)
    assert decision.status.is_true("Stalled")
    assert [type(action) for action in decision.actions] == [ReadAzureFacts]


def test_the_targets_nodes_are_waited_for_by_a_fresh_count() -> None:
    state = world([], nodes=[Node("s-0", "src"), Node("t-0", "srcazl")])
    status = MigrationStatus(step="CreateTarget", start_time=timestamp(NOW - 60))
    decision = decide(migration(status), seen(state, source(), target(count=2)), NOW + 20)
    assert [type(action) for action in decision.actions] == [ReadPools]


def test_a_failed_update_in_place_is_refused_while_it_is_looked_at() -> None:
    state = world([], nodes=[Node("s-0", "src", os_sku="Ubuntu")])
    pool = source(os_sku="AzureLinux", state="Failed")
    decision = decide(_in_place(), seen(state, pool), NOW + 20)
    assert decision.status.is_true("Stalled")
    assert [type(action) for action in decision.actions] == [ReadPools]
