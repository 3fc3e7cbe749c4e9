"""How long disks keep a pod waiting."""

import pytest

from azure_linux_migrator.simulator.assembly.simulated_cluster import SimulatedCluster
from tests.support.snapshots import (
    add,
    after,
    cluster,
    delete,
    disk,
    pods_of,
    ready,
    staged,
    workers,
)


def _seconds_until_ready(simulation: SimulatedCluster, app: str, wanted: int) -> float:
    began = simulation.kernel.now
    assert simulation.kernel.run(lambda: ready(simulation, app) == wanted, end=began + 600.0)
    return simulation.kernel.now - began


@pytest.mark.parametrize(
    ("attached", "started_in", "low", "high"),
    [
        (False, 4.0, 4, 8),  # no disk that is attached: stop and start
        (True, 4.0, 4 + 20, 8 + 40),  # too quick to have waited for a disk: it comes on top
        (True, 40.0, 40 + 10 - 5, 45 + 20 + 5),  # the 15 s of its disk are part of what was learnt
    ],
)
def test_a_pod_waits_for_its_disk(
    attached: bool, started_in: float, low: float, high: float
) -> None:
    snapshot = cluster()
    claims = [{"claims": (f"data-{index}",)} for index in range(3)]
    add(snapshot, "StatefulSet", "db", 3, per_pod=claims, started_in=started_in)
    for index, node in enumerate(workers(snapshot) if attached else ()):
        disk(snapshot, f"data-{index}", node)
    simulation = staged(snapshot, stop=1.0)
    simulation.store.change_node(pods_of(simulation, "db")[0].node, unschedulable=True)
    delete(simulation, "db-0")
    assert low <= _seconds_until_ready(simulation, "db", 3) <= high


def test_how_long_it_takes_may_be_given() -> None:
    snapshot = cluster()
    add(snapshot, "StatefulSet", "db", 1, claims=("data",))
    disk(snapshot, "data", workers(snapshot)[0])
    simulation = staged(snapshot, stop=1.0, attach=90.0, detach=60.0)
    simulation.store.change_node(workers(snapshot)[0], unschedulable=True)
    delete(simulation, "db-0")
    assert 100 <= _seconds_until_ready(simulation, "db", 1) <= 215


def test_a_disk_stays_as_long_as_another_pod_of_the_node_uses_it() -> None:
    snapshot = cluster()
    node = workers(snapshot)[0]
    add(snapshot, "Deployment", "wiki", 2, claims=("uploads",), node=node)
    disk(snapshot, "uploads", node)
    simulation = staged(snapshot)
    simulation.store.change_node(node, unschedulable=True)
    delete(simulation, "wiki-0")
    after(simulation, 120.0)
    assert ready(simulation, "wiki") == 1
    delete(simulation, "wiki-1")
    after(simulation, 120.0)
    assert {attachment.node for attachment in simulation.store.attached("pv-uploads")} != {node}
