"""What is not concluded, changed or deleted: on an old reading, for others, or too early."""

from dataclasses import replace
from typing import Any

import pytest

from azure_linux_migrator.api.names import TAG_AUTOSCALER, TAG_COUNT, TAG_MIGRATION, TAG_SOURCE
from azure_linux_migrator.api.status import (
    AutoscalerBounds,
    MigrationStatus,
    RollbackStatus,
    SourceRecord,
    timestamp,
)
from azure_linux_migrator.api.status_drain import BatchProgress
from azure_linux_migrator.core.drain import disruption_budgets
from azure_linux_migrator.core.reconcile.decide import decide
from azure_linux_migrator.core.state.outcomes import Outcomes
from azure_linux_migrator.core.state.results import Decision, PoolReading
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.core.steps.observation import Observation
from azure_linux_migrator.errors import AzureError
from azure_linux_migrator.model.actions import (
    Action,
    CreatePool,
    DeletePool,
    MarkNode,
    ReadPools,
    ReleaseNode,
    UpdatePool,
)
from azure_linux_migrator.model.cluster import Controller, NamespacedName, Node
from azure_linux_migrator.model.migration import Migration
from azure_linux_migrator.model.pool import Pool
from tests.support.decisions import drained, ready
from tests.support.worlds import NOW, at, budget, migration, pod, seen, source, target, world

MARKS: dict[str, Any] = {"unschedulable": True, "cordoned_by": "m"}
EMPTIED = [Node("s-0", "src", batch="m.uid-m.1", **MARKS), Node("t-0", "srcazl")]


def _old(observation: Observation, seconds: float = 30.0) -> Observation:
    """The pools were read so long ago."""
    assert observation.pools is not None
    return replace(observation, pools=PoolReading(observation.pools.pools, NOW - seconds))


def _kinds(decision: Decision) -> list[type[Action]]:
    return [type(action) for action in decision.actions]


def _back(step: str, **more: Any) -> MigrationStatus:
    rollback = RollbackStatus(reason="Requested", message="x", requested_at=timestamp(NOW))
    fields: dict[str, Any] = {
        "phase": "RollingBack",
        "source": SourceRecord(count=1),
        "rollback": rollback,
    }
    return at(step, **(fields | more))


# On an old reading


def test_the_source_is_retired_on_a_fresh_reading_only() -> None:
    wanted = migration(drained("RetireSource"))
    observation = seen(world([], nodes=EMPTIED), source(count=1), target())
    assert _kinds(decide(wanted, observation, NOW)) == [DeletePool]
    assert _kinds(decide(wanted, _old(observation), NOW)) == [ReadPools]


def test_a_rollback_removes_its_target_on_a_fresh_reading_only() -> None:
    nodes = [Node("s-0", "src"), Node("t-0", "srcazl", batch="m.uid-m.1", **MARKS)]
    observation = seen(world([], nodes=nodes), source(count=1), target())
    wanted = migration(_back("RemoveTarget"))
    assert _kinds(decide(wanted, observation, NOW)) == [DeletePool]
    assert _kinds(decide(wanted, _old(observation), NOW)) == [ReadPools]


def test_a_rollback_is_not_over_by_an_old_list_without_the_target() -> None:
    observation = seen(world([], nodes=[Node("s-0", "src")]), source(count=1))
    wanted = migration(_back("RemoveTarget"))
    assert ready(decide(wanted, observation, NOW)) == "RolledBack"
    old = decide(wanted, _old(observation), NOW)
    assert (_kinds(old), ready(old)) == ([ReadPools], "RemovingTarget")


def test_aks_is_asked_for_another_os_on_a_fresh_reading_only() -> None:
    wanted = migration(at("UpdateInPlace"), strategy={"type": "InPlace"})
    observation = seen(world([], nodes=[Node("s-0", "src", os_sku="Ubuntu")]), source(count=1))
    assert _kinds(decide(wanted, observation, NOW)) == [UpdatePool]
    assert _kinds(decide(wanted, _old(observation), NOW)) == [ReadPools]


