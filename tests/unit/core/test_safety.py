"""What an admin relies on: resources of others are not changed, and nothing is removed too
early."""

from dataclasses import replace
from typing import Any

import pytest

from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.api.status import (
    AutoscalerBounds,
    MigrationStatus,
    RollbackStatus,
    SourceRecord,
    timestamp,
)
from azure_linux_migrator.api.status_drain import BatchProgress
from azure_linux_migrator.core.reconcile.conditions import headline, merge
from azure_linux_migrator.core.reconcile.decide import decide
from azure_linux_migrator.core.state.results import ActionProblem, Decision
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.core.steps.drain import HOLDS
from azure_linux_migrator.core.steps.observation import Observation
from azure_linux_migrator.model.actions import (
    CordonNode,
    DeleteMachines,
    DeletePod,
    DeletePool,
    EvictPod,
    ReadPools,
    ReleaseNode,
    RestoreScale,
    UpdatePool,
)
from azure_linux_migrator.model.cluster import Controller, NamespacedName, Node, Volume
from azure_linux_migrator.model.migration import Migration
from azure_linux_migrator.model.pool import Pool
from tests.support.worlds import NOW, budget, migration, pod, seen, source, target, world

BEGUN: dict[str, Any] = {"start_time": timestamp(NOW - 4000), "source": SourceRecord(count=2)}
MARKS: dict[str, Any] = {"unschedulable": True, "cordoned_by": "m", "batch": "m.uid-m.1"}


def _at(step: str, **more: Any) -> MigrationStatus:
    return MigrationStatus(step=step, **(BEGUN | more))


def _back(step: str, **more: Any) -> MigrationStatus:
    return _at(step, rollback=RollbackStatus(reason="x", requested_at=timestamp(NOW)), **more)


def _kinds(decision: Decision) -> list[type]:
    return [type(action) for action in decision.actions]


def _reason(decision: Decision) -> str:
    ready = decision.status.condition("Ready")
    return ready.reason if ready else ""


# Pools of others


def _foreign() -> Pool:
    return Pool("srcazl", os_sku="Ubuntu", count=1, etag="e9")


def test_a_pool_that_only_has_the_targets_name_is_never_emptied() -> None:
    state = world([pod("theirs", node="t-0")])
    for step in ("CordonTarget", "DrainTarget", "RemoveTarget"):
        decision = decide(migration(_back(step)), seen(state, source(), _foreign()), NOW)
        assert not {CordonNode, EvictPod, DeletePool} & set(_kinds(decision)), step
    free = world([pod("theirs", node="t-0")], nodes=[Node("s-0", "src"), Node("t-0", "srcazl")])
    decision = decide(migration(_back("RemoveTarget")), seen(free, source(), _foreign()), NOW)
    assert _reason(decision) == "RolledBack"
    assert "srcazl stands, since it is not this migration's" in decision.status.message


def test_a_target_name_that_is_taken_is_reported_and_does_not_turn_back() -> None:
    state = world([], nodes=[Node("s-0", "src")])
    wanted = migration(_at("CreateTarget"), onFailure="Rollback")
    decision = decide(wanted, seen(state, source(), _foreign()), NOW)
    assert _reason(decision) == "TargetPoolExists"
    assert decision.status.rollback is None


def test_similar_long_names_have_targets_of_their_own() -> None:
    names = ("nodepool1", "nodepool12", "nodepool13")
    names_made = [migration(source={"nodePool": name}).new_pool for name in names]
    assert names_made[0] == "nodepool1azl"
    assert len(set(names_made)) == 3
    assert all(len(name) <= 12 and name.isalnum() for name in names_made)


# Moved pods are Ready before anything is removed


def _homeless() -> World:
    waiting: dict[str, Any] = {"node": "", "phase": "Pending", "ready": False}
    state = world([pod("a")])
    decide(migration(_at("Drain")), seen(state, source(), target()), NOW)
    state.evicting(EvictPod(NamespacedName("default", "a"), "uid-a", None, "rs-web"), NOW)
    state.put_pod(pod("a", terminating=True, revision=11))
    state.remove_pod(NamespacedName("default", "a"), 12)
    state.put_pod(pod("b", unschedulable="no room", created=NOW, **waiting))
    return state


