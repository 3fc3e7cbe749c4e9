"""Which nodes a DaemonSet's pods run on."""

from typing import Any

import pytest

from azure_linux_migrator.model.scheduling import NodeTerm, SchedulingConstraints, Taint, Toleration
from azure_linux_migrator.model.selectors import Requirement
from tests.support.snapshots import (
    NOW,
    add,
    after,
    cluster,
    delete,
    new_node,
    pods_of,
    staged,
    workers,
)

GPU = Taint("gpu", "yes", "NoSchedule")
IN_POOL = Requirement("agentpool", "In", ("new", "other"))

CASES: dict[str, tuple[dict[str, Any], dict[str, Any], bool]] = {
    "anywhere": ({}, {}, True),
    "a cordon": ({}, {"unschedulable": True}, True),
    "selected": ({"selector": (("agentpool", "new"),)}, {}, True),
    "not selected": ({"selector": (("agentpool", "gpu"),)}, {}, False),
    "affinity": ({"terms": (NodeTerm((IN_POOL,)),)}, {}, True),
    "one of two terms": (
        {"terms": (NodeTerm((Requirement("accelerator", "Exists"),)), NodeTerm((IN_POOL,)))},
        {},
        True,
    ),
    "other affinity": (
        {"terms": (NodeTerm((Requirement("agentpool", "NotIn", ("new",)),)),)},
        {},
        False,
    ),
    "a taint": ({}, {"taints": [GPU]}, False),
    "a taint that only prefers": ({}, {"taints": [Taint("a", "b", "PreferNoSchedule")]}, True),
    "a taint that is tolerated": (
        {"tolerations": (Toleration("gpu", "Equal", "yes", "NoSchedule"),)},
        {"taints": [GPU]},
        True,
    ),
    "taints that every DaemonSet tolerates": (
        {},
        {
            "taints": [
                Taint("node.kubernetes.io/not-ready", "", "NoExecute"),
                Taint("node.kubernetes.io/unschedulable", "", "NoSchedule"),
                Taint("node.kubernetes.io/disk-pressure", "", "NoSchedule"),
            ]
        },
        True,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_new_node_gets_the_pods_whose_template_admits_it(name: str) -> None:
    template, node, expected = CASES[name]
    snapshot = cluster()
    # The pods' own affinity names their nodes, which a snapshot shows as a term that is empty.
    scheduling = SchedulingConstraints(**{**template, "terms": (NodeTerm(),)})
    controller = {"scheduling": SchedulingConstraints(terms=template.get("terms", ()))}
    add(snapshot, "DaemonSet", "agent", 3, scheduling=scheduling, controller=controller)
    simulation = staged(snapshot)
    new_node(simulation, "fresh", **node)
    after(simulation, 30.0)
    pods = [pod for pod in pods_of(simulation, "agent") if pod.node == "fresh"]
    assert len(pods) == int(expected)
    assert all(pod.ready for pod in pods)


def test_where_it_does_not_fit_its_pod_waits_for_room_there() -> None:
    snapshot = cluster()
    add(snapshot, "DaemonSet", "agent", 3, requests=(500, 128))
    simulation = staged(snapshot)
    new_node(simulation, "full", taken=3700)
    new_node(simulation, "empty")
    after(simulation, 60.0)
    pods = {pod.node: pod for pod in pods_of(simulation, "agent")}
    assert pods["empty"].ready
    assert pods[""].phase == "Pending"
    simulation.store.machines["full"].cpu = 0
    after(simulation, 400.0)
    pods = {pod.node: pod for pod in pods_of(simulation, "agent")}
    assert "" not in pods
    assert pods["full"].ready


def test_a_pod_that_waits_goes_with_the_node_it_waits_for() -> None:
    snapshot = cluster()
    add(snapshot, "DaemonSet", "agent", 3, requests=(500, 128))
    simulation = staged(snapshot)
    new_node(simulation, "full", taken=3700)
    after(simulation, 10.0)
    simulation.store.remove_node("full")
    after(simulation, 60.0)
    assert all(pod.node for pod in pods_of(simulation, "agent"))


def test_one_that_waited_in_the_snapshot_lands_on_its_own_node_only() -> None:
    snapshot = cluster()
    waiting = {"node": "", "phase": "Pending", "ready": False, "created": NOW - 5}
    scheduling = SchedulingConstraints(selector=(("agentpool", "workers"),))
    add(snapshot, "DaemonSet", "agent", 3, scheduling=scheduling, per_pod=[{}, {}, waiting])
    # The scheduler alone would take the node with the most room.
    add(snapshot, "Deployment", "web", 1, node=workers(snapshot)[2], requests=(3000, 128))
    simulation = staged(snapshot)
    after(simulation, 30.0)
    on = sorted(pod.node for pod in pods_of(simulation, "agent"))
    assert on == workers(snapshot)


def test_a_pod_comes_back_on_its_node() -> None:
    snapshot = cluster()
    add(snapshot, "DaemonSet", "agent", 3)
    simulation = staged(snapshot)
    where = pods_of(simulation, "agent")[1].node
    delete(simulation, "agent-1")
    after(simulation, 30.0)
    assert [pod.node for pod in pods_of(simulation, "agent")].count(where) == 1