# With pods, or without a target


def test_a_rollback_keeps_a_target_with_pods_on_it() -> None:
    nodes = [Node("s-0", "src"), Node("t-0", "srcazl", batch="m.uid-m.1", **MARKS)]
    observation = seen(world([pod("a", node="t-0")], nodes=nodes), source(count=1), target())
    decision = decide(migration(_back("RemoveTarget")), observation, NOW)
    assert DeletePool not in _kinds(decision)


@pytest.mark.parametrize("pools", [(source(count=1),), (source(count=1), target(tags=()))])
def test_keep_does_not_succeed_without_a_target(pools: tuple[Pool, ...]) -> None:
    wanted = migration(drained("RetireSource"), sourcePool="Keep")
    decision = decide(wanted, seen(world([], nodes=EMPTIED), *pools), NOW)
    assert not decision.status.is_true("Succeeded")
    whole = seen(world([], nodes=EMPTIED), source(count=1), target())
    assert decide(wanted, whole, NOW).status.is_true("Succeeded")


# Tags and names


TAGS = ((TAG_MIGRATION, "m"), (TAG_SOURCE, "src"))


@pytest.mark.parametrize(
    ("tags", "owned"),
    [(TAGS, True), (TAGS[:1], False), (TAGS[1:], False), (((TAG_MIGRATION, "m2"), TAGS[1]), False)],
)
def test_both_tags_say_whose_a_pool_is(tags: tuple[tuple[str, str], ...], owned: bool) -> None:
    assert migration().owns(target(tags=tags)) is owned


@pytest.mark.parametrize(("tags", "reason"), [(TAGS, "AlreadyMigrated"), ((), "")])
def test_a_pool_of_the_targets_name_is_not_the_migrated_one(
    tags: tuple[tuple[str, str], ...], reason: str
) -> None:
    observation = seen(world([], nodes=[Node("t-0", "srcazl")]), target(tags=tags))
    decision = decide(migration(), observation, NOW)
    assert decision.status.is_true("Succeeded") is bool(reason)
    assert not reason or ready(decision) == reason


def test_the_target_is_tagged_with_what_a_resource_that_is_applied_again_needs() -> None:
    held = source(count=3, tags=((TAG_AUTOSCALER, "1-5"),))
    record = SourceRecord(count=3, autoscaler=AutoscalerBounds(min=1, max=5))
    observation = seen(world([], nodes=[Node("s-0", "src")]), held)
    decision = decide(migration(at("CreateTarget", source=record)), observation, NOW)
    (action,) = decision.actions
    assert isinstance(action, CreatePool)
    assert dict(action.tags) == {**dict(TAGS), TAG_COUNT: "3", TAG_AUTOSCALER: "1-5"}


@pytest.mark.parametrize(
    ("mark", "batch", "left"),
    [
        ("m.uid-m.2", 2, True),
        ("m.uid-before.2", 0, True),
        ("m2.uid-m2.2", 0, False),
        ("m.uid-m.x", 0, True),
        ("", 0, False),
    ],
)
def test_whose_batch_mark_it_is(mark: str, batch: int, left: bool) -> None:
    node = Node("s-0", "src", batch=mark)
    assert (migration().batch_of(node), migration().left_mark(node)) == (batch, left)


def test_the_end_leaves_the_marks_of_a_migration_whose_name_begins_alike() -> None:
    nodes = [Node("x-0", "other", batch="m2.uid-m2.1"), Node("s-0", "src", batch="m.uid-m.1")]
    leaving = replace(migration(at("Drain")), deleting=True)
    decision = decide(leaving, seen(world([], nodes=nodes), source(), target()), NOW)
    assert decision.actions == (ReleaseNode("s-0", "m"),)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("src", "srcazl"), ("production01", "product01azl"), ("nodepool1", "nodepool1azl")],
)
def test_the_name_of_the_target(name: str, expected: str) -> None:
    spec = migration().spec.model_copy(
        update={"source": migration().spec.source.model_copy(update={"node_pool": name})}
    )
    assert Migration("m", "uid-m", 1, spec, MigrationStatus()).new_pool == expected


