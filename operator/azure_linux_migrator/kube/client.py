"""One HTTP client for the Kubernetes API: plain requests, bytes in and out.

It uses aiohttp and not the `kubernetes` package, whose generated models cost seconds and gigabytes
on large lists. kube/credentials.py says how it connects.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import aiohttp
import msgspec

from azure_linux_migrator.errors import KubernetesError
from azure_linux_migrator.kube.credentials import Credentials, in_cluster

OnRequest = Callable[[str, str, float], None]
"""Called with the operation, the status code (`none`: no answer) and the seconds it took."""

CONNECTIONS = 200
JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"

T = TypeVar("T")


@dataclass
class Client:
    """A connection to one cluster. Every status of 400 and more is raised as KubernetesError, and
    every OSError too: of the connection, or of the file that holds the token."""

    credentials: Credentials
    _session: aiohttp.ClientSession
    _before_write: Callable[[], None] = lambda: None
    _on_request: OnRequest = lambda _operation, _code, _seconds: None

    @classmethod
    async def connect(cls, kubeconfig: str | None, context: str | None = None) -> "Client":
        """Connect by a kubeconfig, or as the pod's ServiceAccount; raises SettingsError."""
        if kubeconfig is None:
            credentials = in_cluster()
        else:
            from azure_linux_migrator.kube.kubeconfig import load

            credentials = await load(kubeconfig, context)
        connector = aiohttp.TCPConnector(limit=CONNECTIONS, ssl=credentials.tls())
        session = aiohttp.ClientSession(connector=connector, proxy=credentials.proxy)
        return cls(credentials, session)

    def guarded(self, before_write: Callable[[], None]) -> "Client":
        """The same connections; `before_write` is called right before each request that is not a
        GET, and prevents it by an exception."""
        return replace(self, _before_write=before_write)

    def observed(self, on_request: OnRequest) -> "Client":
        """The same connections; `on_request` is called for each request but watches."""
        return replace(self, _on_request=on_request)

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        content_type: str = JSON,
        timeout: float = 30.0,  # noqa: ASYNC109 - per request, turned into aiohttp's own
    ) -> bytes:
        """Send a request and return the answer's body. `timeout` in seconds."""
        began, code = time.monotonic(), "none"
        try:
            headers = await self._headers(content_type if body is not None else None)
            if method != "GET":
                self._before_write()
            async with self._session.request(
                method,
                self.credentials.server + path,
                params=query,
                data=None if body is None else msgspec.json.encode(body),
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=timeout),
            ) as response:
                content = await response.read()
                code = str(response.status)
                if response.status >= 400:
                    raise _error(response, content)
                return content
        except (aiohttp.ClientError, OSError) as error:
            raise _unreachable(method, path, error) from error
        finally:
            self._on_request(operation(method, path), code, time.monotonic() - began)

    async def json(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        """`request`, decoded."""
        return dict(msgspec.json.decode(await self.request(method, path, **more)))

    @asynccontextmanager
    async def stream(
        self, path: str, query: Mapping[str, str], *, silence: float
    ) -> AsyncIterator[aiohttp.StreamReader]:
        """A watch's body; ends with KubernetesError after `silence` seconds without a byte."""
        limits = aiohttp.ClientTimeout(total=None, sock_connect=30.0, sock_read=silence)
        try:
            async with self._session.get(
                self.credentials.server + path,
                params=query,
                headers=await self._headers(None),
                timeout=limits,
            ) as response:
                if response.status >= 400:
                    raise _error(response, await response.read())
                yield response.content
        except (aiohttp.ClientError, OSError) as error:
            raise _unreachable("GET", path, error) from error

    async def kopf_connection(self) -> dict[str, Any]:
        """Arguments of kopf.ConnectionInfo for the same identity."""
        token = await self.credentials.token()
        connection: dict[str, Any] = {
            "server": self.credentials.server,
            "ca_path": self.credentials.ca_file,
            "insecure": not self.credentials.verify,
            "certificate_path": self.credentials.certificate_file,
            "private_key_path": self.credentials.key_file,
            "proxy_url": self.credentials.proxy,
        }
        return connection | ({"scheme": "Bearer", "token": token} if token else {})

    async def _headers(self, content_type: str | None) -> dict[str, str]:
        headers = {"Accept": JSON, "User-Agent": "azlm"}
        if token := await self.credentials.token():
            headers["Authorization"] = f"Bearer {token}"
        if content_type:
            headers["Content-Type"] = content_type
        return headers


_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


async def all_answers(requests: Iterable[Awaitable[T]]) -> list[T]:
    """The answers of requests that are sent together. If some fail, all end first; raises the
    error whose Retry-After is the longest, so that none of them is repeated too early."""
    answers = await asyncio.gather(*requests, return_exceptions=True)
    errors = [answer for answer in answers if isinstance(answer, BaseException)]
    if errors:
        raise max(errors, key=_wait)
    return [answer for answer in answers if not isinstance(answer, BaseException)]


def _wait(error: BaseException) -> float:
    return error.delayed(0.0) if isinstance(error, KubernetesError) else math.inf


def operation(method: str, path: str) -> str:
    """A request without names, as RBAC has it: `patch nodes`, `create pods/eviction`."""
    parts = path.strip("/").split("/")
    parts = parts[2:] if parts[0] == "api" else parts[3:]
    if parts[:1] == ["namespaces"] and len(parts) > 2:
        parts = parts[2:]
    resource = "/".join(parts[0:1] + parts[2:3]) or "discovery"
    return f"{_VERBS.get(method) or ('get' if len(parts) > 1 else 'list')} {resource}"


def _error(response: aiohttp.ClientResponse, content: bytes) -> KubernetesError:
    try:
        body = msgspec.json.decode(content)
    except ValueError:
        body = {}
    if not isinstance(body, dict):
        body = {}
    text = str(body.get("message") or content[:500].decode(errors="replace").strip())
    delay = response.headers.get("Retry-After", "")
    return KubernetesError(
        response.status,
        text or f"HTTP {response.status}",
        body=body,
        retry_after=float(delay) if delay.isdecimal() else None,
    )


def _unreachable(method: str, path: str, error: Exception) -> KubernetesError:
    detail = str(error) or type(error).__name__
    return KubernetesError(0, f"no answer from the Kubernetes API to {method} {path}: {detail}")
