"""A server that answers one request after the other as it was told to, and keeps what was asked."""

from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass(frozen=True)
class Sent:
    """A request as it arrived."""

    method: str
    path: str
    content_type: str = ""
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Reply:
    """An answer; 200 with an empty object where nothing else is given."""

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


class Recorder:
    """Gives the answers in turn, and then Reply() for ever."""

    def __init__(self, *replies: Reply) -> None:
        self._replies = list(replies)
        self.requests: list[Sent] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """A handler for fake_apiserver.serving."""
        body = await request.json() if request.can_read_body else None
        content_type = request.content_type if body is not None else ""
        headers = dict(request.headers)
        self.requests.append(Sent(request.method, request.path, content_type, body, headers))
        reply = self._replies.pop(0) if self._replies else Reply()
        return web.json_response(reply.body, status=reply.status, headers=reply.headers)
