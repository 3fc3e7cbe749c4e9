"""Corners of the core that neither the other tests nor most simulated runs reach."""

from dataclasses import replace
from typing import Any

import pytest

from azure_linux_migrator.api.names import LOWEST_DELETION_COST, TAG_AUTOSCALER, TAG_COUNT
from azure_linux_migrator.api.status import (
    AutoscalerBounds,
    MigrationStatus,
    RollbackStatus,
    SourceRecord,
    timestamp,
)
from azure_linux_migrator.api.status_checks import ForecastStatus
from azure_linux_migrator.core.reconcile.decide import decide
from azure_linux_migrator.core.state.eviction_response import (
    EvictionResponse,
    EvictionResult,
    classify,
)
from azure_linux_migrator.core.state.outcomes import Outcomes
from azure_linux_migrator.core.state.results import PoolReading
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.errors import AzureError, KubernetesError, SettingsError
from azure_linux_migrator.model.actions import (
    CordonNode,
    ForgetSurge,
    ReadAzureFacts,
    ReadPools,
    RestoreScale,
    ReviewAccess,
    RunForecast,
    SetDeletionCost,
    UpdatePool,
)
from azure_linux_migrator.model.azure_facts import AzureFacts
from azure_linux_migrator.model.cluster import Attachment, Controller, NamespacedName, Node, Volume
from azure_linux_migrator.model.migration import Migration
from azure_linux_migrator.model.pool import Pool
from azure_linux_migrator.model.selectors import Requirement
from tests.support.decisions import drained
from tests.support.planners import names, planner
from tests.support.worlds import NOW, budget, migration, pod, seen, source, target, world

MARKS: dict[str, Any] = {"unschedulable": True, "cordoned_by": "m", "batch": "m.uid-m.1"}


def _at(step: str, *, back: bool = False, **more: Any) -> Migration:
    spec = more.pop("spec", {})
    why = RollbackStatus(reason="Requested", requested_at=timestamp(NOW)) if back else None
    status = MigrationStatus(step=step, start_time=timestamp(NOW - 60), rollback=why, **more)
    return migration(status, **spec)


def _ready(status: MigrationStatus) -> str:
    condition = status.condition("Ready")
    return condition.reason if condition else ""


# What others do to the pools

HELD = SourceRecord(count=2, os_sku="Ubuntu", autoscaler=AutoscalerBounds(min=1, max=5))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (None, target(), "SourcePoolGone"),
        (source(state="Deleting"), target(), "SourcePoolGone"),
        (source(os_sku="Ubuntu2204"), target(), "SourceUpgraded"),
        (source(power="Stopped"), target(), "SourceStopped"),
        (source(autoscaling=True), target(), "AutoscalerTurnedOn"),
        (source(), None, "TargetPoolGone"),
        (source(), target(tags=()), "TargetTagsChanged"),
        (source(), target(power="Stopped"), "TargetStopped"),
    ],
)
def test_what_leaves_no_safe_way_stops_it(old: Pool | None, new: Pool | None, reason: str) -> None:
    state = world([pod("a")])
    pools = [pool for pool in (old, new) if pool is not None]
    decision = decide(_at("Drain", source=HELD), seen(state, *pools), NOW)
    assert (_ready(decision.status), decision.status.is_true("Stalled")) == (reason, True)
    assert decision.actions == ()


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (source(state="UpgradingNodeImageVersion"), target(), "SourceUpgrading"),
        (source(), target(state="Upgrading"), "TargetUpgrading"),
        (source(count=3), target(), "SourceScaled"),
    ],
)
def test_what_does_not_block_is_reported(old: Pool, new: Pool, reason: str) -> None:
    decision = decide(_at("Drain", source=HELD), seen(world([pod("a")]), old, new), NOW)
    changed = decision.status.condition("PoolsChanged")
    assert changed is not None
    assert (changed.status, changed.reason) == ("True", reason)


# Rollback


def _back(step: str, *pools: Pool, pods: int = 0, **more: Any) -> Any:
    nodes = [Node("s-0", "src"), Node("s-1", "src"), Node("t-0", "srcazl", **MARKS)]
    state = world([pod(f"p-{n}", node="t-0") for n in range(pods)], nodes=nodes)
    return decide(
        _at(step, back=True, source=SourceRecord(count=2)), seen(state, *pools, **more), NOW
    )


def test_there_is_nothing_to_go_back_to() -> None:
    outcome = _back("RestoreSource", target())
    assert _ready(outcome.status) == "SourcePoolGone"


