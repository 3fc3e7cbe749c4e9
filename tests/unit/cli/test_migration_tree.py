"""What `azlm status` and `azlm list` show of a migration, and their exit codes."""

from typing import Any

import pytest
from rich.console import Console, RenderableType

from azure_linux_migrator.cli.render.migration_history import entries
from azure_linux_migrator.cli.render.migration_tree import blockers_of, table, whole
from azure_linux_migrator.cli.view.migration_view import (
    MigrationState,
    MigrationView,
    NodeView,
    view_of,
)
from azure_linux_migrator.core.reconcile.lenient_parsing import readable_spec, resource_seen
from azure_linux_migrator.model.cluster import Node
from azure_linux_migrator.model.migration import Migration
from tests.support.worlds import NOW

WAITING = MigrationState.WAITING
STARTED = "2027-01-15T07:00:00Z"
BLOCKER = {
    "cause": "BudgetDeadlocked",
    "kind": "PodDisruptionBudget",
    "namespace": "shop",
    "name": "web",
    "pods": 3,
    "message": "allows 0",
    "remedy": "let the budget allow one",
    "since": "2027-01-15T07:50:00Z",
}


def condition(kind: str, status: str, reason: str) -> dict[str, str]:
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "lastTransitionTime": STARTED,
    }


def view(spec: dict[str, Any] | None = None, nodes: int = 0, **status: Any) -> MigrationView:
    body = {
        "metadata": {"name": "m", "uid": "u", "creationTimestamp": STARTED},
        "spec": {"source": {"nodePool": "workers"}} | (spec or {}),
        "status": {
            "step": "Drain",
            "phase": "Running",
            "nodes": {"total": 5, "drained": 2, "progress": "2/5"},
            "pods": {"remaining": 7},
            "batch": {"index": 2, "of": 3},
            "startTime": STARTED,
        }
        | status,
    }
    seen = resource_seen(body, NOW)
    migration = Migration("m", "u", 1, readable_spec(seen.spec)[0], seen.status)
    listed = [
        NodeView(Node(f"n-{at}", "workers", unschedulable=True), batch=(1, 2, 2, 0)[min(at, 3)])
        for at in range(nodes)
    ]
    return MigrationView(body, migration, tuple(listed))


def text(renderable: RenderableType, width: int = 100) -> str:
    console = Console(width=width, markup=False, emoji=False, highlight=False)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


@pytest.mark.parametrize(
    ("status", "state", "code"),
    [
        ({}, MigrationState.ADVANCING, 0),
        ({"conditions": [condition("Succeeded", "True", "Succeeded")]}, MigrationState.DONE, 0),
        ({"phase": "RolledBack"}, MigrationState.FAILED, 1),
        ({"phase": "Paused"}, WAITING, 2),
        ({"conditions": [condition("Stalled", "True", "PoolGone")]}, WAITING, 2),
        ({"conditions": [condition("DrainBlocked", "True", "TwoBudgets")]}, WAITING, 2),
        ({"conditions": [condition("Ready", "False", "AwaitingApproval")]}, WAITING, 2),
        ({"phase": "Planned"}, MigrationState.DONE, 0),
        ({"phase": "Planned", "forecast": {"at": STARTED, "blocked": True}}, WAITING, 2),
    ],
)  # fmt: skip
def test_the_exit_code_says_whether_somebody_has_to_act(
    status: dict[str, Any], state: MigrationState, code: int
) -> None:
    migration = view(**status)
    assert (migration.state, migration.state.exit_code) == (state, code)


def test_a_batch_that_the_status_does_not_know_yet_is_not_done() -> None:
    """The nodes are read after the status, and may carry the next batch already."""
    shown = text(whole(view(nodes=3, batch={"index": 1, "of": 3}), NOW))
    assert "● batch 1: 1 node" in shown
    assert "○ batch 2: 2 nodes" in shown


def test_the_tree_shows_steps_batches_and_nodes() -> None:
    shown = text(whole(view(nodes=5), NOW))
    assert "✓ CordonSource" in shown
    assert "● Drain" in shown
    assert "✓ batch 1: 1 node\n" in shown
    assert "● batch 2: 2 nodes" in shown
    assert "○ 2 nodes without a batch yet" in shown
    assert "2/5 nodes drained · 7 pods left · running for 1h 00m" in shown
    assert "AwaitDrainApproval" not in shown, "nobody is asked"


def test_an_approval_is_a_step_where_the_spec_asks_for_it() -> None:
    assert "AwaitRetireApproval" in text(whole(view({"approval": "BeforeRetire"}), NOW))


def test_a_migration_that_no_operator_has_read_says_so() -> None:
    body = {"metadata": {"name": "m", "uid": "u"}, "spec": {"source": {"nodePool": "workers"}}}
    unseen = view_of(body, NOW)
    for shown in (whole(unseen, NOW), table([unseen], NOW), blockers_of(unseen, NOW)):
        assert "no operator has read it yet: see" in text(shown)
    assert "no operator" not in text(whole(view(), NOW))


def test_a_blocker_comes_with_its_age_and_its_remedy() -> None:
    blocked = view(blockers=[BLOCKER])
    for shown in (text(whole(blocked, NOW)), text(blockers_of(blocked, NOW))):
        assert "BudgetDeadlocked  PodDisruptionBudget shop/web  3 pods, for 10m" in shown
        assert "→ let the budget allow one" in shown
    assert "nothing holds m up" in text(blockers_of(view(), NOW))


def test_an_eta_that_has_passed_is_not_shown() -> None:
    timing = {"eta": "2027-01-15T07:59:00Z"}
    assert "drained in about" not in text(whole(view(timing=timing), NOW))
    timing = {"eta": "2027-01-15T08:10:00Z"}
    assert "drained in about 10m 00s" in text(whole(view(timing=timing), NOW))


@pytest.mark.parametrize("width", [60, 100, 200])
def test_the_list_keeps_its_columns_in_a_narrow_terminal(width: int) -> None:
    long = view(message="a message that is much longer than what a narrow terminal can show")
    header, line = text(table([long], NOW), width).splitlines()
    assert header[: header.index("NODES")].split() == ["NAME", "POOLS", "PHASE"]
    assert line.startswith("m     workers → workersazl  Running")
    assert len(line) <= width


def test_the_history_is_in_order() -> None:
    event = {"lastTimestamp": "2027-01-15T07:30:00Z", "reason": "Draining", "count": 3}
    lines = entries(view(completionTime="2027-01-15T07:59:00Z"), [event])
    assert [line.what for line in lines] == ["Created", "Started", "Draining", "Completed"]
