"""Where pods fit, as kube-scheduler decides it, and when pods without a node are tried again."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from azure_linux_migrator.model.cluster import Allocatable, NamespacedName, Pod
from azure_linux_migrator.model.scheduling import NodeTerm, PodTerm, SchedulingConstraints
from azure_linux_migrator.model.selectors import Requirement
from azure_linux_migrator.simulator.assembly.simulated_cluster import SimulatedCluster
from azure_linux_migrator.simulator.cluster.scheduler import Misfit, Scheduler
from azure_linux_migrator.simulator.cluster.workload import Template, Workload
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


def three(cluster: SimulatedCluster) -> None:
    """Nodes a and b in zone 1, c in zone 2; left alone, pods would go to c only."""
    node(cluster, "a", zone="1", size="8")
    node(cluster, "b", zone="1", size="16")
    node(cluster, "c", zone="2", size="x", allocatable=HUGE)
    app(cluster, "load", 2, SchedulingConstraints(selector=(("size", "8"),)), requests=(900, 4000))
    app(
        cluster, "more", 2, SchedulingConstraints(selector=(("size", "16"),)), requests=(1000, 4000)
    )
    run(cluster, 5)


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
    cluster = simulation()
    prepare(cluster)
    app(cluster, "web", replicas, scheduling, requests=(10, 10))
    run(cluster, 30)
    placement = where(cluster, "web")
    if scheduling.spread and scheduling.spread[0].topology == ZONE:
        placement["a"] += placement.pop("b", 0)  # either of the zone's nodes
    assert +placement == Counter(expected)


def test_anti_affinity_holds_both_ways() -> None:
    cluster = simulation()
    three(cluster)
    app(cluster, "lonely", 1, SchedulingConstraints(apart=(term(ZONE, "web"),)))
    run(cluster, 5)
    assert where(cluster, "lonely") == {"c": 1}
    app(cluster, "web", 4)
    run(cluster, 5)
    assert "c" not in where(cluster, "web")
    assert sum(where(cluster, "web").values()) == 4


def test_cordoned_nodes_are_domains_of_a_spread() -> None:
    """A surprise in drains: empty cordoned nodes keep the minimum of a spread at zero."""
    cluster = simulation()
    for name in ("old-1", "old-2", "new"):
        node(cluster, name)
    for name in ("old-1", "old-2"):
        cluster.store.change_node(name, unschedulable=True)
    app(cluster, "web", 3, spread(HOSTNAME, "web"))
    run(cluster, 30)
    assert where(cluster, "web") == {"new": 1, "": 2}
    waiting = next(pod for pod in cluster.store.pods.values() if not pod.node)
    assert waiting.unschedulable == (
        "0/3 nodes are available: 2 node(s) were unschedulable, "
        "1 node(s) didn't match pod topology spread constraints"
    )
    cluster.store.remove_node("old-1")
    cluster.store.remove_node("old-2")
    run(cluster, 11)
    assert where(cluster, "web") == {"new": 3}


def test_devices_are_counted() -> None:
    cluster = simulation()
    node(cluster, "gpu", allocatable=Allocatable(96_000, 900_000, 110, (("nvidia.com/gpu", 8),)))
    node(cluster, "plain", allocatable=HUGE)
    app(cluster, "train", 24, extended_resources=(("nvidia.com/gpu", 1),))
    run(cluster, 30)
    assert where(cluster, "train") == {"gpu": 8, "": 16}
    assert cluster.store.machines["gpu"].extended_resources == {"nvidia.com/gpu": 8}


def test_ephemeral_storage_counts_where_it_is_known() -> None:
    cluster = simulation()
    node(
        cluster, "known", allocatable=Allocatable(4000, 16_000, 110, (("ephemeral-storage", 100),))
    )
    app(cluster, "web", 3, extended_resources=(("ephemeral-storage", 50),))
    run(cluster, 30)
    assert where(cluster, "web") == {"known": 2, "": 1}
    node(cluster, "guessed")
    run(cluster, 5)
    assert where(cluster, "web") == {"known": 2, "guessed": 1}


def test_what_is_not_requested_is_not_short() -> None:
    cluster = simulation()
    node(cluster, "full", allocatable=Allocatable(100, 100, 110))
    large = Template(requests=(200, 200))  # a DaemonSet's pods come whatever there is
    cluster.workloads.place(
        Workload("Other", NamespacedName("default", "big"), "", 1, large), "full", created=NOW
    )
    app(cluster, "free", 2, requests=(0, 0))
    app(cluster, "cpu", 1, requests=(1, 0))
    run(cluster, 5)
    assert (where(cluster, "free"), where(cluster, "cpu")) == ({"full": 2}, {"": 1})


def test_pods_that_have_finished_take_no_room() -> None:
    cluster = simulation()
    node(cluster, "a", allocatable=Allocatable(100, 100, 110))
    alone = Workload(
        "Other", NamespacedName("default", "bare"), "bare", 1, Template(requests=(100, 100))
    )
    first = cluster.workloads.place(alone, "a", created=NOW)
    app(cluster, "two", 1, requests=(100, 100))
    run(cluster, 5)
    assert where(cluster, "two") == {"": 1}
    cluster.store.change_pod(first.key, phase="Failed", ready=False)
    run(cluster, 0.04)
    assert where(cluster, "two") == {"a": 1}


# When


class Counting:
    """Counts the attempts of a scheduler, and notes when they were made."""

    def __init__(self, cluster: SimulatedCluster, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at: list[float] = []
        fit, began = Scheduler.fit, cluster.kernel.now

        def counted(scheduler: Scheduler, pod: Pod) -> str | Misfit:
            self.at.append(cluster.kernel.now - began)
            return fit(scheduler, pod)

        monkeypatch.setattr(Scheduler, "fit", counted)


def test_a_hundred_pods_that_fit_nowhere_cost_little(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = simulation()
    for index in range(20):
        node(cluster, f"n-{index}")
    app(cluster, "web", 100)
    run(cluster, 60)
    tries = Counting(cluster, monkeypatch)
    app(cluster, "queue", 100, SchedulingConstraints(selector=(("accelerator", "nvidia"),)))
    for _ in range(4 * 60):
        delete(cluster, "web")  # a pod leaves and another comes, each minute
        run(cluster, 60)
    churn = 4 * 60
    assert len(tries.at) - churn <= 1 + 4 * 3600 / 300, "one attempt in five minutes for them all"
    assert where(cluster, "queue") == {"": 100}
    node(cluster, "gpu", accelerator="nvidia", allocatable=HUGE)
    run(cluster, 0.1)
    assert where(cluster, "queue") == {"gpu": 100}, "a node that fits is taken at once"


def test_the_first_pod_with_a_spread_counts_once() -> None:
    """It runs already when the cluster is built, as those of a snapshot do."""
    cluster = simulation()
    node(cluster, "a", zone="1")
    node(cluster, "b", zone="2")
    cluster.store.change_node("b", unschedulable=True)
    template = Template(labels=(("app", "web"),), scheduling=spread(ZONE, "web"))
    web = Workload("Deployment", NamespacedName("default", "web"), "web", 1, template)
    cluster.workloads.add(web, fresh=False)
    cluster.workloads.place(web, "a", created=NOW)
    delete(cluster, "web")
    run(cluster, 60)
    assert where(cluster, "web") == {"a": 1}


def test_room_that_is_freed_is_taken_at_once() -> None:
    cluster = simulation()
    node(cluster, "a", allocatable=Allocatable(1000, 1000, 110))
    web = app(cluster, "web", 10)
    run(cluster, 5)
    app(cluster, "next", 1)
    run(cluster, 100)
    assert where(cluster, "next") == {"": 1}
    cluster.workloads.scale(web.key, 9)
    run(cluster, 0.25)  # the controllers' lag, the pod's end, the scheduler's lag
    assert where(cluster, "next") == {"a": 1}


def test_what_other_pods_do_elsewhere_is_noticed() -> None:
    """None of it frees the node that is then taken."""
    cluster = simulation()
    node(cluster, "a", zone="1", size="a")
    node(cluster, "b", zone="1", size="b")
    node(cluster, "c", zone="2", size="c")
    on_b, on_c = (SchedulingConstraints(selector=(("size", size),)) for size in "bc")
    not_b = (NodeTerm((Requirement("size", "NotIn", ("b",)),)),)
    app(cluster, "follower", 1, SchedulingConstraints(terms=not_b, near=(term(ZONE, "leader"),)))
    foe = app(cluster, "foe", 1, on_b)
    run(cluster, 5)
    app(cluster, "shy", 1, SchedulingConstraints((("size", "a"),), apart=(term(ZONE, "foe"),)))
    twins = SchedulingConstraints(
        (("size", "a"),), spread=spread(ZONE, "twins", honor_affinity=False).spread
    )
    app(cluster, "twins", 2, twins)
    run(cluster, 30)
    assert (where(cluster, "follower"), where(cluster, "shy")) == ({"": 1}, {"": 1})
    assert where(cluster, "twins") == {"a": 1, "": 1}
    app(cluster, "leader", 1, on_b)
    cluster.workloads.scale(foe.key, 0)
    app(cluster, "twin", 1, on_c, labels=(("app", "twins"), ("of", "c")))
    run(cluster, 5)
    assert (where(cluster, "follower"), where(cluster, "shy")) == ({"a": 1}, {"a": 1})
    assert where(cluster, "twins") == {"a": 2}


def test_an_uncertain_event_waits_for_the_back_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pods of another namespace come and go, and a term means them, but never the right node."""
    cluster = simulation()
    node(cluster, "a", zone="1")
    node(cluster, "b", zone="2", only="b")
    app(cluster, "other", 1, SchedulingConstraints(selector=(("only", "b"),)))
    run(cluster, 5)
    tries = Counting(cluster, monkeypatch)
    scheduling = SchedulingConstraints(selector=((HOSTNAME, "a"),), near=(term(HOSTNAME, "other"),))
    app(cluster, "web", 1, scheduling, requests=(1, 1))
    run(cluster, 0.9)
    for _ in range(300):
        delete(cluster, "other")
        run(cluster, 0.2)
    mine = 1 + 4 + 5  # at once; after 1, 2, 4 and 8 s; every 10 s until a minute is over
    assert len(tries.at) - 300 <= mine + 1


