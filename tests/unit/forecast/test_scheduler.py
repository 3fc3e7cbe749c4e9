"""Where pods land, as kube-scheduler decides it, and when those without a node are tried again."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from azure_linux_migrator.model.cluster import Allocatable, NamespacedName, Pod, Requirement
from azure_linux_migrator.model.scheduling import NodeTerm, PodTerm, SchedulingConstraints
from azure_linux_migrator.simulator.cluster.scheduler import Misfit, Scheduler
from azure_linux_migrator.simulator.cluster.workload import Template, Workload
from azure_linux_migrator.simulator.simulated_cluster import SimulatedCluster
from tests.support.simulated_clusters import (
    HOSTNAME,
    NOW,
    ZONE,
    app,
    delete,
    node,
    run,
    simulation,
    spread,
    term,
    where,
)

HUGE = Allocatable(400_000, 1_600_000, 1000)
Case = tuple[Callable[[SimulatedCluster], None], SchedulingConstraints, int, dict[str, int]]


def three(made: SimulatedCluster) -> None:
    """Nodes a and b in zone 1, c in zone 2; left alone, pods would go to c only."""
    node(made, "a", zone="1", size="8")
    node(made, "b", zone="1", size="16")
    node(made, "c", zone="2", size="x", allocatable=HUGE)
    app(made, "load", 2, SchedulingConstraints(selector=(("size", "8"),)), requests=(900, 4000))
    app(made, "more", 2, SchedulingConstraints(selector=(("size", "16"),)), requests=(1000, 4000))
    run(made, 5)


def needs(key: str, operator: str, *values: str) -> SchedulingConstraints:
    return SchedulingConstraints(terms=(NodeTerm((Requirement(key, operator, values),)),))


CASES: dict[str, Case] = {
    "nothing said: the node with the most room": (three, SchedulingConstraints(), 6, {"c": 6}),
    "spread by node": (three, spread(HOSTNAME, "web"), 6, {"a": 2, "b": 2, "c": 2}),
    "spread by zone": (three, spread(ZONE, "web"), 2, {"c": 1, "a": 1}),
    "a looser spread": (three, spread(ZONE, "web", 4), 6, {"c": 5, "a": 1}),
    "spread of pods that are not its own counts nothing": (
        three,
        spread(HOSTNAME, "other"),
        6,
        {"c": 6},
    ),
    "spread over more domains than there are": (
        three,
        spread(ZONE, "web", min_domains=3),
        4,
        {"c": 1, "a": 1, "": 2},
    ),
    "near another app's pods": (
        three,
        SchedulingConstraints(near=(term(HOSTNAME, "load"),)),
        3,
        {"a": 3},
    ),
    "near an app that is nowhere": (
        three,
        SchedulingConstraints(near=(term(HOSTNAME, "gone"),)),
        2,
        {"": 2},
    ),
    "near its own kind: the first goes anywhere": (
        three,
        SchedulingConstraints(near=(term(HOSTNAME, "web"),)),
        4,
        {"c": 4},
    ),
    "near, without a selector: nobody is meant": (
        three,
        SchedulingConstraints(near=(PodTerm(HOSTNAME),)),
        1,
        {"": 1},
    ),
    "apart from its own kind": (
        three,
        SchedulingConstraints(apart=(term(HOSTNAME, "web"),)),
        4,
        {"a": 1, "b": 1, "c": 1, "": 1},
    ),
    "apart from another app only": (
        three,
        SchedulingConstraints(apart=(term(ZONE, "load"),)),
        4,
        {"c": 4},
    ),
    "apart from another namespace's pods": (
        three,
        SchedulingConstraints(apart=(PodTerm(ZONE, term(ZONE, "web").selector, ("shop",)),)),
        4,
        {"c": 4},
    ),
    "a label greater than": (three, needs("size", "Gt", "8"), 2, {"b": 2}),
    "a label less than": (three, needs("size", "Lt", "16"), 2, {"a": 2}),
    "a number that is none": (three, needs("size", "Gt", "x"), 1, {"": 1}),
    "a node by its name": (
        three,
        SchedulingConstraints(
            terms=(NodeTerm(fields=(Requirement("metadata.name", "In", ("b",)),)),)
        ),
        2,
        {"b": 2},
    ),
    "an empty term takes no node": (three, SchedulingConstraints(terms=(NodeTerm(),)), 1, {"": 1}),
}


@pytest.mark.parametrize("name", CASES)
def test_where_pods_land(name: str) -> None:
    prepare, scheduling, replicas, expected = CASES[name]
    made = simulation()
    prepare(made)
    app(made, "web", replicas, scheduling, requests=(10, 10))
    run(made, 30)
    found = where(made, "web")
    if scheduling.spread and scheduling.spread[0].topology == ZONE:
        found["a"] += found.pop("b", 0)  # either of the zone's nodes
    assert +found == Counter(expected)


def test_anti_affinity_holds_both_ways() -> None:
    made = simulation()
    three(made)
    app(made, "lonely", 1, SchedulingConstraints(apart=(term(ZONE, "web"),)))
    run(made, 5)
    assert where(made, "lonely") == {"c": 1}
    app(made, "web", 4)
    run(made, 5)
    assert "c" not in where(made, "web")
    assert sum(where(made, "web").values()) == 4


def test_cordoned_nodes_are_domains_of_a_spread() -> None:
    """What surprises admins in a drain: empty cordoned nodes hold the least at nought."""
    made = simulation()
    for name in ("old-1", "old-2", "new"):
        node(made, name)
    for name in ("old-1", "old-2"):
        made.store.change_node(name, unschedulable=True)
    app(made, "web", 3, spread(HOSTNAME, "web"))
    run(made, 30)
    assert where(made, "web") == {"new": 1, "": 2}
    waiting = next(pod for pod in made.store.pods.values() if not pod.node)
    assert waiting.unschedulable == (
        "0/3 nodes are available: 2 node(s) were unschedulable, "
        "1 node(s) didn't match pod topology spread constraints"
    )
    made.store.remove_node("old-1")
    made.store.remove_node("old-2")
    run(made, 11)
    assert where(made, "web") == {"new": 3}


def test_devices_are_counted() -> None:
    made = simulation()
    node(made, "gpu", allocatable=Allocatable(96_000, 900_000, 110, (("nvidia.com/gpu", 8),)))
    node(made, "plain", allocatable=HUGE)
    app(made, "train", 24, extended_resources=(("nvidia.com/gpu", 1),))
    run(made, 30)
    assert where(made, "train") == {"gpu": 8, "": 16}
    assert made.store.machines["gpu"].extended_resources == {"nvidia.com/gpu": 8}


def test_ephemeral_storage_counts_where_it_is_known() -> None:
    made = simulation()
    node(made, "known", allocatable=Allocatable(4000, 16_000, 110, (("ephemeral-storage", 100),)))
    app(made, "web", 3, extended_resources=(("ephemeral-storage", 50),))
    run(made, 30)
    assert where(made, "web") == {"known": 2, "": 1}
    node(made, "guessed")
    run(made, 5)
    assert where(made, "web") == {"known": 2, "guessed": 1}


def test_what_is_not_requested_is_not_short() -> None:
    made = simulation()
    node(made, "full", allocatable=Allocatable(100, 100, 110))
    large = Template(requests=(200, 200))  # a DaemonSet's pods come whatever there is
    made.workloads.place(
        Workload("Other", NamespacedName("default", "big"), "", 1, large), "full", created=NOW
    )
    app(made, "free", 2, requests=(0, 0))
    app(made, "cpu", 1, requests=(1, 0))
    run(made, 5)
    assert (where(made, "free"), where(made, "cpu")) == ({"full": 2}, {"": 1})


def test_pods_that_have_finished_take_no_room() -> None:
    made = simulation()
    node(made, "a", allocatable=Allocatable(100, 100, 110))
    alone = Workload(
        "Other", NamespacedName("default", "bare"), "bare", 1, Template(requests=(100, 100))
    )
    first = made.workloads.place(alone, "a", created=NOW)
    app(made, "two", 1, requests=(100, 100))
    run(made, 5)
    assert where(made, "two") == {"": 1}
    made.store.change_pod(first.key, phase="Failed", ready=False)
    run(made, 0.04)
    assert where(made, "two") == {"a": 1}


# When


class Counting:
    """Counts the attempts of a scheduler, and notes when they were made."""

    def __init__(self, made: SimulatedCluster, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at: list[float] = []
        fit, began = Scheduler.fit, made.kernel.now

        def counted(scheduler: Scheduler, pod: Pod) -> str | Misfit:
            self.at.append(made.kernel.now - began)
            return fit(scheduler, pod)

        monkeypatch.setattr(Scheduler, "fit", counted)


def test_a_hundred_pods_that_fit_nowhere_cost_little(monkeypatch: pytest.MonkeyPatch) -> None:
    made = simulation()
    for index in range(20):
        node(made, f"n-{index}")
    app(made, "web", 100)
    run(made, 60)
    tries = Counting(made, monkeypatch)
    app(made, "queue", 100, SchedulingConstraints(selector=(("accelerator", "nvidia"),)))
    for _ in range(4 * 60):
        delete(made, "web")  # a pod leaves and another comes, each minute
        run(made, 60)
    churn = 4 * 60
    assert len(tries.at) - churn <= 1 + 4 * 3600 / 300, "one attempt in five minutes for them all"
    assert where(made, "queue") == {"": 100}
    node(made, "gpu", accelerator="nvidia", allocatable=HUGE)
    run(made, 0.1)
    assert where(made, "queue") == {"gpu": 100}, "a node that fits is taken at once"


def test_room_that_is_freed_is_taken_at_once() -> None:
    made = simulation()
    node(made, "a", allocatable=Allocatable(1000, 1000, 110))
    web = app(made, "web", 10)
    run(made, 5)
    app(made, "next", 1)
    run(made, 100)
    assert where(made, "next") == {"": 1}
    made.workloads.scale(web.key, 9)
    run(made, 0.25)  # the controllers' lag, the pod's end, the scheduler's lag
    assert where(made, "next") == {"a": 1}


def test_what_other_pods_do_elsewhere_is_noticed() -> None:
    """None of it frees the node that is then taken."""
    made = simulation()
    node(made, "a", zone="1", size="a")
    node(made, "b", zone="1", size="b")
    node(made, "c", zone="2", size="c")
    on_b, on_c = (SchedulingConstraints(selector=(("size", each),)) for each in "bc")
    not_b = (NodeTerm((Requirement("size", "NotIn", ("b",)),)),)
    app(made, "follower", 1, SchedulingConstraints(terms=not_b, near=(term(ZONE, "leader"),)))
    foe = app(made, "foe", 1, on_b)
    run(made, 5)
    app(made, "shy", 1, SchedulingConstraints((("size", "a"),), apart=(term(ZONE, "foe"),)))
    twins = SchedulingConstraints(
        (("size", "a"),), spread=spread(ZONE, "twins", honor_affinity=False).spread
    )
    app(made, "twins", 2, twins)
    run(made, 30)
    assert (where(made, "follower"), where(made, "shy")) == ({"": 1}, {"": 1})
    assert where(made, "twins") == {"a": 1, "": 1}
    app(made, "leader", 1, on_b)
    made.workloads.scale(foe.key, 0)
    app(made, "twin", 1, on_c, labels=(("app", "twins"), ("of", "c")))
    run(made, 5)
    assert (where(made, "follower"), where(made, "shy")) == ({"a": 1}, {"a": 1})
    assert where(made, "twins") == {"a": 2}


def test_an_uncertain_event_waits_for_the_back_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pods of another namespace come and go, and a term means them, but never the right node."""
    made = simulation()
    node(made, "a", zone="1")
    node(made, "b", zone="2", only="b")
    app(made, "other", 1, SchedulingConstraints(selector=(("only", "b"),)))
    run(made, 5)
    tries = Counting(made, monkeypatch)
    scheduling = SchedulingConstraints(selector=((HOSTNAME, "a"),), near=(term(HOSTNAME, "other"),))
    app(made, "web", 1, scheduling, requests=(1, 1))
    run(made, 0.9)
    for _ in range(300):
        delete(made, "other")
        run(made, 0.2)
    mine = 1 + 4 + 5  # at once; after 1, 2, 4 and 8 s; every 10 s until a minute is over
    assert len(tries.at) - 300 <= mine + 1


