"""One process leads in a cluster: of two replicas, and of two installs."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from aiohttp import web

from azure_linux_migrator.controller import leadership
from azure_linux_migrator.controller.leadership import LEASE, Leadership
from azure_linux_migrator.controller.process import serve
from azure_linux_migrator.controller.settings import Settings
from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.kube.lease import Elector
from tests.support.fake_apiserver import serving


class LeaseCluster:
    """Leases by namespace, with compare-and-swap, and no migrations."""

    def __init__(self) -> None:
        self.leases: dict[str, dict[str, Any]] = {}
        self.version = 0
        self.watched = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        parts = request.path.split("/")
        if "leases" not in parts:
            self.watched += "watch" in request.query
            return web.json_response({"metadata": {"resourceVersion": "1"}, "items": []})
        if "namespaces" not in parts:
            return web.json_response({"items": list(self.leases.values())})
        namespace = parts[parts.index("namespaces") + 1]
        lease = self.leases.get(namespace)
        if request.method == "GET":
            if lease is None:
                return web.json_response({"message": "not found"}, status=404)
            return web.json_response(lease)
        body = await request.json()
        if request.method == "POST" and lease is not None:
            return web.json_response({"message": "exists"}, status=409)
        if request.method == "PUT" and (
            lease is None
            or body["metadata"]["resourceVersion"] != lease["metadata"]["resourceVersion"]
        ):
            return web.json_response({"message": "conflict"}, status=409)
        self.version += 1
        body["metadata"] |= {"resourceVersion": str(self.version), "namespace": namespace}
        self.leases[namespace] = body
        return web.json_response(body)

    def holder(self, namespace: str) -> str:
        """Who holds the Lease of a namespace; empty for nobody."""
        spec = self.leases.get(namespace, {}).get("spec") or {}
        return str(spec.get("holderIdentity") or "")

    def hold(self, namespace: str, holder: str) -> None:
        """Somebody holds the Lease, and renews it now."""
        self.version += 1
        self.leases[namespace] = {
            "metadata": {
                "name": LEASE,
                "namespace": namespace,
                "resourceVersion": str(self.version),
            },
            "spec": {"holderIdentity": holder, "leaseDurationSeconds": 2},
        }


def _install(client: Client, namespace: str, identity: str) -> Leadership:
    elector = Elector(
        client,
        namespace,
        LEASE,
        identity,
        on_lost=lambda: None,
        duration=2.0,
        renew_deadline=1.5,
        retry=0.1,
    )
    return Leadership(client, Settings(namespace=namespace), elector)


async def _end(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_two_leaders_on_one_cluster_are_never_at_work_at_once() -> None:
    cluster = LeaseCluster()
    async with serving(cluster.answer) as client:
        both = [_install(client, "azlm-system", name) for name in ("one", "two")]
        gaining = [asyncio.create_task(leader.gain()) for leader in both]
        async with asyncio.timeout(20):
            await asyncio.wait(gaining, return_when=asyncio.FIRST_COMPLETED)
        assert sum(leader.held for leader in both) == 1
        first = next(leader for leader in both if leader.held)
        (other,) = (leader for leader in both if leader is not first)
        for _ in range(10):
            await asyncio.sleep(0.05)
            assert (first.held, other.held) == (True, False)
        await first.give_up()
        async with asyncio.timeout(20):
            await asyncio.gather(*gaining)
        assert (first.held, other.held) == (False, True)
        await other.give_up()


async def test_an_install_waits_while_another_one_renews_its_lease(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(leadership, "OTHER_INSTALL_SECONDS", 0.1)
    cluster = LeaseCluster()
    cluster.hold("other", "them")
    async with serving(cluster.answer) as client:
        mine = _install(client, "azlm-system", "mine")
        gaining = asyncio.create_task(mine.gain())
        for _ in range(30):
            await asyncio.sleep(0.1)
            cluster.hold("other", "them")
        assert not gaining.done()
        assert "another azlm leads in namespace other" in str(mine.refusal())
        cluster.hold("other", "")
        async with asyncio.timeout(20):
            await gaining
        assert mine.held
        assert mine.refusal() is None
        await mine.give_up()


async def test_an_install_that_begins_in_the_same_moment_makes_this_one_step_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is not there at the first look, and is at the second, after the Lease was taken."""
    monkeypatch.setattr(leadership, "OTHER_INSTALL_SECONDS", 0.1)
    cluster = LeaseCluster()
    async with serving(cluster.answer) as client:
        mine = _install(client, "azlm-system", "mine")
        acquire = mine._elector.acquire

        async def late() -> None:
            await acquire()
            cluster.hold("other", "them")

        monkeypatch.setattr(mine._elector, "acquire", late)
        gaining = asyncio.create_task(mine.gain())
        async with asyncio.timeout(30):
            while cluster.holder("azlm-system") != "mine":  # noqa: ASYNC110 - the server holds it
                await asyncio.sleep(0.05)
            while cluster.holder("azlm-system") == "mine":
                await asyncio.sleep(0.1)
                if "other" in cluster.leases:
                    cluster.hold("other", "them")
        assert not gaining.done()
        await _end(gaining)


async def _probe(port: int, path: str) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/{path}") as answer,
    ):
        return answer.status, await answer.text()


async def test_a_process_that_waits_for_the_lease_serves_its_probes_and_ends_when_told(
    tmp_path: Path, unused_tcp_port: int
) -> None:
    cluster = LeaseCluster()
    cluster.hold("azlm-system", "leader")
    async with serving(cluster.answer) as client:
        kubeconfig = tmp_path / "config"
        contexts = [{"name": "c", "context": {"cluster": "c", "user": "u"}}]
        kubeconfig.write_text(
            yaml.safe_dump(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "c",
                    "clusters": [{"name": "c", "cluster": {"server": client.credentials.server}}],
                    "users": [{"name": "u", "user": {}}],
                    "contexts": contexts,
                }
            )
        )
        settings = Settings(
            kubeconfig=str(kubeconfig), metrics_port=unused_tcp_port, identity="standby"
        )
        answers: dict[str, tuple[int, str]] = {}

        async def watch() -> None:
            for _ in range(10):
                await asyncio.sleep(0.1)
                cluster.hold("azlm-system", "leader")
            for path in ("healthz", "readyz", "metrics"):
                answers[path] = await _probe(unused_tcp_port, path)

        async with asyncio.timeout(30):
            await serve(settings, until=watch)
    assert answers["healthz"] == answers["readyz"] == (200, "ok")
    assert "azlm_leader 0.0" in answers["metrics"][1]
    assert cluster.leases["azlm-system"]["spec"]["holderIdentity"] == "leader"
    assert cluster.watched == 0, "a standby watches nothing"