@pytest.mark.parametrize("step", ["Drain", "Soak", "AwaitRetireApproval", "RetireSource"])
def test_the_source_stays_while_moved_pods_find_no_node(step: str) -> None:
    decision = decide(migration(_at(step)), seen(_homeless(), source(), target()), NOW)
    assert DeletePool not in _kinds(decision)
    assert _reason(decision) == "ReplacementsUnschedulable"
    assert decision.status.soak_started_at is None


@pytest.mark.parametrize("step", ["Soak", "RetireSource"])
def test_the_source_stays_while_the_targets_nodes_do_not_answer(step: str) -> None:
    state = world([])
    state.put_node(Node("t-0", "srcazl", ready=False))
    decision = decide(migration(_at(step)), seen(state, source(), target()), NOW)
    assert DeletePool not in _kinds(decision)
    assert _reason(decision) == "TargetNodesNotReady"
    state.put_node(Node("t-0", "srcazl"))
    decision = decide(migration(_at(step)), seen(state, source(), target()), NOW)
    assert DeletePool in _kinds(decision)


def test_rolling_deletes_no_machine_while_moved_pods_find_no_node() -> None:
    world = _homeless()
    world.put_node(Node("s-2", "src", unschedulable=True, cordoned_by="m"))
    rolling = {"type": "Rolling", "maxSurge": 1, "batch": {"soak": "0s"}, "finalSoak": "0s"}
    decision = decide(
        migration(_at("Drain"), strategy=rolling), seen(world, source(count=3), target()), NOW
    )
    assert DeleteMachines not in _kinds(decision)


def test_a_source_that_fills_again_is_drained_before_it_goes() -> None:
    late = Node("s-9", "src")
    state = world([pod("late", node="s-9")])
    state.put_node(late)
    decision = decide(migration(_at("RetireSource")), seen(state, source(count=3), target()), NOW)
    assert [action for action in decision.actions if isinstance(action, CordonNode)]
    state.put_node(Node("s-9", "src", **MARKS))
    decision = decide(migration(_at("RetireSource")), seen(state, source(count=3), target()), NOW)
    assert (_kinds(decision), decision.status.step) == ([EvictPod], "RetireSource")


@pytest.mark.parametrize("step", ["Drain", "Soak", "RetireSource"])
def test_nothing_is_moved_or_removed_while_a_watch_is_stale(step: str) -> None:
    state = world([pod("a")] if step == "Drain" else [])
    silent = seen(
        state, source(), target(), watch_problem="the watch of pods has delivered nothing"
    )
    decision = decide(migration(_at(step)), silent, NOW)
    assert (_kinds(decision), _reason(decision)) == ([], "WatchStale")


# The time that a batch may take


def _batch(**more: Any) -> MigrationStatus:
    batch = BatchProgress(index=1, of=1, started_at=timestamp(NOW - 4000), **more)
    return _at("Drain", batch=batch, phase="Running")


FULL = [budget(allowed=0, healthy=1, desired=1, expected=2)]


@pytest.mark.parametrize(("policy", "does"), [("Pause", set()), ("Force", {DeletePod})])
def test_a_batch_that_takes_too_long(policy: str, does: set[type]) -> None:
    drain = {"timeout": "30m", "onTimeout": policy}
    observation = seen(world([pod("a")], FULL), source(), target())
    decision = decide(migration(_batch(), drain=drain), observation, NOW)
    assert set(_kinds(decision)) - {ReadPools} == does


def test_a_batch_that_takes_too_long_goes_the_whole_way_back_where_that_is_asked() -> None:
    drain = {"timeout": "30m", "onTimeout": "Rollback"}
    decision = decide(
        migration(_batch(), drain=drain), seen(world([pod("a")], FULL), source(), target()), NOW
    )
    assert decision.status.rollback is not None
    assert decision.status.rollback.reason == "DrainTimedOut"


@pytest.mark.parametrize("policy", ["Pause", "Rollback", "Force"])
def test_time_without_an_operator_does_not_count(policy: str) -> None:
    drain = {"timeout": "30m", "onTimeout": policy}
    fresh = seen(world([pod("a")], FULL), source(), target(), began=NOW - 60)
    decision = decide(migration(_batch(), drain=drain), fresh, NOW)
    assert (_kinds(decision), _reason(decision), decision.status.rollback) == ([], "Draining", None)


