"""Which pool the cluster autoscaler grows, by how much, and when it shrinks again."""

from collections import Counter
from typing import Any

import pytest

from azure_linux_migrator.model.cluster import Allocatable
from azure_linux_migrator.model.scheduling import SchedulingConstraints, Toleration
from azure_linux_migrator.simulator.assembly.simulated_cluster import SimulatedCluster
from tests.support.simulated_clusters import HOSTNAME, app, run, simulation, term, where

WEB = SchedulingConstraints(selector=(("agentpool", "web"),))
IMPOSSIBLE = SchedulingConstraints(selector=(("no", "such"),))


def scaled(count: int = 1, most: int = 10, **more: Any) -> dict[str, Any]:
    """A pool whose nodes hold 3,600 thousandths of a CPU, unless it is of another size."""
    return {"count": count, "enableAutoScaling": True, "minCount": 0, "maxCount": most, **more}


def autoscaled_cluster(*, boot: float = 60.0, **pools: dict[str, Any]) -> SimulatedCluster:
    """A cluster whose autoscaler runs."""
    cluster = simulation(boot=boot, system={"count": 1, "mode": "System"}, **pools)
    cluster.store.change_node(next(iter(cluster.store.nodes)), unschedulable=True)
    cluster.kernel.after(10.0, cluster.autoscaler.scan)
    return cluster


def sizes(cluster: SimulatedCluster) -> Counter[str]:
    """Nodes by pool."""
    return Counter(node.pool for node in cluster.store.nodes.values() if node.pool != "system")


def test_a_pod_that_fits_no_pool_grows_none() -> None:
    cluster = autoscaled_cluster(
        web=scaled(), spot=scaled(most=50, nodeTaints=["spot=yes:NoSchedule"])
    )
    app(cluster, "stuck", 1, IMPOSSIBLE)
    app(cluster, "large", 1, requests=(50_000, 100))
    run(cluster, 3600)
    assert sum(sizes(cluster).values()) == 0, "idle ones went"
    assert where(cluster, "stuck") + where(cluster, "large") == {"": 2}


PICKS: dict[str, tuple[dict[str, Any], dict[str, int]]] = {
    "as many as the requests need": (
        {"replicas": 9, "requests": (1000, 100), "scheduling": WEB},
        {"web": 3},
    ),
    "as many as memory needs": (
        {"replicas": 4, "requests": (10, 14_000), "scheduling": WEB},
        {"web": 4},
    ),
    "the one whose labels fit": (
        {
            "replicas": 3,
            "requests": (3000, 100),
            "scheduling": SchedulingConstraints((("tier", "batch"),)),
        },
        {"web": 1, "batch": 3},
    ),
    "no more than its maximum": (
        {
            "replicas": 40,
            "requests": (3000, 100),
            "scheduling": SchedulingConstraints((("tier", "batch"),)),
        },
        {"web": 1, "batch": 5},
    ),
    "a tainted one for pods that tolerate it": (
        {
            "replicas": 2,
            "requests": (3000, 100),
            "scheduling": SchedulingConstraints(
                (("tier", "spot"),), tolerations=(Toleration("spot", "Exists"),)
            ),
        },
        {"web": 1, "spot": 2},
    ),
    "a tainted one for no others": (
        {
            "replicas": 2,
            "requests": (3000, 100),
            "scheduling": SchedulingConstraints((("tier", "spot"),)),
        },
        {"web": 1},
    ),
    "a node each for pods that repel each other": (
        {
            "replicas": 4,
            "requests": (10, 10),
            "scheduling": SchedulingConstraints(
                (("tier", "batch"),), apart=(term(HOSTNAME, "app"),)
            ),
        },
        {"web": 1, "batch": 4},
    ),
}


@pytest.mark.parametrize("name", PICKS)
def test_what_grows(name: str) -> None:
    wanted, expected = PICKS[name]
    cluster = autoscaled_cluster(
        web=scaled(1),
        batch=scaled(0, 5, nodeLabels={"tier": "batch"}, vmSize="Standard_D4s_v4"),
        spot=scaled(0, 5, nodeLabels={"tier": "spot"}, nodeTaints=["spot=yes:NoSchedule"]),
    )
    app(cluster, "app", **wanted)
    run(cluster, 15)
    coming = Counter({pool: cluster.aks.coming(pool) for pool in expected})
    assert sizes(cluster) + coming == expected, "all at once"
    run(cluster, 500)
    assert sizes(cluster) == expected


def test_the_pool_that_wastes_least() -> None:
    cluster = autoscaled_cluster(
        large=scaled(0, vmSize="Standard_D64s_v5"), small=scaled(0, vmSize="Standard_D2s_v5")
    )
    app(cluster, "web", 1, requests=(1000, 4000))
    run(cluster, 200)
    assert sizes(cluster) == {"small": 1}
    app(cluster, "many", 50, requests=(1100, 4000))
    run(cluster, 200)
    assert sizes(cluster) == {"small": 1, "large": 1}, "50 pods fill one large node best"


def test_a_node_on_its_way_is_counted() -> None:
    cluster = autoscaled_cluster(boot=500.0, web=scaled(1), other=scaled(1))
    app(cluster, "full", 2, requests=(3600, 100))
    run(cluster, 5)
    app(cluster, "web", 3, requests=(1000, 100))
    run(cluster, 450)
    assert (
        sum(cluster.aks.coming(pool) for pool in ("web", "other")) + len(cluster.store.nodes) == 4
    )
    run(cluster, 400)
    assert sum(sizes(cluster).values()) == 3
    assert "" not in where(cluster, "web")


def test_gpus_are_counted() -> None:
    cluster = autoscaled_cluster(gpu=scaled(0, vmSize="Standard_NC96ads_A100_v4"))
    size = Allocatable(86_000, 800_000, 110, (("nvidia.com/gpu", 4),))
    cluster.node_lifecycle.allocatable_by_size["Standard_NC96ads_A100_v4"] = size
    app(cluster, "train", 10, extended_resources=(("nvidia.com/gpu", 1),))
    run(cluster, 15)
    assert cluster.aks.coming("gpu") == 3
    run(cluster, 300)
    assert sizes(cluster) == {"gpu": 3}
    assert sorted(where(cluster, "train").values()) == [2, 4, 4]


def test_idle_nodes_go_in_spite_of_a_pod_that_nothing_helps() -> None:
    cluster = autoscaled_cluster(web=scaled(3) | {"minCount": 1})
    app(cluster, "stuck", 1, IMPOSSIBLE)
    run(cluster, 500)
    assert sizes(cluster) == {"web": 3}
    run(cluster, 300)
    assert sizes(cluster) == {"web": 1}