def test_a_pod_that_is_deleted_waits_no_more() -> None:
    cluster = simulation()
    node(cluster, "a")
    workload = app(cluster, "queue", 3, SchedulingConstraints(selector=(("no", "such"),)))
    run(cluster, 5)
    assert [len(group.pods) for group in cluster.scheduler.stuck()] == [3]
    cluster.workloads.scale(workload.key, 0)
    run(cluster, 5)
    assert list(cluster.scheduler.stuck()) == []


@pytest.mark.parametrize(
    ("change", "fits"),
    [
        ({"unschedulable": False}, True),
        ({"batch": "m.uid-m.1"}, False),
        ({"allocatable": Allocatable(8000, 16_000, 110)}, False),
    ],
)
def test_only_what_helps_is_tried(
    change: dict[str, Any], fits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = simulation()
    node(cluster, "a")
    cluster.store.change_node("a", unschedulable=True)
    app(cluster, "web", 1)
    run(cluster, 5)
    tries = Counting(cluster, monkeypatch)
    cluster.store.change_node("a", **change)
    run(cluster, 60)
    assert (where(cluster, "web"), len(tries.at)) == ({"a" if fits else "": 1}, int(fits))


def test_a_label_that_appears_is_noticed() -> None:
    cluster = simulation(pool={"count": 1})
    app(cluster, "web", 1, SchedulingConstraints(selector=(("tier", "web"),)))
    run(cluster, 5)
    assert where(cluster, "web") == {"": 1}
    settings = {**cluster.aks.properties("pool"), "nodeLabels": {"tier": "web"}}
    cluster.aks.put("pool", {"properties": settings}, cluster.kernel.now)
    cluster.node_lifecycle.touched()
    run(cluster, 120)
    assert set(where(cluster, "web")) == set(cluster.store.nodes)
