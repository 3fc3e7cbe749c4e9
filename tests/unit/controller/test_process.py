"""How the process ends."""

import asyncio

import pytest
from aiohttp import web

from azure_linux_migrator.api.names import FINALIZER
from azure_linux_migrator.controller import leadership
from azure_linux_migrator.controller.leadership import Leadership
from azure_linux_migrator.controller.metrics import Telemetry
from azure_linux_migrator.controller.process import Operator
from azure_linux_migrator.controller.settings import Settings
from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.kube.cluster_watch import ClusterWatch
from azure_linux_migrator.kube.lease import Elector
from tests.support.fake_apiserver import serving

LEAVING = {"name": "m", "deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": [FINALIZER]}


def operator(client: Client) -> Operator:
    return Operator(Settings(), client, ClusterWatch(client), Telemetry())


@pytest.mark.parametrize("status", [200, 403])
async def test_deletions_that_have_begun_are_finished_before_the_end(status: int) -> None:
    items = [{"metadata": LEAVING}, {"metadata": {"name": "stays"}}]
    asked = 0

    async def answer(_: web.Request) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        return web.json_response({"items": items}, status=status)

    async with serving(answer) as client:
        stop, ended = asyncio.Event(), asyncio.Event()
        ending = asyncio.create_task(operator(client).leadership.end(stop, ended))
        await asyncio.sleep(0.05)
        assert asked == 0
        stop.set()
        if status == 200:
            await asyncio.sleep(0.2)
            assert not ended.is_set()
            items.pop(0)
        await asyncio.wait_for(ended.wait(), 5)
        await ending


async def test_a_deletion_that_hangs_does_not_keep_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(leadership, "LAST_DELETIONS_SECONDS", 0.1)

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response({"items": [{"metadata": LEAVING}]})

    async with serving(answer) as client:
        stop, ended = asyncio.Event(), asyncio.Event()
        stop.set()
        await operator(client).leadership.end(stop, ended)
        assert ended.is_set()


async def test_a_lease_that_nobody_renews_fails_the_probe() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.method == "GET":
            return web.json_response({"message": "no"}, status=404)
        return web.json_response(await request.json())

    async with serving(answer) as client:
        process = operator(client)
        elector = Elector(client, "ns", "azlm", "one", on_lost=lambda: None)
        process.leadership = Leadership(client, process.settings, elector)
        assert process.health() is None
        await elector.acquire()
        assert process.health() is None
        assert elector._task is not None
        elector._task.cancel()
        await asyncio.gather(elector._task, return_exceptions=True)
        assert process.health() == "the Lease is not renewed any more"