def test_a_pause_gives_a_batch_its_time_again() -> None:
    drain = {"timeout": "30m", "onTimeout": "Force"}
    observation = seen(world([pod("a")], FULL), source(), target())
    paused = decide(migration(_batch(), drain=drain, paused=True), observation, NOW)
    assert (paused.actions, paused.status.pods.forced) == ((), 0)
    resumed = decide(migration(paused.status, drain=drain), observation, NOW + 5)
    assert DeletePod not in _kinds(resumed)
    assert resumed.status.batch.counted_from == timestamp(NOW + 5)
    late = seen(world([pod("a")], FULL), source(), target())
    late = replace(late, pools=replace(late.pools, at=NOW + 1900))  # type: ignore[type-var]
    over = decide(migration(resumed.status, drain=drain), late, NOW + 1900)
    assert DeletePod in _kinds(over)


def test_a_pause_that_ends_while_a_node_is_cordoned_again_gives_a_batch_its_time_again() -> None:
    drain = {"timeout": "30m", "onTimeout": "Rollback"}
    nodes = [Node("s-0", "src"), Node("t-0", "srcazl")]
    opened = seen(world([pod("a")], FULL, nodes=nodes), source(), target())
    status = _batch().model_copy(update={"phase": "Paused"})
    resumed = decide(migration(status, drain=drain), opened, NOW + 5)
    assert (resumed.status.step, _kinds(resumed)) == ("CordonSource", [CordonNode])
    assert resumed.status.batch.counted_from == timestamp(NOW + 5)
    cordoned = seen(world([pod("a")], FULL), source(), target())
    later = decide(migration(resumed.status, drain=drain), cordoned, NOW + 6)
    assert (later.status.step, later.status.rollback) == ("Drain", None)


def test_what_comes_to_a_drained_batch_has_its_own_time() -> None:
    drain = {"timeout": "30m", "onTimeout": "Force"}
    observation = seen(world([pod("late", created=NOW - 1)], FULL), source(), target())
    decision = decide(
        migration(_batch(drained_at=timestamp(NOW - 3000)), drain=drain), observation, NOW
    )
    assert DeletePod not in _kinds(decision)
    assert decision.status.batch.counted_from == timestamp(NOW)
    assert decision.status.batch.drained_at is None


def test_force_evicts_what_has_a_slot() -> None:
    drain = {"timeout": "30m", "onTimeout": "Force"}
    some = [budget(allowed=1, healthy=2, desired=1, expected=2)]
    observation = seen(world([pod("a"), pod("b", node="s-1")], some), source(), target())
    decision = decide(migration(_batch(), drain=drain), observation, NOW)
    assert sorted(kind.__name__ for kind in _kinds(decision)) == ["DeletePod", "EvictPod"]
    assert decision.status.pods.forced == 0, "it counts when it is deleted"
    deleted = decide(migration(_batch(), drain=drain), replace(observation, forced=3), NOW)
    assert deleted.status.pods.forced == 3


# Pools that others delete


def test_the_first_cordon_follows_a_fresh_look_at_the_pools() -> None:
    """An approval may come hours later, and the target may be gone."""
    nodes = [Node("s-0", "src"), Node("s-1", "src"), Node("t-0", "srcazl")]
    observation = seen(world([pod("a")], nodes=nodes), source(), target())
    assert observation.pools is not None
    old = replace(observation, pools=replace(observation.pools, at=NOW - 50))
    looking = decide(migration(_at("CordonSource")), old, NOW)
    assert _kinds(looking) == [ReadPools]
    assert CordonNode in _kinds(decide(migration(_at("CordonSource")), observation, NOW))
    gone = seen(world([pod("a")], nodes=nodes[:2]), source())
    decision = decide(migration(_at("CordonSource")), gone, NOW)
    assert (_kinds(decision), _reason(decision)) == ([], "TargetPoolGone")


def test_target_nodes_that_an_interrupted_rollback_cordoned_are_opened_first() -> None:
    nodes = [Node("s-0", "src"), Node("t-0", "srcazl", unschedulable=True, cordoned_by="m")]
    state = world([pod("a")], nodes=nodes)
    observation = seen(state, source(count=1), target())
    opening = decide(migration(_at("CordonSource")), observation, NOW)
    assert opening.actions == (ReleaseNode("t-0", "m"),)
    state.put_node(Node("t-0", "srcazl"))
    assert CordonNode in _kinds(decide(migration(_at("CordonSource")), observation, NOW))
    state.put_node(Node("t-0", "srcazl", unschedulable=True))
    foreign = decide(migration(_at("CordonSource")), observation, NOW)
    assert ReleaseNode not in _kinds(foreign), "somebody else's cordon stays"


