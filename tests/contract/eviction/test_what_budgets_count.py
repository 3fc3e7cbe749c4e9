"""Points 12, 14 and 15 of the eviction's rules: what a budget counts, and when it counts again."""

import pytest

from azure_linux_migrator.core.state.eviction_response import EvictionResult
from azure_linux_migrator.model.cluster import NamespacedName
from tests.support.eviction_manifests import Manifest, replicas
from tests.support.eviction_world import Place, until

pytestmark = pytest.mark.cluster

DRY = {"dryRun": "All"}
REPLICAS = 7
SCHEDULER = "kube-scheduler"
"""While it is stopped, new pods stay Pending."""


async def deploy(place: Place, count: int, name: str = "web") -> list[str]:
    """A Deployment, all of its pods Ready; returns their names."""
    path = f"/apis/apps/v1/namespaces/{place.namespace}/deployments"
    await place.create(path, replicas(name, count, place.namespace))

    async def ready() -> bool:
        return len(await healthy(place, name)) == count

    await until(f"{count} pods of {name} are Ready", ready)
    return await healthy(place, name)


async def healthy(place: Place, name: str = "web") -> list[str]:
    """Names of an app's healthy pods."""
    return sorted(
        pod.key.name
        for pod in (await place.world()).pods.values()
        if ("app", name) in pod.labels and pod.ready and not pod.terminating
    )


async def test_point_12_a_dry_run_never_decrements(place: Place) -> None:
    await place.pod("a")
    await place.pod("b")
    before = await place.budget(minAvailable=1, expect={"healthy": 2, "allowed": 1})
    with place.paused():
        for name in ("a", "b"):
            await place.raw_evict(name, query=DRY)
            await place.raw_evict(name, deleteOptions={"dryRun": ["All"]})
            await place.raw_evict(name, query=DRY, deleteOptions={"dryRun": ["All"]})
            reading = await place.read(name)
            assert not reading.pod.terminating
            assert reading.slots == 1
        assert await place.now() == before, "both may go by the dry run, and only one in truth"
        assert (await place.evict("a")).result is EvictionResult.GRANTED
        error = await place.refusal("b", query=DRY)
        assert error.status == 429


async def test_point_14_an_empty_selector_guards_the_whole_namespace(place: Place) -> None:
    (owned,) = await deploy(place, 1)
    await place.pod("bare", app="other")
    budget = await place.budget("all", selector={}, minAvailable=2, expect={"healthy": 2})
    assert (budget.expected, budget.desired, budget.allowed) == (2, 2, 0)
    for name in (owned, "bare"):
        response, reading = await place.ask(name)
        assert reading.pdb_index == (NamespacedName(place.namespace, "all"),)
        assert (reading.slots, reading.sends) == (0, False)
        assert response.result is EvictionResult.BUDGET
    assert await place.deadlocked("all")


async def test_point_14_no_selector_guards_nothing(place: Place) -> None:
    await place.pod("a")
    await place.create(place.budgets, {"metadata": {"name": "none"}, "spec": {"minAvailable": 1}})
    await place.settled("none", expected=0)
    response, reading = await place.ask("a")
    assert reading.pdb_index == ()
    assert response.result is EvictionResult.GRANTED


def term(key: str, operator: str, *values: str) -> Manifest:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


@pytest.mark.parametrize(
    ("selector", "selects"),
    [
        ({"matchLabels": {"app": "web"}}, True),
        ({"matchLabels": {"app": "web", "tier": "x"}}, False),
        (term("app", "In", "web", "other"), True),
        (term("app", "In", "other"), False),
        (term("app", "NotIn", "other"), True),
        (term("app", "NotIn", "web"), False),
        (term("tier", "NotIn", "x"), True),
        (term("app", "Exists"), True),
        (term("tier", "Exists"), False),
        (term("tier", "DoesNotExist"), True),
        ({"matchLabels": {"app": "web"}} | term("app", "DoesNotExist"), False),
    ],
)
async def test_point_14_our_selectors_match_what_the_apiserver_matches(
    place: Place, selector: Manifest, selects: bool
) -> None:
    await place.pod("a")
    await place.budget("strict", selector=selector, minAvailable=9)
    response, reading = await place.ask("a")
    assert bool(reading.pdb_index) == selects
    assert reading.sends != selects
    assert response.result is (EvictionResult.BUDGET if selects else EvictionResult.GRANTED)


async def test_point_14_unmanaged_pods_count_as_healthy_but_not_as_expected(place: Place) -> None:
    await deploy(place, 2)
    await place.pod("bare")
    budget = await place.budget(maxUnavailable=1, expect={"healthy": 3, "allowed": 2})
    assert (budget.expected, budget.desired) == (2, 1)
    response, reading = await place.ask("bare")
    assert reading.slots == 2
    assert response.result is EvictionResult.GRANTED


