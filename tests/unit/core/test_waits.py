"""A wait has an end, and keeps its reason."""

from dataclasses import replace
from typing import Any

import pytest
from msgspec import convert

from azure_linux_migrator.api.reasons import Reason
from azure_linux_migrator.api.status import MigrationStatus, SourceRecord, timestamp
from azure_linux_migrator.api.status_drain import BatchProgress
from azure_linux_migrator.core.state.results import Decision
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.kube.decode import NodeObject
from azure_linux_migrator.model.actions import CreatePool, EvictPod
from azure_linux_migrator.model.cluster import NamespacedName, Node, Pod
from azure_linux_migrator.model.migration import Migration
from tests.support.decisions import DecisionRun, drained, ready, stalled
from tests.support.worlds import NOW, migration, pod, world

WORDS = "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector"
MARKS: dict[str, Any] = {"unschedulable": True, "cordoned_by": "m", "batch": "m.uid-m.1"}


def one_pending(*more: Pod) -> World:
    """A singleton was moved, and its replacement finds no node."""
    lost: dict[str, Any] = {"node": "", "phase": "Pending", "ready": False, "created": NOW - 55}
    return world([pod("pinned", app="pinned", unschedulable=WORDS, **lost), *more])


@pytest.mark.parametrize(
    ("policy", "ends"), [("Pause", "Stalled"), ("Force", "Stalled"), ("Rollback", "RollingBack")]
)
@pytest.mark.parametrize("step", ["Drain", "Soak"])
def test_a_replacement_without_a_node_ends_the_wait_in_time(
    policy: str, ends: str, step: str
) -> None:
    drain = {"timeout": "3m", "onTimeout": policy}
    run = DecisionRun(one_pending(), drained(step), drain=drain)
    decision = run.until(NOW + 180)
    assert (ready(decision), stalled(decision)) == ("ReplacementsUnschedulable", False)
    decision = run.at(NOW + 182)
    assert decision.status.phase == ends
    assert WORDS in decision.status.message
    if policy == "Rollback":
        assert decision.status.rollback is not None
        assert WORDS in decision.status.rollback.message
    else:
        assert (ready(decision), stalled(decision)) == ("ReplacementsUnschedulable", True)


def test_a_wait_that_ended_begins_anew() -> None:
    state = one_pending()
    run = DecisionRun(
        state, drained("Drain"), drain={"timeout": "3m"}, strategy={"finalSoak": "60m"}
    )
    run.until(NOW + 170)
    waiting = state.pods[NamespacedName("default", "pinned")]
    state.put_pod(pod("pinned", app="pinned", node="t-0", created=NOW - 55))
    assert ready(run.at(NOW + 175)) == "Soaking"
    state.put_pod(waiting)
    assert not stalled(run.at(NOW + 200))


def test_a_drain_that_timed_out_says_what_it_waited_for() -> None:
    run = DecisionRun(
        one_pending(pod("left"), pod("slow")),
        drained("Drain").model_copy(
            update={"batch": BatchProgress(index=1, of=1, started_at=timestamp(NOW - 60))}
        ),
        drain={"timeout": "3m"},
    )
    decision = run.until(NOW + 90)
    assert ready(decision) == "ReplacementsUnschedulable"
    blocked = decision.status.condition("DrainBlocked")
    assert blocked is not None
    assert (blocked.status, blocked.reason) == ("True", "ReplacementUnschedulable")
    [blocker] = decision.status.blockers
    assert (blocker.name, blocker.remedy) == (
        "pinned",
        "its nodeSelector or affinity excludes srcazl: change it",
    )
    decision = run.until(NOW + 185)
    assert (ready(decision), stalled(decision)) == ("DrainTimedOut", True)
    assert WORDS in decision.status.message


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ("2 Insufficient cpu, 2 node(s) were unschedulable", "more nodes"),
        ("2 node(s) didn't match pod topology spread constraints", "nodeTaintsPolicy"),
        ("1 node(s) had volume node affinity conflict", "volume"),
        ("2 node(s) had untolerated taint {a: b}", "taint"),
        ("something new", "more nodes"),
    ],
)
def test_the_remedy_follows_the_scheduler(words: str, remedy: str) -> None:
    lost: dict[str, Any] = {"node": "", "phase": "Pending", "ready": False, "created": NOW - 55}
    state = world([pod("one", unschedulable=words, **lost)])
    [blocker] = DecisionRun(state, drained("Drain")).at(NOW).status.blockers
    assert remedy in blocker.remedy


# Nodes that take no pods


def evictions(decision: Decision) -> int:
    return sum(isinstance(action, EvictPod) for action in decision.actions)


