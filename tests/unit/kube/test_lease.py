"""One leader at a time; a process that has lost the Lease knows it."""

import asyncio
from typing import Any

from aiohttp import web

from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.kube.lease import Elector
from tests.support.fake_apiserver import serving


class Leases:
    """A Lease with compare-and-swap, and a switch that makes it unreachable."""

    def __init__(self) -> None:
        self.lease: dict[str, Any] | None = None
        self.version = 0
        self.down = False

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if self.down:
            return web.json_response({"message": "down"}, status=503)
        if request.method == "GET":
            if self.lease is None:
                return web.json_response({"message": "no"}, status=404)
            return web.json_response(self.lease)
        body = await request.json()
        if request.method == "PUT" and body["metadata"]["resourceVersion"] != str(self.version):
            return web.json_response({"message": "conflict"}, status=409)
        self.version += 1
        body["metadata"]["resourceVersion"] = str(self.version)
        self.lease = body
        return web.json_response(body)


def elector(client: Client, identity: str, lost: asyncio.Event | None = None) -> Elector:
    return Elector(
        client,
        "ns",
        "azlm",
        identity,
        on_lost=lost.set if lost else lambda: None,
        duration=1.0,
        renew_deadline=0.5,
        retry=0.05,
    )


async def test_the_second_waits_and_follows_a_release_at_once() -> None:
    leases = Leases()
    async with serving(leases.answer) as client:
        first, second = elector(client, "one"), elector(client, "two")
        await first.acquire()
        waiting = asyncio.create_task(second.acquire())
        await asyncio.sleep(0.3)
        assert [elector.held for elector in (first, second)] == [True, False]
        await first.release()
        await asyncio.wait_for(waiting, 10.0)
        assert [elector.held for elector in (first, second)] == [False, True]
        await second.release()


async def test_a_dead_holder_is_followed_after_the_lease_and_its_restart_at_once() -> None:
    leases = Leases()
    async with serving(leases.answer) as client:
        leases.lease = {
            "metadata": {"resourceVersion": "0"},
            "spec": {"holderIdentity": "dead", "leaseDurationSeconds": 1},
        }
        other = elector(client, "other")
        began = asyncio.get_running_loop().time()
        await asyncio.wait_for(other.acquire(), 10.0)
        assert asyncio.get_running_loop().time() - began > 0.9
        await other.release()
        leases.lease["spec"] |= {"holderIdentity": "dead", "leaseDurationSeconds": 3600}
        again = elector(client, "dead")
        await asyncio.wait_for(again.acquire(), 10.0)
        await again.release()


async def test_a_leader_that_cannot_renew_fences_itself() -> None:
    leases, lost = Leases(), asyncio.Event()
    async with serving(leases.answer) as client:
        leader = elector(client, "one", lost)
        await leader.acquire()
        leases.down = True
        await asyncio.wait_for(lost.wait(), 10.0)
        assert not leader.held
        await leader.release()
