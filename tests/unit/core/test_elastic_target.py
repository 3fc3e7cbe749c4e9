"""The target may grow while the source's autoscaler is held."""

from dataclasses import replace
from typing import Any

import pytest

from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.api.status import (
    AutoscalerBounds,
    RollbackStatus,
    SourceRecord,
    timestamp,
)
from azure_linux_migrator.core.reconcile.decide import decide
from azure_linux_migrator.core.state.results import ActionProblem
from azure_linux_migrator.model.actions import CordonNode, CreatePool, UpdatePool
from azure_linux_migrator.model.cluster import Node
from azure_linux_migrator.model.pool import Pool
from tests.support.worlds import NOW, at, migration, pod, seen, source, target, world

HELD = SourceRecord(count=2, autoscaler=AutoscalerBounds(min=1, max=9))
TAGS = (*target().tags, ("azlm-held-autoscaler", "1-9"))
OPEN = [Node("s-0", "src"), Node("s-1", "src"), Node("t-0", "srcazl"), Node("t-1", "srcazl")]


def scaled(least: int, most: int) -> Pool:
    properties = {"minCount": least, "maxCount": most}
    return target(count=2, autoscaling=True, properties=properties, tags=TAGS)


def decided(step: str, pool: Pool, **more: Any) -> Any:
    problems = more.pop("problems", {})
    observation = replace(seen(world([pod("a")], nodes=OPEN), source(), pool), problems=problems)
    return decide(migration(at(step, source=HELD), **more), observation, NOW)


def test_the_target_gets_an_autoscaler_that_adds_and_removes_nothing_before_the_cordon() -> None:
    decision = decided("HoldAutoscaler", target(count=2, tags=TAGS))
    assert decision.status.step == "ScaleTarget"
    [action] = decision.actions
    assert isinstance(action, UpdatePool)
    assert action.pool == "srcazl"
    assert dict(action.changes) == {
        "enableAutoScaling": True,
        "minCount": 2,
        "maxCount": 9,
        "count": 2,
    }
    assert action.tags == (), "the bounds of the source stay in its tag until the hand-over"
    went_on = decided("HoldAutoscaler", scaled(2, 9))
    assert {type(action) for action in went_on.actions} == {CordonNode}


@pytest.mark.parametrize(
    ("status", "spec"),
    [
        (SourceRecord(count=2), {}),
        (HELD, {"strategy": {"type": "Rolling"}}),
    ],
)
def test_nothing_is_scaled_where_nothing_was_or_the_target_is_grown_by_us(
    status: SourceRecord, spec: dict[str, Any]
) -> None:
    observation = seen(world([pod("a")], nodes=OPEN), source(), target(count=2))
    decision = decide(migration(at("HoldAutoscaler", source=status), **spec), observation, NOW)
    assert not any(isinstance(action, UpdatePool) for action in decision.actions)


def test_a_refusal_of_azure_does_not_hold_the_migration_up_and_is_reported() -> None:
    refusal = ActionProblem(Reason.SUBNET_TOO_SMALL, "no room for 9 nodes", False, NOW + 300)
    problems = {"UpdatePool/srcazl": refusal}
    decision = decided("HoldAutoscaler", target(count=2, tags=TAGS), problems=problems)
    assert {type(action) for action in decision.actions} == {CordonNode}
    cordoned = [Node(name, "src", unschedulable=True, cordoned_by="m") for name in ("s-0", "s-1")]
    observation = replace(
        seen(world([pod("a")], nodes=[*cordoned, *OPEN[2:]]), source(), target(count=2, tags=TAGS)),
        problems=problems,
    )
    draining = decide(migration(at("Drain", source=HELD)), observation, NOW)
    changed = draining.status.condition("PoolsChanged")
    assert changed is not None
    assert (changed.status, changed.reason) == ("True", "TargetNotElastic")
    assert "no room for 9 nodes" in changed.message
    assert "--enable-cluster-autoscaler --min-count 2 --max-count 9" in changed.message