# Attempts, pauses and batches


def test_another_attempt_forgets_the_record_and_the_approval_of_the_first() -> None:
    status = _back("RemoveTarget", phase="RolledBack", approved="BeforeDrain").model_copy(
        update={"source": SourceRecord(count=9, os_sku="Ubuntu"), "observed_generation": 1}
    )
    again = replace(migration(status), generation=2)
    nodes = [Node("s-0", "src"), Node("s-1", "src")]
    decision = decide(again, seen(world([], nodes=nodes), source(count=2)), NOW)
    assert decision.status.rollback is None
    assert decision.status.source.count != 9
    assert decision.status.approved == ""


@pytest.mark.parametrize(("paused", "back"), [(True, False), (False, True)])
def test_a_failure_turns_back_only_what_is_not_paused(paused: bool, back: bool) -> None:
    wanted = migration(at("CreateTarget", source=SourceRecord(count=2)), onFailure="Rollback")
    wanted = replace(wanted, spec=wanted.spec.model_copy(update={"paused": paused}))
    broken = target(state="Failed")
    nodes = [Node("s-0", "src"), Node("t-0", "srcazl")]
    decision = decide(wanted, seen(world([], nodes=nodes), source(), broken), NOW)
    assert (decision.status.rollback is not None) is back


SOAKS = {"canary": {"nodes": 0}, "batch": {"size": 1, "soak": "5m"}, "finalSoak": "0s"}


@pytest.mark.parametrize(("index", "joins"), [(1, True), (2, False)])
def test_the_end_of_an_earlier_batch_is_not_that_of_this_one(index: int, joins: bool) -> None:
    """Batch 2 was drained while nobody looked: its own soak is before it."""
    marks = [Node(f"s-{n}", "src", batch=f"m.uid-m.{n + 1}", **MARKS) for n in range(index)]
    nodes = [*marks, Node("s-9", "src", **MARKS), Node("t-0", "srcazl")]
    batch = BatchProgress(
        index=1, of=3, started_at=timestamp(NOW - 2000), drained_at=timestamp(NOW - 1000)
    )
    status = at("Drain", batch=batch, source=SourceRecord(count=len(nodes) - 1))
    observation = seen(world([], nodes=nodes), source(count=len(nodes) - 1), target())
    decision = decide(migration(status, strategy=SOAKS), observation, NOW)
    assert (MarkNode in _kinds(decision)) is joins
    assert joins or ready(decision) == "BatchSoak"


# What is reported


def _draining(pods: list[Any], **drain: Any) -> Decision:
    batch = BatchProgress(index=1, of=1, started_at=timestamp(NOW - 10))
    status = at("Drain", batch=batch, source=SourceRecord(count=2))
    return decide(migration(status, drain=drain), seen(world(pods), source(), target()), NOW)


def test_what_is_left_is_what_moves_waits_or_is_blocked() -> None:
    pods = [
        pod("moves"),
        pod("leaves", terminating=True),
        pod("waits", run_once=True),
        pod("blocked", owner=None),
    ]
    counts = _draining(pods, jobs="Wait", unmanagedPods="Block").status.pods
    assert (counts.remaining, counts.terminating) == (4, 1)


def test_the_drain_ends_after_the_soaks_between_its_batches() -> None:
    batch = BatchProgress(index=1, of=2, started_at=timestamp(NOW - 10))
    status = at("Drain", batch=batch, source=SourceRecord(count=2))
    soaks = {"batch": {"size": "50%", "soak": "10m"}, "canary": {"nodes": 0}}
    nodes = [*EMPTIED, Node("s-1", "src", **MARKS)]
    observation = seen(world([pod("a")], nodes=nodes), source(), target())
    eta = decide(migration(status, strategy=soaks), observation, NOW).status.timing.eta
    assert eta is not None
    assert eta >= timestamp(NOW + 600)


