"""Without the Lease nothing is sent, however long ago it was submitted."""

import asyncio
from typing import Any

import pytest
from aiohttp import web

from azure_linux_migrator.api.spec import ClusterRef
from azure_linux_migrator.azure.client import open_pools
from azure_linux_migrator.controller.executor import Executor
from azure_linux_migrator.controller.metrics import Telemetry
from azure_linux_migrator.core.reconcile.loop import CONCURRENCY
from azure_linux_migrator.core.state.world import World
from azure_linux_migrator.errors import KubernetesError, NotLeadingError
from azure_linux_migrator.kube import cordon
from azure_linux_migrator.model.actions import EvictPod
from azure_linux_migrator.model.cluster import NamespacedName
from tests.support.bed import ZERO
from tests.support.fake_apiserver import serving

CLUSTER = ClusterRef(subscription_id=ZERO, resource_group="demo-rg", name="demo")


async def test_evictions_that_wait_for_their_turn_are_not_sent_after_the_lease() -> None:
    sent = 0
    answer = asyncio.Event()

    async def evicting(_: web.Request) -> web.StreamResponse:
        nonlocal sent
        sent += 1
        await answer.wait()
        return web.json_response({})

    leads = True
    nothing: Any = None
    async with serving(evicting) as client:
        executor = Executor(
            client=client,
            world=World(),
            pools=lambda: nothing,
            telemetry=Telemetry(),
            may_act=lambda: leads,
            on_result=lambda: None,
        )
        pods = (NamespacedName("ns", f"pod-{number}") for number in range(CONCURRENCY + 136))
        executor.submit(EvictPod(pod, f"uid-{pod.name}", None, "") for pod in pods)
        async with asyncio.timeout(5):
            while sent < CONCURRENCY:  # noqa: ASYNC110 - the server counts
                await asyncio.sleep(0.01)
        leads = False
        answer.set()
        await executor.stop()
    assert sent == CONCURRENCY


async def test_the_second_request_of_an_action_asks_again() -> None:
    methods: list[str] = []

    async def node(request: web.Request) -> web.StreamResponse:
        methods.append(request.method)
        return web.json_response({"metadata": {"resourceVersion": "1"}, "spec": {}})

    def lost() -> None:
        raise NotLeadingError

    async with serving(node) as client:
        with pytest.raises(NotLeadingError):
            await cordon.cordon(client.guarded(lost), "node", by="m")
    assert methods == ["GET"]


async def test_a_pool_is_not_changed_after_a_read_in_which_the_lease_was_lost() -> None:
    methods: list[str] = []

    async def arm(request: web.Request) -> web.StreamResponse:
        methods.append(request.method)
        return web.json_response({"name": "src", "properties": {"count": 1}})

    def lost() -> None:
        raise NotLeadingError

    async with serving(arm) as client:
        pools = open_pools(
            CLUSTER,
            endpoint=client.credentials.server,
            cloud="public",
            on_request=lambda *_: None,
            before_change=lost,
        )
        try:
            with pytest.raises(NotLeadingError):
                await pools.update("src", {"count": 2}, tags={}, etag="")
            with pytest.raises(NotLeadingError):
                await pools.delete("src", etag="")
        finally:
            await pools.close()
    assert methods == ["GET"]


async def test_an_unreadable_token_is_an_error_of_the_request() -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response({})

    async def token() -> str:
        raise OSError("Too many open files")

    async with serving(answer) as client:
        object.__setattr__(client.credentials, "token", token)
        with pytest.raises(KubernetesError, match="Too many open files"):
            await client.request("GET", "/api")
