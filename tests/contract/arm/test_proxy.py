"""The proxy adds a token of the user's: for whom, for what, and what it does without one."""

import asyncio
import os
import subprocess
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from azure_linux_migrator.azure.identity import BY_NAME
from testbed.azure import cli_login
from testbed.azure.cli_login import CliLogin
from testbed.azure.proxy import ArmProxy, Token
from testbed.azure.recording import Recording
from testbed.azure.redaction import Redaction
from testbed.control_plane import StartError

SUBSCRIPTION = "5f3c1a7e-90ab-4c1d-8e2f-aabbccddeeff"
SCOPE = f"/subscriptions/{SUBSCRIPTION}/"
PAGE = "<html>Bad gateway</html>"
GET = """
import sys, urllib.error, urllib.request
try:
    print(urllib.request.urlopen(sys.argv[1], timeout=10).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""


class Upstream:
    """Counts what arrives in the place of Azure Resource Manager."""

    def __init__(self) -> None:
        self.url = ""
        self.paths: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        """A gateway's page below /broken, a list otherwise."""
        self.paths.append(request.raw_path)
        if request.path.endswith("/broken"):
            return web.Response(status=502, text=PAGE, content_type="text/html")
        return web.json_response({"value": []})


@asynccontextmanager
async def proxied(
    token: Token | None = None, recording: Recording | None = None
) -> AsyncIterator[tuple[Upstream, ArmProxy]]:
    upstream = Upstream()
    app = web.Application()
    app.add_routes([web.route("*", "/{path:.*}", upstream.answer)])
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        upstream.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        proxy = ArmProxy(upstream.url, scope=SCOPE, token=token, recording=recording)
        await asyncio.to_thread(proxy.__enter__)
        try:
            yield upstream, proxy
        finally:
            await asyncio.to_thread(proxy.__exit__, None, None, None)
    finally:
        await runner.cleanup()


async def asked(proxy: ArmProxy, target: str, host: str = "") -> int:
    """The status of a request, whose target is sent as it is."""
    address = proxy.url.removeprefix("http://")
    reader, writer = await asyncio.open_connection(*address.split(":"))
    head = f"GET {target} HTTP/1.1\r\nHost: {host or address}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode())
    line = await reader.readline()
    writer.close()
    return int(line.split()[1])


@pytest.mark.parametrize(
    ("target", "host", "status"),
    [
        (f"{SCOPE}resourceGroups/a?x=1", "", 200),
        (f"{SCOPE.upper()}resourceGroups/a", "", 200),
        (f"{SCOPE}resourceGroups/a", "evil.example", 403),
        (f"{SCOPE}resourceGroups/a", "127.0.0.1:1", 403),
        ("/subscriptions/0bb44895-38a9-4e31-af9f-a9732e1bb6f6/resourceGroups/prod", "", 403),
        (f"{SCOPE}../0bb44895-38a9-4e31-af9f-a9732e1bb6f6/resourceGroups/prod", "", 403),
        (f"{SCOPE}%2e%2e/0bb44895-38a9-4e31-af9f-a9732e1bb6f6/resourceGroups/prod", "", 403),
        (f"{SCOPE}..%5c0bb44895-38a9-4e31-af9f-a9732e1bb6f6/resourceGroups/prod", "", 403),
        ("/providers/Microsoft.Management/managementGroups/root", "", 403),
    ],
)
async def test_only_its_subscription_and_its_own_host_are_passed_on(
    target: str, host: str, status: int
) -> None:
    async with proxied() as (upstream, proxy):
        assert await asked(proxy, target, host) == status
        assert len(upstream.paths) == len(proxy.requests()) == (status == 200)


@pytest.mark.skipif(os.getuid() != 0, reason="only root starts a process of another user")
async def test_another_user_of_the_machine_is_refused() -> None:
    def get(url: str, user: int) -> str:
        command = ["/usr/bin/env", "python3", "-c", GET, url]
        return subprocess.run(
            command, user=user, capture_output=True, text=True, check=True
        ).stdout.strip()

    async with proxied() as (upstream, proxy):
        url = f"{proxy.url}{SCOPE}resourceGroups/a"
        assert await asyncio.to_thread(get, url, 65534) == "403"
        assert upstream.paths == []
        assert await asyncio.to_thread(get, url, 0) == "200"


@pytest.mark.parametrize("recorded", [False, True])
async def test_a_page_of_a_gateway_is_passed_on_and_recorded_as_text(
    recorded: bool, tmp_path: Path
) -> None:
    recording = Recording(Redaction({})) if recorded else None
    async with proxied(recording=recording) as (_, proxy):
        assert await asked(proxy, f"{SCOPE}broken") == 502
    if recording is not None:
        [file] = recording.write(tmp_path, "a test")
        assert PAGE in file.read_text()


@pytest.fixture
def az(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An `az` that is logged in while the file `login` beside it exists; `calls` has its flags."""
    program = tmp_path / "az"
    program.write_text(
        f"""#!/bin/sh
cd {tmp_path}
echo "$@" >> calls
test -f login || {{ echo "ERROR: Please run 'az login' to setup account." >&2; exit 1; }}
printf '{{"accessToken": "t%s", "expires_on": %s}}' "$(wc -l < calls)" "$(cat login)"
"""
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def calls(az: Path) -> list[str]:
    return (az / "calls").read_text().splitlines()


async def test_the_cli_is_asked_once_for_a_token_of_the_subscription(az: Path) -> None:
    (az / "login").write_text(str(int(time.time()) + 3600))
    login = CliLogin(BY_NAME["public"], SUBSCRIPTION)
    assert set(await asyncio.gather(login.token(), login.token())) == {"t1"}
    [call] = calls(az)
    assert f"--subscription {SUBSCRIPTION}" in call


async def test_a_token_is_replaced_before_it_expires(az: Path) -> None:
    (az / "login").write_text(str(int(time.time()) + cli_login.SPARE_SECONDS - 10))
    login = CliLogin(BY_NAME["public"], SUBSCRIPTION)
    assert [await login.token(), await login.token()] == ["t1", "t2"]


async def test_without_a_login_nothing_starts(az: Path) -> None:
    login = CliLogin(BY_NAME["public"], SUBSCRIPTION)
    threads = threading.active_count()
    proxy = ArmProxy("http://127.0.0.1:9", scope=SCOPE, token=login.token)
    with pytest.raises(StartError, match="log in with: az login"):
        await asyncio.to_thread(proxy.__enter__)
    assert not proxy._thread.is_alive()
    deadline = time.monotonic() + 10.0
    while threading.active_count() > threads + 1 and time.monotonic() < deadline:  # noqa: ASYNC110 - a thread tells no event
        await asyncio.sleep(0.05)  # the one that waits for az ends a moment after it
    assert threading.active_count() <= threads + 1, "but for the pool's of this test"


async def test_a_login_that_ends_later_is_reported_to_the_client(az: Path) -> None:
    (az / "login").write_text("0")
    login = CliLogin(BY_NAME["public"], SUBSCRIPTION)
    async with proxied(login.token) as (upstream, proxy):
        (az / "login").unlink()
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{proxy.url}{SCOPE}x") as answer,
        ):
            body = await answer.json()
        assert answer.status == 503
        assert "az login" in body["error"]["message"]
        assert upstream.paths == []
        assert [entry["status"] for entry in proxy.requests()] == [503]
