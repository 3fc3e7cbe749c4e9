"""One leader at a time; a process that has lost the Lease knows it."""

import asyncio
import dataclasses
from typing import Any

import pytest
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
        self.seconds = 0.0
        self.requests: list[str] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request.method)
        await asyncio.sleep(self.seconds)
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


async def test_slow_answers_do_not_end_a_leader() -> None:
    leases, lost = Leases(), asyncio.Event()
    async with serving(leases.answer) as client:
        leader = Elector(
            client, "ns", "azlm", "one", on_lost=lost.set, duration=3.0, renew_deadline=2.0,
            retry=0.4,
        )  # fmt: skip
        await leader.acquire()
        leases.seconds = 0.22
        leases.requests.clear()
        for _ in range(60):
            await asyncio.sleep(0.05)
            assert leader.held
        assert not lost.is_set()
        assert set(leases.requests) == {"PUT"}, "one write renews"
        await leader.release()


async def test_a_leader_whose_lease_was_touched_by_others_reads_it_again() -> None:
    leases, lost = Leases(), asyncio.Event()
    async with serving(leases.answer) as client:
        leader = elector(client, "one", lost)
        await leader.acquire()
        assert leases.lease is not None
        leases.version += 1
        leases.lease["metadata"] |= {"resourceVersion": str(leases.version), "labels": {"a": "b"}}
        await asyncio.sleep(0.8)
        assert leader.held
        assert leases.lease["metadata"]["labels"] == {"a": "b"}
        await leader.release()


async def test_an_unexpected_error_does_not_leave_a_zombie(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    leases, lost = Leases(), asyncio.Event()
    async with serving(leases.answer) as client:
        leader = elector(client, "one", lost)
        await leader.acquire()
        failing = True

        async def token() -> str:
            if failing:
                raise OSError("Too many open files")
            return ""

        monkeypatch.setattr(
            client, "credentials", dataclasses.replace(client.credentials, token=token)
        )
        await asyncio.sleep(0.2)
        failing = False
        await asyncio.sleep(0.8)
        assert leader.held, "it has survived"
        assert not lost.is_set()
        failing = True
        await asyncio.wait_for(lost.wait(), 10.0)
        await asyncio.sleep(0)
        assert leader.lost
        await leader.release()


async def test_a_defect_in_renewing_ends_the_leader(monkeypatch: pytest.MonkeyPatch) -> None:
    leases, lost = Leases(), asyncio.Event()
    async with serving(leases.answer) as client:
        leader = elector(client, "one", lost)
        await leader.acquire()
        monkeypatch.setattr(leader, "_lease", None)
        await asyncio.wait_for(lost.wait(), 10.0)
        assert not leader.held


async def test_of_two_that_ask_in_one_moment_one_leads() -> None:
    """Both have read the Lease before either writes it."""
    leases = Leases()
    async with serving(leases.answer) as client:
        for holder in ("", "gone"):
            leases.version += 1
            leases.lease = {
                "metadata": {"resourceVersion": str(leases.version)},
                "spec": {"holderIdentity": holder, "leaseDurationSeconds": 1},
            }
            leases.seconds = 0.05
            both = [elector(client, name) for name in ("one", "two")]
            asking = [asyncio.create_task(candidate.acquire()) for candidate in both]
            async with asyncio.timeout(10.0):
                await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
                for _ in range(20):
                    await asyncio.sleep(0.02)
                    assert sum(candidate.held for candidate in both) <= 1
            for task, candidate in zip(asking, both, strict=True):
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                await candidate.release()


async def test_a_renewal_counts_from_before_its_request() -> None:
    leases = Leases()
    async with serving(leases.answer) as client:
        leader = elector(client, "one")
        leases.seconds = 0.2
        began = asyncio.get_running_loop().time()
        await leader.acquire()
        assert leader._renewed < began + 0.25, "the last request alone takes 0.2 s"
        await leader.release()


async def test_the_holders_own_length_counts() -> None:
    leases = Leases()
    async with serving(leases.answer) as client:
        leases.lease = {
            "metadata": {"resourceVersion": "0"},
            "spec": {"holderIdentity": "slow", "leaseDurationSeconds": 3600},
        }
        waiting = asyncio.create_task(elector(client, "other").acquire())
        await asyncio.sleep(1.3)
        assert not waiting.done(), "1 s is the length of the Lease of the one who waits"
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


async def test_a_lease_that_is_given_back_names_nobody_and_changes_of_holder_are_counted() -> None:
    leases = Leases()
    async with serving(leases.answer) as client:
        for number, name in enumerate(("one", "two", "two", "one")):
            leader = elector(client, name)
            await leader.acquire()
            assert leases.lease is not None
            assert leases.lease["spec"]["holderIdentity"] == name
            assert leader.transitions == number
            await leader.release()
            assert leases.lease["spec"]["holderIdentity"] == ""


async def test_a_renewal_ends_when_the_lease_does() -> None:
    leases, lost = Leases(), asyncio.Event()
    async with serving(leases.answer) as client:
        leader = Elector(
            client, "ns", "azlm", "one", on_lost=lost.set, duration=2.0, renew_deadline=1.0,
            retry=0.1,
        )  # fmt: skip
        await leader.acquire()
        leases.seconds = 30.0
        began = asyncio.get_running_loop().time()
        await asyncio.wait_for(lost.wait(), 10.0)
        assert asyncio.get_running_loop().time() - began < 1.8, "1 s is the deadline"
        await leader.release()