def test_an_autoscaler_that_is_on_is_held_before_the_first_cordon() -> None:
    """An older azlm did not hold it yet, or somebody turned it on while the target was made."""
    state = world([pod("a")], nodes=[Node("s-0", "src"), Node("t-0", "srcazl")])
    on = source(count=1, autoscaling=True, properties={"minCount": 1, "maxCount": 5})
    status = _at("CordonSource", source=SourceRecord(count=1))
    holding = decide(migration(status), seen(state, on, target()), NOW)
    assert _kinds(holding) == [UpdatePool]
    assert CordonNode not in _kinds(holding)
    held = seen(state, source(count=1), target())
    assert CordonNode in _kinds(decide(migration(status), held, NOW))


@pytest.mark.parametrize("kept", ["Keep", "ScaleToZero"])
def test_a_source_that_is_to_be_kept_and_is_gone_is_no_success(kept: str) -> None:
    state = world([], nodes=[Node("t-0", "srcazl")])
    status = _at("RetireSource", source=SourceRecord(count=2))
    decision = decide(migration(status, sourcePool=kept), seen(state, target()), NOW)
    assert (_kinds(decision), _reason(decision)) == ([], "SourcePoolGone")
    deleted = decide(migration(status), seen(state, target()), NOW)
    assert deleted.status.is_true("Succeeded"), "a source that is to be deleted is gone"


def test_a_source_that_is_gone_is_no_success_where_the_target_is_gone_too() -> None:
    status = _at("RetireSource", source=SourceRecord(count=2))
    decision = decide(migration(status), seen(world([], nodes=[])), NOW)
    assert (_kinds(decision), _reason(decision)) == ([], "TargetMissing")
    assert "src is gone, too" in decision.status.message
    assert decision.wake_at is not None


def test_a_source_that_is_gone_before_there_is_a_target_is_reported() -> None:
    status = _at("CreateTarget", source=SourceRecord(count=2))
    observation = seen(world([], nodes=[]))
    decision = decide(migration(status), observation, NOW)
    assert (_kinds(decision), _reason(decision)) == ([], "SourcePoolGone")
    assert observation.pools is not None
    old = replace(observation, pools=replace(observation.pools, at=NOW - 61))
    later = decide(migration(status), old, NOW)
    assert (_kinds(later), _reason(later)) == ([ReadPools], "SourcePoolGone")
    hidden = replace(observation, asked={"src": NOW - 5.0})
    assert _reason(decide(migration(status), hidden, NOW)) != "SourcePoolGone"


def test_a_rollback_notices_that_its_source_is_gone() -> None:
    marks: dict[str, Any] = {"unschedulable": True, "cordoned_by": "m", "batch": "m.uid-m.1"}
    nodes = [Node("s-0", "src"), Node("t-0", "srcazl", **marks)]
    guard = [budget(allowed=0, healthy=1, desired=1, expected=1)]
    state = world([pod("a", node="t-0")], guard, nodes=nodes)
    observation = seen(state, source(count=1), target())
    assert observation.pools is not None
    held = SourceRecord(count=1)
    old = replace(observation, pools=replace(observation.pools, at=NOW - 61))
    assert ReadPools in _kinds(decide(migration(_back("DrainTarget", source=held)), old, NOW))
    gone = seen(state, target())
    decision = decide(migration(_back("DrainTarget", source=held)), gone, NOW)
    assert (_kinds(decision), _reason(decision)) == ([], "SourcePoolGone")


# Approvals and tokens of an admin


def test_a_node_that_was_taken_back_in_the_soak_stays_his() -> None:
    opened = world([])
    opened.put_node(Node("s-0", "src", cordoned_by="m", batch="m.uid-m.1"))
    status = _at("Soak", soak_started_at=timestamp(NOW - 60))
    for _ in range(3):
        decision = decide(
            migration(status, onFailure="Rollback"), seen(opened, source(), target()), NOW
        )
        assert (_kinds(decision), _reason(decision)) == ([], "NodeUncordoned")
        assert decision.status.soak_started_at == timestamp(NOW - 60)
        status = decision.status


