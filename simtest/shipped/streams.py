"""What the operator gets from the simulated API server: answers, and the bodies of watches on their
way."""

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator, Callable

import aiohttp

from azure_linux_migrator.simulator.kernel import Timer
from simtest.faults.operator_processes import WatchKind
from simtest.process import SimulatedProcess
from simtest.shipped.requests import Answer

BOOKMARK_SECONDS = 60.0
WATCHED: dict[WatchKind, str] = {
    "node": "/api/v1/nodes",
    "pod": "/api/v1/pods",
    "budget": "/apis/policy/v1/poddisruptionbudgets",
    "Deployment": "/apis/apps/v1/deployments",
    "ReplicaSet": "/apis/apps/v1/replicasets",
    "StatefulSet": "/apis/apps/v1/statefulsets",
    "DaemonSet": "/apis/apps/v1/daemonsets",
    "volume": "/api/v1/persistentvolumes",
    "attachment": "/apis/storage.k8s.io/v1/volumeattachments",
}
SPLIT = 0.05
"""How many chunks end within a line."""


class WatchStream:
    """One connection. Lines arrive in order, each after a delay and not before `held_until`."""

    def __init__(
        self,
        process: SimulatedProcess,
        rng: random.Random,
        delay: Callable[[], float],
        silence: float,
    ) -> None:
        self._process = process
        self._rng = rng
        self._delay = delay
        self._silence = silence
        self._under_way: deque[tuple[float, bytes]] = deque()
        self._arrived: deque[bytes] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._last_at = 0.0
        self._due: Timer | None = None
        self._error: Exception | None = None
        self._ended = False
        self.held_until = 0.0
        self.open = True
        """Whether the server still sends."""

    def send(self, line: bytes) -> None:
        """The server writes a line."""
        if not self.open:
            return
        at = max(self._process.now + self._delay(), self._last_at, self.held_until)
        self._last_at = at
        self._under_way.append((at, line))
        if self._due is None or not self._due.live:
            self._due = self._process.at(at, self._deliver)

    def end(self, error: Exception | None = None) -> None:
        """The connection ends; lines that are under way are lost if it is by an error."""
        if not self.open:
            return
        self.open = False
        self._error = error
        if error is not None:
            self._under_way.clear()
        at = max(self._process.now + self._delay(), self._last_at)
        self._process.at(at, self._end)

    def _end(self) -> None:
        self._ended = True
        self._wake()

    def _deliver(self) -> None:
        now, chunk = self._process.now, b""
        if now < self.held_until:
            self._due = self._process.at(self.held_until, self._deliver)
            return
        while self._under_way and self._under_way[0][0] <= now:
            chunk += self._under_way.popleft()[1]
        if chunk and self._rng.random() < SPLIT:
            at = self._rng.randrange(len(chunk))
            self._arrived.extend((chunk[:at], chunk[at:]))
        elif chunk:
            self._arrived.append(chunk)
        if self._under_way:
            self._due = self._process.at(self._under_way[0][0], self._deliver)
        if chunk:
            self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def iter_any(self) -> AsyncIterator[bytes]:
        """What has arrived, as it arrives (aiohttp.StreamReader.iter_any)."""
        while True:
            while self._arrived:
                chunk = self._arrived.popleft()
                if chunk:
                    yield chunk
            if self._ended:
                if self._error is not None:
                    raise self._error
                return
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(self._silence):
                    await self._waiter
            except TimeoutError:
                raise aiohttp.ServerTimeoutError("Timeout on reading data from socket") from None


class SimulatedResponse:
    """What kube/client.py needs of aiohttp.ClientResponse."""

    def __init__(self, answer: Answer, content: WatchStream | None = None) -> None:
        self.status = answer.status
        self.headers: dict[str, str] = {}
        if answer.retry_after is not None:
            self.headers["Retry-After"] = str(round(answer.retry_after))
        self._body = answer.body
        self.content = content

    async def read(self) -> bytes:
        """The body."""
        return self._body
