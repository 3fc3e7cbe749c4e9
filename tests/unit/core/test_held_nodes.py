"""Nodes marked as not to be upgraded now, pods that tolerate the cordon, and budgets that only an
eviction request opens (cases 01 and 23)."""

from itertools import pairwise
from typing import Any

from azure_linux_migrator.api.causes import Cause
from azure_linux_migrator.api.checks import Check
from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.api.spec_drain import Drain
from azure_linux_migrator.core.drain.batches import select_nodes
from azure_linux_migrator.core.drain.planner import Planner
from azure_linux_migrator.core.drain.predelete_check import check_nodes_are_empty
from azure_linux_migrator.core.drain.scope import Scope
from azure_linux_migrator.core.reconcile.decide import decide
from azure_linux_migrator.core.state.eviction_response import EvictionResponse, EvictionResult
from azure_linux_migrator.core.state.outcomes import Outcomes
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.model.actions import CordonNode, DeletePool, EvictPod, MarkNode
from azure_linux_migrator.model.cluster import Node, Pod
from tests.support.planners import causes, names
from tests.support.worlds import (
    NOW,
    at,
    budget,
    migration,
    planner_of,
    pod,
    seen,
    source,
    target,
    world,
)

CORDONED: dict[str, Any] = {"unschedulable": True, "cordoned_by": "m"}
BATCH: dict[str, Any] = {**CORDONED, "batch": "m.uid-m.1"}
TARGET = Node("t-0", "srcazl")


def accepting(state: World, *checks: str, **policy: Any) -> Planner:
    drain = Drain.model_validate(policy)
    return planner_of(
        state, Scope("m", "src", "srcazl", drain, uid="uid-m", accepted=frozenset(checks))
    )


# Held nodes


def test_a_held_node_joins_no_batch_and_the_others_go_on() -> None:
    nodes = [
        Node("s-0", "src", upgrade_status="paused", **CORDONED),
        Node("s-1", "src", **CORDONED),
    ]
    state = world([pod("a", node="s-0"), pod("b", node="s-1")], nodes=[*nodes, TARGET])
    planner = accepting(state)
    assert select_nodes(planner.tracker, 5) == ["s-1"]
    [blocker] = planner.plan(NOW).blockers
    assert (blocker.cause, blocker.kind, blocker.key.name) == (Cause.NODE_HELD, "Node", "s-0")
    assert "kubectl label node s-0 kubernetes.azure.com/upgrade-status-" in blocker.remedy
    assert blocker.pods == 1


def test_a_node_that_aks_quarantines_in_a_batch_keeps_its_pods_until_the_label_is_gone() -> None:
    held = Node("s-0", "src", upgrade_status="Quarantined", **BATCH)
    state = world([pod("a", node="s-0"), pod("b", node="s-0", app="b")], nodes=[held, TARGET])
    planner = accepting(state)
    assert names(planner) == []
    assert [blocker.pods for blocker in planner.plan(NOW).blockers] == [2]
    assert planner.forced() == (), "Force is against budgets"
    state.put_node(Node("s-0", "src", **BATCH))
    assert names(planner) == ["a", "b"]
    assert causes(planner, NOW + 2) == []


def test_nodes_that_are_all_held_are_waited_for_and_the_wait_has_an_end() -> None:
    held = Node("s-0", "src", upgrade_status="paused", **CORDONED)
    observation = seen(
        world([pod("a", node="s-0")], nodes=[held, TARGET]), source(count=1), target()
    )
    wanted = migration(at("Drain"), drain={"timeout": "30m"})
    waiting = decide(wanted, observation, NOW)
    assert not [action for action in waiting.actions if isinstance(action, MarkNode)]
    ready = waiting.status.condition("Ready")
    assert ready is not None
    assert ready.reason == Reason.NODES_HELD
    blocked = waiting.status.condition("DrainBlocked")
    assert blocked is not None
    assert (blocked.status, blocked.reason) == ("True", "NodeHeld")
    at_last = waiting
    for minutes in range(1, 32):
        at_last = decide(wanted, observation, NOW + 60 * minutes)
    stalled = at_last.status.condition("Stalled")
    assert stalled is not None
    assert (stalled.status, stalled.reason) == ("True", Reason.NODES_HELD)