def test_at_the_end_the_target_gets_the_bounds_that_the_source_had() -> None:
    observation = seen(world([], nodes=OPEN[2:]), scaled(2, 9))
    decision = decide(migration(at("HandOverAutoscaler", source=HELD)), observation, NOW)
    [action] = decision.actions
    assert isinstance(action, UpdatePool)
    assert dict(action.changes)["minCount"] == 1
    assert action.tags == (("azlm-held-autoscaler", None),)


def test_the_source_is_held_before_the_target_is_made() -> None:
    bounds = {"minCount": 1, "maxCount": 9}
    scaling = source(autoscaling=True, count=2, properties=bounds)
    observation = seen(world([pod("a")], nodes=OPEN[:2]), scaling)
    decision = decide(migration(), observation, NOW)
    assert decision.status.step == "HoldAutoscaler"
    [hold] = decision.actions
    assert isinstance(hold, UpdatePool)
    assert (hold.pool, dict(hold.changes)["enableAutoScaling"]) == ("src", False)
    held = source(count=2, tags=(("azlm-held-autoscaler", "1-9"),))
    going = decide(
        migration(at("HoldAutoscaler", source=HELD)),
        seen(world([pod("a")], nodes=OPEN[:2]), held),
        NOW,
    )
    [create] = going.actions
    assert isinstance(create, CreatePool)
    assert ("azlm-held-autoscaler", "1-9") in create.tags


@pytest.mark.parametrize("deleting", [False, True])
def test_a_hold_that_is_under_way_is_waited_for_before_it_is_taken_back(*, deleting: bool) -> None:
    bounds = {"minCount": 1, "maxCount": 9}
    scaling = source(autoscaling=True, count=2, properties=bounds)
    observation = replace(
        seen(world([pod("a")], nodes=OPEN[:2]), scaling), running={"UpdatePool/src"}
    )
    back = RollbackStatus(reason="Requested", requested_at=timestamp(NOW - 60))
    status = at("RestoreAutoscaler", source=HELD, rollback=None if deleting else back)
    begun = replace(migration(status), deleting=deleting, backwards=not deleting)
    decision = decide(begun, observation, NOW)
    assert not decision.released
    assert (decision.status.phase, decision.actions) != ("RolledBack", ())
    assert decision.status.phase in {"RollingBack", "Deleting"}


@pytest.mark.parametrize("pool", [None, target(state="Failed")])
def test_a_refused_target_tells_that_the_source_cannot_grow(pool: Pool | None) -> None:
    held = source(tags=(("azlm-held-autoscaler", "3-50"),))
    refusal = ActionProblem(Reason.QUOTA_EXCEEDED, "no cores left", False, NOW + 300)
    pools = [held] if pool is None else [held, pool]
    observation = replace(
        seen(world([pod("a")], nodes=OPEN[:2]), *pools), problems={"CreatePool/srcazl": refusal}
    )
    status = at("CreateTarget", source=HELD)
    decision = decide(migration(status), observation, NOW)
    assert "the autoscaler of node pool src (3 to 50 nodes) is off" in decision.status.message
    assert "kubectl azlm abort m gives it back" in decision.status.message
    aborted = replace(migration(decision.status), annotations={"azlm.dev/abort": "1"})
    aborting = decide(aborted, observation, NOW)
    after = decide(replace(aborted, status=aborting.status), observation, NOW)
    [action] = after.actions
    assert isinstance(action, UpdatePool)
    assert dict(action.changes)["maxCount"] == 50


@pytest.mark.parametrize("ours", [True, False])
def test_on_the_way_back_only_a_target_of_ours_is_held(*, ours: bool) -> None:
    bounds = {"minCount": 2, "maxCount": 9}
    tags = target().tags if ours else (("team", "x"),)
    pool = target(autoscaling=True, count=2, properties=bounds, tags=tags)
    back = RollbackStatus(reason="Requested", requested_at=timestamp(NOW - 60))
    begun = replace(migration(at("HoldTarget", rollback=back)), backwards=True)
    observation = seen(world([pod("a", node="t-0")], nodes=OPEN), source(), pool)
    changed = [a for a in decide(begun, observation, NOW).actions if isinstance(a, UpdatePool)]
    assert [action.pool for action in changed] == ["srcazl"] * ours
