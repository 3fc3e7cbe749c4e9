"""Azure Resource Manager on a loopback port: passes requests on with a token, and records them.

azlm and this program talk to it in plain HTTP, and so never hold a token. Others are refused, see
access.py.
"""

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any, Self

import aiohttp
from aiohttp import web
from azure.core.exceptions import AzureError

from testbed.azure.access import refusal
from testbed.azure.recording import Recording, subject_of
from testbed.control_plane import StartError

Token = Callable[[], Awaitable[str]]
ENDED = frozenset({"Succeeded", "Failed", "Canceled"})
_REQUEST_HEADERS = ("Accept", "Content-Type", "If-Match", "If-None-Match")
_DROPPED = frozenset(
    {"content-encoding", "content-length", "transfer-encoding", "connection", "date", "server"}
)


class ArmProxy:
    """Serves what is below the path `scope`, in a thread of its own while entered. Entering raises
    StartError if there is no token. With a recording, each operation that a request starts is
    followed to its end, every `poll_seconds`."""

    def __init__(
        self,
        upstream: str,
        *,
        scope: str,
        token: Token | None = None,
        recording: Recording | None = None,
        poll_seconds: float = 10.0,
    ) -> None:
        self._upstream = upstream
        self._scope = scope
        self._token = token
        self._recording = recording
        self._poll_seconds = poll_seconds
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._polls: set[asyncio.Task[None]] = set()
        self._requests: list[dict[str, Any]] = []
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self.url = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(90)
        except BaseException:
            self._end_loop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(30)
        self._end_loop()

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def requests(self) -> list[dict[str, Any]]:
        """Every request so far: at (seconds since the epoch), method, path, status."""
        return list(self._requests)

    async def _start(self) -> str:
        if self._token is not None:
            try:
                await self._token()
            except AzureError as error:
                raise StartError(f"no token for Azure: {error}; log in with: az login") from error
        self._session = aiohttp.ClientSession(auto_decompress=True)
        app = web.Application()
        app.add_routes([web.route("*", "/{path:.*}", self._pass_on)])
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def _stop(self) -> None:
        for poll in tuple(self._polls):
            poll.cancel()
        await asyncio.gather(*self._polls, return_exceptions=True)
        await self._runner.cleanup()
        await self._session.close()

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        if (reason := refusal(request, self._scope)) is not None:
            return _error(403, "RefusedByProxy", reason)
        entry = {"at": time.time(), "method": request.method, "path": request.path, "status": 0}
        self._requests.append(entry)
        headers = {
            name: request.headers[name] for name in _REQUEST_HEADERS if name in request.headers
        }
        body = await request.read()
        try:
            status, answered, text = await self._ask(
                request.method, self._upstream + request.path_qs, headers, body
            )
        except AzureError as error:
            entry["status"] = 503
            return _error(503, "NoToken", f"no token for Azure: {error}")
        except (aiohttp.ClientError, TimeoutError) as error:
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionResetError(str(error)) from error
        entry["status"] = status
        self._record(request.method, request.path_qs, body, status, answered, text)
        shown = {
            name: value.replace(self._upstream, self.url)
            for name, value in answered.items()
            if name.lower() not in _DROPPED
        }
        text = text.replace(self._upstream, self.url)
        return web.Response(status=status, headers=shown, body=text.encode() or None)

    async def _ask(
        self, method: str, url: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], str]:
        if self._token is not None:
            headers = headers | {"Authorization": f"Bearer {await self._token()}"}
        async with self._session.request(
            method, url, headers=headers, data=body or None, allow_redirects=False
        ) as answer:
            return answer.status, dict(answer.headers), await answer.text()

    def _record(
        self, method: str, path: str, body: bytes, status: int, headers: dict[str, str], text: str
    ) -> None:
        if self._recording is None:
            return
        url = self._upstream + path
        sent, received = _decoded(body.decode(errors="replace")), _decoded(text)
        self._recording.add(method, url, sent, status, headers, received)
        operation = headers.get("Azure-AsyncOperation", "")
        if operation.startswith(self._upstream) and method != "GET":
            poll = self._loop.create_task(self._follow(operation, subject_of(url)))
            self._polls.add(poll)
            poll.add_done_callback(self._polls.discard)

    async def _follow(self, url: str, subject: str) -> None:
        """Record an operation until it ends; azlm itself reads pools and not operations."""
        while self._recording is not None:
            try:
                status, headers, text = await self._ask("GET", url, {}, b"")
            except (aiohttp.ClientError, TimeoutError, AzureError):
                return
            body = _decoded(text)
            self._recording.add("GET", url, None, status, headers, body, subject=subject)
            if status != 200 or not isinstance(body, dict) or body.get("status") in ENDED:
                return
            await asyncio.sleep(self._poll_seconds)


def _decoded(text: str) -> Any:
    """A body as JSON; as text where it is none, such as a gateway's page of HTML."""
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status)
