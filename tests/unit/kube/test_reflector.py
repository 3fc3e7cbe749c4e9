"""The reflector against the ways a watch breaks."""

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from azure_linux_migrator.kube import reflector as reflector_module
from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.kube.cluster_watch import ClusterWatch
from azure_linux_migrator.kube.decode import PodObject
from azure_linux_migrator.kube.reflector import Reflector, Sink
from azure_linux_migrator.model.cluster import NamespacedName, Pod
from tests.support.fake_apiserver import bookmark, event, pod, serving, stream


class Seen:
    """What a reflector has reported."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.removed: list[tuple[str, int]] = []

    def sink(self) -> Sink:
        return Sink(self._put, self._remove, lambda: None, lambda: None)

    def _put(self, record: Pod) -> None:
        self.names.add(record.key.name)

    def _remove(self, key: NamespacedName, revision: int) -> None:
        self.names.discard(key.name)
        self.removed.append((key.name, revision))


async def _until(check: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not check():  # noqa: ASYNC110 - the reflector has no event for every state
            await asyncio.sleep(0.01)


async def _reflect(
    client: Client, seen: Seen, body: Callable[[Reflector], Awaitable[None]]
) -> None:
    reflector = Reflector(client, "/api/v1/pods", PodObject, seen.sink())
    reflector.start()
    try:
        await body(reflector)
    finally:
        await reflector.stop()


async def test_a_streamed_list_then_events_and_what_vanished_while_it_was_blind() -> None:
    lists = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal lists
        if "sendInitialEvents" in request.query:
            lists += 1
            names = ("a", "b") if lists == 1 else ("b", "c")
            added = [event("ADDED", pod(name, 5)) for name in names]
            return await stream(request, *added, bookmark(10 * lists, initial=True))
        if lists == 1:
            gone = {"kind": "Status", "code": 410, "message": "too old"}
            return await stream(request, event("ERROR", gone))
        await asyncio.sleep(5)
        return await stream(request)

    seen = Seen()

    async def body(reflector: Reflector) -> None:
        await _until(lambda: seen.names == {"b", "c"})
        assert seen.removed == [("a", 20)]
        assert reflector.synced

    async with serving(answer) as client:
        await _reflect(client, seen, body)


async def test_without_streaming_lists_it_pages() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if "sendInitialEvents" in request.query:
            return web.json_response({"message": "sendInitialEvents is forbidden"}, status=422)
        if request.query.get("watch"):
            assert request.query["resourceVersion"] == "7"
            await asyncio.sleep(5)
            return await stream(request)
        assert request.query["limit"] == "500"
        if request.query.get("continue") == "more":
            page = {"metadata": {"resourceVersion": "7"}, "items": [pod("b", 2)]}
        else:
            page = {"metadata": {"continue": "more"}, "items": [pod("a", 1)]}
        return web.json_response(page)

    seen = Seen()

    async def body(reflector: Reflector) -> None:
        await _until(lambda: reflector.synced)
        assert seen.names == {"a", "b"}

    async with serving(answer) as client:
        await _reflect(client, seen, body)


async def test_a_refusal_is_kept_to_be_shown_and_later_success_clears_it() -> None:
    allowed = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        if not allowed.is_set():
            return web.json_response({"message": "pods is forbidden"}, status=403)
        response = await stream(request, bookmark(1, initial=True))
        await asyncio.sleep(5)
        return response

    async def body(reflector: Reflector) -> None:
        await _until(lambda: reflector.error is not None and reflector.error.status == 403)
        allowed.set()
        await _until(lambda: reflector.synced)
        assert reflector.error is None

    async with serving(answer) as client:
        await _reflect(client, Seen(), body)


async def test_a_watch_that_is_refused_later_reports_since_when(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reflector_module, "GRACE_SECONDS", 0.1)
    refusing = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        if refusing.is_set():
            return web.json_response({"message": "pods is forbidden"}, status=403)
        response = await stream(request, bookmark(1, initial=True))
        await asyncio.wait({asyncio.create_task(refusing.wait())}, timeout=5)
        return response

    async with serving(answer) as client:
        watch, wake = ClusterWatch(client), asyncio.Event().set
        await watch.acquire(wake)
        try:
            await _until(lambda: watch.synced)
            assert watch.problem() == ""
            refusing.set()
            await _until(lambda: "forbidden" in watch.problem())
            assert watch.synced, "what is known is still shown"
            problem = watch.problem()
            assert re.fullmatch(
                r"the watch of \w+ has delivered nothing since \S+Z: pods is forbidden", problem
            )
            refusing.clear()
            await _until(lambda: not watch.problem())
        finally:
            await watch.release(wake)


async def test_silence_is_a_problem_until_a_list_proves_what_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reflector_module, "SILENCE_SECONDS", 0.2)
    monkeypatch.setattr(reflector_module, "STALE_SECONDS", 0.3)
    lists = 0
    hanging = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal lists
        response = await stream(request)
        if "sendInitialEvents" in request.query and not hanging.is_set():
            lists += 1
            await response.write(json.dumps(bookmark(lists, initial=True)).encode() + b"\n")
        await asyncio.sleep(5)
        return response

    async def body(reflector: Reflector) -> None:
        await _until(lambda: lists >= 2)
        assert reflector.problem() == "", "a list is as good as a bookmark"
        hanging.set()
        await _until(lambda: bool(reflector.problem()))

    async with serving(answer) as client:
        await _reflect(client, Seen(), body)


async def test_a_bookmark_is_a_sign_of_life_and_half_a_list_is_none() -> None:
    half = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        response = await stream(request)
        for revision in range(1, 200):
            kind = event("ADDED", pod(f"p{revision}", revision))
            mark = bookmark(revision, initial=revision == 1)
            await response.write(json.dumps(kind if half.is_set() else mark).encode() + b"\n")
            await asyncio.sleep(0.02)
        return response

    async def body(reflector: Reflector) -> None:
        await asyncio.sleep(0.3)
        assert reflector.age() < 0.2
        half.set()
        reflector._listed = set()
        await asyncio.sleep(0.3)
        assert reflector.age() > 0.2

    async with serving(answer) as client:
        await _reflect(client, Seen(), body)


async def test_without_streaming_lists_it_pages_though_the_first_answer_comes_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reflector_module, "SILENCE_SECONDS", 0.1)
    began = time.monotonic()

    async def answer(request: web.Request) -> web.StreamResponse:
        if time.monotonic() < began + 0.15:
            return web.json_response({"message": "starting"}, status=503)
        if "sendInitialEvents" in request.query:
            return web.json_response({"message": "sendInitialEvents is forbidden"}, status=422)
        if request.query.get("watch"):
            await asyncio.sleep(5)
            return await stream(request)
        return web.json_response({"metadata": {"resourceVersion": "7"}, "items": [pod("a", 1)]})

    async def body(reflector: Reflector) -> None:
        await _until(lambda: reflector.synced)

    async with serving(answer) as client:
        await _reflect(client, Seen(), body)


async def test_a_problem_lasts_until_the_list_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reflector_module, "GRACE_SECONDS", 0.2)
    lists = 0
    begun, whole = asyncio.Event(), asyncio.Event()
    down = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal lists
        if down.is_set():
            return web.json_response({"message": "down"}, status=503)
        if "sendInitialEvents" not in request.query:
            gone = {"kind": "Status", "code": 410, "message": "too old"}
            return await stream(request, event("ERROR", gone))
        lists += 1
        response = await stream(request, event("ADDED", pod("a", lists)))
        if lists > 1:
            begun.set()
            await whole.wait()
        await response.write(json.dumps(bookmark(lists, initial=True)).encode() + b"\n")
        await down.wait() if lists == 1 else await asyncio.sleep(5)
        return response

    async def body(reflector: Reflector) -> None:
        await _until(lambda: reflector.synced)
        assert reflector.problem() == ""
        down.set()
        await _until(lambda: bool(reflector.problem()))
        down.clear()
        await asyncio.wait_for(begun.wait(), 5)
        await asyncio.sleep(0.1)
        assert reflector.problem(), "the connection is back, the list is not complete"
        whole.set()
        await _until(lambda: not reflector.problem())

    async with serving(answer) as client:
        await _reflect(client, Seen(), body)


async def test_a_list_after_410_is_a_problem_until_it_is_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reflector_module, "GRACE_SECONDS", 0.3)
    lists = 0
    whole = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal lists
        lists += 1
        if lists == 1:
            gone = {"kind": "Status", "code": 410, "message": "too old"}
            return await stream(request, bookmark(1, initial=True), event("ERROR", gone))
        response = await stream(request)
        await whole.wait()
        await response.write(json.dumps(bookmark(lists, initial=True)).encode() + b"\n")
        await asyncio.sleep(5)
        return response

    async def body(reflector: Reflector) -> None:
        await _until(lambda: lists == 2)
        await _until(lambda: bool(reflector.problem()))
        whole.set()
        await _until(lambda: not reflector.problem())

    async with serving(answer) as client:
        await _reflect(client, Seen(), body)


@pytest.mark.parametrize("events", [(), (event("MODIFIED", pod("a", 6)),)], ids=["none", "one"])
async def test_a_watch_that_ends_at_once_is_reopened_with_back_off(
    events: tuple[dict[str, object], ...],
) -> None:
    requests = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal requests
        requests += 1
        first = [bookmark(1, initial=True)] if "sendInitialEvents" in request.query else events
        return await stream(request, *first)

    async def body(reflector: Reflector) -> None:
        await asyncio.sleep(1.5)
        assert reflector.synced
        assert 2 <= requests <= 6

    async with serving(answer) as client:
        await _reflect(client, Seen(), body)


async def test_a_list_that_ends_before_it_is_whole_is_begun_again_with_back_off() -> None:
    requests = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal requests
        requests += 1
        return await stream(request, event("ADDED", pod("a", 1)))

    async def body(reflector: Reflector) -> None:
        await asyncio.sleep(1.5)
        assert not reflector.synced
        assert 2 <= requests <= 6

    async with serving(answer) as client:
        await _reflect(client, Seen(), body)


async def test_paging_without_bookmarks_lists_again_after_a_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reflector_module, "SILENCE_SECONDS", 0.2)
    lists = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal lists
        if "sendInitialEvents" in request.query:
            return web.json_response({"message": "sendInitialEvents is forbidden"}, status=422)
        if request.query.get("watch"):
            response = await stream(request)
            await asyncio.sleep(5)
            return response
        lists += 1
        names = ("a", "b") if lists == 1 else ("b",)
        items = [pod(name, lists) for name in names]
        return web.json_response({"metadata": {"resourceVersion": str(lists)}, "items": items})

    seen = Seen()

    async def body(reflector: Reflector) -> None:
        await _until(lambda: lists >= 3)
        assert seen.names == {"b"}
        assert ("a", 2) in seen.removed
        assert reflector.problem() == ""

    async with serving(answer) as client:
        await _reflect(client, seen, body)


async def test_a_watch_asks_for_bookmarks_and_the_next_goes_on_from_them() -> None:
    asked: list[dict[str, str]] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        if "sendInitialEvents" in request.query:
            added = event("ADDED", pod("a", 5))
            return await stream(request, added, bookmark(10, initial=True))
        asked.append(dict(request.query))
        if len(asked) > 1:
            await asyncio.sleep(5)
            return await stream(request)
        response = await stream(request, event("DELETED", pod("a", 12)), bookmark(30))
        await asyncio.sleep(1.1)  # a watch that ends sooner is a failure
        return response

    seen = Seen()

    async def body(_: Reflector) -> None:
        await _until(lambda: len(asked) == 2)

    async with serving(answer) as client:
        await _reflect(client, seen, body)
    assert [query["resourceVersion"] for query in asked] == ["10", "30"]
    assert {query["allowWatchBookmarks"] for query in asked} == {"true"}
    assert seen.removed == [("a", 12)]


async def test_a_busy_apiserver_is_asked_again_when_it_wants() -> None:
    asked: list[float] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append(time.monotonic())
        if len(asked) == 1:
            busy = {"message": "the apiserver is shutting down"}
            return web.json_response(busy, status=503, headers={"Retry-After": "1"})
        return await stream(request, event("ADDED", pod("a", 5)), bookmark(10, initial=True))

    seen = Seen()

    async def body(_: Reflector) -> None:
        await _until(lambda: seen.names == {"a"})
        assert asked[1] - asked[0] >= 1.0

    async with serving(answer) as client:
        await _reflect(client, seen, body)
