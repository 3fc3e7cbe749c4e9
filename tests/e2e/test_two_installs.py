"""Two installs in two namespaces: the second one waits, and says for whom."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from azure_linux_migrator.controller import leadership
from azure_linux_migrator.controller.leadership import LEASE, Leadership
from azure_linux_migrator.controller.metrics import Telemetry
from azure_linux_migrator.controller.process import Operator
from azure_linux_migrator.controller.settings import Settings
from azure_linux_migrator.kube.client import Client
from azure_linux_migrator.kube.cluster_watch import ClusterWatch
from azure_linux_migrator.kube.lease import Elector
from azure_linux_migrator.kube.other_installs import leading_elsewhere
from testbed.control_plane import ControlPlane
from testbed.kubectl import kubectl

pytestmark = pytest.mark.cluster


@pytest.fixture
async def admin(control_plane: ControlPlane) -> AsyncIterator[Client]:
    plane = control_plane.kubeconfig
    kubectl(plane, "create", "namespace", "second", check=False)
    client = await Client.connect(str(control_plane.kubeconfig))
    yield client
    await client.close()
    await asyncio.sleep(0.25)  # docs.aiohttp.org/en/stable/client_advanced.html#graceful-shutdown
    kubectl(plane, "delete", "lease", "azlm", "-n", "second", "--ignore-not-found")


def elector(client: Client, namespace: str, identity: str) -> Elector:
    return Elector(
        client, namespace, LEASE, identity, on_lost=lambda: None, duration=3.0,
        renew_deadline=2.0, retry=0.5,
    )  # fmt: skip


async def test_the_second_install_waits_for_the_first(
    control_plane: ControlPlane,
    admin: Client,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(leadership, "OTHER_INSTALL_SECONDS", 0.2)
    caplog.set_level(logging.ERROR)
    config = control_plane.service_account_kubeconfig("azlm-system", "azlm")
    account = await Client.connect(str(config))
    first = elector(admin, "second", "first")
    await first.acquire()
    operator = Operator(Settings(), account, ClusterWatch(account), Telemetry())
    mine = elector(account, "azlm-system", "mine")
    leading = operator.leadership = Leadership(account, operator.settings, mine)
    preparing = asyncio.create_task(leading.gain())
    try:
        async with asyncio.timeout(10):
            while not leading.elsewhere:  # noqa: ASYNC110 - there is no event for it
                await asyncio.sleep(0.05)
        assert "another azlm leads in namespace second" in str(operator.ready())
        assert not preparing.done()
        await first.release()
        await asyncio.wait_for(preparing, 20)
        assert mine.held
        assert operator.ready() is None
        assert "remove that one or the one in azlm-system" in caplog.text
    finally:
        preparing.cancel()
        await asyncio.gather(preparing, return_exceptions=True)
        await mine.release()
        await account.close()


async def test_an_install_that_is_dead_is_none(control_plane: ControlPlane, admin: Client) -> None:
    dead = elector(admin, "second", "dead")
    await dead.acquire()
    assert dead._task is not None
    dead._task.cancel()
    assert await leading_elsewhere(admin, "azlm-system", LEASE) == ""
    assert await leading_elsewhere(admin, "second", LEASE) == ""
