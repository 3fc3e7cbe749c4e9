"""The conditions of nodes that tell other tools of the drain."""

from dataclasses import replace
from typing import Any

from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.api.status import RollbackStatus, timestamp
from azure_linux_migrator.core.reconcile.decide import decide
from azure_linux_migrator.core.state.results import ActionProblem, Decision
from azure_linux_migrator.model.actions import ReleaseNode, ReportDrain
from azure_linux_migrator.model.cluster import Node
from azure_linux_migrator.model.migration import Migration
from tests.support.worlds import NOW, at, migration, pod, seen, source, target, world

BATCH: dict[str, Any] = {"unschedulable": True, "cordoned_by": "m", "batch": "m.uid-m.1"}
WAITS: dict[str, Any] = {"unschedulable": True, "cordoned_by": "m"}


def decided(wanted: Migration, *nodes: Node, **more: Any) -> Decision:
    state = world([pod("a", node="s-0")], nodes=[*nodes, Node("t-0", "srcazl")])
    observation = replace(seen(state, source(), target()), **({"reports_drain": True} | more))
    return decide(wanted, observation, NOW)


def reported(decision: Decision) -> dict[str, str]:
    reports = [action for action in decision.actions if isinstance(action, ReportDrain)]
    return {report.node: report.condition for report in reports}


def test_nodes_of_a_batch_are_reported_and_no_others() -> None:
    nodes = [Node("s-0", "src", **BATCH), Node("s-1", "src", **BATCH), Node("s-2", "src", **WAITS)]
    decision = decided(migration(at("Drain")), *nodes)
    assert reported(decision) == {"s-0": "DrainInProgress", "s-1": "Drained"}


def test_what_is_reported_already_is_not_reported_again() -> None:
    nodes = [
        Node("s-0", "src", drain="m/DrainInProgress", **BATCH),
        Node("s-1", "src", drain="m/DrainInProgress", **BATCH),
    ]
    assert reported(decided(migration(at("Drain")), *nodes)) == {"s-1": "Drained"}


def test_without_the_right_and_while_paused_nothing_is_reported() -> None:
    node = Node("s-0", "src", **BATCH)
    assert reported(decided(migration(at("Drain")), node, reports_drain=False)) == {}
    assert reported(decided(migration(at("Drain"), paused=True), node)) == {}


def test_a_node_that_somebody_uncordoned_is_not_drained() -> None:
    node = Node("s-0", "src", drain="m/Drained", batch="m.uid-m.1")
    assert reported(decided(migration(at("Drain")), node)) == {"s-0": ""}


def test_a_rollback_and_a_deletion_take_it_back() -> None:
    node = Node("s-0", "src", drain="m/Drained", **BATCH)
    back = RollbackStatus(reason="Requested", requested_at=timestamp(NOW - 60))
    turned = decided(migration(at("ReleaseSource", rollback=back)), node)
    assert reported(turned) == {"s-0": ""}
    deleted = decided(replace(migration(at("Drain")), deleting=True), node)
    assert reported(deleted) == {"s-0": ""}
    assert any(isinstance(action, ReleaseNode) for action in deleted.actions)


def test_a_right_that_was_taken_away_does_not_keep_a_resource() -> None:
    node = Node("s-0", "src", drain="m/Drained")
    refusal = ActionProblem(Reason.KUBERNETES_FORBIDDEN, "no", False, NOW + 60)
    deleting = replace(migration(at("Drain")), deleting=True)
    assert not decided(deleting, node).released
    decision = decided(deleting, node, problems={"ReportDrain/s-0": refusal})
    assert decision.released


def test_what_another_migration_told_is_left() -> None:
    node = Node("s-0", "src", drain="other/Drained")
    deleted = decided(replace(migration(at("Drain")), deleting=True), node)
    assert (reported(deleted), deleted.released) == ({}, True)