def test_what_only_informs_does_not_block() -> None:
    lost: World = world([], nodes=[*EMPTIED, Node("s-1", "src", ready=False, **MARKS)])
    status = at("Drain", batch=BatchProgress(index=1, of=1), source=SourceRecord(count=2))
    decision = decide(migration(status), seen(lost, source(), target()), NOW)
    blocked = decision.status.condition("DrainBlocked")
    assert blocked is not None
    assert blocked.status == "False"


# Whose budget, and who counts


def test_a_budget_selects_pods_of_its_own_namespace_and_counts_those_that_stay() -> None:
    elsewhere = NamespacedName("shop", "web")
    state = world(
        [
            pod("a"),
            pod("leaves", terminating=True),
            pod("done", phase="Succeeded"),
            pod("unready", ready=False),
            pod("b", key=NamespacedName("shop", "b")),
        ],
        [budget(), budget(key=elsewhere)],
    )
    assert state.budgets_of(pod("a")) == (NamespacedName("default", "web"),)
    assert state.budgets_of(state.pods[NamespacedName("shop", "b")]) == (elsewhere,)
    assert (state.healthy(NamespacedName("default", "web")), state.healthy(elsewhere)) == (1, 1)


def test_an_edited_spec_is_worth_another_try_of_what_was_refused() -> None:
    outcomes = Outcomes(world([]), lambda: 1.0)
    refused, throttled = DeletePool("srcazl", "e"), UpdatePool("src", (), "e")
    outcomes.failed(refused, AzureError("AuthorizationFailed", "no", status=403), NOW)
    outcomes.failed(throttled, AzureError("Throttled", "later", status=429), NOW)
    outcomes.forget_refusals()
    assert set(outcomes.problems) == {throttled.key}


@pytest.mark.parametrize(
    ("fields", "free"),
    [
        ({"unhealthy_policy": "AlwaysAllow", "healthy": 0, "desired": 2}, True),
        ({"healthy": 1, "desired": 2}, False),
        ({"healthy": 2, "desired": 2}, True),
        ({"healthy": 2, "desired": 0}, False),
    ],
)
def test_when_pods_that_are_not_ready_go_for_nothing(fields: dict[str, Any], free: bool) -> None:
    assert disruption_budgets.unready_are_free(budget(**fields)) is free


def test_a_budget_with_too_many_evictions_under_way_grants_nothing() -> None:
    pods = [pod("a"), pod("b")]
    names = frozenset(str(number) for number in range(disruption_budgets.DISRUPTED_LIMIT + 1))
    granting = budget(allowed=1, healthy=2, desired=1, expected=2)
    full = budget(allowed=1, healthy=2, desired=1, expected=2, disrupted=names)
    assert disruption_budgets.slots(world(pods, [granting]), granting) == 1
    assert disruption_budgets.slots(world(pods, [full]), full) == 0


def test_a_budget_without_pods_is_not_deadlocked() -> None:
    assert not disruption_budgets.is_deadlocked(budget(expected=0, desired=0))
    assert disruption_budgets.is_deadlocked(budget(expected=1, desired=1))


def test_a_surge_of_a_migration_whose_name_begins_alike_is_not_ours() -> None:
    state = world([])
    for name, mark in (("a", "m/1"), ("b", "m2/1"), ("c", "")):
        key = NamespacedName("default", name)
        state.put_controller(Controller("Deployment", key, f"uid-{name}", surge=mark))
    assert [record.key.name for record in state.owner_index.surged_by("m")] == ["a"]


@pytest.mark.parametrize(("index", "nodes"), [(1, 1), (2, 3)])
def test_the_first_batch_is_the_canary(index: int, nodes: int) -> None:
    strategy = {"canary": {"nodes": 1}, "batch": {"size": 3}}
    assert migration(strategy=strategy).batch_nodes(index, 10) == nodes
