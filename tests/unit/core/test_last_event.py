"""What the last event of a deleted migration says, and words of an admin that have no effect."""

from dataclasses import replace

import pytest

from azure_linux_migrator.api.conditions import ConditionType
from azure_linux_migrator.api.names import ABORT, APPROVE, ROLLBACK
from azure_linux_migrator.api.status import MigrationStatus
from azure_linux_migrator.core.reconcile.decide import decide
from azure_linux_migrator.core.steps.decision_memory import DecisionMemory
from azure_linux_migrator.model.cluster import Node
from azure_linux_migrator.model.migration import Migration
from tests.support.worlds import NOW, migration, pod, seen, source, target, world

NODES = [Node("s-0", "src"), Node("s-1", "src"), Node("t-0", "srcazl")]


def _at(step: str, **more: object) -> MigrationStatus:
    return MigrationStatus(step=step, observed_generation=1, **more)  # type: ignore[arg-type]


def _last_words(leaving: Migration, nodes: list[Node]) -> str:
    pools = [pool for pool in (source(), target()) if any(pool.name == at.pool for at in nodes)]
    decision = decide(replace(leaving, deleting=True), seen(world([], nodes=nodes), *pools), NOW)
    assert decision.released
    ready = decision.status.condition(ConditionType.READY)
    assert ready is not None
    assert ready.reason == "Deleted"
    return decision.status.message


def test_the_last_event_names_what_stays_and_both_ways_on() -> None:
    words = _last_words(migration(_at("Drain")), NODES)
    assert "node pool src (2 nodes) and node pool srcazl (1 node)" in words
    assert "To resume, apply the migration again" in words
    assert "drain the nodes of srcazl, then az aks nodepool delete --name srcazl" in words


def test_before_the_target_was_made_nothing_of_it_is_named() -> None:
    words = _last_words(migration(_at("Preflight")), NODES[:2])
    assert words == "deleted; what stays: node pool src (2 nodes)"


def test_a_finished_migration_names_the_source_only_where_it_was_kept() -> None:
    finished = _at("", completion_time="2026-01-01T00:00:00Z")
    words = _last_words(migration(finished, sourcePool="Keep"), NODES)
    assert "To remove src: az aks nodepool delete --name src" in words
    words = _last_words(migration(finished), NODES[2:])
    assert words == "deleted; what stays: node pool srcazl (1 node)"


@pytest.mark.parametrize(
    ("approval", "value", "words"),
    [
        ("BeforeRetire", "BeforeRetrie", "the migration waits for azlm.dev/approve=BeforeRetire"),
        ("BeforeRetire", "BeforeDrain", "the migration waits for azlm.dev/approve=BeforeRetire"),
        ("Automatic", "BeforeDrain", "spec.approval is Automatic"),
        ("BeforeRetire", "BeforeRetire.2", ""),
    ],
)
def test_an_approval_that_fits_no_gate_is_reported(approval: str, value: str, words: str) -> None:
    asking = replace(migration(_at("Drain"), approval=approval), annotations={APPROVE: value})
    observation = seen(world([pod("a")], nodes=NODES), source(), target())
    message = decide(asking, observation, NOW).status.message
    assert (f"Without effect: {APPROVE}={value} ({words})" in message) is bool(words)


@pytest.mark.parametrize("annotation", [ROLLBACK, ABORT])
def test_a_way_back_after_the_end_is_reported_once(annotation: str) -> None:
    observation = seen(world([], nodes=NODES[2:]), target(), memory=DecisionMemory())
    finished = decide(migration(_at("RetireSource")), observation, NOW).status
    assert finished.is_true("Succeeded")
    asking = replace(migration(finished), annotations={annotation: "now"})
    for _ in range(2):
        status = decide(asking, observation, NOW).status
        assert status.message.count(f"Without effect: {annotation}=now (the source is") == 1
        asking = replace(asking, status=status)
    quiet = decide(replace(asking, annotations={}), observation, NOW).status
    assert quiet.message == finished.message
