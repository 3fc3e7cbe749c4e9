"""Shared watches: a user that starts while the last one stops gets a world without stale
objects."""

import asyncio
from typing import Any

import pytest

from azure_linux_migrator.kube.cluster_watch import ClusterWatch
from azure_linux_migrator.kube.reflector import Reflector
from azure_linux_migrator.model.cluster import (
    Attachment,
    Budget,
    Controller,
    NamespacedName,
    Node,
    Volume,
)
from tests.support.worlds import pod


@pytest.fixture
def slow_end(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Watches that deliver nothing, and end only when the event is set."""
    released = asyncio.Event()

    async def run(_: Reflector) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await released.wait()

    monkeypatch.setattr(Reflector, "_run", run)
    return released


async def _turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def _waker() -> None:
    return


async def test_who_comes_while_the_watches_end_starts_with_an_empty_world(
    slow_end: asyncio.Event,
) -> None:
    nothing: Any = None
    watch = ClusterWatch(nothing)
    await watch.acquire(_waker)
    await _turns()
    watch.world.put_node(Node("ghost", "src"))
    leaving = asyncio.create_task(watch.release(_waker))
    await _turns()
    coming = asyncio.create_task(watch.acquire(_waker))
    await _turns()
    assert not coming.done(), "it waits for the old watches to end"
    slow_end.set()
    await asyncio.gather(leaving, coming)
    assert watch.world.nodes == {}
    assert watch._reflectors
    assert list(watch._wakers) == [_waker]
    await watch.release(_waker)
    assert watch._reflectors == {}


async def test_cancelled_in_the_middle_it_leaves_no_watch_behind(slow_end: asyncio.Event) -> None:
    nothing: Any = None
    watch = ClusterWatch(nothing)
    await watch.acquire(_waker)
    await _turns()
    tasks = [reflector._task for reflector in watch._reflectors.values()]
    watch.world.put_node(Node("ghost", "src"))
    leaving = asyncio.create_task(watch.release(_waker))
    await _turns()
    leaving.cancel()
    slow_end.set()
    await asyncio.gather(leaving, return_exceptions=True)
    await _turns()
    assert all(task is not None and task.done() for task in tasks)
    assert watch.world.nodes == {}


def test_what_is_deleted_is_forgotten() -> None:
    nothing: Any = None
    feed = ClusterWatch(nothing)
    key = NamespacedName("shop", "a")
    records: dict[str, Any] = {
        "nodes": Node("a", "src"),
        "pods": pod("a", key=key),
        "poddisruptionbudgets": Budget(key, None),
        "persistentvolumes": Volume("a", key),
        "volumeattachments": Attachment("a", "n", "v"),
        "deployments": Controller("Deployment", key, "uid-a"),
    }
    world = feed.world
    sources = {
        path.rpartition("/")[2]: (put, forget) for path, _, put, forget in feed._sources(world)
    }
    for name, record in records.items():
        sources[name][0](record)
    assert (len(world.nodes), len(world.pods), len(world.budgets)) == (1, 1, 1)
    for name in records:
        sources[name][1](key, 7)
    assert not world.nodes
    assert not world.pods
    assert not world.budgets
    index = world.owner_index
    assert (index.all_controllers(), index.all_volumes(), index.all_attachments()) == ([], [], [])
