"""What the operator remembers does not grow with what has happened, only with what there is."""

from azure_linux_migrator.core.records import Key, Node
from tests.core.build import NOW, budget, pod, world
from tests.core.test_worklist import names, planner


def test_heaps_do_not_grow_with_the_events_of_pods_that_wait() -> None:
    made = world(
        [pod(f"p{i}", started_in=5.0) for i in range(20)],
        [budget(allowed=0, healthy=20, desired=20, expected=20)],
    )
    made.put_node(Node("s-2", "src", unschedulable=True))
    made.put_pod(pod("later", node="s-2", app="other"))
    work = planner(made)
    for turn in range(500):
        started = 5.0 + turn % 7
        made.put_pod(pod(f"p{turn % 20}", revision=100 + turn, started_in=started))
        made.put_pod(pod("later", node="s-2", app="other", revision=100 + turn))
        work.plan(NOW + turn * 0.001)
    heaps = [len(queue._heap) for lane in work.lanes.values() for queue in (lane.now, lane.later)]
    assert max(heaps) <= 2 * 20 + 16
    assert len(work._longest) <= 2 * len(work.lanes) + 16


def test_a_heap_that_was_dropped_still_knows_the_emptiest_node() -> None:
    busy = [pod(f"b{i}") for i in range(30)]
    made = world([*busy, pod("only", node="s-1")], [budget(allowed=0, healthy=31, expected=31)])
    work = planner(made)
    for turn in range(100):
        made.put_pod(pod(f"b{turn % 30}", revision=100 + turn))
        assert names(work) == []
    made.put_budget(budget(allowed=1, healthy=31, desired=30, expected=31, revision=300))
    assert names(work) == ["only"]
    made.remove_pod(Key("default", "only"), 400)
