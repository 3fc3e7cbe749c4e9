"""A node that never answers again: its pods are given up, and its machine can go."""

from dataclasses import replace
from typing import Any

import pytest

from azure_linux_migrator.api.status import MigrationStatus, SourceRecord, timestamp
from azure_linux_migrator.core.drain.predelete_check import check_nodes_are_empty, ends_nodes
from azure_linux_migrator.core.reconcile.decide import decide
from azure_linux_migrator.core.state.results import PoolReading
from azure_linux_migrator.errors import InUseError
from azure_linux_migrator.model.cluster import Node
from tests.support.worlds import NOW, migration, pod, seen, source, target, world

MARKS: dict[str, Any] = {"unschedulable": True, "cordoned_by": "m", "batch": "m.uid-m.1"}
DEAD = Node("s-0", "src", ready=False, **MARKS)
ANSWERS = Node("s-1", "src", **MARKS)


@pytest.mark.parametrize("kept", ["Delete", "ScaleToZero"])
def test_the_pool_of_a_dead_node_is_retired_and_the_check_agrees(kept: str) -> None:
    silent = pod("lost", terminating=True, deadline=NOW - 3600)
    state = world([silent], nodes=[DEAD, ANSWERS, Node("t-0", "srcazl")])
    status = MigrationStatus(
        step="RetireSource", start_time=timestamp(NOW - 7200), source=SourceRecord(count=2)
    )
    wanted = migration(status, sourcePool=kept)
    observation = seen(state, source(), target())
    assert not [action for action in decide(wanted, observation, NOW).actions if ends_nodes(action)]
    decide(wanted, observation, NOW + 301)
    read = PoolReading({"src": source(), "srcazl": target()}, NOW + 302)
    [action] = decide(wanted, replace(observation, pools=read), NOW + 302).actions
    assert ends_nodes(action)
    assert action.lost == ("uid-lost",)
    check_nodes_are_empty(action, [silent])
    for other in (pod("new"), pod("next", terminating=True)):
        with pytest.raises(InUseError):
            check_nodes_are_empty(action, [silent, other])