def test_the_target_is_removed_only_when_it_is_ours_idle_and_empty() -> None:
    foreign = _back("RemoveTarget", source(), target(tags=()))
    assert foreign.status.phase == "RolledBack"
    busy = _back("RemoveTarget", source(), target(state="Updating"))
    assert "once Azure is done" in busy.status.message
    going = _back("RemoveTarget", source(), target(state="Deleting"))
    assert _ready(going.status) == "RemovingTarget"
    running = _back("RemoveTarget", source(), running={"CreatePool/srcazl"})
    assert "waiting for Azure's answer" in running.status.message


def test_a_target_that_fills_again_is_drained_first() -> None:
    outcome = _back("RemoveTarget", source(), target(), pods=1)
    assert [type(action).__name__ for action in outcome.actions] == ["EvictPod"]


def test_a_deleted_migration_leaves_the_pod_of_a_surge_on_a_held_node() -> None:
    marked = pod("a", node="s-0", deletion_cost=LOWEST_DELETION_COST)
    state = world([marked], nodes=[Node("s-0", "src", upgrade_status="paused")])
    deployment = NamespacedName("default", "web")
    state.put_controller(Controller("ReplicaSet", deployment, "rs-web", owner="w"))
    state.put_controller(Controller("Deployment", deployment, "w", replicas=2, surge="m/1"))
    deleting = replace(_at("Drain"), deleting=True)
    decision = decide(deleting, seen(state, source(), target()), NOW)
    assert decision.actions == (SetDeletionCost(marked.key, marked.uid, first=False),)
    state.put_pod(pod("a", node="s-0", revision=11))
    decision = decide(deleting, seen(state, source(), target()), NOW)
    assert decision.actions == (RestoreScale(deployment, 1),)


@pytest.mark.parametrize("strategy", ["BlueGreen", "Rolling"])
def test_the_record_of_a_scale_left_to_others_goes_with_the_end_of_the_drain(strategy: str) -> None:
    state = world([])
    deployment = NamespacedName("d", "api")
    state.put_controller(Controller("Deployment", deployment, "a", surge="m/yielded.uid-m"))
    wanted = migration(_at("Drain").status, strategy={"type": strategy, "canary": {"nodes": 0}})
    decision = decide(wanted, seen(state, source(), target()), NOW)
    assert decision.actions == (ForgetSurge(deployment, "m/yielded.uid-m"),)


def test_a_deleted_migration_restores_what_it_surged() -> None:
    state = world([], nodes=[Node("s-0", "src")])
    state.put_controller(
        Controller("Deployment", NamespacedName("d", "web"), "w", replicas=2, surge="m/1")
    )
    state.put_controller(
        Controller("Deployment", NamespacedName("d", "api"), "a", surge="m/yielded.u")
    )
    deleting = replace(_at("Drain"), deleting=True)
    decision = decide(deleting, seen(state, source(), target()), NOW)
    assert decision.actions == (
        RestoreScale(NamespacedName("d", "web"), 1),
        ForgetSurge(NamespacedName("d", "api"), "m/yielded.u"),
    )
    assert not decision.released


# Rolling

ROLLS = {
    "strategy": {"canary": {"nodes": 0}, "type": "Rolling", "maxSurge": 1, "batch": {"soak": "0s"}}
}


def test_rolling_needs_both_pools() -> None:
    nodes = [Node("s-0", "src", unschedulable=True, cordoned_by="m"), Node("t-0", "srcazl")]
    state = world([], nodes=nodes)
    decision = decide(_at("Drain", spec=ROLLS), seen(state, source()), NOW)
    assert decision.status.is_true("Stalled")


def test_a_shrinking_that_failed_is_asked_for_again() -> None:
    other = Node("s-1", "src", unschedulable=True, cordoned_by="m")
    state = world([], nodes=[Node("s-0", "src", **MARKS), other, Node("t-0", "srcazl")])
    batch = {"index": 1, "of": 2, "started_at": timestamp(NOW - 9), "drained_at": timestamp(NOW)}
    now = _at("Drain", spec=ROLLS, source=SourceRecord(count=2), batch=batch)
    decision = decide(now, seen(state, source(state="Failed"), target()), NOW)
    assert "again: AKS left the pool in state Failed" in decision.status.message


# spec.mode Plan