def test_it_stays_his_though_something_else_holds_the_migration_meanwhile() -> None:
    opened = world([])
    opened.put_node(Node("s-0", "src", cordoned_by="m", batch="m.uid-m.1"))
    status = _at("Soak", soak_started_at=timestamp(NOW - 60))
    for pool, expected in (
        (target(power="Stopped"), "TargetStopped"),
        (target(), "NodeUncordoned"),
    ):
        decision = decide(migration(status), seen(opened, source(), pool), NOW)
        assert _reason(decision) == expected
        assert CordonNode not in _kinds(decision)
        status = decision.status


def test_an_approval_is_good_for_one_attempt() -> None:
    word = {"azlm.dev/approve": "BeforeDrain"}
    observation = seen(
        world([], nodes=[Node("s-0", "src"), Node("t-0", "srcazl")]), source(), target()
    )
    ended = _back("ReleaseSource", phase="RolledBack", observed_generation=1)
    again = replace(migration(ended, approval="BeforeDrain"), annotations=word, generation=2)
    first = decide(again, observation, NOW)
    assert first.status.handled_approval == "BeforeDrain"
    waiting = replace(again, status=first.status.model_copy(update={"step": "AwaitDrainApproval"}))
    decision = decide(waiting, observation, NOW)
    assert _reason(decision) == "AwaitingApproval"
    assert "azlm.dev/approve=BeforeDrain.2 --overwrite" in decision.status.message
    given = replace(waiting, annotations={"azlm.dev/approve": "BeforeDrain.2"})
    assert CordonNode in _kinds(decide(given, observation, NOW))


def test_a_long_rollback_token_counts_once() -> None:
    token = {"azlm.dev/rollback": "x" * 300}
    observation = seen(world([pod("a")]), source(), target())
    turned = decide(replace(migration(_at("Drain")), annotations=token), observation, NOW)
    assert turned.status.rollback is not None
    later = _at("Drain", handled_rollback=turned.status.handled_rollback)
    decision = decide(replace(migration(later), annotations=token), observation, NOW)
    assert decision.status.rollback is None


# Every migration ends


def _surged(world: World) -> None:
    world.put_controller(
        Controller("ReplicaSet", NamespacedName("default", "web"), "rs-web", owner="web")
    )
    world.put_controller(
        Controller("Deployment", NamespacedName("default", "web"), "web", replicas=2, surge="m/1")
    )


def test_a_replica_that_was_added_is_taken_back_when_the_pod_left_by_itself() -> None:
    state = world([pod("new", node="t-0")])
    _surged(state)
    decision = decide(migration(_at("Drain")), seen(state, source(), target()), NOW)
    assert decision.actions == (RestoreScale(NamespacedName("default", "web"), 1),)
    assert decision.status.step == "Drain"


def test_a_node_that_never_answered_does_not_hold_a_rollback_up() -> None:
    nodes = [Node("s-0", "src"), Node("s-1", "src", ready=False), Node("t-0", "srcazl")]
    state = world([pod("a", node="t-0")], nodes=nodes)
    decision = decide(migration(_back("RestoreSource")), seen(state, source(), target()), NOW)
    assert decision.status.step == "CordonTarget"


def _held() -> MigrationStatus:
    record = SourceRecord(count=2, autoscaler=AutoscalerBounds(min=1, max=3))
    return MigrationStatus(step="Drain", start_time=timestamp(NOW - 60), source=record)


def _deleting(**more: Any) -> Migration:
    return replace(migration(_held(), **more), deleting=True)


def _deleted(**more: Any) -> Observation:
    bare = world([], nodes=[Node("s-0", "src"), Node("t-0", "srcazl")])
    held = source(tags=(("azlm-held-autoscaler", "1-3"),))
    return seen(bare, held, target(), **more)


def test_deletion_gives_the_autoscaler_back_even_while_paused() -> None:
    decision = decide(_deleting(paused=True), _deleted(), NOW)
    assert _kinds(decision) == [UpdatePool]


