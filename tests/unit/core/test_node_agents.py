"""DaemonSets that fail on the new nodes stop the migration before anything moved."""

from typing import Any

import pytest

from azure_linux_migrator.api.status import SourceRecord
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.model.actions import CordonNode
from azure_linux_migrator.model.cluster import Node, Owner, Pod
from tests.support.decisions import DecisionRun, drained, ready, stalled
from tests.support.worlds import NOW, at, pod, world

AGENT = Owner("DaemonSet", "agent", "d")


def agent(node: str, **more: Any) -> Pod:
    return pod(f"agent-{node}", node=node, owner=AGENT, **more)


def created(*agents: Pod) -> World:
    """The target has just been created; nothing is cordoned."""
    nodes = [Node("s-0", "src"), Node("s-1", "src"), Node("t-0", "srcazl")]
    return world([pod("a"), *agents], nodes=nodes)


def run(state: World, **spec: Any) -> DecisionRun:
    return DecisionRun(state, at("CreateTarget", source=SourceRecord(count=2)), **spec)


def test_agents_that_fail_on_the_target_stop_before_the_cordon() -> None:
    state = created(agent("s-0"), agent("s-1"), agent("t-0", ready=False))
    work = run(state)
    decision = work.at(NOW)
    assert (ready(decision), decision.status.step) == ("NodeAgentsNotReady", "CreateTarget")
    words = "DaemonSet default/agent: 0 of 1 pods Ready on srcazl (2 of 2 on src)"
    assert words in decision.status.message
    decision = work.until(NOW + 310)
    assert stalled(decision)
    assert "acknowledge daemonset.not-ready" in decision.status.message
    state.put_pod(agent("t-0"))
    assert work.at(NOW + 320).status.step == "CordonSource"


def test_an_admin_may_acknowledge_it() -> None:
    state = created(agent("s-0"), agent("t-0", ready=False))
    work = run(state, preflight={"acknowledge": ["daemonset.not-ready"]})
    assert CordonNode in map(type, work.at(NOW).actions)


@pytest.mark.parametrize(
    "agents",
    [
        [agent("s-0"), agent("s-1"), agent("t-0")],
        [agent("s-0", ready=False), agent("t-0", ready=False)],
        [agent("t-0", ready=False)],
        [agent("s-0"), agent("t-0", ready=False, terminating=True)],
    ],
)
def test_what_is_no_worse_than_before_stops_nothing(agents: list[Pod]) -> None:
    assert CordonNode in map(type, run(created(*agents)).at(NOW).actions)


@pytest.mark.parametrize("step", ["Drain", "Soak"])
def test_agents_are_compared_again_before_the_next_batch_and_the_retirement(step: str) -> None:
    state = world([agent("s-0"), agent("s-1"), agent("t-0", ready=False)])
    work = DecisionRun(state, drained(step, soak_started_at=None))
    decision = work.at(NOW)
    assert (ready(decision), decision.status.step) == ("NodeAgentsNotReady", "Soak")
