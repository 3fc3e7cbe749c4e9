"""Scales of custom resources, from an API server that refuses, forgets and fails."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.kube import scale_watch
from azure_linux_migrator.kube.scale_watch import ScaleWatch
from azure_linux_migrator.kube.scales import OwnerRef, owners_with_scale, read_scales
from azure_linux_migrator.model.cluster import Controller, NamespacedName, Owner
from tests.support.fake_apiserver import serving
from tests.support.worlds import pod

GROUP = "apps.kruise.io"
CLONES = Owner("CloneSet", "web", "clones", GROUP)
PODSETS = Owner("StrimziPodSet", "kafka", "podset", "core.strimzi.io")
Answer = Callable[[web.Request], web.StreamResponse]


def api(scale: Answer) -> Callable[[web.Request], Any]:
    """Discovery of two kinds, of which one has a scale."""

    async def answer(request: web.Request) -> web.StreamResponse:
        match request.path.split("/")[2:]:
            case [group]:
                return web.json_response({"preferredVersion": {"groupVersion": f"{group}/v2"}})
            case ["apps.kruise.io", "v2"]:
                names = [("clonesets", "CloneSet"), ("clonesets/scale", "Scale")]
            case ["core.strimzi.io", "v2"]:
                names = [("strimzipodsets", "StrimziPodSet")]
            case _:
                return scale(request)
        return web.json_response({"resources": [{"name": n, "kind": kind} for n, kind in names]})

    return answer


def replicas(number: int) -> Answer:
    return lambda _: web.json_response({"spec": {"replicas": number} if number else {}})


def refused(status: int, message: str) -> Answer:
    return lambda _: web.json_response({"message": message}, status=status)


async def test_the_scale_of_a_custom_resource_is_read_and_nothing_else() -> None:
    paths: list[str] = []

    def scale(request: web.Request) -> web.StreamResponse:
        paths.append(request.path)
        return replicas(3)(request)

    async with serving(api(scale)) as client:
        scales = await read_scales(client, {OwnerRef("shop", CLONES), OwnerRef("shop", PODSETS)})
    assert paths == [f"/apis/{GROUP}/v2/namespaces/shop/clonesets/web/scale"]
    key = NamespacedName("shop", "web")
    assert scales.controllers == (Controller(f"CloneSet.{GROUP}", key, "clones", replicas=3),)
    assert scales.unread == {}


@pytest.mark.parametrize(
    ("scale", "wanted", "unread"),
    [
        (replicas(0), [0], {}),
        (refused(404, "not found"), [], {}),
        (refused(403, "may not"), [], {f"CloneSet.{GROUP}": "may not"}),
        (refused(500, "no webhook"), [], {f"CloneSet.{GROUP} shop/web": "no webhook"}),
    ],
)
async def test_what_cannot_be_read_is_reported(
    scale: Answer, wanted: list[int], unread: dict[str, str]
) -> None:
    async with serving(api(scale)) as client:
        scales = await read_scales(client, {OwnerRef("shop", CLONES)})
    assert [controller.replicas for controller in scales.controllers] == wanted
    assert scales.unread == unread


async def test_one_refusal_stands_for_its_kind() -> None:
    asked = 0

    def scale(request: web.Request) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        return refused(403, "may not")(request)

    owners = {OwnerRef("shop", Owner("CloneSet", str(n), str(n), GROUP)) for n in range(50)}
    async with serving(api(scale)) as client:
        await read_scales(client, owners)
    assert asked == 1


async def test_one_object_without_replicas_hides_no_other() -> None:
    """The API server answers 500 for it (spec.replicas does not exist)."""

    def scale(request: web.Request) -> web.StreamResponse:
        answer = refused(500, "no replicas") if "/a/" in request.path else replicas(3)
        return answer(request)

    owners = {OwnerRef("shop", Owner("CloneSet", name, name, GROUP)) for name in "abc"}
    async with serving(api(scale)) as client:
        scales = await read_scales(client, owners)
    assert [controller.uid for controller in scales.controllers] == ["b", "c"]
    assert scales.unread == {f"CloneSet.{GROUP} shop/a": "no replicas"}


def test_whose_scale_may_be_known() -> None:
    owners = [
        CLONES,
        Owner("ReplicationController", "old", "rc"),
        Owner("ReplicaSet", "web", "rs", "apps"),
        Owner("Job", "batch", "job", "batch"),
        Owner("DaemonSet", "agent", "ds", GROUP),
        Owner("Node", "n", "node"),
        None,
    ]
    pods = [pod(str(number), owner=owner) for number, owner in enumerate(owners)]
    runner = pod("runner", owner=Owner("EphemeralRunner", "r", "r", "actions.x"), run_once=True)
    references = owners_with_scale([*pods, runner])
    assert {reference.owner.kind for reference in references} == {
        "CloneSet",
        "ReplicationController",
    }


async def test_a_scale_is_followed_and_not_believed_once_it_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scale_watch, "READ_SECONDS", 0.01)
    world, answers, changed = World(), [replicas(3)], asyncio.Event()
    world.put_pod(pod("web-a", key=NamespacedName("shop", "web-a"), owner=CLONES))

    def latest(request: web.Request) -> web.StreamResponse:
        return answers[-1](request)

    async with serving(api(latest)) as client, asyncio.timeout(10):
        watch = ScaleWatch(client, world, changed.set, lambda: None)
        watch.start()
        await asyncio.sleep(0.05)
        assert not watch.synced, "the pods are not known yet"
        watch.pods_listed()
        seen = []
        for answer in (refused(500, "no webhook"), replicas(5), refused(404, "gone")):
            await changed.wait()
            changed.clear()
            controller = world.owner_index.controller(CLONES.uid)
            seen.append((controller and controller.replicas, [*world.unread_scales.values()]))
            answers.append(answer)
        await asyncio.gather(watch.end(), return_exceptions=True)
    assert seen == [(3, []), (None, ["no webhook"]), (5, [])]


def test_a_kind_of_the_same_name_is_another_one() -> None:
    world, key = World(), NamespacedName("shop", "web")
    world.put_controller(Controller("StatefulSet", key, "own"))
    other = Owner("StatefulSet", "web", "other", GROUP)
    world.put_controller(Controller(other.qualified_kind, key, other.uid))
    world.remove_controller(other.qualified_kind, key)
    assert world.owner_index.exists("own")
    assert not world.owner_index.exists("other")


async def test_an_object_that_is_created_again_is_another_owner() -> None:
    """Its old pods still leave while the new ones come."""
    world, old = World(), CLONES
    new = Owner("CloneSet", "web", "created-again", GROUP)
    for owner in (old, new):
        world.put_pod(pod(owner.uid, key=NamespacedName("shop", owner.uid), owner=owner))

    def scale(_: web.Request) -> web.StreamResponse:
        return web.json_response({"metadata": {"uid": new.uid}, "spec": {"replicas": 3}})

    async with serving(api(scale)) as client:
        await ScaleWatch(client, world, lambda: None, lambda: None).read()
    assert [controller.uid for controller in world.owner_index.all_controllers()] == [new.uid]


async def test_without_uids_in_its_scales_an_object_leaves_alone() -> None:
    """An API server extension may leave the uid out: both owners get the same scale."""
    world = World()
    old, new = CLONES, Owner("CloneSet", "web", "created-again", GROUP)
    for owner in (old, new):
        world.put_pod(pod(owner.uid, key=NamespacedName("shop", owner.uid), owner=owner))
    async with serving(api(replicas(3))) as client:
        watch = ScaleWatch(client, world, lambda: None, lambda: None)
        await watch.read()
        world.remove_pod(NamespacedName("shop", old.uid))
        await watch.read()
        await watch.read()
    assert [controller.uid for controller in world.owner_index.all_controllers()] == [new.uid]


def test_a_controller_of_the_same_name_replaces_the_one_before() -> None:
    """Its end was not seen, such as while the watch was down."""
    world, key = World(), NamespacedName("shop", "web")
    world.put_controller(Controller("Deployment", key, "before"))
    world.put_controller(Controller("Deployment", key, "after"))
    assert [controller.uid for controller in world.owner_index.all_controllers()] == ["after"]


async def test_a_first_reading_that_does_not_end_holds_no_migration_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scale_watch, "SYNC_SECONDS", 0.1)
    world, changed, released = World(), asyncio.Event(), asyncio.Event()
    world.put_pod(pod("web-a", key=NamespacedName("shop", "web-a"), owner=CLONES))

    async def late(request: web.Request) -> web.StreamResponse:
        await released.wait()
        answer: web.StreamResponse = await api(replicas(3))(request)
        return answer

    async with serving(late) as client, asyncio.timeout(10):
        watch = ScaleWatch(client, world, changed.set, lambda: None)
        watch.start()
        watch.pods_listed()
        await changed.wait()
        assert watch.synced
        assert "within" in world.unread_scales[f"CloneSet.{GROUP}"]
        changed.clear()
        released.set()
        await changed.wait()
        assert world.owner_index.exists(CLONES.uid)
        assert world.unread_scales == {}
        await asyncio.gather(watch.end(), return_exceptions=True)


async def test_a_reading_that_fails_holds_no_migration_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(_: ScaleWatch) -> float:
        raise ValueError

    monkeypatch.setattr(scale_watch, "SYNC_SECONDS", 0.1)
    monkeypatch.setattr(ScaleWatch, "read", fails)
    nothing: Any = None
    changed = asyncio.Event()
    watch = ScaleWatch(nothing, World(), changed.set, lambda: None)
    watch.start()
    watch.pods_listed()
    async with asyncio.timeout(10):
        await changed.wait()
    assert watch.synced
    await asyncio.gather(watch.end(), return_exceptions=True)


async def test_the_next_reading_waits_as_long_as_the_api_server_asks() -> None:
    def scale(_: web.Request) -> web.StreamResponse:
        return web.json_response({"message": "busy"}, status=429, headers={"Retry-After": "90"})

    world = World()
    world.put_pod(pod("web-a", key=NamespacedName("shop", "web-a"), owner=CLONES))
    async with serving(api(scale)) as client:
        delay = await ScaleWatch(client, world, lambda: None, lambda: None).read()
    assert delay == 90