def test_deletion_does_not_hang_on_what_azure_refuses_for_good() -> None:
    problem = ActionProblem(Reason.AZURE_FORBIDDEN, "no", retryable=False, retry_at=NOW + 60)
    decision = decide(_deleting(), _deleted(problems={"UpdatePool/src": problem}), NOW)
    assert decision.released
    busy = ActionProblem(Reason.AZURE_UNAVAILABLE, "later", retryable=True, retry_at=NOW + 60)
    assert not decide(_deleting(), _deleted(problems={"UpdatePool/src": busy}), NOW).released


def test_a_recreated_resource_hands_the_autoscaler_over_too() -> None:
    tags = (*target().tags, ("azlm-held-autoscaler", "1-3"))
    state = world([], nodes=[Node("t-0", "srcazl")])
    decision = decide(migration(), seen(state, target(tags=tags)), NOW)
    (action,) = decision.actions
    assert isinstance(action, UpdatePool)
    assert dict(action.changes)["maxCount"] == 3
    assert decision.status.step == "HandOverAutoscaler"


def test_a_source_that_is_gone_does_not_turn_back() -> None:
    decision = decide(
        migration(_at("Drain"), onFailure="Rollback"), seen(world([pod("a")]), target()), NOW
    )
    assert _reason(decision) == "SourcePoolGone"
    assert decision.status.rollback is None


def test_a_rolled_back_migration_that_is_paused_writes_nothing() -> None:
    status = _back("RemoveTarget", phase="RolledBack", observed_generation=1)
    decision = decide(migration(status, paused=True), seen(world([]), source()), NOW)
    assert decision.actions == ()
    assert ReleaseNode in _kinds(decide(migration(status), seen(world([]), source()), NOW))


def test_a_reading_from_the_future_is_not_fresh() -> None:
    observation = seen(world([]), source(), target())
    observation = replace(observation, pools=replace(observation.pools, at=NOW + 300))  # type: ignore[type-var]
    assert DeletePool not in _kinds(decide(migration(_at("RetireSource")), observation, NOW))


def test_what_is_tried_again_asks_for_no_wake_up_in_the_past() -> None:
    problem = ActionProblem(Reason.AZURE_UNAVAILABLE, "x", retryable=True, retry_at=NOW - 1)
    observation = seen(world([]), pools=None, problems={"ReadPools": problem})
    decision = decide(migration(), observation, NOW)
    assert (_kinds(decision), decision.wake_at) == ([ReadPools], None)


def test_what_held_a_stalled_batch_up_gives_it_its_time_again() -> None:
    drain = {"timeout": "30m", "onTimeout": "Force"}
    stalled = _batch().model_copy(update={"phase": "Stalled"})
    drafts = headline("refused", "AutoscalerTurnedOn", "x")
    stalled = stalled.model_copy(update={"conditions": merge(stalled, drafts, 1, NOW)})
    observation = seen(world([pod("a")], FULL), source(), target())
    decision = decide(migration(stalled, drain=drain), observation, NOW)
    assert DeletePod not in _kinds(decision)
    assert decision.status.batch.counted_from == timestamp(NOW)


def _held_up(reason: Reason) -> MigrationStatus:
    """A batch whose time is over, and that nothing was evicted from until now."""
    status = _batch(counted_from=timestamp(NOW - 4000))
    drafts = headline("working", reason, "x")
    return status.model_copy(update={"conditions": merge(status, drafts, 1, NOW)})


@pytest.mark.parametrize("policy", ["Pause", "Rollback", "Force"])
@pytest.mark.parametrize("reason", sorted(HOLDS))
def test_time_in_which_nothing_could_be_evicted_does_not_count(reason: Reason, policy: str) -> None:
    drain = {"timeout": "30m", "onTimeout": policy}
    observation = seen(world([pod("a")], FULL), source(), target())
    decision = decide(migration(_held_up(reason), drain=drain), observation, NOW)
    assert (_kinds(decision), _reason(decision), decision.status.rollback) == ([], "Draining", None)
    assert decision.status.batch.counted_from == timestamp(NOW)
    later = decide(migration(decision.status, drain=drain), observation, NOW + 60)
    assert later.status.batch.counted_from == timestamp(NOW), "once, not with every pass"


def test_a_hold_that_lasts_does_not_move_the_time_with_every_pass() -> None:
    status = _held_up(Reason.TARGET_NOT_READY)
    nodes = [Node("s-0", "src", batch="m.uid-m.1", unschedulable=True, cordoned_by="m")]
    state = world([pod("a")], FULL, nodes=[*nodes, Node("t-0", "srcazl", ready=False)])
    decision = decide(migration(status), seen(state, source(), target()), NOW)
    assert _reason(decision) == "TargetNotReady"
    assert decision.status.batch.counted_from == status.batch.counted_from


