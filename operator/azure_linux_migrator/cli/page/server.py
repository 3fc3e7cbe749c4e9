"""The server of the page: loopback only, behind a token in the URL, with one document, a stream of
server-sent events, and, where they are allowed, the actions.

A page of another origin can neither guess the token nor, by a name that it resolves to the
loopback address, pass the check of the Host header.
"""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress

from aiohttp import web

from azure_linux_migrator.cli.page.content import Json
from azure_linux_migrator.cli.page.document import document
from azure_linux_migrator.cli.page.feed import Feed
from azure_linux_migrator.cli.view.intents import ANNOTATIONS, ask, futile
from azure_linux_migrator.errors import KubernetesError

HOST = "127.0.0.1"
COALESCE_SECONDS = 0.2
"""Changes of so many seconds are sent together."""
ALIVE_SECONDS = 15.0
PART = 2_000
"""Pods of one message."""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class PageServer:
    """Serves one migration, or fixed `data`."""

    def __init__(self, title: str, *, feed: Feed | None = None, data: Json | None = None) -> None:
        self._document = document(title, data)
        self._feed = feed
        self._extra: Json = {}
        self._allow_actions = False
        self._closing = asyncio.Event()
        self.token = secrets.token_urlsafe(24)

    def allow_actions(self) -> None:
        """Accept the intents of the reader."""
        self._allow_actions = True

    def add_forecast(self, forecast: Json) -> None:
        """Show a forecast, as `azlm plan -o json` writes it, under what happens."""
        self._extra = {"forecast": forecast}

    @asynccontextmanager
    async def serving(self, port: int) -> AsyncIterator[str]:
        """Serve until the end of the block; gives the URL. 0 picks a free port."""
        application = web.Application(middlewares=[self._guard])
        application.router.add_get("/{token}/", self._page)
        application.router.add_get("/{token}/events", self._events)
        application.router.add_post("/{token}/{verb}", self._act)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            site = web.TCPSite(runner, HOST, port)
            await site.start()
            yield f"http://{HOST}:{runner.addresses[0][1]}/{self.token}/"
        finally:
            self._closing.set()
            await runner.cleanup()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        token = request.match_info.get("token", "")
        try:
            host = request.url.host
        except ValueError:
            host = None
        if host not in {HOST, "localhost"}:
            raise web.HTTPForbidden(text="this page is served to this machine only\n")
        if not secrets.compare_digest(token.encode(), self.token.encode()):
            raise web.HTTPNotFound(text="use the whole URL that azlm ui has printed\n")
        return await handler(request)

    async def _page(self, _: web.Request) -> web.Response:
        headers = {
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
        }
        return web.Response(text=self._document, content_type="text/html", headers=headers)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """All rows, then what changes, until the reader goes."""
        feed = self._feed
        if feed is None:
            raise web.HTTPNotFound
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        await response.prepare(request)
        # A reader that closes the page is no fault.
        with suppress(ConnectionResetError):
            await self._send(feed, response)
        return response

    async def _send(self, feed: Feed, response: web.StreamResponse) -> None:
        woken = asyncio.Event()
        shown: Json = {}
        extra = self._extra
        async with feed.reading(woken.set) as changes:
            while not self._closing.is_set():
                # What changes while this is sent wakes the next turn.
                woken.clear()
                head = feed.head()
                message: Json = {"now": time.time(), **extra}
                if head != shown:
                    message["head"] = shown = head
                rows = feed.rows(changes) if changes else {}
                for part in _parts(rows):
                    content = json.dumps(message | {"rows": part})
                    await response.write(f"data: {content}\n\n".encode())
                    message, extra = {"now": message["now"]}, {}
                await self._next(woken)

    async def _next(self, woken: asyncio.Event) -> None:
        """Until there is news, or a keep-alive is due."""
        waits = [asyncio.ensure_future(event.wait()) for event in (woken, self._closing)]
        try:
            await asyncio.wait(waits, timeout=ALIVE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if not self._closing.is_set():
            await asyncio.sleep(COALESCE_SECONDS)

    async def _act(self, request: web.Request) -> web.Response:
        """Set the annotation of an intent. The content type makes a browser ask before a page of
        another origin sends it, and it is never allowed to."""
        verb = request.match_info["verb"]
        if self._feed is None or verb not in ANNOTATIONS:
            raise web.HTTPNotFound
        if not self._allow_actions:
            raise web.HTTPForbidden(text="started without --allow-actions: the page only reads\n")
        if request.content_type != "application/json":
            raise web.HTTPUnsupportedMediaType
        if why := futile(self._feed.view, verb):
            raise web.HTTPConflict(text=why)
        try:
            await ask(self._feed.client, self._feed.view, verb)
        except KubernetesError as error:
            raise web.HTTPBadGateway(text=str(error)) from error
        return web.Response(text=f"{verb} is set; the operator records it within seconds")


def _parts(rows: Json) -> Iterator[Json]:
    """The rows in messages that a browser takes between two frames; at least one."""
    pods = list(rows.get("pods", {}).items())
    yield rows | {"pods": dict(pods[:PART])}
    for at in range(PART, len(pods), PART):
        yield {"pods": dict(pods[at : at + PART])}
