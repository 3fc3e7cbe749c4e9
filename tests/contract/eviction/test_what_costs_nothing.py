"""Points 1 to 3 of the eviction's rules: the answers, and which pods take no slot."""

import asyncio

import pytest

from azure_linux_migrator.core.state.eviction_response import EvictionResponse, EvictionResult
from azure_linux_migrator.kube.client import MERGE_PATCH
from azure_linux_migrator.model.cluster import Budget
from testbed.audit import AuditLog
from tests.support.eviction_manifests import Manifest
from tests.support.eviction_world import Place, until

pytestmark = pytest.mark.cluster

RETRY_LATER = 10.0


def spent(before: Budget, after: Budget) -> int:
    """How many disruptions were taken from a budget whose controller is stopped."""
    taken = before.allowed - after.allowed
    assert len(after.disrupted - before.disrupted) == taken
    return taken


async def test_point_01_success_is_201_and_the_pod_leaves(place: Place) -> None:
    await place.pod("a")
    audit = AuditLog(place.plane.audit_log)
    audit.mark()
    response, reading = await place.ask("a")
    assert response == EvictionResponse(EvictionResult.GRANTED)
    assert reading.sends
    assert audit.evictions("system:serviceaccount:azlm-system:azlm") == {201: 1}
    await until("the pod is gone", lambda: place.gone("a"))
    assert (await place.evict("a", "whatever")).result is EvictionResult.GONE


async def test_point_01_a_body_of_another_name_is_400(place: Place) -> None:
    await place.pod("a")
    error = await place.refusal("a", metadata={"name": "b"})
    assert error.status == 400
    assert "name in URL does not match name in Eviction object" in error.message


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
async def test_point_02_a_finished_pod_ignores_its_budget(place: Place, phase: str) -> None:
    await place.pod("a")
    await place.pod("b")
    await place.finish("a", phase)
    before = await place.budget(minAvailable=1, expect={"healthy": 1, "allowed": 0})
    with place.paused():
        response, reading = await place.ask("a")
        assert response.result is EvictionResult.GRANTED
        assert reading.pod.finished
        assert (reading.free, reading.slots, reading.sends) == (True, 0, True)
        assert spent(before, await place.now()) == 0
    assert (await place.evict("b")).result is EvictionResult.BUDGET


async def test_point_02_a_pending_pod_ignores_its_budget(place: Place) -> None:
    await place.pending("a")
    before = await place.budget(minAvailable=1, expect={"healthy": 0, "allowed": 0})
    with place.paused():
        response, reading = await place.ask("a")
        assert response.result is EvictionResult.GRANTED
        assert reading.pod.phase == "Pending"
        assert (reading.free, reading.slots, reading.sends) == (True, -1, True)
        assert spent(before, await place.now()) == 0


async def test_point_02_a_pod_that_starts_to_run_is_guarded_again(place: Place) -> None:
    await place.pending("a")
    await place.budget(minAvailable=1, expect={"healthy": 0})
    assert (await place.read("a")).sends
    await place.set_pod_status("a", "Running", ready=True)
    await place.settled(healthy=1, allowed=0)
    response, reading = await place.ask("a")
    assert response.result is EvictionResult.BUDGET
    assert (reading.free, reading.slots, reading.sends) == (False, 0, False)


POLICIES = [None, "IfHealthyBudget", "AlwaysAllow"]


def limits(desired: int, policy: str | None) -> Manifest:
    more = {"unhealthyPodEvictionPolicy": policy} if policy else {}
    return {"minAvailable": desired, **more}


@pytest.mark.parametrize("policy", POLICIES)
async def test_point_03_an_unready_pod_is_free_while_the_others_are_as_many_as_needed(
    place: Place, policy: str | None
) -> None:
    await place.pod("a", ready=False)
    await place.pod("b")
    before = await place.budget(**limits(1, policy), expect={"healthy": 1, "allowed": 0})
    with place.paused():
        response, reading = await place.ask("a")
        assert response.result is EvictionResult.GRANTED
        assert (reading.free, reading.slots, reading.sends) == (True, 0, True)
        assert spent(before, await place.now()) == 0
        ready = await place.read("b")
        assert (ready.free, ready.sends) == (False, False)
        assert (await place.evict("b")).result is EvictionResult.BUDGET


@pytest.mark.parametrize("policy", POLICIES)
async def test_point_03_an_unready_pod_below_the_need_is_free_under_always_allow_only(
    place: Place, policy: str | None
) -> None:
    await place.pod("a", ready=False)
    await place.pod("b")
    before = await place.budget(**limits(2, policy), expect={"healthy": 1, "allowed": 0})
    free = policy == "AlwaysAllow"
    with place.paused():
        response, reading = await place.ask("a")
        assert response.result is (EvictionResult.GRANTED if free else EvictionResult.BUDGET)
        assert (reading.free, reading.slots, reading.sends) == (free, -1, free)
        assert spent(before, await place.now()) == 0


@pytest.mark.parametrize("policy", POLICIES)
async def test_point_03_where_nothing_is_needed_an_unready_pod_takes_a_slot_like_any_other(
    place: Place, policy: str | None
) -> None:
    await place.pod("a", ready=False)
    await place.pod("b")
    before = await place.budget(**limits(0, policy), expect={"healthy": 1, "allowed": 1})
    free = policy == "AlwaysAllow"
    with place.paused():
        response, reading = await place.ask("a")
        assert response.result is EvictionResult.GRANTED
        assert (reading.free, reading.slots, reading.sends) == (free, 1, True)
        assert spent(before, await place.now()) == (0 if free else 1)


async def test_point_03_where_nothing_is_needed_and_nothing_healthy_nothing_is_granted(
    place: Place,
) -> None:
    await place.pod("a", ready=False)
    await place.budget(minAvailable=0, expect={"healthy": 0, "expected": 1, "allowed": 0})
    response, reading = await place.ask("a")
    assert response.result is EvictionResult.BUDGET
    assert (reading.free, reading.slots, reading.sends) == (False, 0, False)


async def test_point_03_a_free_pod_that_changes_meanwhile_is_a_429_with_retry_after(
    place: Place,
) -> None:
    """The free deletion holds for one resourceVersion; here others write the pod all the time."""
    await place.pod("b")
    responses: list[EvictionResponse] = []
    over = asyncio.Event()

    async def write(worker: int) -> None:
        number = 0
        while not over.is_set():
            number += 1
            body = {"metadata": {"annotations": {f"w{worker}": str(number)}}}
            path = f"{place.pods}/a"
            await asyncio.gather(
                place.admin.request("PATCH", path, body=body, content_type=MERGE_PATCH),
                return_exceptions=True,
            )

    async def refused() -> bool:
        await place.vanish("a")
        await place.pod("a", ready=False)
        responses.append(await place.evict("a"))
        return responses[-1].result is EvictionResult.BUDGET

    await place.budget(minAvailable=1, expect={"healthy": 1, "allowed": 0})
    async with asyncio.TaskGroup() as group:
        for worker in range(4):
            group.create_task(write(worker))
        try:
            await until("an eviction meets a write", refused)
        finally:
            over.set()
    assert {response.result for response in responses} <= {
        EvictionResult.GRANTED,
        EvictionResult.BUDGET,
    }
    assert responses[-1].retry_after == RETRY_LATER