def test_a_pod_that_is_deleted_waits_no_more() -> None:
    made = simulation()
    node(made, "a")
    found = app(made, "queue", 3, SchedulingConstraints(selector=(("no", "such"),)))
    run(made, 5)
    assert [len(group.pods) for group in made.scheduler.stuck()] == [3]
    made.workloads.scale(found.key, 0)
    run(made, 5)
    assert list(made.scheduler.stuck()) == []


@pytest.mark.parametrize(
    ("change", "fits"),
    [
        ({"unschedulable": False}, True),
        ({"batch": "m.1"}, False),
        ({"allocatable": Allocatable(8000, 16_000, 110)}, False),
    ],
)
def test_only_what_helps_is_tried(
    change: dict[str, Any], fits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = simulation()
    node(made, "a")
    made.store.change_node("a", unschedulable=True)
    app(made, "web", 1)
    run(made, 5)
    tries = Counting(made, monkeypatch)
    made.store.change_node("a", **change)
    run(made, 60)
    assert (where(made, "web"), len(tries.at)) == ({"a" if fits else "": 1}, int(fits))


def test_a_label_that_appears_is_noticed() -> None:
    made = simulation(pool={"count": 1})
    app(made, "web", 1, SchedulingConstraints(selector=(("tier", "web"),)))
    run(made, 5)
    assert where(made, "web") == {"": 1}
    settings = {**made.aks.properties("pool"), "nodeLabels": {"tier": "web"}}
    made.aks.put("pool", {"properties": settings}, made.kernel.now)
    made.node_lifecycle.touched()
    run(made, 120)
    assert set(where(made, "web")) == set(made.store.nodes)