def _plans(*, azure_facts: AzureFacts | None = None, **forecast: Any) -> Any:
    fields: dict[str, Any] = {
        "generation": 1,
        "at": timestamp(NOW - 10),
        "seconds": 3725,
        "pods_moving": 4,
    }
    status = ForecastStatus(**(fields | forecast))
    sight = seen(world([]), source(), forecast=status, azure_facts=azure_facts or AzureFacts())
    return decide(migration(mode="Plan"), sight, NOW)


def test_a_forecast_is_reported_and_nothing_follows() -> None:
    outcome = _plans()
    assert (_ready(outcome.status), outcome.status.phase, outcome.actions) == (
        "Planned",
        "Planned",
        (),
    )
    assert outcome.status.message.startswith("the migration would take 1 h 02 min 05 s")
    assert outcome.status.condition("Ready").status == "True"
    assert outcome.status.forecast is not None


def test_a_blocked_forecast_is_stalled_and_made_again() -> None:
    outcome = _plans(blocked=True, blocked_by=("a budget allows 0",))
    assert (_ready(outcome.status), outcome.status.is_true("Stalled")) == ("ForecastBlocked", True)
    again = _plans(blocked=True, at=timestamp(NOW - 301))
    assert [type(action) for action in again.actions] == [ReadAzureFacts]
    assert _ready(again.status) == "ForecastBlocked"
    read = AzureFacts(at=NOW - 1)
    again = _plans(blocked=True, at=timestamp(NOW - 301), azure_facts=read)
    assert again.actions == (RunForecast(1),)
    assert _plans(at=timestamp(NOW - 301), azure_facts=read).actions == ()
    daily = _plans(at=timestamp(NOW - 86_401), azure_facts=read)
    assert (daily.actions, _ready(daily.status)) == ((RunForecast(1),), "Planned")
    assert _plans(generation=0).actions == (RunForecast(1),)


# What became of actions


def _outcomes() -> Outcomes:
    return Outcomes(World(), lambda: 1.0)


def test_errors_are_noted_with_what_they_mean() -> None:
    outcomes, cordon = _outcomes(), CordonNode("s-0", "m")
    noted = outcomes.failed(cordon, SettingsError("which cluster?"), NOW)
    assert noted is not None
    assert (noted.reason, noted.retryable, noted.retry_at) == ("ClusterUnknown", False, NOW + 60)
    noted = outcomes.failed(cordon, KubernetesError(403, "no"), NOW)
    assert noted is not None
    assert noted.reason == "KubernetesForbidden"
    noted = outcomes.failed(cordon, KubernetesError(500, "no"), NOW)
    assert noted is not None
    assert (noted.retryable, noted.retry_at) == (True, NOW + 1)
    assert outcomes.broke(cordon, "ValueError: x", NOW).retry_at == NOW + 10
    noted = outcomes.failed(ReadPools(), AzureError("AuthorizationFailed", "no", status=403), NOW)
    assert noted is not None
    assert (noted.reason, noted.retryable) == ("AzureForbidden", False)
    outcomes.forget_refusals()
    assert list(outcomes.problems) == [cordon.key]


def test_access_that_is_missing_is_asked_for_again_in_a_minute() -> None:
    outcomes, review = _outcomes(), ReviewAccess()
    outcomes.access_reviewed(review, ("create pods/eviction",), NOW)
    assert outcomes.problems[review.key].retry_at == NOW + 60
    outcomes.access_reviewed(review, (), NOW)
    assert outcomes.problems == {}


def test_a_refused_eviction_waits_and_a_needless_one_is_forgotten() -> None:
    state = world([pod("a")])
    outcomes = Outcomes(state, lambda: 1.0)
    [eviction] = planner(state).plan(NOW).evictions
    outcomes.began(eviction, NOW)
    outcomes.eviction_answered(
        eviction, EvictionResponse(EvictionResult.THROTTLED, "slow", 7.0), NOW
    )
    assert state.inflight.throttled_until == NOW + 7
    outcomes.began(eviction, NOW)
    outcomes.failed(eviction, KubernetesError(0, "gone away"), NOW)
    assert planner(state).plan(NOW).evictions == ()
    outcomes.began(eviction, NOW)
    outcomes.eviction_answered(eviction, EvictionResponse(EvictionResult.GONE), NOW)
    state.remove_pod(eviction.pod)
    assert len(state.inflight) == 0


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (KubernetesError(400, 'admission webhook "x" denied the request'), "webhook"),
        (KubernetesError(429, "slow down"), "throttled"),
        (KubernetesError(403, "no"), "forbidden"),
        (KubernetesError(500, "has more than one PodDisruptionBudget"), "two_budgets"),
        (KubernetesError(404, "no"), "gone"),
        (KubernetesError(409, "no"), "conflict"),
        (KubernetesError(503, "no"), "server"),
        (KubernetesError(408, "no"), "server"),
        (KubernetesError(0, "no answer"), "server"),
        (KubernetesError(401, "no"), "rejected"),
        (KubernetesError(403, 'poddisruptionbudget.policy "x" is forbidden: below 0'), "negative"),
    ],
)
def test_refusals_mean_what_they_say(error: KubernetesError, result: str) -> None:
    assert classify(error).result.value == result