def test_a_held_node_is_cordoned_and_not_marked() -> None:
    nodes = [Node("s-0", "src", upgrade_status="paused"), Node("s-1", "src")]
    observation = seen(world([], nodes=[*nodes, TARGET]), source(count=2), target(count=2))
    strategy = {"canary": {"nodes": 0}, "batch": {"size": "100%"}}
    actions = decide(migration(at("CordonSource"), strategy=strategy), observation, NOW).actions
    cordons = {action.node: action.batch for action in actions if isinstance(action, CordonNode)}
    assert cordons == {"s-0": "", "s-1": "m.uid-m.1"}


# Pods that tolerate the cordon


def returning(planner: Planner, state: World) -> Pod:
    """Pods of one owner come back three times; the fourth."""
    planner.tracker.began = NOW
    for turn in range(4):
        came = pod(f"back-{turn}", node="s-0", created=NOW + 10 * (turn + 1))
        state.put_pod(came)
        if turn < 3:
            state.remove_pod(came.key, 100 + turn)
    return came


def test_pods_that_come_back_go_with_the_pool_where_that_is_acknowledged() -> None:
    state = world([pod("first", node="s-0")], nodes=[Node("s-0", "src", **BATCH), TARGET])
    planner = accepting(state, Check.POD_TOLERATES_CORDON)
    planner.tracker.began = NOW
    state.remove_pod(pod("first").key, 50)
    last = returning(planner, state)
    assert causes(planner, NOW + 60) == []
    assert planner.pool_progress.remaining == 0
    removal = DeletePool("src", "e1", planner.tracker.lost())
    check_nodes_are_empty(removal, [last])
    assert removal.lost == (last.uid,)


def test_pods_that_come_back_block_and_the_remedy_names_the_acknowledgement() -> None:
    state = world([], nodes=[Node("s-0", "src", **BATCH), TARGET])
    planner = accepting(state)
    returning(planner, state)
    [blocker] = planner.plan(NOW + 60).blockers
    assert blocker.cause is Cause.RETURNS
    assert "pod.tolerates-cordon" in blocker.remedy


# Budgets that a webhook opens


def probes(planner: Planner, state: World, seconds: int) -> list[tuple[int, str]]:
    """When which pod is asked for, each refused as an API server does."""
    outcomes = Outcomes(state, lambda: 1.0)
    asked: list[tuple[int, str]] = []
    for second in range(seconds):
        for action in planner.plan(NOW + second).evictions:
            assert isinstance(action, EvictPod)
            asked.append((second, action.pod.name))
            outcomes.began(action, NOW + second)
            refusal = EvictionResponse(EvictionResult.BUDGET, "Cannot evict pod")
            outcomes.eviction_answered(action, refusal, NOW + second)
    return asked


def test_a_budget_that_a_webhook_opens_is_asked_once_a_minute_for_one_pod_at_a_time() -> None:
    guard = budget(allowed=0, healthy=3, desired=3, expected=3)
    brokers = [pod(f"kafka-{index}", node="s-0") for index in range(3)]
    state = world(brokers, [guard], nodes=[Node("s-0", "src", **BATCH), TARGET])
    planner = accepting(state, Check.PDB_ZERO)
    asked = probes(planner, state, 600)
    assert {name for _, name in asked} == {"kafka-0", "kafka-1", "kafka-2"}
    times = [second for second, _ in asked]
    assert len(times) == 10
    assert all(after - before >= 60 for before, after in pairwise(times))
    [blocker] = planner.plan(NOW + 601).blockers
    assert blocker.cause is Cause.BUDGET_DEADLOCKED
    assert "one pod a minute is asked for" in blocker.message


def test_a_budget_that_allows_nothing_is_not_asked_where_nobody_accepted_it() -> None:
    guard = budget(allowed=0, healthy=3, desired=3, expected=3)
    brokers = [pod(f"kafka-{index}", node="s-0") for index in range(3)]
    state = world(brokers, [guard], nodes=[Node("s-0", "src", **BATCH), TARGET])
    assert probes(accepting(state), state, 300) == []
