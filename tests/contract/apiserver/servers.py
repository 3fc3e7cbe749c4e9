"""The real and the simulated API server, for the same requests."""

import json
from collections import deque
from collections.abc import AsyncGenerator

from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.kube.client import JSON, Client
from simtest.shipped.api_server import SimulatedApiServer
from simtest.shipped.requests import Answer, Request
from tests.contract.apiserver import exchanges
from tests.contract.apiserver.exchanges import Manifest

SILENCE = 30.0


class RealServer:
    """The control plane, as admin."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def ask(
        self, method: str, path: str, *, body: object = None, kind: str = JSON, **query: str
    ) -> tuple[int, Manifest]:
        """The answer; a success of a creation is 201, as apiservers say."""
        try:
            content = await self._client.request(
                method, path, query=query or None, body=body, content_type=kind
            )
        except KubernetesError as error:
            return error.status, error.body
        return 201 if method == "POST" else 200, exchanges.shown(content)

    async def watch(self, path: str, **query: str) -> AsyncGenerator[Manifest, None]:
        """The events of a watch, as they come."""
        rest = b""
        whole = {"watch": "true"} | query
        async with self._client.stream(path, whole, silence=SILENCE) as content:
            async for chunk in content.iter_any():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    yield json.loads(line)


class SimulatedServer:
    """The simulated one; time passes only between requests, where a test wants it."""

    def __init__(self, server: SimulatedApiServer) -> None:
        self._server = server

    async def ask(
        self, method: str, path: str, *, body: object = None, kind: str = JSON, **query: str
    ) -> tuple[int, Manifest]:
        """The answer."""
        content = b"" if body is None else json.dumps(body).encode()
        answer = self._server.answer(Request(method, path, query, content, kind))
        return answer.status, exchanges.shown(answer.body)

    async def watch(self, path: str, **query: str) -> AsyncGenerator[Manifest, None]:
        """The events of a watch; it ends when there is nothing more to tell."""
        lines: deque[bytes] = deque()
        begun = self._server.watch(Request("GET", path, {"watch": "true"} | query), lines.append)
        if isinstance(begun, Answer):
            raise KubernetesError(begun.status, "the watch is refused")
        lines.extendleft(reversed(begun))
        while lines:
            yield json.loads(lines.popleft())