def _draining(node: Node) -> DecisionRun:
    nodes = [Node("s-0", "src", **MARKS), Node("s-1", "src", **MARKS), node]
    status = drained("Drain").model_copy(
        update={"batch": BatchProgress(index=1, of=1, started_at=timestamp(NOW - 5))}
    )
    return DecisionRun(world([pod("a")], nodes=nodes), status, drain={"timeout": "10m"})


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (Node("t-0", "srcazl", ready=False), "is Ready"),
        (Node("t-0", "srcazl", unschedulable=True), "uncordon"),
        (Node("t-0", "srcazl", taints=("cni/agent-not-ready=true:NoSchedule",)), "cni/agent"),
    ],
)
def test_nothing_is_evicted_while_no_target_node_takes_pods(node: Node, words: str) -> None:
    run = _draining(node)
    decision = run.until(NOW + 590)
    assert evictions(decision) == 0
    assert ready(decision) == "TargetNotReady"
    assert words in decision.status.message
    assert stalled(run.until(NOW + 602))
    run.world.put_node(Node("t-0", "srcazl"))
    assert evictions(run.at(NOW + 603)) == 1


def test_taints_that_the_source_has_too_are_usual() -> None:
    taints = ("team=a:NoSchedule",)
    run = _draining(Node("t-0", "srcazl", taints=taints))
    assert evictions(run.at(NOW)) == 0
    run.world.put_node(Node("s-0", "src", taints=("team=b:NoSchedule",), **MARKS))
    assert evictions(run.at(NOW + 1)) == 1


def test_taints_are_read_but_for_the_cordons_own() -> None:
    raw = {
        "metadata": {"name": "n"},
        "spec": {
            "taints": [
                {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"},
                {"key": "a", "value": "b", "effect": "NoExecute"},
                {"key": "c", "effect": "PreferNoSchedule"},
            ]
        },
    }
    assert convert(raw, NodeObject).record().taints == ("a=b:NoExecute",)


def test_the_target_is_not_created_before_its_startup_taint_is_gone() -> None:
    nodes = [Node("s-0", "src"), Node("s-1", "src")]
    state = world([pod("a")], nodes=nodes)
    state.put_node(Node("t-0", "srcazl", taints=("cni/agent-not-ready=true:NoSchedule",)))
    status = MigrationStatus(
        step="CreateTarget", start_time=timestamp(NOW - 90), source=SourceRecord(count=2)
    )
    run = DecisionRun(state, status, drain={"timeout": "10m"})
    decision = run.until(NOW + 30)
    assert (ready(decision), decision.status.step) == ("TargetNodesTainted", "CreateTarget")
    assert "cni/agent-not-ready=true:NoSchedule" in decision.status.message
    assert not [action for action in decision.actions if isinstance(action, CreatePool)]
    assert stalled(run.until(NOW + 602))
    state.put_node(Node("t-0", "srcazl"))
    assert run.at(NOW + 610).status.step == "CordonSource"


# A soak and a blip


def _soaking() -> DecisionRun:
    status = drained("Soak", soak_started_at=timestamp(NOW - 10))
    return DecisionRun(world([pod("a", node="t-0")]), status, strategy={"finalSoak": "60m"})


def test_a_blip_of_a_target_node_does_not_restart_a_soak() -> None:
    run = _soaking()
    run.world.put_node(Node("t-0", "srcazl", ready=False))
    assert run.until(NOW + 240).status.soak_started_at == timestamp(NOW - 10)
    run.world.put_node(Node("t-0", "srcazl"))
    decision = run.at(NOW + 270)
    assert (ready(decision), decision.status.soak_started_at) == (
        "Soaking",
        timestamp(NOW - 10),
    )


def test_a_soak_begins_again_after_five_minutes_without_its_target() -> None:
    run = _soaking()
    run.world.put_node(Node("t-0", "srcazl", ready=False))
    assert run.until(NOW + 310).status.soak_started_at is None


def test_a_soak_does_not_end_while_the_target_is_not_ready() -> None:
    run = _soaking()
    run.wanted = _with_soak(run.wanted, "1m")
    run.world.put_node(Node("t-0", "srcazl", ready=False))
    decision = run.until(NOW + 120)
    assert (decision.status.step, ready(decision)) == ("Soak", Reason.TARGET_NODES_NOT_READY)


def _with_soak(wanted: Migration, length: str) -> Migration:
    again = migration(wanted.status, strategy={"finalSoak": length})
    return replace(again, status=wanted.status)


def test_a_pause_that_ends_in_the_cordon_gives_the_batch_its_time_again() -> None:
    """Somebody uncordons a node while the migration is paused, and it resumes with that cordon."""
    nodes = [Node("s-0", "src", **MARKS), Node("s-1", "src"), Node("t-0", "srcazl")]
    status = drained("Drain").model_copy(
        update={"batch": BatchProgress(index=1, of=1, started_at=timestamp(NOW - 5))}
    )
    state = world([pod("a")], nodes=nodes)
    run = DecisionRun(state, status, drain={"timeout": "20s"}, paused=True)
    paused = run.until(NOW + 70)
    assert (paused.status.phase, paused.status.step) == ("Paused", "CordonSource")
    run.wanted = migration(paused.status, drain={"timeout": "20s"})
    assert run.at(NOW + 71).status.step == "CordonSource"
    state.put_node(Node("s-1", "src", **MARKS))
    assert ready(run.at(NOW + 72)) == "Draining"
    assert ready(run.at(NOW + 95)) == "DrainTimedOut"