@pytest.mark.parametrize("limit", [{"maxUnavailable": 1}, {"minAvailable": "50%"}])
async def test_point_14_a_budget_that_expects_no_pods_allows_nothing(
    place: Place, limit: Manifest
) -> None:
    await place.pod("bare")
    budget = await place.budget(**limit, expect={"healthy": 1, "allowed": 0})
    assert (budget.expected, budget.desired) == (0, 0)
    response, reading = await place.ask("bare")
    assert (reading.slots, reading.sends) == (0, False)
    assert response.result is EvictionResult.BUDGET
    assert response.retry_after is None


async def test_point_14_percentages_are_of_the_controllers_scale_and_round_up(
    place: Place,
) -> None:
    pod, *_ = await deploy(place, REPLICAS)
    limits: list[tuple[Manifest, int]] = [
        ({"maxUnavailable": "30%"}, 4),
        ({"maxUnavailable": 1}, 6),
        ({"maxUnavailable": "100%"}, 0),
        ({"maxUnavailable": 9}, 0),
        ({"minAvailable": "30%"}, 3),
        ({"minAvailable": "50%"}, 4),
        ({"minAvailable": 2}, 2),
        ({"minAvailable": "0%"}, 0),
    ]
    for limit, desired in limits:
        wanted = {"healthy": REPLICAS, "expected": REPLICAS, "desired": desired}
        budget = await place.budget(**limit, expect=wanted)
        reading = await place.read(pod)
        assert reading.slots == budget.allowed == REPLICAS - desired, limit
        assert not await place.deadlocked(), limit
        await place.raw_evict(pod, query=DRY)
        await place.remove(f"{place.budgets}/web")


async def test_case_39_budgets_of_0_and_0_percent_and_100_percent_are_fully_blocked(
    place: Place,
) -> None:
    pod, *_ = await deploy(place, 2)
    limits: list[tuple[Manifest, int]] = [
        ({"maxUnavailable": 0}, 2),
        ({"maxUnavailable": "0%"}, 2),
        ({"minAvailable": "100%"}, 2),
        ({"minAvailable": 2}, 2),
        ({"minAvailable": 3}, 3),
    ]
    for limit, desired in limits:
        wanted = {"healthy": 2, "expected": 2, "desired": desired, "allowed": 0}
        await place.budget(**limit, expect=wanted)
        response, reading = await place.ask(pod)
        assert response.result is EvictionResult.BUDGET, limit
        assert (reading.slots, reading.sends) == (2 - desired, False), limit
        assert await place.deadlocked(), limit
        await place.remove(f"{place.budgets}/web")


async def test_point_14_a_scale_up_counts_before_its_pods_are_there(place: Place) -> None:
    pod, *_ = await deploy(place, 2)
    await place.budget(maxUnavailable=1, expect={"healthy": 2, "allowed": 1})
    path = f"/apis/apps/v1/namespaces/{place.namespace}/deployments/web"
    with place.paused(SCHEDULER):
        await place.patch(path, {"spec": {"replicas": 3}})
        await place.settled(expected=3, desired=2, healthy=2, allowed=0)
        response, reading = await place.ask(pod)
        assert response.result is EvictionResult.BUDGET
        assert (reading.slots, reading.sends) == (0, False)
        assert not await place.deadlocked(), "the third pod will free a slot"
    await place.settled(healthy=3, allowed=1)
    assert (await place.evict(pod)).result is EvictionResult.GRANTED


async def test_point_15_the_slot_returns_when_the_replacement_is_ready(place: Place) -> None:
    first, second = await deploy(place, 2)
    await place.budget(maxUnavailable=1, expect={"healthy": 2, "allowed": 1})
    with place.paused(SCHEDULER):
        assert (await place.evict(first)).result is EvictionResult.GRANTED
        await until("the evicted pod is gone", lambda: place.gone(first))
        await place.settled(healthy=1, allowed=0)
        response, reading = await place.ask(second)
        assert response.result is EvictionResult.BUDGET
        assert (reading.slots, reading.sends) == (0, False)
        (waiting,) = set((await place.world()).pods) - {NamespacedName(place.namespace, second)}
        assert (await place.read(waiting.name)).pod.phase == "Pending"
    await place.settled(healthy=2, allowed=1)
    response, reading = await place.ask(second)
    assert response.result is EvictionResult.GRANTED
    assert (reading.slots, reading.sends) == (1, True)
