"""What a drain meets on nodes: pods that cannot move, a dead kubelet, pods that appear late.

Points are those of the eviction's rules, cases those borrowed from other tools, needs those that no
other tool covers (docs of the drain's reference, sections b, c and d).
"""

import itertools
from collections.abc import AsyncIterator

import pytest

from azure_linux_migrator.core.state.eviction_response import EvictionResult
from azure_linux_migrator.model.cluster import Pod
from testbed.fill.nodes import pool_nodes
from tests.support.eviction_manifests import Manifest, pod_spec, template
from tests.support.eviction_world import Place, until

pytestmark = pytest.mark.cluster

FINALIZER = "azlm.test/hold"
HOSTNAME = "kubernetes.io/hostname"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
ANYTHING = [{"operator": "Exists"}]


@pytest.fixture
async def lone(place: Place) -> AsyncIterator[str]:
    """A node of its own pool, for tests that harm it."""
    (manifest,) = pool_nodes("lone", 1, seed=2)
    name = str(manifest["metadata"]["name"])
    manifest["metadata"]["labels"][HOSTNAME] = name
    async with place.having("/api/v1/nodes", manifest):
        await until(f"node {name} is Ready", lambda: is_ready(place, name))
        yield name


async def is_ready(place: Place, node: str) -> bool:
    return (await place.world()).nodes[node].ready


async def on(place: Place, node: str) -> dict[str, Pod]:
    """The pods that our core sees on a node."""
    return {pod.key.name: pod for pod in (await place.world()).pods_on(node)}


async def test_point_02_a_pod_stuck_terminating_is_granted_again_and_costs_nothing(
    place: Place,
) -> None:
    await place.pod("a", finalizers=[FINALIZER])
    await place.pod("b")
    await place.budget(minAvailable=1, expect={"healthy": 2, "allowed": 1})
    assert (await place.evict("a")).result is EvictionResult.GRANTED
    before = await place.settled(healthy=1, allowed=0)
    response, reading = await place.ask("a")
    assert response.result is EvictionResult.GRANTED
    assert reading.pod.terminating
    assert reading.slots == 0
    answer = await place.admin.json("DELETE", f"{place.pods}/a")
    assert answer["metadata"]["finalizers"] == [FINALIZER]
    assert await place.now() == before
    assert (await on(place, place.nodes[0]))["a"].terminating
    await place.patch(f"{place.pods}/a", {"metadata": {"finalizers": None}})
    await until("the pod is gone", lambda: place.gone("a"))
    assert (await place.evict("a", reading.pod.uid)).result is EvictionResult.GONE


async def test_case_28_pods_of_a_node_that_is_not_ready_are_evicted_and_stay_terminating(
    place: Place, lone: str
) -> None:
    """kwok is stopped, so that nothing acts as the kubelet."""
    await place.pod("dead", nodeName=lone, tolerations=ANYTHING)
    await place.pod("last", nodeName=lone, tolerations=ANYTHING, app="last")
    await place.pod("live")
    await place.budget(minAvailable=1, expect={"healthy": 2, "allowed": 1})
    await place.budget("last", minAvailable=1, expect={"healthy": 1, "allowed": 0})
    with place.paused("kwok"):
        dead = {"type": "Ready", "status": "False", "reason": "KubeletNotReady"}
        await place.patch(f"/api/v1/nodes/{lone}/status", {"status": {"conditions": [dead]}})
        assert not await is_ready(place, lone)
        for name in ("dead", "last"):
            # What the node's controller does once its grace period, a day in this bed, is over.
            await place.set_pod_status(name, "Running", ready=False)
        before = await place.settled(healthy=1, allowed=0)
        await place.settled("last", healthy=0, allowed=0)

        response, reading = await place.ask("dead")
        assert response.result is EvictionResult.GRANTED
        assert (reading.pod.ready, reading.free, reading.sends) == (False, True, True)
        assert (await place.now()).disrupted == before.disrupted
        assert (await on(place, lone))["dead"].terminating

        response, reading = await place.ask("last")
        assert response.result is EvictionResult.BUDGET
        assert (reading.free, reading.slots, reading.sends) == (False, -1, False)
    await until("a kubelet ends it", lambda: place.gone("dead"))


async def cordon(place: Place, node: str) -> None:
    """Cordon a node and wait until the scheduler knows."""
    numbers = itertools.count()

    async def refused() -> bool:
        name = f"probe-{next(numbers)}"
        await land(place, name, node, tolerations=[])
        await until("the scheduler has decided", lambda: decided(place, name))
        held = (await place.read(name)).pod.node == ""
        await place.vanish(name)
        return held

    await place.patch(f"/api/v1/nodes/{node}", {"spec": {"unschedulable": True}})
    await until("the scheduler knows of the cordon", refused)


async def land(place: Place, name: str, node: str, *, tolerations: list[Manifest]) -> None:
    """A pod for the scheduler to put on that node."""
    spec = pod_spec(nodeSelector={HOSTNAME: node}, tolerations=tolerations)
    await place.create(place.pods, {"metadata": template("web") | {"name": name}, "spec": spec})


async def decided(place: Place, name: str) -> bool:
    """Whether the scheduler has bound a pod or said that it cannot."""
    conditions = (await place.get(f"{place.pods}/{name}"))["status"].get("conditions") or ()
    return "PodScheduled" in {condition["type"] for condition in conditions}


async def test_case_32_a_pod_that_tolerates_the_cordon_comes_all_the_same(
    place: Place, lone: str
) -> None:
    await cordon(place, lone)
    toleration = {"key": UNSCHEDULABLE, "operator": "Exists", "effect": "NoSchedule"}
    await land(place, "boomerang", lone, tolerations=[toleration])
    await place.running("boomerang")
    world = await place.world()
    assert world.nodes[lone].unschedulable
    assert {pod.key.name for pod in world.pods_on(lone)} == {"boomerang"}
    response, reading = await place.ask("boomerang")
    assert response.result is EvictionResult.GRANTED
    assert reading.sends


async def test_need_9_a_pod_that_names_its_node_comes_all_the_same(place: Place, lone: str) -> None:
    await cordon(place, lone)
    await place.pod("late", nodeName=lone)
    seen = (await on(place, lone))["late"]
    assert (seen.phase, seen.ready, seen.terminating) == ("Running", True, False)
    assert (await place.world()).nodes[lone].unschedulable
    response, reading = await place.ask("late")
    assert response.result is EvictionResult.GRANTED
    assert reading.sends
    await until("the pod is gone", lambda: place.gone("late"))