# InPlace: however AKS writes an OS SKU


def _in_place(world: World, shown: str, wanted: str, **more: Any) -> Decision:
    status = MigrationStatus(step="UpdateInPlace", **BEGUN)
    spec: dict[str, Any] = {"strategy": {"type": "InPlace"}, "target": {"osSKU": wanted}}
    sight = seen(world, source(os_sku=shown, count=1), **more)
    return decide(migration(status, **spec), sight, NOW)


def test_a_pool_whose_nodes_run_what_was_asked_for_is_done() -> None:
    node = Node("s-0", "src", os_sku="AzureLinux", os_effective="AzureLinux3")
    decision = _in_place(world([], nodes=[node]), "AzureLinux", "AzureLinux3")
    assert (decision.actions, decision.status.phase) == ((), "Succeeded")


def test_a_change_that_aks_does_not_show_is_asked_for_again_slowly() -> None:
    state = world([], nodes=[Node("s-0", "src", os_sku="Ubuntu")])
    just = _in_place(state, "Ubuntu", "AzureLinux4", asked={"src": NOW - 20})
    assert UpdatePool not in _kinds(just)
    late = _in_place(state, "Ubuntu", "AzureLinux4", asked={"src": NOW - 200})
    assert (_kinds(late), _reason(late)) == ([UpdatePool], "UpdateIgnored")
    assert "shows Ubuntu" in late.status.message


def test_a_failed_update_names_what_its_drain_waits_for_and_no_zone() -> None:
    nodes = [
        Node("s-0", "src", zone="r-1", os_sku="Ubuntu"),
        Node("s-1", "src", zone="r-2", os_sku="AzureLinux", os_effective="AzureLinux3"),
    ]
    twice = [budget(key=NamespacedName("default", "a")), budget(key=NamespacedName("default", "b"))]
    state = world([pod("x", claims=("data",))], twice, nodes)
    state.put_volume(Volume("pv", NamespacedName("default", "data"), zones=("r-1",)))
    status = MigrationStatus(step="UpdateInPlace", **BEGUN)
    spec: dict[str, Any] = {"strategy": {"type": "InPlace"}}
    pool = source(os_sku="AzureLinux", state="Failed")
    decision = decide(migration(status, **spec), seen(state, pool), NOW)
    assert _reason(decision) == "UpdateFailed"
    assert "2 PodDisruptionBudgets select it" in decision.status.message
    assert "zone" not in decision.status.message


def test_tokens_of_an_exported_resource_are_not_taken_as_new() -> None:
    exported = {"azlm.dev/approve": "BeforeDrain", "azlm.dev/rollback": "1"}
    applied = replace(migration(approval="BeforeDrain"), annotations=exported)
    observation = seen(world([pod("a")]), source(), target())
    first = decide(applied, observation, NOW).status
    assert (first.handled_approval, first.handled_rollback) == ("BeforeDrain", "1")
    waiting = replace(applied, status=first.model_copy(update={"step": "AwaitDrainApproval"}))
    decision = decide(waiting, observation, NOW)
    assert decision.status.rollback is None
    assert decision.status.condition("Ready").reason == Reason.AWAITING_APPROVAL  # type: ignore[union-attr]
    assert "azlm.dev/approve=BeforeDrain.2" in decision.status.message
    back = replace(waiting, annotations=exported | {"azlm.dev/rollback": "2"})
    assert decide(back, observation, NOW).status.rollback is not None


def test_the_hand_over_of_a_system_pool_that_is_kept_changes_no_code_yet() -> None:
    """The new name in a default_node_pool replaces the cluster while the old pool is there."""
    new = target(mode="System")

    def code(source_pool: str, *pools: Pool) -> str:
        wanted = migration(_at("RetireSource"), sourcePool=source_pool)
        return decide(wanted, seen(world([], nodes=[]), *pools), NOW).status.hand_over.terraform

    kept = code("Keep", source(mode="System"), new)
    assert "change nothing until pool src is deleted" in kept
    assert "default_node_pool {" not in kept
    assert "default_node_pool {" in code("Delete", new)
