"""A TCP proxy in front of a server, which delays, cuts and drops what it passes on."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Self
from urllib.parse import urlsplit

CHUNK = 65_536


class Proxy:
    """Serves on 127.0.0.1 while entered, in a thread of its own; `url` leads through it."""

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        self._scheme, self._host, self._port = parts.scheme, str(parts.hostname), parts.port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None
        self.delay = 0.0
        """Seconds by which each piece is late, in both directions."""
        self.sent_at = 0.0
        """When a client sent something last, in seconds since the epoch; 0 for never."""
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._accept, "127.0.0.1", 0), self._loop
        ).result()
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"{self._scheme}://127.0.0.1:{port}"
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._connections):
            connection.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def cut(self) -> None:
        """Close all connections."""
        self._each(lambda connection: connection.close())

    def drop(self) -> None:
        """Lose everything on the connections that are open now, without closing them."""
        self._each(lambda connection: connection.lose())

    def _each(self, do: Callable[["_Connection"], None]) -> None:
        done = threading.Event()

        def run() -> None:
            for connection in tuple(self._connections):
                do(connection)
            done.set()

        self._loop.call_soon_threadsafe(run)
        done.wait(10)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            up = await asyncio.open_connection(self._host, self._port)
        except OSError:
            writer.close()
            return
        connection = _Connection((writer, up[1]))
        self._connections.add(connection)
        try:
            await asyncio.gather(
                self._pass_on(connection, reader, up[1], asked=True),
                self._pass_on(connection, up[0], writer, asked=False),
            )
        except asyncio.CancelledError:
            return  # the proxy closes; asyncio.streams would log a cancelled task as an error
        finally:
            self._connections.discard(connection)

    async def _pass_on(
        self,
        connection: "_Connection",
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        asked: bool,
    ) -> None:
        try:
            while content := await reader.read(CHUNK):
                if asked:
                    self.sent_at = time.time()
                if self.delay:
                    await asyncio.sleep(self.delay)
                if not connection.lost:
                    writer.write(content)
                    await writer.drain()
        except OSError:
            pass
        finally:
            if not connection.lost:
                connection.close()


class _Connection:
    """Both ends of one connection."""

    def __init__(self, writers: tuple[asyncio.StreamWriter, asyncio.StreamWriter]) -> None:
        self._writers = writers
        self.lost = False

    def lose(self) -> None:
        self.lost = True

    def close(self) -> None:
        for writer in self._writers:
            writer.close()
