"""The number of nodes that `target.count: Auto` gives."""

from typing import Any

from azure_linux_migrator.core.drain.node_estimate import nodes_needed
from azure_linux_migrator.core.reconcile.context import context_of
from azure_linux_migrator.core.reconcile.decide import decide
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.core.steps.pool_size import final_count
from azure_linux_migrator.model.actions import CreatePool
from azure_linux_migrator.model.cluster import (
    Allocatable,
    Controller,
    NamespacedName,
    Node,
    Owner,
    Pod,
    Volume,
)
from azure_linux_migrator.model.scheduling import HOSTNAME, PodTerm, SchedulingConstraints
from azure_linux_migrator.model.selectors import Selector
from tests.support.worlds import NOW, migration, pod, seen, source, target, world

ROOM = Allocatable(4000, 16_000, 30)


def nodes(count: int, allocatable: Allocatable = ROOM) -> list[Node]:
    return [Node(f"s-{index}", "src", allocatable=allocatable) for index in range(count)]


def needed(world: World) -> int:
    return nodes_needed(context_of(migration(), seen(world, source()), NOW).planner.tracker).count


def pods(count: int, cpu: int, memory: int = 100, **more: Any) -> list[Pod]:
    return [
        pod(f"p-{index}", node=f"s-{index % 4}", requests=(cpu, memory), **more)
        for index in range(count)
    ]


def test_half_empty_nodes_need_half_as_many() -> None:
    assert needed(world(pods(8, 850), nodes=nodes(4))) == 2, "four fit into nine tenths of 4 CPUs"
    assert needed(world(pods(8, 3000), nodes=nodes(4))) == 8
    assert needed(world(pods(8, 10, memory=7000), nodes=nodes(4))) == 4, "memory counts too"


def test_every_node_keeps_room_for_its_daemons() -> None:
    daemon = pod("d-0", requests=(1700, 0), owner=Owner("DaemonSet", "d", "d"))
    assert needed(world([*pods(8, 850), daemon], nodes=nodes(4))) == 4


def test_the_limit_of_pods_counts() -> None:
    assert needed(world(pods(9, 1), nodes=nodes(4, Allocatable(4000, 16_000, 3)))) == 3


def test_devices_are_counted_to_the_last_one() -> None:
    rich = Allocatable(96_000, 900_000, 110, (("nvidia.com/gpu", 8),))
    gpu = (("nvidia.com/gpu", 1),)
    assert needed(world(pods(24, 100, extended_resources=gpu), nodes=nodes(4, rich))) == 3
    assert needed(world(pods(24, 100), nodes=nodes(4, rich))) == 1


def test_pods_that_repel_each_other_take_a_node_each() -> None:
    own = PodTerm(HOSTNAME, Selector((("app", "web"),)))
    apart = SchedulingConstraints(apart=(own,))
    assert needed(world(pods(4, 10, scheduling=apart), nodes=nodes(4))) == 4


def test_volumes_keep_pods_in_their_zone() -> None:
    state = world(
        [
            pod("a", requests=(100, 1), claims=("a",)),
            pod("b", requests=(100, 1), claims=("b",)),
            pod("c", requests=(100, 1)),
        ],
        nodes=nodes(2),
    )
    state.put_volume(Volume("va", NamespacedName("default", "a"), ("z-1",)))
    state.put_volume(Volume("vb", NamespacedName("default", "b"), ("z-2",)))
    assert needed(state) == 2, "one for each zone, and the free pod beside one of them"


def test_nodes_that_tell_nothing_are_replaced_one_by_one() -> None:
    assert needed(world(pods(8, 100), nodes=nodes(4, Allocatable()))) == 4


def test_auto_is_decided_once_and_kept_on_the_pool() -> None:
    state = world(pods(8, 850), nodes=nodes(4))
    state.put_controller(
        Controller("ReplicaSet", NamespacedName("default", "web"), "rs-web", replicas=8)
    )
    wanted = migration(target={"count": "Auto"})
    [create] = decide(wanted, seen(state, source(count=4)), NOW).actions
    assert isinstance(create, CreatePool)
    assert (create.count, dict(create.tags)["azlm-target-count"]) == (2, "2")
    for workload_pod in pods(8, 850):
        state.remove_pod(workload_pod.key)
    tagged = target(tags=(*target().tags, ("azlm-target-count", "2")))
    assert final_count(context_of(wanted, seen(state, source(), tagged), NOW)) == 2