# Objects that leave the world


def test_what_is_gone_is_forgotten() -> None:
    state = world([pod("a", claims=("data",))], [budget(allowed=1, healthy=1, expected=1)])
    work = planner(state)
    state.put_volume(Volume("disk", NamespacedName("default", "data"), local=True))
    assert names(work) == []
    state.put_attachment(Attachment("va", "s-0", "disk"))
    state.remove_volume("disk")
    state.remove_volume("disk")
    assert names(work) == ["a"]
    state.remove_attachment("va")
    state.remove_attachment("va")
    [eviction] = work.plan(NOW).evictions
    state.evicting(eviction, NOW)
    state.remove_budget(NamespacedName("default", "web"))
    state.remove_budget(NamespacedName("default", "web"))
    assert state.budgets == {}
    state.remove_controller("DaemonSet", NamespacedName("default", "d"))
    state.remove_controller("DaemonSet", NamespacedName("default", "d"))
    assert state.owner_index.all_controllers() == []
    state.remove_node("nosuch")
    state.remove_pod(NamespacedName("default", "nosuch"))


def test_an_eviction_that_leaves_no_trace_is_forgotten_after_a_while() -> None:
    state = world([pod("a")], [budget(allowed=1, healthy=1, expected=1)])
    work = planner(state)
    [eviction] = work.plan(NOW).evictions
    state.evicting(eviction, NOW)
    assert names(work, NOW + 1) == []
    state.put_budget(budget(allowed=0, healthy=1, expected=1, disrupted=frozenset({"a"})))
    state.put_budget(budget(allowed=1, healthy=1, expected=1, revision=30))
    assert names(work, NOW + 1000) == ["a"]


def test_an_operator_of_a_selector_that_is_not_known_selects_nothing() -> None:
    labels = {"app": "web"}
    for operator, holds in (("In", True), ("NotIn", False), ("Exists", True), ("Gt", False)):
        assert Requirement("app", operator, ("web",)).matches(labels) is holds
    assert Requirement("app", "DoesNotExist").matches({})


# Autoscaler


def test_the_autoscaler_of_the_spec_wins_and_is_handed_over() -> None:
    bounds = {"target": {"autoscaling": {"min": 2, "max": 4}}}
    state = world([], nodes=[Node("t-0", "srcazl")])
    decision = decide(_at("HandOverAutoscaler", spec=bounds), seen(state, target()), NOW)
    [action] = decision.actions
    assert isinstance(action, UpdatePool)
    assert dict(action.changes)["maxCount"] == 4
    unread = replace(seen(state, target()), pools=None)
    assert decide(_at("HandOverAutoscaler"), unread, NOW).actions == (ReadPools(),)
    back = replace(_at("RestoreAutoscaler", back=True), spec=_at("x").spec)
    assert isinstance(decide(back, unread, NOW).actions, tuple)


def test_what_an_earlier_attempt_held_is_found_in_the_tag() -> None:
    held = source(tags=((TAG_AUTOSCALER, "1-5"),))
    state = world([], nodes=[Node("s-0", "src"), Node("s-1", "src"), Node("t-0", "srcazl")])
    decision = decide(_at("CordonSource"), seen(state, held, target()), NOW)
    assert decision.status.source.autoscaler == AutoscalerBounds(min=1, max=5)
    recorded = PoolReading({"srcazl": target(tags=(*target().tags, (TAG_COUNT, "3")))}, NOW)
    decision = decide(_at("CordonSource"), replace(seen(state), pools=recorded), NOW)
    assert _ready(decision.status) == "SourcePoolGone"


def test_an_edit_does_not_scale_a_system_pool_to_zero() -> None:
    wanted = migration(drained("RetireSource"), sourcePool="ScaleToZero")
    observation = seen(world([]), source(mode="System"), target(mode="System"))
    decision = decide(wanted, observation, NOW)
    assert (_ready(decision.status), decision.actions) == ("SystemPoolCannotBeEmpty", ())
