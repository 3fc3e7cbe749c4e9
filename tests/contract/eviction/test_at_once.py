"""Simultaneous evictions of one budget delay each other, on the API server and in the model."""

import asyncio
import time

import pytest

from azure_linux_migrator.core.state.eviction_response import EvictionResult
from azure_linux_migrator.model.cluster import BudgetRule, NamespacedName
from azure_linux_migrator.model.selectors import Selector
from azure_linux_migrator.simulator.cluster.api_server import CONFLICT_SECONDS
from tests.support.eviction_world import Place
from tests.support.simulated_clusters import app, of, simulation

PODS = ("a", "b", "c", "d", "e", "f")


@pytest.mark.cluster
async def test_the_apiserver_lets_some_wait_for_half_a_second(place: Place) -> None:
    for name in PODS:
        await place.pod(name)
    await place.budget(minAvailable=1, expect={"healthy": 6, "allowed": 5})
    uids = [(await place.get(f"{place.pods}/{name}"))["metadata"]["uid"] for name in PODS[:5]]

    async def timed(name: str, uid: str) -> tuple[EvictionResult, float]:
        began = time.monotonic()
        response = await place.evict(name, uid)
        return response.result, time.monotonic() - began

    answers = await asyncio.gather(*map(timed, PODS[:5], uids))
    assert {result for result, _ in answers} == {EvictionResult.GRANTED}
    seconds = sorted(duration for _, duration in answers)
    assert seconds[0] < CONFLICT_SECONDS <= seconds[-1]


def test_in_the_model_those_conflict_that_come_while_the_first_is_written() -> None:
    cluster = simulation(src={"count": 2})
    app(cluster, "web", 4)
    cluster.disruption.add(
        NamespacedName("default", "web"), Selector(of("web")), BudgetRule(max_unavailable=2)
    )
    kernel = cluster.kernel
    kernel.run(lambda: False, end=kernel.now + 10.0)
    first, second, *_ = sorted(cluster.store.pods)
    cluster.api.write_seconds = 0.02
    assert not cluster.api.conflicts(first)
    cluster.api.evict(first, cluster.store.pods[first].uid)
    assert cluster.api.conflicts(second)
    assert not cluster.api.conflicts(first), "one that leaves already costs nothing"
    kernel.run(lambda: False, end=kernel.now + 0.05)
    assert not cluster.api.conflicts(second)
    cluster.api.write_seconds = 0.0
    cluster.api.evict(second, cluster.store.pods[second].uid)
    assert not any(map(cluster.api.conflicts, cluster.store.pods))
